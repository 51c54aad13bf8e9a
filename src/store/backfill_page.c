/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/assert.h"
#include "store/idle.h"
#include "store/port.h"
#include "store/subscription.h"

/* The port's side of healing: how a page is filled, and handed over. */

enum {
	PLACES_MAX = 4096,         /* records in a page */
	RECORDS_BYTES = 384 << 10, /* two pages, and a place in the window, are less than a MiB */
};

void
backfill_records_drop(struct reprise_store *store, struct backfill_records *records)
{
	if (records->room != NULL)
		staging_give(store, records->room);
	*records = (struct backfill_records){ 0 };
}

/* A window that nobody has taken. */
static void
drop_bound(struct backfill *backfill, struct backfill_page *page)
{
	if (page->tail != TAIL_BOUND || page->is_taken)
		return;
	staging_give(backfill->store, page->block);
	session_let_go(page->session);
	page->tail = TAIL_MORE;
}

void
backfill_free(struct backfill *backfill)
{
	struct reprise_store *const store = backfill->store;

	for (int i = 0; i < 2; i++) {
		struct backfill_page *const page = &backfill->pages[i];

		backfill_records_drop(store, &page->records);
		drop_bound(backfill, page);
	}
	memory_give(&store->memory, backfill, sizeof(*backfill));
}

struct backfill_page *
backfill_page_begin(struct backfill *backfill)
{
	struct backfill_page *const page = &backfill->pages[backfill->filling];

	drop_bound(backfill, page);
	page->records.bytes_used = 0;
	page->records.count = 0;
	page->records.first = 0;
	page->tail = TAIL_MORE;
	page->is_clean = false;
	page->is_taken = false;
	page->is_of_last_life = false;
	page->ended = UINT64_MAX;
	page->newest = (struct backfill_newest){ 0 };
	page->tail_first = page->tail_last = 0;
	return page;
}

/* Room for so many bytes of records, where there are none yet. */
static bool
take_room(struct reprise_store *store, struct backfill_records *records, uint64_t bytes)
{
	const uint64_t places_bytes = PLACES_MAX * sizeof(uint64_t);

	if (records->room != NULL && bytes <= records->room->bytes - places_bytes)
		return true;
	backfill_records_drop(store, records);
	records->room = staging_take_bytes(store, places_bytes + greatest(bytes, RECORDS_BYTES));
	if (records->room == NULL)
		return false;
	records->places = (uint64_t *)(void *)records->room->memory;
	records->bytes = records->room->memory + places_bytes;
	return true;
}

bool
backfill_page_copy(struct backfill *backfill, const struct backfill *from)
{
	const struct backfill_page *const source = &from->pages[from->filling];
	struct backfill_page *const page = backfill_page_begin(backfill);
	struct backfill_records records = page->records;

	REPRISE_ASSERT(source->tail != TAIL_BOUND);
	if (source->records.count > 0) {
		if (!take_room(backfill->store, &page->records, source->records.bytes_used))
			return false;
		records = page->records;
		memcpy(records.places, source->records.places,
		       source->records.count * sizeof(records.places[0]));
		memcpy(records.bytes, source->records.bytes, source->records.bytes_used);
	}
	records.bytes_used = source->records.bytes_used;
	records.count = source->records.count;
	records.first = source->records.first;
	*page = *source;
	page->records = records;
	return true;
}

enum backfill_put
backfill_records_put(struct reprise_store *store, struct backfill_records *records,
		     const struct backfill_event *event)
{
	const uint64_t bytes = record_bytes(shape_payload_bytes(event->shape));

	if (records->count == 0 && !take_room(store, records, bytes))
		return PUT_NO_MEMORY;
	if (records->count == PLACES_MAX ||
	    (records->count != 0 && records->bytes_used + bytes > RECORDS_BYTES))
		return PUT_FULL;
	struct record *const record =
		(struct record *)(void *)(records->bytes + records->bytes_used);

	atomic_init(&record->position, event->position);
	atomic_init(&record->revision, event->revision);
	atomic_init(&record->revision_before, 0);
	atomic_init(&record->stamp_ns, event->stamp_ns);
	atomic_init(&record->shape, event->shape);
	if (shape_payload_bytes(event->shape) > 0)
		memcpy(record + 1, event->payload, shape_payload_bytes(event->shape));
	if (records->count == 0)
		records->first = event->position;
	records->places[records->count++] = place_of(records->bytes_used, bytes);
	records->bytes_used += bytes;
	return PUT_DONE;
}

enum backfill_bound
backfill_bind(struct backfill *backfill, struct backfill_page *page,
	      const struct reprise_incarnation *incarnation)
{
	struct reprise_store *const store = backfill->store;
	struct reprise_session *const session =
		session_find(store, backfill->session_id, strlen(backfill->session_id));

	if (session == NULL)
		return BOUND_TO_NONE;
	if (memcmp(&session->incarnation, incarnation, sizeof(*incarnation)) != 0) {
		session_unpin(session);
		return BOUND_TO_NONE;
	}
	struct block *const block = staging_take(store, session, backfill->staging_bytes);

	if (block != NULL && session_hold(session)) {
		page->tail = TAIL_BOUND;
		page->session = session;
		page->block = block;
		return BOUND_TO_WINDOW;
	}
	if (block != NULL)
		staging_give(store, block);
	session_unpin(session);
	return block != NULL ? BOUND_TO_NONE : BOUND_NO_MEMORY;
}

bool
backfill_window_has_commit(struct backfill *backfill, reprise_position position, uint64_t revision)
{
	struct reprise_session *const session =
		session_find(backfill->store, backfill->session_id, strlen(backfill->session_id));

	if (session == NULL)
		return false;
	const struct look look = ring_look(&session->ring);
	const bool has_commit = ring_holds(&session->ring, greatest(position + 1, look.kept),
					   look.newest, REPRISE_EVENT_COMMIT, revision);

	session_unpin(session);
	return has_commit;
}

void
backfill_ready(struct backfill *backfill)
{
	struct reprise_session *const session = backfill->session;

	/* [ready:A] The page before; pairs with [advance:A]. */
	store_release(&backfill->state, BACKFILL_READY);
	hand_ring(session, backfill->subscription);
	bell_ring_direct(&session->bell);
}
