/* SPDX-License-Identifier: MIT */

/*
 * Lives of a few ids in a store that is too small for them: opened, ended, evicted, expired,
 * declared void, one or all, while hosts come with cursors of now and of long ago. The store
 * keeps its bounds; positions of an id never go back (G3); no life delivers to another's cursor
 * (G6), which each event shows, since it tells its incarnation; of a window that was declared
 * void nothing is heard any more but that it is; and delivered + filtered + lost is exact in
 * every visit (G2). Hosts sleep without a time-out: that their window goes must wake them, since
 * nothing else may.
 */

#include <sched.h>
#include <stdio.h>

#include "lives.h"

enum {
	WRITERS = 2, /* an id is one writer's, for ever */
	HOSTS = 3,
	SWEEPERS = 2,
	SESSIONS_MAX = 4,
	BYTES_MAX = 32768,
	VISITS = 4000,
};

struct writer {
	pthread_t thread;
	unsigned int random, number;
	uint64_t lives, appended;
};

struct reprise_store *lives_store;
struct place lives_places[LIVES_IDS];
_Atomic uint64_t lives_fulls;

static _Atomic unsigned int hosts_left;
static _Atomic bool is_over;
static _Atomic uint64_t invalidations, expired;

/* Answers false if the window is void. */
static bool
append(struct reprise_writer *writer, struct place *place, reprise_position next, bool in_place)
{
	struct print print = { place->incarnation, next, (uint64_t)(place - lives_places) };
	reprise_position position = 0;
	reprise_status status;
	void *room = NULL;

	if (in_place) {
		status = reprise_reserve(writer, 2 * sizeof(print), &room);
		if (status == REPRISE_OK) {
			memcpy(room, &print, sizeof(print));
			status = reprise_publish(writer, next, (uint16_t)(next % 2),
						 REPRISE_EVENT_COMMIT, sizeof(print), &position);
		}
	} else {
		status = reprise_append(writer, next, (uint16_t)(next % 2), REPRISE_EVENT_COMMIT,
					(struct reprise_bytes){ &print, sizeof(print) }, &position);
	}
	CHECK(status == REPRISE_OK || status == REPRISE_E_CLOSED);
	CHECK(status != REPRISE_OK || position == next);
	return status == REPRISE_OK;
}

/* Checks the duties of a new life to the lives before. */
static void
check_life(struct place *place, const struct reprise_session_stats *stats)
{
	CHECK(stats->newest >= atomic_load(&place->newest));
	if (place->is_ended)
		CHECK(!is_same_life(&stats->incarnation, &place->incarnation));
	place->incarnation = stats->incarnation;
	place->is_ended = false;
}

static void
write_some(struct writer *writer, struct place *place, struct reprise_writer *session,
	   uint64_t quiet)
{
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	const uint64_t begun = atomic_load(&place->begun);
	unsigned int more = stress_random(&writer->random) % 16;
	bool is_valid = true;

	/* Another life's, or none at all, if ours is void: then no append can succeed either. */
	if (reprise_session_stats(lives_store, place->id, &stats) != REPRISE_OK)
		return;
	check_life(place, &stats);
	reprise_position newest = stats.newest;

	for (; is_valid && more > 0; more--) {
		const bool is_void = atomic_load(&place->done) > begun;

		is_valid = append(session, place, newest + 1, more % 4 == 0);
		newest += is_valid;
		writer->appended += is_valid;
		CHECK(!(is_void && is_valid));
		/* Without an invalidation near there is no doubt. */
		if (atomic_load(&place->begun) == quiet) {
			CHECK(is_valid);
			atomic_store(&place->newest, newest);
		}
		if (more % 8 == 0)
			sched_yield();
	}
	if (is_valid && stress_random(&writer->random) % 3 == 0)
		place->is_ended = reprise_writer_end(session, (int32_t)newest) == REPRISE_OK;
}

/* The life that ended will be replaced, now. */
static void
leave_behind(struct place *place)
{
	CHECK(pthread_mutex_lock(&place->lock) == 0);
	place->replaced[place->replaced_count++ % LIVES_ENDED] = place->incarnation;
	CHECK(pthread_mutex_unlock(&place->lock) == 0);
}

