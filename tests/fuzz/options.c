/* SPDX-License-Identifier: MIT */

/*
 * Structs that start with a size, of every size and with any content. Byte 0 says which, bytes 1
 * and 2 the size; the rest fills it. The struct lies in memory just as large as it says, so that a
 * sanitizer sees each read or write behind the struct. Accepted options are used once.
 */

#include <stdbool.h>
#include <string.h>

#include <reprise/reprise.h>

#include "fuzz.h"

enum {
	/* Sizes up to here must be honoured; of larger ones the headers say nothing. */
	SIZE_MOST_HONOURED = 4096,
	SIZES = 5000,
	UNTOUCHED = 0xa5,
};

static const uint16_t some_kinds[REPRISE_KINDS_MAX] = { 1, 2, 3 };

/* A struct of the given size (or a bit more, so that the size itself can be read), filled. */
static unsigned char *
sized_struct(size_t size, const uint8_t *bytes, size_t bytes_count)
{
	const size_t room = size < sizeof(size) ? sizeof(size) : size;
	unsigned char *const given = calloc(1, room);

	MUST(given != NULL);
	if (bytes_count > room - sizeof(size))
		bytes_count = room - sizeof(size);
	if (bytes != NULL)
		memcpy(given + sizeof(size), bytes, bytes_count);
	memcpy(given, &size, sizeof(size));
	return given;
}

static bool
is_size_bad(const unsigned char *given, size_t size, size_t known)
{
	if (size < known)
		return true;
	for (size_t i = known; i < size; i++)
		if (given[i] != 0)
			return true;
	return false;
}

/* Fields that are in their range. */
static bool
is_session_good(const struct reprise_session_options *options)
{
	/* Nothing is recorded here, so that nothing can be refused. */
	return (options->bytes_max == 0 ||
		(options->bytes_max >= 256 && options->bytes_max <= UINT64_C(1) << 31)) &&
	       (options->when_full == REPRISE_WHEN_FULL_DEFAULT ||
		options->when_full == REPRISE_WHEN_FULL_OVERWRITE) &&
	       (options->is_shared == 0 || options->is_shared == 1) &&
	       (options->is_deduplicated == 0 || options->is_deduplicated == 1) &&
	       options->reserved == 0;
}

static bool
is_store_good(const struct reprise_store_options *options)
{
	return (options->wake == REPRISE_WAKE_RELAY || options->wake == REPRISE_WAKE_DEFERRED) &&
	       (options->deferred_tick_ns == 0 ||
		(options->deferred_tick_ns >= 10000 &&
		 options->deferred_tick_ns <= UINT64_C(3600) * 1000000000));
}

static bool
is_subscription_good(const struct reprise_subscription_options *options)
{
	return (options->staging_bytes == 0 ||
		(options->staging_bytes >= 64 && options->staging_bytes <= UINT64_C(16) << 20)) &&
	       options->kinds_count <= REPRISE_KINDS_MAX && options->is_recorded_only == 0 &&
	       (options->is_continuous == 0 || options->is_continuous == 1) &&
	       (options->kinds == NULL) == (options->kinds_count == 0);
}

static void
expect(reprise_status status, bool is_bad, size_t size)
{
	if (size <= SIZE_MOST_HONOURED)
		MUST((status == REPRISE_E_INVALID) == is_bad);
}

static struct reprise_writer *
open_writer(struct reprise_store *store, const struct reprise_session_options *options,
	    reprise_status *ret_status)
{
	struct reprise_writer *writer = NULL;

	*ret_status = reprise_writer_open(store, "s", options, &writer, NULL);
	MUST((*ret_status == REPRISE_OK) == (writer != NULL));
	return writer;
}

static void
use_session(struct reprise_store *store, struct reprise_writer *writer)
{
	struct reprise_cursor cursor;
	struct reprise_subscription *subscription = NULL;
	struct reprise_event event;
	struct reprise_gap gap;

	MUST(reprise_session_earliest_cursor(store, "s", 0, &cursor) == REPRISE_OK);
	MUST(reprise_append(writer, 1, 1, 0, (struct reprise_bytes){ "x", 1 }, NULL) == REPRISE_OK);
	if (reprise_replay_after(store, &cursor, NULL, &subscription, NULL) == REPRISE_OK)
		MUST(reprise_next(subscription, &event, &gap, NULL) != REPRISE_NEXT_EMPTY);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
}

static void
take_store_options(const uint8_t *bytes, size_t bytes_count, size_t size)
{
	unsigned char *const given = sized_struct(size, bytes, bytes_count);
	struct reprise_store_options *const options = (void *)given;
	const struct reprise_session_options session_options = { .size = sizeof(session_options),
								 .events_max = 3 };
	struct reprise_store *store = NULL;
	struct reprise_writer *writer;

	/* The pointers in it are ours. */
	if (size >= sizeof(*options)) {
		options->session = bytes_count % 2 == 0 ? NULL : &session_options;
		options->allocator = NULL;
	}
	const bool is_bad = is_size_bad(given, size, sizeof(*options)) || !is_store_good(options);
	reprise_status status = reprise_store_open(options, &store, NULL);

	expect(status, is_bad, size);
	if (status == REPRISE_OK) {
		writer = open_writer(store, NULL, &status);
		if (writer != NULL)
			use_session(store, writer);
		MUST(reprise_store_close(store) == REPRISE_OK);
	}
	free(given);
}

