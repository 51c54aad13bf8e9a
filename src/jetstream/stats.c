/* SPDX-License-Identifier: MIT */
#include <reprise/jetstream_upkeep.h>

#include "base/error.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "jetstream/writer.h"

reprise_status
reprise_jetstream_stats(struct reprise_jetstream *writer, struct reprise_jetstream_stats *ret_stats)
{
	const reprise_status status = writer_check(writer, NULL);

	if (status != REPRISE_OK)
		return status;
	if (ret_stats == NULL)
		return REPRISE_E_INVALID;
	struct counters *const counters = &writer->counters;
	const struct reprise_jetstream_stats stats = {
		.published = load_relaxed(&counters->published),
		.repeated = load_relaxed(&counters->repeated),
		.flushes = load_relaxed(&counters->flushes),
		.applied = load_relaxed(&counters->applied),
		.conflicts = load_relaxed(&counters->conflicts),
		.dead = load_relaxed(&counters->dead),
		.discarded = load_relaxed(&counters->discarded),
		.in_flight = load_relaxed(&counters->in_flight),
		.reconnects = load_relaxed(&counters->reconnects),
		.is_connected = load_acquire(&writer->is_connected) != 0,
	};

	return sized_write(ret_stats, &stats, sizeof(stats), SIZE_MIN(reprise_jetstream_stats))
		       ? REPRISE_OK
		       : REPRISE_E_INVALID;
}
