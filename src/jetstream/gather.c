/* SPDX-License-Identifier: MIT */
#include "jetstream/gather.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/numbers.h"
#include "jetstream/publish.h"

enum {
	GATHER_MAX = REPRISE_THREAD_DELTAS_MAX,
	GATHER_BYTES_MAX = REPRISE_THREAD_JSON_BYTES_MAX,
	GATHER_ROOM_LEAST = 64,
};

/*
 * How much the clocks of this machine, the server and the store may differ where a forgotten
 * id is judged.
 */
#define CLOCKS_MS UINT64_C(3600000)

void
gathering_free(struct gathering *gathering)
{
	for (size_t i = 0; i < gathering->count; i++)
		fetched_free(&gathering->items[i].fetched);
	free(gathering->items);
	*gathering = (struct gathering){ 0 };
}

static void
bury(struct gathered *item, const char *reason)
{
	item->fate = FATE_BURY;
	item->reason = reason;
}

/* The fate that the message alone decides. */
static reprise_status
read_item(struct gathered *item, const struct gather_what *what, struct reprise_thread_page *page,
	  struct reprise_error *error)
{
	struct thread_delta_facts facts;
	struct reprise_error why = { .size = sizeof(why) };
	struct reprise_bytes uid;
	const bool has_uid = fetched_header(&item->fetched, HEADER_UID, &uid);

	item->version = fetched_number(&item->fetched, HEADER_VERSION);
	if (what->uid == NULL)
		bury(item, "no document has this id");
	else if (!has_uid)
		bury(item, "the header has no valid uid");
	else if (!bytes_are(uid, what->uid))
		bury(item, "the document with this uid was deleted");
	if (item->fate == FATE_BURY)
		return REPRISE_OK;
	const reprise_status status =
		thread_read_delta(item->fetched.payload, "delta", 0, page, &facts, &why);

	switch ((int)status) {
	case REPRISE_OK:
		break;
	case REPRISE_E_INVALID:
	case REPRISE_E_TOO_LARGE:
		bury(item, "not a delta");
		return REPRISE_OK;
	default:
		return error_copy(error, &why);
	}
	item->is_delta = true;
	memcpy(item->id, facts.id, sizeof(item->id));
	memcpy(item->digest, facts.digest, sizeof(item->digest));
	return REPRISE_OK;
}

struct collecting {
	const struct gather_what *what;
	struct gathering *gathering;
	struct reprise_thread_page *page;
	reprise_status status;
	struct reprise_error *error;
};

static struct gathered *
add(struct gathering *gathering, const struct fetched *fetched)
{
	if (gathering->count == gathering->room) {
		const size_t room = greatest(2 * gathering->room, GATHER_ROOM_LEAST);
		struct gathered *const items =
			realloc(gathering->items, room * sizeof(gathering->items[0]));

		if (items == NULL)
			return NULL;
		gathering->items = items;
		gathering->room = room;
	}
	gathering->items[gathering->count] = (struct gathered){ .fetched = *fetched };
	return &gathering->items[gathering->count++];
}

static bool
collect(struct fetched *fetched, void *context)
{
	struct collecting *const collecting = context;
	struct gathering *const gathering = collecting->gathering;
	struct gathered *const item = add(gathering, fetched);

	if (item == NULL) {
		fetched_free(fetched);
		collecting->status = error_plain(collecting->error, REPRISE_E_NO_MEMORY);
		return false;
	}
	gathering->bytes += fetched->payload.size;
	collecting->status = read_item(item, collecting->what, collecting->page, collecting->error);
	if (collecting->what->is_counted) {
		free(item->fetched.memory);
		item->fetched = (struct fetched){ .sequence = fetched->sequence,
						  .time_ms = fetched->time_ms };
	} else {
		/* At least two: the first may be one that stays in the stream, applied. */
		gathering->is_cut = gathering->count == GATHER_MAX ||
				    (gathering->count > 1 && gathering->bytes >= GATHER_BYTES_MAX);
	}
	return collecting->status == REPRISE_OK && !gathering->is_cut;
}

static reprise_status
fetch_all(struct reprise_jetstream *writer, const struct gather_what *what,
	  struct gathering *gathering, struct reprise_thread_page *page,
	  struct reprise_error *error)
{
	struct collecting collecting = {
		.what = what, .gathering = gathering, .page = page, .error = error
	};
	const struct fetching fetching = { .stream = writer->settings.stream,
					   .subject = what->subject,
					   .after = what->after,
					   .through = what->through };
	const reprise_status status = fetch_each(writer, &fetching, collect, &collecting, error);

