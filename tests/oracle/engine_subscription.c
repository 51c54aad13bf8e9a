/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "gap_reason.h"

/* Subscriptions: opened, looked at, compared whole. */

enum {
	EVENTS_MAX = 16,
	STAGING_BYTES_DEFAULT = 16384,
};

static const uint16_t kinds_all[] = { 0, 1, 2, 3, 4, 5, 6, 7 };

struct choice {
	struct reprise_subscription_options options;
	uint16_t kinds[REPRISE_KINDS_MAX];
	uint32_t mask;
	bool is_bad;
};

static void
spoil(struct choice *choice, uint8_t operand)
{
	choice->is_bad = true;
	switch (operand % 7) {
	case 6:
		choice->options.is_continuous = 2;
		break;
	case 0:
		choice->options.staging_bytes = 63;
		break;
	case 1:
		choice->options.staging_bytes = (16u << 20) + 1;
		break;
	case 2:
		choice->options.kinds = kinds_all;
		choice->options.kinds_count = 0;
		break;
	case 3:
		choice->options.kinds = NULL;
		choice->options.kinds_count = 1;
		break;
	case 4:
		choice->options.kinds = kinds_all;
		choice->options.kinds_count = REPRISE_KINDS_MAX + 1;
		break;
	default:
		choice->options.size--;
		break;
	}
}

static void
choose(struct choice *choice, uint8_t operand)
{
	static const uint64_t staging[] = { 0, 64, 64, 100, 160, 256, 1024, 80 };
	static const uint32_t masks[] = { 0, 0, 0, 0, 0, 0, 0x55, 0x7e };

	*choice = (struct choice){ .options = { .size = sizeof(choice->options),
						.staging_bytes = staging[operand % 8],
						.spin_ns = 1 },
				   .mask = masks[operand / 8 % 8] };
	choice->options.is_continuous = operand / 64 == 1;
	for (uint16_t kind = 0; kind < 8; kind++)
		if ((choice->mask >> kind & 1) != 0)
			choice->kinds[choice->options.kinds_count++] = kind;
	if (choice->options.kinds_count != 0)
		choice->options.kinds = choice->kinds;
	if (operand >= 248)
		spoil(choice, operand);
}

static uint64_t
staging_of(const struct choice *choice)
{
	return choice->options.staging_bytes != 0 ? choice->options.staging_bytes
						  : STAGING_BYTES_DEFAULT;
}

static void
use_slot(struct engine_subscription *slot, struct reprise_subscription *subscription)
{
	slot->subscription = subscription;
	slot->descriptor = -1;
	slot->has_callback = slot->has_gap = slot->is_in_group = false;
	slot->ends_heard = 0;
}

static void
open_subscription(struct engine *engine, const struct call *call)
{
	struct engine_subscription *const slot = engine_subscription_at(engine, call->a, true);
	struct reprise_cursor cursor = engine->cursors[call->b % CURSORS];
	/* In the other store now and then. */
	const unsigned int place = call->b >= 240;
	const uint64_t durable = cursor.revision + call->d % 7 - UINT64_C(3);
	struct reprise_subscription *subscription = NULL;
	struct reprise_error error = engine_error();
	struct choice choice;
	char durable_text[24] = "";
	reprise_status actual;

	if (slot == NULL)
		return;
	struct engine_store *const at = engine_store_at(engine, place);

	choose(&choice, call->c);
	if (call->name == CALL_RESUME)
		snprintf(durable_text, sizeof(durable_text), ", %llu", (unsigned long long)durable);
	engine_say(engine,
		   "reprise_%s_after(store%u, &cursor%u%s, &{ .staging_bytes = %llu, .kinds = bits "
		   "%#x, .is_continuous = %d }, &subscription%u, &error); /* cursor at %llu, "
		   "revision %llu */",
		   call->name == CALL_SUBSCRIBE ? "subscribe"
		   : call->name == CALL_REPLAY  ? "replay"
						: "resume",
		   place, call->b % CURSORS, durable_text,
		   (unsigned long long)choice.options.staging_bytes, choice.mask,
		   (int)choice.options.is_continuous, engine_index(slot, engine),
		   (unsigned long long)cursor.position, (unsigned long long)cursor.revision);
	if (call->name == CALL_SUBSCRIBE)
		actual = reprise_subscribe_after(at->store, &cursor, &choice.options, &subscription,
						 &error);
	else if (call->name == CALL_REPLAY)
		actual = reprise_replay_after(at->store, &cursor, &choice.options, &subscription,
					      &error);
	else
		actual = reprise_resume_after(at->store, &cursor, durable, &choice.options,
					      &subscription, &error);
	const bool is_refused =
		choice.is_bad ||
		(call->name == CALL_RESUME && durable == REPRISE_REVISION_UNKNOWN) ||
		(call->name == CALL_REPLAY && choice.options.is_continuous != 0);

	if (!engine_expect_error(engine, is_refused ? REPRISE_E_INVALID : REPRISE_OK, actual,
				 &error)) {
		reprise_subscription_close(subscription);
		return;
	}
	use_slot(slot, subscription);
	model_subscribe(&at->model, &cursor, engine_id_of(&cursor), call->name == CALL_REPLAY,
			choice.options.is_continuous != 0,
			call->name == CALL_RESUME ? &durable : NULL, staging_of(&choice),
			choice.mask, &slot->model);
}

