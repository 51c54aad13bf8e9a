/* SPDX-License-Identifier: MIT */
#include "base/sized.h"
#include "ring/ring.h"
#include "store/store.h"

/* The smallest arena that is offered; the ring itself would take less. */
#define BYTES_MAX_LEAST UINT64_C(256)

static uint64_t
given_or(uint64_t given, uint64_t otherwise)
{
	return given != 0 ? given : otherwise;
}

reprise_status
bounds_resolve(const struct reprise_session_options *given, const struct bounds *defaults,
	       struct bounds *ret_bounds, struct reprise_error *error)
{
	struct reprise_session_options known = { 0 };

	if (given != NULL && !sized_read(&known, sizeof(known), sizeof(known), given))
		return error_invalid(error, "session options: size");

	const struct bounds bounds = {
		.events_max = given_or(known.events_max, defaults->events_max),
		.bytes_max = given_or(known.bytes_max, defaults->bytes_max),
		.age_ns_max = given_or(known.age_ns_max, defaults->age_ns_max),
	};

	if (bounds.bytes_max < BYTES_MAX_LEAST || bounds.bytes_max > RING_ARENA_BYTES_MAX)
		return error_invalid(error, "bytes_max");
	*ret_bounds = bounds;
	return REPRISE_OK;
}