	return status == REPRISE_OK ? collecting.status : status;
}

static bool
is_same(const unsigned char *a, const unsigned char *b)
{
	return memcmp(a, b, REPRISE_THREAD_DIGEST_BYTES) == 0;
}

/*
 * Ids are forgotten after the store's horizon: nobody can tell whether a delta that is as old was
 * applied. The version that its writer expected for it proves nothing, since deltas before it may
 * have been refused or lost.
 */
static bool
may_be_forgotten(const struct reprise_jetstream *writer, const struct gathered *item,
		 uint64_t now_ms)
{
	const uint64_t horizon_ms = writer->store->limits.horizon_ms;
	const uint64_t margin_ms = least(horizon_ms / 8, CLOCKS_MS);

	return item->fetched.time_ms + (horizon_ms - margin_ms) < now_ms;
}

static void
judge(const struct reprise_jetstream *writer, struct gathered *item,
      const struct reprise_thread_applied *applied, const struct buffered *earlier, uint64_t now_ms)
{
	if (applied->version != 0) {
		if (is_same(applied->digest, item->digest))
			item->fate = FATE_SKIP;
		else
			bury(item, "another delta with this id was applied");
	} else if (earlier != NULL) {
		if (is_same(earlier->digest, item->digest))
			item->fate = FATE_SKIP;
		else
			bury(item, "another delta with this id is buffered");
	} else if (may_be_forgotten(writer, item, now_ms)) {
		bury(item, "the store may have forgotten the delta's id");
	}
}

/* Asks the store for many ids at once. @seen has the earlier deltas that are to be applied. */
static reprise_status
judge_some(struct reprise_jetstream *writer, const struct gather_what *what,
	   struct gathered *const *items, size_t count, struct table *seen,
	   struct reprise_error *error)
{
	const char **const ids = calloc(count, sizeof(const char *));
	struct reprise_thread_applied *const applied = calloc(count, sizeof(*applied));
	const struct siphash_key *const key = &writer->views.key;
	const uint64_t now_ms = wall_ms();

	if (ids == NULL || applied == NULL) {
		free(ids);
		free(applied);
		return error_plain(error, REPRISE_E_NO_MEMORY);
	}
	for (size_t i = 0; i < count; i++)
		ids[i] = items[i]->id;
	reprise_status status =
		reprise_thread_find_applied(writer->store, what->uid, ids, count, applied, error);

	for (size_t i = 0; i < count && status == REPRISE_OK; i++) {
		judge(writer, items[i], &applied[i], table_find(seen, key, items[i]->id), now_ms);
		if (items[i]->fate == FATE_APPLY &&
		    !table_add(seen, key, items[i]->id, items[i]->digest, 0, 0))
			status = error_plain(error, REPRISE_E_NO_MEMORY);
	}
	free(ids);
	free(applied);
	return status;
}

static reprise_status
judge_all(struct reprise_jetstream *writer, const struct gather_what *what,
	  struct gathering *gathering, struct reprise_error *error)
{
	struct gathered **const deltas = calloc(gathering->count, sizeof(struct gathered *));
	struct table seen = { 0 };
	size_t count = 0;
	reprise_status status = REPRISE_OK;

	if (deltas == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	for (size_t i = 0; i < gathering->count; i++)
		if (gathering->items[i].is_delta)
			deltas[count++] = &gathering->items[i];
	for (size_t at = 0; at < count && status == REPRISE_OK; at += GATHER_MAX)
		status = judge_some(writer, what, deltas + at,
				    (size_t)least(count - at, GATHER_MAX), &seen, error);
	table_free(&seen);
	free(deltas);
	return status;
}

reprise_status
gather(struct reprise_jetstream *writer, const struct gather_what *what,
       struct gathering *gathering, struct reprise_error *error)
{
	struct reprise_thread_page *page = NULL;

	if (what->through == 0)
		return REPRISE_OK;
	if (reprise_thread_page_open(&page) != REPRISE_OK)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	reprise_status status = fetch_all(writer, what, gathering, page, error);

	reprise_thread_page_close(page);
	if (status == REPRISE_OK && gathering->count > 0)
		status = judge_all(writer, what, gathering, error);
	return status;
}
