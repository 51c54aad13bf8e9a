/* SPDX-License-Identifier: MIT */
#include "recorder/lease.h"

#include "recorder/recorder.h"

enum {
	RENEWALS = 3, /* within a lease's length */
};

bool
lease_begin_round(struct reprise_recorder *recorder, uint64_t now_ns)
{
	const uint64_t lease_ns = recorder->options.lease_ns;
	const bool renews = now_ns >= recorder->renewal_ns;

	recorder->batch.begun_ns = now_ns;
	/* A lease that was renewed in the last sixth of its length waits for the next round. */
	const uint64_t sixth_ns = lease_ns / RENEWALS / 2;

	/* Soon after the machine's start the clock is below that. */
	recorder->batch.leases_before_ns = renews && now_ns > sixth_ns ? now_ns - sixth_ns : 0;
	return renews;
}

void
lease_end_round(struct reprise_recorder *recorder, bool is_full)
{
	const struct batch *const batch = &recorder->batch;

	if (batch->leases_before_ns != 0 && !is_full)
		recorder->renewal_ns = batch->begun_ns + recorder->options.lease_ns / RENEWALS;
}

uint64_t
lease_due_ns(const struct reprise_recorder *recorder)
{
	return recorder->renewal_ns;
}
