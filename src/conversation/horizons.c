/* SPDX-License-Identifier: MIT */
#include "conversation/horizons.h"

#include <string.h>

#include <reprise/log_blob.h>

#include "base/error.h"
#include "base/numbers.h"
#include "conversation/fields.h"

/*
 * "LCH1", the last place that was given up, the number of places (u64), the places. A place is an
 * ordinal (u64) and a horizon (u64).
 */
enum {
	MAGIC_BYTES = 4,
	HEAD_BYTES = MAGIC_BYTES + 3 * FIELD_BYTES_U64,
	RAISE_BYTES = 2 * FIELD_BYTES_U64,
	BYTES_MAX = HEAD_BYTES + HORIZONS_MAX * RAISE_BYTES,
};

static const char magic[] = "LCH1";
static const char blob_name[] = "horizons";

void
horizons_raise(struct horizons *horizons, uint64_t ordinal, uint64_t ms)
{
	struct horizon *const raises = horizons->raises;

	/*
	 * The oldest place is given up: a recovery that begins before it begins with its horizon.
	 */
	if (horizons->count == HORIZONS_MAX) {
		horizons->first = raises[0];
		horizons->count--;
		memmove(raises, raises + 1, horizons->count * sizeof(*raises));
	}
	if (horizons->count != 0 && raises[horizons->count - 1].ordinal == ordinal)
		horizons->count--;
	raises[horizons->count++] = (struct horizon){ ordinal, ms };
	horizons->are_stored = false;
}

static unsigned char *
put_horizon(unsigned char *at, const struct horizon *horizon)
{
	return fields_put_u64(fields_put_u64(at, horizon->ordinal), horizon->ms);
}

static bool
take_horizon(struct fields *fields, struct horizon *ret_horizon)
{
	return fields_take_u64(fields, &ret_horizon->ordinal) &&
	       fields_take_u64(fields, &ret_horizon->ms);
}

static bool
is_beyond(const struct horizon *one, const struct horizon *other)
{
	return one->ordinal > other->ordinal && one->ms > other->ms;
}

size_t
horizons_begin(const struct horizons *horizons, uint64_t ordinal, struct conversation_state *state)
{
	size_t next = 0;

	if (ordinal < horizons->first.ordinal)
		(void)state_forget(state, horizons->first.ms);
	while (next < horizons->count && horizons->raises[next].ordinal < ordinal)
		next++;
	horizons_apply(horizons, ordinal, &next, state);
	return next;
}

void
horizons_apply(const struct horizons *horizons, uint64_t ordinal, size_t *next,
	       struct conversation_state *state)
{
	for (; *next < horizons->count && horizons->raises[*next].ordinal <= ordinal; ++*next)
		(void)state_forget(state, horizons->raises[*next].ms);
}

bool
horizons_are_equal(const struct horizons *one, const struct horizons *other)
{
	return one->are_stored == other->are_stored && one->count == other->count &&
	       memcmp(&one->first, &other->first, sizeof(one->first)) == 0 &&
	       memcmp(one->raises, other->raises, one->count * sizeof(one->raises[0])) == 0;
}

static size_t
encode(const struct horizons *horizons, unsigned char *to)
{
	unsigned char *at = fields_put(to, magic, MAGIC_BYTES);

	at = fields_put_u64(put_horizon(at, &horizons->first), horizons->count);
	for (size_t i = 0; i < horizons->count; i++)
		at = put_horizon(at, &horizons->raises[i]);
	return (size_t)(at - to);
}

static bool
decode(struct fields fields, struct horizons *ret_horizons)
{
	uint64_t count;

	if (!take_horizon(&fields, &ret_horizons->first) || !fields_take_u64(&fields, &count) ||
	    count > HORIZONS_MAX || fields.left != count * RAISE_BYTES)
		return false;
	for (uint64_t i = 0; i < count; i++) {
		struct horizon *const raise = &ret_horizons->raises[i];

		(void)take_horizon(&fields, raise);
		if (i != 0 && !is_beyond(raise, &raise[-1]))
			return false;
	}
	ret_horizons->count = (size_t)count;
	return true;
}

reprise_status
horizons_load(const struct reprise_conversation *conversation, struct reprise_log_page *page,
	      struct horizons *ret_horizons, struct reprise_error *error)
{
	const struct reprise_log_key key = instance_key(conversation);
	struct reprise_error failure = { .size = sizeof(failure) };
	struct horizons horizons = { .are_stored = true };
	struct reprise_bytes bytes = { 0 };
	char found[MAGIC_BYTES];
	const reprise_status status =
		reprise_log_blob_get(conversation->log, &key, blob_name, page, &bytes, &failure);

	if (status == REPRISE_E_NOT_FOUND) {
		*ret_horizons = (struct horizons){ 0 };
		return REPRISE_OK;
	}
	if (status != REPRISE_OK)
		return error_copy(error, &failure);
	struct fields fields = fields_of(bytes);

	if (!fields_take(&fields, found, sizeof(found)) ||
	    memcmp(found, magic, MAGIC_BYTES - 1) != 0)
		return error_detailed(error, REPRISE_E_CORRUPT, "horizons",
				      "the blob has wrong bytes");
	if (found[MAGIC_BYTES - 1] != magic[MAGIC_BYTES - 1])
		return error_detailed(error, REPRISE_E_VERSION, "horizons", NULL);
	if (!decode(fields, &horizons))
		return error_detailed(error, REPRISE_E_CORRUPT, "horizons",
				      "the blob has wrong bytes");
	*ret_horizons = horizons;
	return REPRISE_OK;
}

reprise_status
horizons_store(struct reprise_conversation *conversation, struct reprise_error *error)
{
	struct horizons *const horizons = &conversation->horizons;
	const struct reprise_log_key key = instance_key(conversation);
	unsigned char bytes[BYTES_MAX];

	if (horizons->are_stored)
		return REPRISE_OK;
	const reprise_status status = reprise_log_blob_put(
		conversation->log, &key, &conversation->expected, blob_name,
		(struct reprise_bytes){ bytes, encode(horizons, bytes) }, error);

	horizons->are_stored = status == REPRISE_OK;
	return status == REPRISE_E_NOT_FOUND ? error_conflict(error, conversation->expected, 0)
					     : status;
}
