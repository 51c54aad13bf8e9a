/* SPDX-License-Identifier: MIT */
#include "recorder/wall.h"

#include <time.h>

#include "base/clock.h"
#include "recorder/recorder.h"

enum {
	TRIES = 3,
	NOISE_NS = 1000000, /* by which two measurements of the same two clocks may differ */
};

/*
 * How long a host may leave its stamp as it is: then the newest stamp is older than what
 * is appended now.
 */
#define HOST_PAUSE_NS NS_PER_S

/*
 * The lead of CLOCK_REALTIME over CLOCK_MONOTONIC. CLOCK_REALTIME is read between two readings of
 * CLOCK_MONOTONIC. Of some tries the quickest counts, since a thread may lose its processor in
 * between.
 */
static uint64_t
measure_monotonic(uint64_t *ret_now_ns)
{
	uint64_t width_least = UINT64_MAX, offset = 0;

	for (int i = 0; i < TRIES; i++) {
		struct timespec real = { 0 };
		const uint64_t before = clock_ns();

		(void)clock_gettime(CLOCK_REALTIME, &real);
		const uint64_t width = clock_ns() - before;

		if (width < width_least) {
			width_least = width;
			offset = timespec_ns(&real) - (before + width / 2);
			*ret_now_ns = timespec_ns(&real);
		}
	}
	return offset;
}

/* @kept, unless @measured is below it by more than @under, or above it by more than @over. */
static uint64_t
keep_or_take(uint64_t kept, uint64_t measured, uint64_t under, uint64_t over)
{
	return measured - kept + under <= under + over ? kept : measured;
}

static void
measure(struct wall *wall, struct reprise_store *store)
{
	uint64_t stamp = 0;
	const bool is_hosts = port_stamp_of_host(store, &stamp);
	const uint64_t monotonic = measure_monotonic(&wall->now_ns);

	if (!wall->is_known) {
		wall->monotonic_ns = monotonic;
		wall->offset_ns = is_hosts ? wall->now_ns - stamp : monotonic;
		wall->is_known = true;
		return;
	}
	wall->monotonic_ns = keep_or_take(wall->monotonic_ns, monotonic, NOISE_NS, NOISE_NS);
	/*
	 * A host's stamp has been set a while ago: the least that is measured is the nearest
	 * to the truth.
	 */
	wall->offset_ns =
		is_hosts ? keep_or_take(wall->offset_ns, wall->now_ns - stamp, 0, HOST_PAUSE_NS)
			 : wall->monotonic_ns;
}

struct wall
wall_measure(struct reprise_recorder *recorder)
{
	pthread_mutex_lock(&recorder->lock);
	measure(&recorder->wall, recorder->store);
	const struct wall wall = recorder->wall;

	pthread_mutex_unlock(&recorder->lock);
	return wall;
}

uint64_t
wall_time(const struct wall *wall, uint64_t stamp_ns)
{
	const uint64_t age = wall->now_ns - (stamp_ns + wall->offset_ns);

	/* A host that sets its clock back leaves stamps that are ahead of it. */
	if ((int64_t)age < 0)
		return wall->now_ns;
	return age < wall->now_ns ? wall->now_ns - age : 1;
}

uint64_t
wall_stamp(const struct wall *wall, uint64_t time_ns)
{
	const uint64_t stamp = time_ns - wall->offset_ns;

	return (int64_t)stamp < 0 ? 0 : stamp;
}

uint64_t
wall_monotonic(const struct wall *wall, uint64_t time_ns)
{
	return time_ns - wall->monotonic_ns;
}
