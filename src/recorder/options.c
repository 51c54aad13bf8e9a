/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "base/utf8.h"
#include "recorder/recorder.h"

/* The options of a recorder: defaults and limits. */

#define TENANT_DEFAULT "default"

#define LINGER_NS_MOST (10 * NS_PER_S)
#define WAIT_NS_MOST   (3600 * NS_PER_S)
#define LEASE_NS_LEAST (NS_PER_S / 10)
#define WATCH_NS_LEAST (NS_PER_S / 1000)
#define WATCH_NS_MOST  (10 * NS_PER_S)

enum {
	BATCH_EVENTS_MOST = PORT_BATCH_EVENTS_MAX,
	BATCH_BYTES_MOST = 64 << 20,
};

static uint64_t
given_or(uint64_t given, uint64_t otherwise)
{
	return given != 0 ? given : otherwise;
}

static bool
is_tenant(const char *tenant)
{
	const size_t bytes = strnlen(tenant, REPRISE_SESSION_ID_BYTES_MAX + 1);

	return bytes >= 1 && bytes <= REPRISE_SESSION_ID_BYTES_MAX &&
	       utf8_text_prefix(tenant, bytes) == bytes;
}

static const char *
fault_of(const struct reprise_recorder_options *options)
{
	if (!is_tenant(options->tenant))
		return "tenant";
	if (options->durability != REPRISE_WRITTEN && options->durability != REPRISE_SYNCED)
		return "durability";
	if (options->linger_ns > LINGER_NS_MOST)
		return "linger_ns";
	if (options->batch_events_max > BATCH_EVENTS_MOST)
		return "batch_events_max";
	if (options->batch_bytes_max > BATCH_BYTES_MOST)
		return "batch_bytes_max";
	if (options->retry_ns_min > options->retry_ns_max)
		return "retry_ns_min";
	if (options->retry_ns_max > WAIT_NS_MOST)
		return "retry_ns_max";
	if (options->deadline_ns > WAIT_NS_MOST)
		return "deadline_ns";
	if (options->invalidates_async != 0 && options->invalidates_async != 1)
		return "invalidates_async";
	if (options->refuses_leased != 0 && options->refuses_leased != 1)
		return "refuses_leased";
	if (options->lease_ns != 0 &&
	    (options->lease_ns < LEASE_NS_LEAST || options->lease_ns > WAIT_NS_MOST))
		return "lease_ns";
	if (options->reads_only != 0 && options->reads_only != 1)
		return "reads_only";
	if (options->watch_ns < WATCH_NS_LEAST || options->watch_ns > WATCH_NS_MOST)
		return "watch_ns";
	return NULL;
}

reprise_status
recorder_options_resolve(const struct reprise_recorder_options *given,
			 struct reprise_recorder_options *ret_options, struct reprise_error *error)
{
	struct reprise_recorder_options known = { 0 };

	if (given != NULL &&
	    !sized_read(&known, sizeof(known), SIZE_MIN(reprise_recorder_options), given))
		return error_size(error, "recorder options: size", given, sizeof(known));
	if (known.tenant == NULL)
		known.tenant = TENANT_DEFAULT;
	if (known.durability == REPRISE_ENQUEUED)
		known.durability = REPRISE_SYNCED;
	known.linger_ns = given_or(known.linger_ns, 2 * NS_PER_S / 1000);
	known.batch_events_max = given_or(known.batch_events_max, 4096);
	known.batch_bytes_max = given_or(known.batch_bytes_max, 4 << 20);
	known.retry_ns_min = given_or(known.retry_ns_min, NS_PER_S / 100);
	known.retry_ns_max = given_or(known.retry_ns_max, 2 * NS_PER_S);
	known.deadline_ns = given_or(known.deadline_ns, 5 * NS_PER_S);
	known.heal_wait_ns = given_or(known.heal_wait_ns, 5 * NS_PER_S);
	known.watch_ns = given_or(known.watch_ns, 15 * NS_PER_S / 1000);
	const char *const fault = fault_of(&known);

	if (fault != NULL)
		return error_invalid(error, fault);
	const reprise_status status = retain_resolve(&known, error);

	if (status == REPRISE_OK)
		*ret_options = known;
	return status;
}
