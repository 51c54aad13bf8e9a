/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "ring/ring.h"
#include "store/subscription.h"

static const struct bounds bounds_default = {
	.events_max = 2048,
	.bytes_max = UINT64_C(1) << 20,
	.age_ns_max = 120 * NS_PER_S,
};

#define SESSIONS_MAX_DEFAULT     (UINT64_C(1) << 20)
#define DEFERRED_TICK_NS_DEFAULT UINT64_C(200000)
#define DEFERRED_TICK_NS_LEAST   UINT64_C(10000)
#define DEFERRED_TICK_NS_MOST    (3600 * NS_PER_S)

#define STAGING_BYTES_LEAST   UINT64_C(64)
#define STAGING_BYTES_MOST    (UINT64_C(16) << 20)
#define STAGING_BYTES_DEFAULT (UINT64_C(16) << 10)
#define SPIN_NS_DEFAULT       UINT64_C(50000)

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

	if (given != NULL &&
	    !sized_read(&known, sizeof(known), SIZE_MIN(reprise_session_options), given))
		return error_size(error, "session options: size", given, sizeof(known));

	if ((unsigned int)known.when_full > REPRISE_WHEN_FULL_REFUSE)
		return error_invalid(error, "when_full");
	if (known.is_shared != 0 && known.is_shared != 1)
		return error_invalid(error, "is_shared");
	if (known.is_deduplicated != 0 && known.is_deduplicated != 1)
		return error_invalid(error, "is_deduplicated");
	if (known.reserved != 0)
		return error_invalid(error, "session options: reserved");

	const struct bounds bounds = {
		.refuses = known.when_full == REPRISE_WHEN_FULL_DEFAULT
				   ? defaults->refuses
				   : known.when_full == REPRISE_WHEN_FULL_REFUSE,
		.is_shared = known.is_shared != 0 || defaults->is_shared,
		.is_deduplicated = known.is_deduplicated != 0 || defaults->is_deduplicated,
		.events_max = given_or(known.events_max, defaults->events_max),
		.bytes_max = given_or(known.bytes_max, defaults->bytes_max),
		.age_ns_max = given_or(known.age_ns_max, defaults->age_ns_max),
	};

	if (bounds.bytes_max < BYTES_MAX_LEAST || bounds.bytes_max > RING_ARENA_BYTES_MAX)
		return error_invalid(error, "bytes_max");
	*ret_bounds = bounds;
	return REPRISE_OK;
}

reprise_status
store_options_resolve(const struct reprise_store_options *given,
		      struct reprise_store_options *ret_options, struct bounds *ret_bounds,
		      struct reprise_error *error)
{
	struct reprise_store_options known = { 0 };

	if (given != NULL &&
	    !sized_read(&known, sizeof(known), SIZE_MIN(reprise_store_options), given))
		return error_size(error, "store options: size", given, sizeof(known));
	if (known.wake != REPRISE_WAKE_RELAY && known.wake != REPRISE_WAKE_DEFERRED)
		return error_invalid(error, "wake");
	known.sessions_max = given_or(known.sessions_max, SESSIONS_MAX_DEFAULT);
	known.bytes_max = given_or(known.bytes_max, REPRISE_NO_LIMIT);
	known.deferred_tick_ns = given_or(known.deferred_tick_ns, DEFERRED_TICK_NS_DEFAULT);
	if (known.deferred_tick_ns < DEFERRED_TICK_NS_LEAST ||
	    known.deferred_tick_ns > DEFERRED_TICK_NS_MOST)
		return error_invalid(error, "deferred_tick_ns");
	const reprise_status status =
		bounds_resolve(known.session, &bounds_default, ret_bounds, error);

	if (status == REPRISE_OK)
		*ret_options = known;
	return status;
}

/* Whether @given is 0, or 1 where that @is_possible. */
static bool
is_choice(int32_t given, bool is_possible)
{
	return given == 0 || (given == 1 && is_possible);
}

reprise_status
subscription_options_resolve(const struct reprise_subscription_options *given, bool is_replay,
			     bool has_log, struct reprise_subscription_options *ret_options,
			     struct reprise_error *error)
{
	struct reprise_subscription_options known = { 0 };

	if (given != NULL &&
	    !sized_read(&known, sizeof(known), SIZE_MIN(reprise_subscription_options), given))
		return error_size(error, "subscription options: size", given, sizeof(known));
	if (known.staging_bytes == 0)
		known.staging_bytes = STAGING_BYTES_DEFAULT;
	if (known.staging_bytes < STAGING_BYTES_LEAST || known.staging_bytes > STAGING_BYTES_MOST)
		return error_invalid(error, "staging_bytes");
	if (known.spin_ns == 0)
		known.spin_ns = SPIN_NS_DEFAULT;
	if (known.kinds_count > REPRISE_KINDS_MAX)
		return error_invalid(error, "kinds_count");
	if (!is_choice(known.is_recorded_only, has_log))
		return error_invalid(error, "is_recorded_only");
	if (!is_choice(known.is_continuous, !is_replay))
		return error_invalid(error, "is_continuous");
	if ((known.kinds == NULL) != (known.kinds_count == 0))
		return error_invalid(error, "kinds");
	*ret_options = known;
	return REPRISE_OK;
}