/* From a durable state on. Nobody's session now and then. */
static void
open_snapshot(struct engine *engine, const struct call *call)
{
	struct engine_subscription *const slot = engine_subscription_at(engine, call->a, true);
	struct reprise_subscription *subscription = NULL;
	struct reprise_error error = engine_error();
	const uint64_t durable = engine_revision(call->d);
	struct choice choice;
	unsigned int id;
	const unsigned int place = engine_place(call->b, &id);

	if (slot == NULL)
		return;
	struct engine_store *const at = engine_store_at(engine, place);

	if (call->b >= 250)
		id = MODEL_IDS;
	choose(&choice, call->c);
	engine_say(
		engine,
		"reprise_resume_snapshot(store%u, \"%s\", %llu, &{ .staging_bytes = %llu, .kinds = "
		"bits %#x }, &subscription%u, &error);",
		place, engine_ids[id], (unsigned long long)durable,
		(unsigned long long)choice.options.staging_bytes, choice.mask,
		engine_index(slot, engine));
	const reprise_status actual = reprise_resume_snapshot(
		at->store, engine_ids[id], durable, &choice.options, &subscription, &error);
	const bool is_refused = choice.is_bad || durable == REPRISE_REVISION_UNKNOWN;

	if (!engine_expect_error(engine, is_refused ? REPRISE_E_INVALID : REPRISE_OK, actual,
				 &error)) {
		reprise_subscription_close(subscription);
		return;
	}
	use_slot(slot, subscription);
	model_resume_snapshot(&at->model, engine_ids[id], id, choice.options.is_continuous != 0,
			      durable, staging_of(&choice), choice.mask, &slot->model);
}

void
engine_close_subscription(struct engine *engine, struct engine_subscription *subscription)
{
	engine_say(engine, "reprise_subscription_close(subscription%u);",
		   engine_index(subscription, engine));
	reprise_subscription_close(subscription->subscription);
	subscription->subscription = NULL;
	model_unsubscribe(&subscription->model);
}

void
engine_expect_event(struct engine *engine, const struct model_life *life, reprise_position position,
		    const struct reprise_event *actual)
{
	static unsigned char payload[PAYLOAD_BYTES_MAX];
	const struct model_event *const event = model_event_at(life, position);

	engine_say(engine, "\t/* EVENT %llu */", (unsigned long long)actual->position);
	engine_expect(engine, "event: position", position, actual->position);
	engine_expect(engine, "event: revision", event->revision, actual->revision);
	engine_expect(engine, "event: stamp_ns", event->stamp_ns, actual->stamp_ns);
	engine_expect(engine, "event: kind", event->kind, actual->kind);
	engine_expect(engine, "event: flags", event->flags, actual->flags);
	engine_expect(engine, "event: source", REPRISE_SOURCE_RING, actual->source);
	engine_expect(engine, "event: payload bytes", event->payload_bytes, actual->payload.size);
	if (actual->payload.size != event->payload_bytes)
		return;
	engine_fill(event->seed, payload, event->payload_bytes);
	if (event->payload_bytes != 0 &&
	    memcmp(payload, actual->payload.data, event->payload_bytes) != 0)
		engine_differ(engine, "event %llu: another payload", (unsigned long long)position);
}