static void
live(struct writer *writer)
{
	const unsigned int mine = LIVES_IDS / WRITERS;
	struct place *const place =
		&lives_places[writer->number * mine + stress_random(&writer->random) % mine];
	const struct reprise_session_options options = {
		.size = sizeof(options),
		.events_max = UINT64_C(1) << stress_random(&writer->random) % 5,
		.bytes_max = UINT64_C(256) << stress_random(&writer->random) % 5,
	};
	struct reprise_writer *session = NULL;
	struct reprise_error error = { .size = sizeof(error) };
	const uint64_t done = atomic_load(&place->done), begun = atomic_load(&place->begun);
	if (place->is_ended)
		leave_behind(place);
	const reprise_status status =
		reprise_writer_open(lives_store, place->id, &options, &session, &error);

	if (status == REPRISE_E_FULL) {
		CHECK(strcmp(error.what, "sessions_max") == 0 ||
		      strcmp(error.what, "bytes_max") == 0);
		atomic_fetch_add(&lives_fulls, 1);
		return;
	}
	CHECK(status == REPRISE_OK);
	writer->lives++;
	write_some(writer, place, session, done == begun ? begun : UINT64_MAX);
	reprise_writer_close(session);
}

static void *
writer_main(void *argument)
{
	struct writer *const writer = argument;

	while (!atomic_load(&is_over)) {
		live(writer);
		if (stress_random(&writer->random) % 4 == 0)
			sched_yield();
	}
	return NULL;
}

/* Of the places from @first on. */
static void
invalidate(size_t first, size_t count)
{
	for (size_t i = first; i < first + count; i++)
		atomic_fetch_add(&lives_places[i].begun, 1);
	if (count == LIVES_IDS)
		CHECK_OK(reprise_sessions_invalidate(lives_store));
	else
		CHECK_OK(reprise_session_invalidate(lives_store, lives_places[first].id));
	for (size_t i = first; i < first + count; i++)
		atomic_fetch_add(&lives_places[i].done, 1);
	atomic_fetch_add(&invalidations, 1);
}

static struct reprise_store_stats
store_stats(void)
{
	struct reprise_store_stats stats = { .size = sizeof(stats) };

	CHECK_OK(reprise_store_stats(lives_store, &stats));
	return stats;
}

static void
check_bounds(const char *id)
{
	const struct reprise_store_stats stats = store_stats();
	struct reprise_session_stats session = { .size = sizeof(session) };

	CHECK(stats.sessions <= SESSIONS_MAX);
	CHECK(stats.bytes <= BYTES_MAX);
	CHECK(stats.sessions_idle <= SESSIONS_MAX);
	const reprise_status status = reprise_session_stats(lives_store, id, &session);

	CHECK(status == REPRISE_OK || status == REPRISE_E_NOT_FOUND);
	if (status == REPRISE_OK) {
		CHECK(session.newest + 1 >= session.oldest);
		CHECK(session.oldest >= session.first);
		CHECK(session.retained <= session.events_max);
	}
}

/* Everybody has gone: nothing is held, and once all is void nothing is left. */
static void
check_rest(void)
{
	struct reprise_store_stats stats = store_stats();

	CHECK(stats.writers == 0);
	CHECK(stats.subscriptions == 0);
	CHECK(stats.staging_bytes == 0);
	CHECK(stats.sessions <= SESSIONS_MAX);
	CHECK(stats.sessions_idle == stats.sessions);
	CHECK((stats.bytes == 0) == (stats.sessions == 0));
	CHECK_OK(reprise_sessions_invalidate(lives_store));
	stats = store_stats();
	CHECK(stats.sessions == 0);
	CHECK(stats.sessions_idle == 0);
	CHECK(stats.bytes == 0);
	/* The relay may still be looking at one that was rung for; the alarm is the limit. */
	while (store_stats().arena_bytes != 0)
		sched_yield();
}

static void *
sweeper_main(void *argument)
{
	unsigned int random = *(unsigned int *)argument;
	uint64_t count = 0;

	while (!atomic_load(&is_over)) {
		const unsigned int number = stress_random(&random), place = number / 64 % LIVES_IDS;

		if (number % 64 == 0)
			invalidate(0, LIVES_IDS);
		else if (number % 8 == 0)
			invalidate(place, 1);
		else if (number % 8 == 1)
			CHECK_OK(reprise_sessions_expire_idle(lives_store, &count));
		else if (number % 8 == 2)
			CHECK_OK(reprise_session_trim(lives_store, lives_places[place].id));
		else
			check_bounds(lives_places[place].id);
		atomic_fetch_add(&expired, count);
		count = 0;
		sched_yield();
	}
	return NULL;
}

