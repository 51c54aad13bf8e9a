/* SPDX-License-Identifier: MIT */
#include <reprise/once.h>

#include "ring/glimpse.h"
#include "store/appending.h"
#include "store/keys.h"

/* An append that counts once for a key. */
struct once {
	uint64_t key;
	uint64_t revision;
	uint16_t kind, flags;
	struct reprise_bytes payload;
	reprise_position position; /* set on OK */
	bool is_new;
};

/*
 * Whether the payload of the retained @position has the same bytes. The writer's: no other thread
 * overwrites the bytes.
 */
static bool
is_same(struct reprise_session *session, reprise_position position, struct reprise_bytes payload)
{
	struct glimpse glimpse;

	return ring_glimpse(&session->ring, position, &glimpse) &&
	       glimpse.payload_bytes == payload.size &&
	       copy_is_same(glimpse.payload, payload.data, payload.size);
}

/* Called by the one thread allowed to append now, with the append to make if the key is new. */
static ALWAYS_INLINE reprise_status
append_once(struct reprise_session *session, struct once *once,
	    reprise_status (*append)(struct reprise_session *, uint64_t, uint16_t, uint16_t,
				     struct reprise_bytes, reprise_position *))
{
	session_require_open(session);
	if (!session->bounds.is_deduplicated)
		return REPRISE_E_INVALID;
	if (ring_is_void(&session->ring))
		return REPRISE_E_CLOSED;
	const struct key_place place = keys_place(session, once->key);

	once->position = keys_find(session, &place);
	if (once->position != 0)
		return is_same(session, once->position, once->payload) ? REPRISE_OK
								       : REPRISE_E_CONFLICT;
	const reprise_status status = append(session, once->revision, once->kind, once->flags,
					     once->payload, &once->position);

	if (status == REPRISE_OK) {
		keys_put(&place, once->position);
		once->is_new = true;
	}
	return status;
}

static reprise_status
append_once_shared(struct reprise_session *session, struct once *once)
{
	reprise_status status = writer_lock_enter_here(session);

	if (status == REPRISE_OK) {
		status = append_once(session, once, append_by_id);
		writer_lock_leave(session);
	}
	return status;
}

static reprise_status
append_by_handle(struct reprise_session *session, uint64_t revision, uint16_t kind, uint16_t flags,
		 struct reprise_bytes payload, reprise_position *ret_position)
{
	return reprise_append(session_writer(session), revision, kind, flags, payload,
			      ret_position);
}

static reprise_status
append_once_alone(struct reprise_session *session, struct once *once)
{
	return session_is_here(session) ? append_once(session, once, append_by_handle)
					: REPRISE_E_FORKED;
}

reprise_status
reprise_append_once(struct reprise_writer *writer, uint64_t key, uint64_t revision, uint16_t kind,
		    uint16_t flags, struct reprise_bytes payload, reprise_position *ret_position,
		    int32_t *ret_is_new)
{
	struct reprise_session *const session = writer_session(writer);
	struct once once = {
		.key = key, .revision = revision, .kind = kind, .flags = flags, .payload = payload
	};

	if (session == NULL || (payload.data == NULL && payload.size != 0) ||
	    (flags & FLAGS_OF_LIBRARY) != 0 || revision == RING_NO_REVISION)
		return REPRISE_E_INVALID;
	const reprise_status status = session_is_shared(session)
					      ? append_once_shared(session, &once)
					      : append_once_alone(session, &once);

	if (status == REPRISE_OK && ret_position != NULL)
		*ret_position = once.position;
	if (status == REPRISE_OK && ret_is_new != NULL)
		*ret_is_new = once.is_new;
	return status;
}