static void
mark_gap(struct engine *engine, const struct reprise_gap *gap)
{
	switch (gap->detail) {
	case REPRISE_GAP_CAPACITY:
		engine_mark(engine, MARK_GAP_CAPACITY);
		return;
	case REPRISE_GAP_AGE:
		engine_mark(engine, MARK_GAP_AGE);
		return;
	case REPRISE_GAP_REQUEST:
		engine_mark(engine, MARK_GAP_REQUEST);
		return;
	case REPRISE_GAP_AHEAD:
		engine_mark(engine, MARK_GAP_AHEAD);
		return;
	case REPRISE_GAP_BEFORE_WINDOW:
		engine_mark(engine, MARK_GAP_BEFORE_WINDOW);
		return;
	case REPRISE_GAP_OTHER_INCARNATION:
		engine_mark(engine, gap->reason == REPRISE_GAP_TRIMMED
					    ? MARK_GAP_OF_OTHER_LIVES
					    : MARK_GAP_OTHER_INCARNATION);
		return;
	case REPRISE_GAP_INVALIDATED:
		engine_mark(engine, MARK_GAP_INVALIDATED);
		return;
	case REPRISE_GAP_UNKNOWN_SESSION:
		engine_mark(engine, MARK_GAP_UNKNOWN_SESSION);
		return;
	case REPRISE_GAP_BEHIND_DURABLE:
		engine_mark(engine, MARK_GAP_BEHIND_DURABLE);
		return;
	case REPRISE_GAP_LIFE_ENDED:
		engine_mark(engine, MARK_GAP_LIFE_ENDED);
		return;
	case REPRISE_GAP_DIVERGED:
	case REPRISE_GAP_RESTART:
	case REPRISE_GAP_OVERRUN:
	case REPRISE_GAP_TOO_LARGE:
	case REPRISE_GAP_NOT_RECORDED:
	case REPRISE_GAP_ARCHIVED:
	case REPRISE_GAP_DAMAGED:
		break; /* of a store with a log */
	}
	engine_differ(engine, "gap: detail %d, of a store with a log", (int)gap->detail);
}

static void
expect_gap(struct engine *engine, const struct reprise_gap *expected,
	   const struct reprise_gap *actual)
{
	static const struct reprise_incarnation none;

	engine_say(engine, "\t/* GAP reason %d, detail %d, %llu..%llu */", (int)actual->reason,
		   (int)actual->detail, (unsigned long long)actual->lost_first,
		   (unsigned long long)actual->lost_last);
	engine_expect(engine, "gap: reason", expected->reason, actual->reason);
	engine_expect(engine, "gap: lost", expected->lost, actual->lost);
	engine_expect(engine, "gap: lost_first", expected->lost_first, actual->lost_first);
	engine_expect(engine, "gap: lost_last", expected->lost_last, actual->lost_last);
	engine_expect(engine, "gap: detail", expected->detail, actual->detail);
	engine_expect(engine, "gap: end_status", (uint64_t)expected->end_status,
		      (uint64_t)actual->end_status);
	engine_expect_cursor(engine, "gap: cursor", &expected->cursor, &actual->cursor);
	engine_expect_cursor(engine, "gap: newest", &expected->newest, &actual->newest);
	if (engine->differs)
		return;
	mark_gap(engine, actual);
	if (!gap_reason_fits(actual))
		engine_differ(engine, "gap: reason %d is none of the detail's",
			      (int)actual->reason);
	if (memcmp(&actual->cursor.incarnation, &none, sizeof(none)) == 0)
		engine_mark(engine, MARK_NO_LIVE_WINDOW);
}

/* An end that was told is told again; a host that has heard it three times leaves. */
static void
hear_end(struct engine *engine, struct engine_subscription *subscription)
{
	if (++subscription->ends_heard >= 3)
		engine_close_subscription(engine, subscription);
}