static void
take_session_options(struct reprise_store *store, const uint8_t *bytes, size_t bytes_count,
		     size_t size)
{
	unsigned char *const given = sized_struct(size, bytes, bytes_count);
	struct reprise_session_options *const options = (void *)given;
	const bool is_bad = is_size_bad(given, size, sizeof(*options)) || !is_session_good(options);
	reprise_status status;
	struct reprise_writer *const writer = open_writer(store, options, &status);

	expect(status, is_bad, size);
	if (writer != NULL)
		use_session(store, writer);
	free(given);
}

static void
take_subscription_options(struct reprise_store *store, const uint8_t *bytes, size_t bytes_count,
			  size_t size)
{
	unsigned char *const given = sized_struct(size, bytes, bytes_count);
	struct reprise_subscription_options *const options = (void *)given;
	struct reprise_subscription *subscription = NULL;
	struct reprise_cursor cursor;
	struct reprise_event event;
	struct reprise_gap gap;

	if (size >= sizeof(*options) && options->kinds != NULL)
		options->kinds = some_kinds;
	const bool is_bad =
		is_size_bad(given, size, sizeof(*options)) || !is_subscription_good(options);

	MUST(reprise_session_current_cursor(store, "s", 0, &cursor) == REPRISE_OK);
	const reprise_status status =
		reprise_subscribe_after(store, &cursor, options, &subscription, NULL);

	expect(status, is_bad, size);
	if (status == REPRISE_OK)
		MUST(reprise_next(subscription, &event, &gap, NULL) == REPRISE_NEXT_EMPTY);
	reprise_subscription_close(subscription);
	free(given);
}

/* Statistics: whole or refused, 0 behind what the library knows, the size as it was. */
static void
take_stats(struct reprise_store *store, uint8_t which, size_t size)
{
	unsigned char *const given = sized_struct(size, NULL, 0);
	struct reprise_cursor cursor;
	struct reprise_subscription *subscription = NULL;
	reprise_status status;
	size_t known, size_after;

	MUST(reprise_session_current_cursor(store, "s", 0, &cursor) == REPRISE_OK);
	MUST(reprise_subscribe_after(store, &cursor, NULL, &subscription, NULL) == REPRISE_OK);
	if (size > sizeof(size))
		memset(given + sizeof(size), UNTOUCHED, size - sizeof(size));
	if (which % 3 == 0) {
		known = sizeof(struct reprise_store_stats);
		status = reprise_store_stats(store, (void *)given);
	} else if (which % 3 == 1) {
		known = sizeof(struct reprise_session_stats);
		status = reprise_session_stats(store, "s", (void *)given);
	} else {
		known = sizeof(struct reprise_subscription_stats);
		status = reprise_subscription_stats(subscription, (void *)given);
	}
	expect(status, size < known, size);
	memcpy(&size_after, given, sizeof(size_after));
	MUST(size_after == size);
	for (size_t i = sizeof(size); i < size && status != REPRISE_OK; i++)
		MUST(given[i] == UNTOUCHED);
	for (size_t i = known; i < size && status == REPRISE_OK; i++)
		MUST(given[i] == 0);
	reprise_subscription_close(subscription);
	free(given);
}

/*
 * An error gets what it has room for, if that is a status at least (rule P12); the call
 * does the same.
 */
static void
take_error(struct reprise_store *store, const uint8_t *bytes, size_t bytes_count, size_t asked)
{
	const size_t least = offsetof(struct reprise_error, os_error), most = 4096;
	const size_t size = asked < least ? least : asked > most ? most : asked;
	unsigned char *const given = sized_struct(size, bytes, bytes_count);
	struct reprise_writer *writer = NULL;
	struct reprise_error whole = { .size = sizeof(whole) };
	size_t size_after;

	MUST(reprise_writer_open(store, "", NULL, &writer, (void *)given) == REPRISE_E_INVALID);
	MUST(reprise_writer_open(store, "", NULL, &writer, &whole) == REPRISE_E_INVALID);
	memcpy(&size_after, given, sizeof(size_after));
	MUST(size_after == size);
	MUST(memcmp(given + offsetof(struct reprise_error, status), &whole.status,
		    sizeof(whole.status)) == 0);
	free(given);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_count)
{
	struct reprise_store *store = NULL;

	if (bytes_count < 3)
		return 0;
	const uint8_t which = bytes[0];
	const size_t size = (bytes[1] + 256u * bytes[2]) % SIZES;

	bytes += 3;
	bytes_count -= 3;
	if (which % 8 == 0) {
		take_store_options(bytes, bytes_count, size);
		return 0;
	}
	MUST(reprise_store_open(NULL, &store, NULL) == REPRISE_OK);
	if (which % 4 > 1)
		MUST(reprise_session_create(store, "s", NULL, NULL) == REPRISE_OK);
	switch (which % 8) {
	case 1:
	case 5:
		take_session_options(store, bytes, bytes_count, size);
		break;
	case 2:
	case 6:
		take_subscription_options(store, bytes, bytes_count, size);
		break;
	case 3:
	case 7:
		take_stats(store, which / 8, size);
		break;
	default:
		take_error(store, bytes, bytes_count, size);
		break;
	}
	MUST(reprise_store_close(store) == REPRISE_OK);
	return 0;
}