static void *
host_main(void *argument)
{
	struct lives_host *const host = argument;

	for (uint64_t visits = stress_work(VISITS); visits > 0; visits--)
		lives_visit(host);
	atomic_fetch_sub(&hosts_left, 1);
	return NULL;
}

static void
open_store(void)
{
	const struct reprise_session_options bounds = {
		.size = sizeof(bounds),
		.events_max = 16,
		.bytes_max = 4096,
		.age_ns_max = 1000000,
	};
	const struct reprise_store_options options = {
		.size = sizeof(options),
		.session = &bounds,
		.sessions_max = SESSIONS_MAX,
		.bytes_max = BYTES_MAX,
	};

	CHECK_OK(reprise_store_open(&options, &lives_store, NULL));
	for (unsigned int i = 0; i < LIVES_IDS; i++) {
		lives_places[i] = (struct place){ .lock = PTHREAD_MUTEX_INITIALIZER };
		snprintf(lives_places[i].id, sizeof(lives_places[i].id), "id-%u", i);
	}
}

static struct lives_host hosts[HOSTS];
static struct writer writers[WRITERS];

static void
run(void)
{
	pthread_t sweepers[SWEEPERS];
	static unsigned int seeds[SWEEPERS] = { 1, 2 };

	open_store();
	atomic_store(&is_over, false);
	atomic_store(&hosts_left, HOSTS);
	for (unsigned int i = 0; i < WRITERS; i++) {
		writers[i].number = i;
		writers[i].random += i;
		CHECK(pthread_create(&writers[i].thread, NULL, writer_main, &writers[i]) == 0);
	}
	for (unsigned int i = 0; i < HOSTS; i++) {
		hosts[i].random += i;
		memset(hosts[i].kept, 0, sizeof(hosts[i].kept));
		CHECK(pthread_create(&hosts[i].thread, NULL, host_main, &hosts[i]) == 0);
	}
	for (unsigned int i = 0; i < SWEEPERS; i++) {
		seeds[i] += 7;
		CHECK(pthread_create(&sweepers[i], NULL, sweeper_main, &seeds[i]) == 0);
	}
	/* Sleepers are woken by the work of the other threads, which goes on. */
	for (unsigned int i = 0; i < HOSTS; i++)
		CHECK(pthread_join(hosts[i].thread, NULL) == 0);
	atomic_store(&is_over, true);
	for (unsigned int i = 0; i < WRITERS; i++)
		CHECK(pthread_join(writers[i].thread, NULL) == 0);
	for (unsigned int i = 0; i < SWEEPERS; i++)
		CHECK(pthread_join(sweepers[i], NULL) == 0);
	check_rest();
	CHECK_OK(reprise_store_close(lives_store));
}

int
main(int argc, char **argv)
{
	struct lives_host all = { 0 };
	uint64_t lives = 0, appended = 0;

	stress_begin(argc, argv);
	do
		run();
	while (!stress_is_over());
	for (unsigned int i = 0; i < WRITERS; i++) {
		lives += writers[i].lives;
		appended += writers[i].appended;
	}
	for (unsigned int i = 0; i < HOSTS; i++) {
		all.delivered += hosts[i].delivered;
		all.filtered += hosts[i].filtered;
		all.lost += hosts[i].lost;
		all.ended += hosts[i].ended;
		all.refused += hosts[i].refused;
		all.voided += hosts[i].voided;
	}
	printf("writers %llu  appends %llu  delivered %llu  filtered %llu  lost %llu  ended %llu"
	       "  refused %llu (void %llu)  full %llu  invalidations %llu  expired %llu\n",
	       (unsigned long long)lives, (unsigned long long)appended,
	       (unsigned long long)all.delivered, (unsigned long long)all.filtered,
	       (unsigned long long)all.lost, (unsigned long long)all.ended,
	       (unsigned long long)all.refused, (unsigned long long)all.voided,
	       (unsigned long long)lives_fulls, (unsigned long long)invalidations,
	       (unsigned long long)expired);
	return 0;
}
