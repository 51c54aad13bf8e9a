/* SPDX-License-Identifier: MIT */
#include "store/backfill.h"

#include <string.h>

#include "store/port.h"
#include "store/subscription.h"

/*
 * The owner's side: asks for pages, hands them out, and leaves as soon as the ring has the next
 * event.
 */

struct backfill *
backfill_open(struct reprise_subscription *subscription)
{
	struct backfill *const backfill =
		memory_take(&subscription->store->memory, sizeof(*backfill));

	if (backfill == NULL)
		return NULL;
	atomic_init(&backfill->state, BACKFILL_IDLE);
	backfill->ended = UINT64_MAX;
	backfill->subscription = subscription;
	backfill->store = subscription->store;
	backfill->staging_bytes = subscription->staging_bytes;
	memcpy(backfill->session_id, subscription->at.session_id, sizeof(backfill->session_id));
	return backfill;
}

void
backfill_close(struct backfill *backfill)
{
	struct store_port *const port = backfill->store->port;

	port->orphan(port, backfill);
}

static bool
is_same_life(const struct reprise_incarnation *a, const struct reprise_incarnation *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static void
ask(struct reprise_subscription *subscription, reprise_position after)
{
	struct backfill *const backfill = subscription->backfill;
	struct store_port *const port = subscription->store->port;
	const struct backfill_known *const left = &backfill->left;

	backfill->question.incarnation = subscription->at.incarnation;
	backfill->question.recorded =
		is_same_life(&left->incarnation, &subscription->at.incarnation) ? left->through : 0;
	backfill->question.after = after;
	backfill->question.is_bound = subscription_is_bound(subscription);
	backfill->question.is_replay = subscription->is_replay;
	backfill->question.is_continuous = subscription->is_continuous;
	backfill->question.is_end_told = subscription->is_end_told;
	backfill->session = subscription->session;
	port->ask(port, backfill);
}

static void
begin(struct reprise_subscription *subscription)
{
	subscription->stage = STAGE_HEALING;
	subscription->staging = subscription->stretch;
	subscription->stretch.count = 0;
	subscription->is_overtaken = false;
	subscription->page = NULL;
}

void
backfill_begin(struct reprise_subscription *subscription)
{
	begin(subscription);
	ask(subscription, subscription->at.position);
}

void
backfill_judge(struct reprise_subscription *subscription)
{
	struct backfill *const backfill = subscription->backfill;

	begin(subscription);
	backfill->question.place = subscription->is_placed && !subscription_is_bound(subscription)
					   ? PLACE_REVISION
					   : PLACE_AFTER;
	backfill->question.is_judged = true;
	backfill->question.is_judged_by_durable = subscription->is_judged_by_durable;
	backfill->question.revision = subscription->at.revision;
	backfill->question.durable_revision = subscription->durable_revision;
	ask(subscription, subscription->at.position);
}

void
backfill_go_on(struct reprise_subscription *subscription, enum backfill_place place)
{
	struct backfill *const backfill = subscription->backfill;
	struct store_port *const port = subscription->store->port;

	/* Before it leaves the window: from here on nobody rings it there. */
	port->cancel(port, backfill);
	if (subscription_is_bound(subscription)) {
		/* The word only grows: an old value knows less, and promises nothing. */
		backfill->left = (struct backfill_known){
			.incarnation = subscription->session->incarnation,
			.through = load_relaxed(&subscription->session->recorded),
		};
		subscription_move(subscription, subscription_hold_lobby(subscription->store), NULL);
	}
	subscription->gives_up = false;
	begin(subscription);
	backfill->question.place = place;
	backfill->question.is_judged = backfill->question.is_judged_by_durable = false;
	backfill->question.revision = subscription->at.revision;
	ask(subscription, subscription->at.position);
}

void
backfill_move(struct reprise_subscription *subscription, struct reprise_session *heir,
	      struct block *staging)
{
	struct store_port *const port = subscription->store->port;

	/*
	 * Before the subscription leaves the window, as above. The page's rest is asked for again.
	 */
	port->cancel(port, subscription->backfill);
	subscription_move(subscription, heir, staging);
	begin(subscription);
}

/* The ring has what comes next. */
static void
end(struct reprise_subscription *subscription)
{
	struct store_port *const port = subscription->store->port;

	port->cancel(port, subscription->backfill);
	subscription->stage = STAGE_FOLLOWING;
	subscription->stretch = subscription->staging;
	subscription->stretch.count = 0;
	subscription->page = NULL;
}

/* As much of the page as a replay may see. */
static void
take_page(struct reprise_subscription *subscription, struct backfill_page *page)
{
	const struct backfill_records *const records = &page->records;
	const uint64_t until = subscription->until;

	subscription->page = page;
	subscription->stretch = (struct stretch){
		.places = records->places,
		.bytes = records->bytes,
		.next = records->bytes,
		.first = records->first,
		.count = until < records->first ? 0
						: least(records->count, until - records->first + 1),
	};
}

/* The page that was asked for is there: it is in hand now, and the next one asked for. */
static void
turn_page(struct reprise_subscription *subscription)
{
	struct backfill *const backfill = subscription->backfill;
	struct backfill_page *const page = &backfill->pages[backfill->filling];

	backfill->question.is_judged = backfill->question.is_judged_by_durable = false;
	backfill->question.place = PLACE_AFTER;
	backfill->filling ^= 1;
	backfill->is_in_last_life = page->is_of_last_life;
	backfill->ended = page->ended;
	backfill->status = page->status;
	store_relaxed(&backfill->state, BACKFILL_IDLE);
	if (subscription->is_replay && subscription->until == UINT64_MAX)
		subscription->until = page->head;
	take_page(subscription, page);
	if (page->tail == TAIL_MORE && page->records.count > 0)
		ask(subscription, page->records.first + page->records.count - 1);
}

/* Whether its window has what comes next. */
static bool
is_in_ring(const struct reprise_subscription *subscription)
{
	return subscription_is_bound(subscription) &&
	       subscription->at.position + 1 >= subscription_look(subscription).kept;
}

/* A replay has come as far as it goes. The session's end is told before the replay's. */
static reprise_outcome
end_replay(struct reprise_subscription *subscription)
{
	const struct backfill *const backfill = subscription->backfill;

	/* The window knows best whether the session has ended. */
	if (subscription_is_bound(subscription)) {
		end(subscription);
		return REPRISE_NEXT_EMPTY;
	}
	if (backfill->is_in_last_life && subscription->at.position == backfill->ended)
		return subscription_be_over(subscription, REPRISE_END_SESSION, backfill->status);
	return subscription_be_over(subscription, REPRISE_END_REPLAY, 0);
}

/* Whether the page in hand tells of something that comes after a replay's last position. */
static bool
has_later_entries(const struct reprise_subscription *subscription)
{
	const struct backfill_page *const page = subscription->page;

	return page != NULL &&
	       (page->tail == TAIL_GAP ||
		(page->records.count > 0 && page->records.first > subscription->until));
}

/*
 * Whether a replay has handed out its last position, and the session's end may be in a later life,
 * which has no events (rule L41).
 */
static bool
may_end_later(const struct reprise_subscription *subscription)
{
	const struct backfill *const backfill = subscription->backfill;
	const uint64_t position = subscription->at.position;

	/* The window knows. */
	if (subscription->page != NULL && subscription->page->tail == TAIL_BOUND)
		return true;
	if (backfill->is_in_last_life || has_later_entries(subscription))
		return false;
	return position == backfill->ended ||
	       (subscription->has_end && position == subscription->until);
}

static bool
is_at_end(const struct reprise_subscription *subscription)
{
	return subscription->at.position >= subscription->until &&
	       (subscription_is_bound(subscription) || !may_end_later(subscription));
}

static void
pass_to_life(struct reprise_subscription *subscription, const struct reprise_incarnation *life)
{
	subscription->at.incarnation = *life;
	subscription->is_end_told = false;
}

/* The cursor is no good, for what the page says. */
static void
be_refused(struct reprise_subscription *subscription)
{
	const struct backfill_page *const page = subscription->page;

	subscription->stage = STAGE_REFUSED;
	subscription->refusal = page->detail;
	subscription->backfill->newest_at_refusal = page->newest;
	subscription->diverged_end = page->tail_last;
	/* A continuous one may go on in its window. */
	subscription->stretch = subscription->staging;
	subscription->stretch.count = 0;
	subscription->page = NULL;
}

/*
 * The page's records are handed out. Now its tail counts: true and an outcome, or false to go on
 * without the page.
 */
static bool
look_at_tail(struct reprise_subscription *subscription, reprise_outcome *ret_outcome)
{
	struct backfill_page *const page = subscription->page;

	switch (page->tail) {
	case TAIL_MORE:
		break;
	case TAIL_GAP:
		*ret_outcome = REPRISE_NEXT_GAP;
		return true;
	case TAIL_LIFE:
		if (!page->is_clean) {
			*ret_outcome = REPRISE_NEXT_GAP;
			return true;
		}
		pass_to_life(subscription, &page->incarnation);
		break;
	case TAIL_BOUND:
		page->is_taken = true;
		subscription_move(subscription, page->session, page->block);
		/*
		 * The page's stretch is empty. The new window's stretch goes to `staging`, its
		 * place while a page is in hand.
		 */
		subscription->staging = subscription->stretch;
		break;
	case TAIL_ENDED:
		*ret_outcome =
			subscription_be_over(subscription, REPRISE_END_SESSION, page->status);
		return true;
	case TAIL_REFUSED:
		be_refused(subscription);
		*ret_outcome = REPRISE_NEXT_GAP;
		return true;
	case TAIL_NOTHING:
		/* In the window the rest is to be had; else there is nothing to go on with. */
		if (subscription_is_bound(subscription) && !is_in_ring(subscription)) {
			subscription->gives_up = true;
			end(subscription);
			return true;
		}
		break;
	case TAIL_OVER:
		*ret_outcome = end_replay(subscription);
		return true;
	case TAIL_PLACED:
		pass_to_life(subscription, &page->incarnation);
		subscription->at.position = page->tail_first;
		break;
	}
	subscription->page = NULL;
	return false;
}

reprise_outcome
backfill_advance(struct reprise_subscription *subscription)
{
	struct backfill *const backfill = subscription->backfill;
	reprise_outcome outcome = REPRISE_NEXT_EMPTY;

	for (;;) {
		if (subscription->page != NULL) {
			if (subscription_look_at_stretch(subscription, &outcome))
				return outcome;
			/* The refusal of a cursor comes first. */
			if (subscription->page->tail != TAIL_REFUSED && is_at_end(subscription))
				return end_replay(subscription);
			if (look_at_tail(subscription, &outcome))
				return outcome;
		}
		/* Not before the cursor was judged, for which the log is asked. */
		if (!backfill->question.is_judged && is_in_ring(subscription)) {
			end(subscription);
			return REPRISE_NEXT_EMPTY;
		}
		/* After a gap that reaches so far, there may be no other page. */
		if (!backfill->question.is_judged && is_at_end(subscription))
			return end_replay(subscription);
		/* [advance:A] Before the page; pairs with [ready:A]. */
		switch (load_acquire(&backfill->state)) {
		case BACKFILL_READY:
			turn_page(subscription);
			break;
		case BACKFILL_IDLE:
			ask(subscription, subscription->at.position);
			return REPRISE_NEXT_EMPTY;
		default:
			return REPRISE_NEXT_EMPTY;
		}
	}
}

void
backfill_take_gap(struct reprise_subscription *subscription, struct reprise_gap *ret_gap)
{
	const struct backfill_page *const page = subscription->page;
	/* A subscription that passes to another life passes all events between; a replay, too. */
	const uint64_t last = page->tail == TAIL_LIFE ? page->tail_last
						      : least(page->tail_last, subscription->until);

	*ret_gap = (struct reprise_gap){ .reason = REPRISE_GAP_TRIMMED, .detail = page->detail };
	if (page->tail == TAIL_LIFE)
		pass_to_life(subscription, &page->incarnation);
	if (page->tail_first != 0) {
		ret_gap->lost_first = page->tail_first;
		ret_gap->lost_last = last;
		ret_gap->lost = last - page->tail_first + 1;
		subscription->at.position = last;
	}
	ret_gap->cursor = subscription->at;
	ret_gap->newest = backfill_newest(subscription);
	count(&subscription->lost, ret_gap->lost);
	subscription->page = NULL;
}