/* The truths of any subscription that was not refused (A25), without the model's answers. */
static void
expect_balance(struct engine *engine, const struct engine_subscription *subscription)
{
	struct reprise_subscription_stats stats = { .size = sizeof(stats) };
	struct reprise_cursor cursor;

	if (reprise_subscription_stats(subscription->subscription, &stats) != REPRISE_OK ||
	    reprise_subscription_cursor(subscription->subscription, &cursor) != REPRISE_OK) {
		engine_differ(engine, "neither statistics nor cursor");
		return;
	}
	engine_expect(engine, "delivered + filtered + lost = position - first",
		      cursor.position - subscription->model.begin,
		      stats.delivered + stats.filtered + stats.lost);
	if (stats.filtered != 0)
		engine_mark(engine, MARK_FILTERED);
	if (subscription->model.has_gone_on)
		engine_mark(engine, MARK_GONE_ON);
}

void
engine_heard_nothing(struct engine *engine, struct engine_subscription *subscription,
		     unsigned int calls_before)
{
	engine_mark(engine, MARK_NEXT_EMPTY);
	subscription->is_call_promised = subscription->has_callback;
	subscription->calls_before = calls_before;
}

void
engine_heard_gap(struct engine *engine, struct engine_subscription *subscription,
		 struct reprise_gap *expected, const struct reprise_gap *actual)
{
	if (expected->reason == REPRISE_GAP_TRIMMED && actual->detail <= REPRISE_GAP_REQUEST &&
	    (subscription->model.details >> actual->detail & 1) != 0)
		expected->detail = actual->detail;
	expect_gap(engine, expected, actual);
	if (subscription->model.model->has_displaced_newest)
		engine_mark(engine, MARK_NEWEST_UNKNOWN);
	subscription->gap = *actual;
	subscription->has_gap = true;
}

void
engine_heard_end(struct engine *engine, const struct reprise_end *expected,
		 const struct reprise_end *actual)
{
	static const enum mark ends[] = { MARK_END_SESSION, MARK_END_REPLAY, MARK_END_INVALIDATED,
					  MARK_END_INVALIDATED };

	engine_say(engine, "\t/* ENDED %d, %d */", (int)actual->cause, actual->status);
	engine_expect(engine, "end: cause", expected->cause, actual->cause);
	engine_expect(engine, "end: status", (uint64_t)expected->status, (uint64_t)actual->status);
	engine_mark(engine, ends[actual->cause]);
}

void
engine_heard(struct engine *engine, struct engine_subscription *subscription,
	     reprise_outcome outcome)
{
	expect_balance(engine, subscription);
	if (outcome == REPRISE_NEXT_ENDED)
		hear_end(engine, subscription);
}

reprise_outcome
engine_next(struct engine *engine, struct engine_subscription *subscription, size_t count_max,
	    bool is_batch)
{
	reprise_position positions[EVENTS_MAX];
	struct reprise_event events[EVENTS_MAX];
	struct reprise_gap gap, expected_gap = { 0 };
	struct reprise_end end = { REPRISE_END_STORE, 77 }, expected_end = end;
	size_t count = 1, expected_count = 0;

	engine_say(engine, "reprise_next%s(subscription%u, %zu);", is_batch ? "_batch" : "",
		   engine_index(subscription, engine), count_max);
	const unsigned int calls = atomic_load(&subscription->calls);
	const reprise_outcome expected = model_next(&subscription->model, positions, count_max,
						    &expected_count, &expected_gap, &expected_end);
	const reprise_outcome actual =
		is_batch ? reprise_next_batch(subscription->subscription, events, count_max, &count,
					      &gap, &end)
			 : reprise_next(subscription->subscription, events, &gap, &end);

	if (expected != actual) {
		engine_differ(engine,
			      "outcome: expected %d, got %d (0 EMPTY, 1 EVENT, 2 GAP, 3 ENDED)",
			      (int)expected, (int)actual);
		return actual;
	}
	if (actual == REPRISE_NEXT_EMPTY) {
		engine_heard_nothing(engine, subscription, calls);
	} else if (actual == REPRISE_NEXT_EVENT) {
		engine_mark(engine, MARK_NEXT_EVENT);
		engine_expect(engine, "events", expected_count, count);
		for (size_t i = 0; i < count && !engine->differs; i++)
			engine_expect_event(engine, subscription->model.life, positions[i],
					    &events[i]);
		if (count > 1)
			engine_mark(engine, MARK_BATCH_OF_SEVERAL);
		if (subscription->model.kept_a_copy)
			engine_mark(engine, MARK_KEPT_A_COPY);
	} else if (actual == REPRISE_NEXT_GAP) {
		engine_heard_gap(engine, subscription, &expected_gap, &gap);
	} else {
		engine_heard_end(engine, &expected_end, &end);
	}
	engine_heard(engine, subscription, actual);
	return actual;
}

static void
take_cursor(struct engine *engine, struct engine_subscription *subscription,
	    const struct call *call)
{
	struct reprise_cursor cursor;

	if (call->name == CALL_GAP_CURSOR) {
		if (!subscription->has_gap)
			return;
		cursor = call->c % 4 == 0 ? subscription->gap.newest : subscription->gap.cursor;
		engine_say(engine, "cursor%u = gap of subscription%u.%s;", call->b % CURSORS,
			   engine_index(subscription, engine),
			   call->c % 4 == 0 ? "newest" : "cursor");
	} else {
		engine_say(engine, "reprise_subscription_cursor(subscription%u, &cursor%u);",
			   engine_index(subscription, engine), call->b % CURSORS);
		if (!engine_expect_status(
			    engine, REPRISE_OK,
			    reprise_subscription_cursor(subscription->subscription, &cursor)))
			return;
		engine_expect_cursor(engine, "cursor", &subscription->model.at, &cursor);
	}
	engine->cursors[call->b % CURSORS] = cursor;
}

static void
expect_stats(struct engine *engine, struct engine_subscription *subscription)
{
	struct reprise_subscription_stats actual = { .size = sizeof(actual) };
	const struct reprise_subscription_stats *const expected = &subscription->model.stats;

	engine_say(engine, "reprise_subscription_stats(subscription%u, &stats);",
		   engine_index(subscription, engine));
	(void)engine_expect_status(engine, REPRISE_OK,
				   reprise_subscription_stats(subscription->subscription, &actual));
	engine_expect(engine, "stats: delivered", expected->delivered, actual.delivered);
	engine_expect(engine, "stats: delivered_bytes", expected->delivered_bytes,
		      actual.delivered_bytes);
	engine_expect(engine, "stats: filtered", expected->filtered, actual.filtered);
	engine_expect(engine, "stats: lost", expected->lost, actual.lost);
	engine_expect(engine, "stats: gaps", expected->gaps, actual.gaps);
	engine_expect(engine, "stats: sleeps", 0, actual.sleeps);
}

/* A look only: it never sleeps. */
static void
wait_for_nothing(struct engine *engine, struct engine_subscription *subscription)
{
	reprise_status expected = REPRISE_E_INTERRUPTED;

	engine_say(engine, "reprise_wait(subscription%u, 0);", engine_index(subscription, engine));
	if (!subscription->model.is_interrupted)
		expected = model_look(&subscription->model) == REPRISE_NEXT_EMPTY
				   ? REPRISE_E_TIMEOUT
				   : REPRISE_OK;
	subscription->model.is_interrupted = false;
	(void)engine_expect_status(engine, expected, reprise_wait(subscription->subscription, 0));
}

void
engine_call_subscription(struct engine *engine, const struct call *call)
{
	struct engine_subscription *const subscription =
		engine_subscription_at(engine, call->a, false);

	if (call->name <= CALL_RESUME)
		open_subscription(engine, call);
	else if (call->name == CALL_SNAPSHOT)
		open_snapshot(engine, call);
	if (call->name <= CALL_SNAPSHOT || subscription == NULL)
		return;
	if (call->name == CALL_CLOSE) {
		engine_close_subscription(engine, subscription);
	} else if (call->name == CALL_NEXT) {
		for (unsigned int i = 0;
		     i <= call->b % 4u && !engine->differs && subscription->subscription != NULL;
		     i++)
			(void)engine_next(engine, subscription, 1, false);
	} else if (call->name == CALL_NEXT_BATCH) {
		(void)engine_next(engine, subscription, 1 + call->b % EVENTS_MAX, true);
	} else if (call->name == CALL_NEXT_INTO) {
		engine_next_into(engine, subscription, call->b, call->c);
	} else if (call->name == CALL_WAIT) {
		wait_for_nothing(engine, subscription);
	} else if (call->name == CALL_SUB_STATS) {
		expect_stats(engine, subscription);
	} else {
		take_cursor(engine, subscription, call);
	}
}
