/* SPDX-License-Identifier: MIT */
#include "durable.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	HOSTS = 3, /* that come and go */
	THREADS = 32,
};

struct durable durable;
static char folder[1024], path[1100];
static atomic_ulong delivered, lost, voided, unavailable, healed;

static void *
declare_void(void *argument)
{
	unsigned int random = 6;
	char name[16];

	(void)argument;
	while (!atomic_load(&durable.is_over)) {
		durable_nap(20000);
		durable_name(name, stress_random(&random) % 2 == 0 ? "s" : "g",
			     stress_random(&random) % DURABLE_SESSIONS);
		CHECK_OK(reprise_session_invalidate(durable.store, name));
		atomic_fetch_add(&voided, 1);
	}
	atomic_store(&durable.is_quiet, true);
	return NULL;
}

/* All but a few of what is recorded, while hosts read it. */
static void
archive(const char *name, unsigned int *random)
{
	const struct reprise_log_key key = { "default", name };
	struct reprise_log_stats stats = { .size = sizeof(stats) };

	CHECK_OK(reprise_log_stats(durable.log, &key, &stats, NULL));
	const uint64_t kept = stress_random(random) % 200;

	if (stats.head > kept)
		CHECK_OK(reprise_log_archive_before(durable.log, &key, stats.head - kept, NULL,
						    NULL));
	if (kept % 2 == 0)
		CHECK_OK(reprise_log_move_archived(durable.log, &key, NULL, NULL));
}

static void *
bother(void *argument)
{
	struct reprise_recorder_stats stats = { .size = sizeof(stats) };
	unsigned int random = 7 + *(const unsigned int *)argument;
	reprise_position position = 0;
	char name[16];

	while (!atomic_load(&durable.is_over)) {
		durable_name(name, "s", stress_random(&random) % DURABLE_SESSIONS);
		const reprise_durability durability = stress_random(&random) % 3;
		const bool is_all = stress_random(&random) % 4 == 0;
		const reprise_status status = reprise_recorder_flush(
			durable.recorder, is_all ? NULL : name, durability,
			stress_random(&random) % 2 == 0 ? UINT64_C(2000000)
							: UINT64_C(20000000000));

		CHECK(status == REPRISE_OK || status == REPRISE_E_TIMEOUT ||
		      status == REPRISE_E_NOT_FOUND);
		if (reprise_recorder_recorded_through(durable.recorder, name, durability,
						      &position) != REPRISE_OK)
			position = 0;
		CHECK_OK(reprise_recorder_stats(durable.recorder, &stats));
		CHECK_OK(reprise_session_trim(durable.store, name));
		CHECK_OK(reprise_session_trim_to(durable.store, name, position));
		if (stress_random(&random) % 16 == 0)
			archive(name, &random);
		durable_nap(1000);
	}
	return NULL;
}

/* Where a host begins: where the window is, or where one has been before. */
static bool
find_cursor(const char *name, const struct reprise_cursor *before, unsigned int *random,
	    struct reprise_cursor *ret_cursor)
{
	const struct reprise_log_key key = { "default", name };

	switch (stress_random(random) % 4) {
	case 0:
		return reprise_session_current_cursor(durable.store, name,
						      stress_random(random) % 1000,
						      ret_cursor) == REPRISE_OK;
	case 1:
		return reprise_log_current_cursor(durable.log, &key, stress_random(random) % 1000,
						  ret_cursor, NULL) == REPRISE_OK;
	case 2:
		if (before->session_id[0] != '\0') {
			*ret_cursor = *before;
			return true;
		}
		/* fall through */
	default:
		return reprise_session_earliest_cursor(durable.store, name, 0, ret_cursor) ==
		       REPRISE_OK;
	}
}

static void *
visit(void *argument)
{
	static struct reprise_cursor none;
	struct reprise_cursor before[DURABLE_SESSIONS + DURABLE_GUESTS] = { 0 }, cursor;
	unsigned int random = 100 + *(const unsigned int *)argument;
	char name[16];

	while (!atomic_load(&durable.is_over)) {
		const unsigned int which =
			stress_random(&random) % (DURABLE_SESSIONS + DURABLE_GUESTS);
		struct host host;

		durable_name(name, which < DURABLE_SESSIONS ? "s" : "g",
			     which < DURABLE_SESSIONS ? which : which - DURABLE_SESSIONS);
		if (!find_cursor(name, &before[which], &random, &cursor)) {
			durable_nap(100);
			continue;
		}
		host_open(&host, &cursor, stress_random(&random) % HOST_KINDS,
			  stress_random(&random) % DOORS);
		for (unsigned int looks = stress_random(&random) % 30; looks > 0; looks--) {
			if (!host_take(&host, 1 + stress_random(&random) % 2000))
				break;
			host_sleep(&host, 3);
		}
		struct reprise_subscription_stats stats = { .size = sizeof(stats) };

		CHECK_OK(reprise_subscription_stats(host.subscription, &stats));
		host_close(&host);
		before[which] = host.is_unavailable ? none : host.at;
		atomic_fetch_add(&delivered, host.delivered);
		atomic_fetch_add(&healed, stats.healed);
		atomic_fetch_add(&lost, host.lost);
		atomic_fetch_add(&unavailable, host.is_unavailable);
	}
	return NULL;
}

/*
 * Follows one session from end to end; waits at its door until it is rung, however long that takes.
 */
static void *
stay(void *argument)
{
	const unsigned int number = *(const unsigned int *)argument;
	unsigned int random = 200 + number;
	struct reprise_cursor cursor = { 0 };
	bool is_final = false;
	char name[16];

	durable_name(name, "s", number % DURABLE_SESSIONS);
	while (!is_final) {
		struct host host;

		while (cursor.incarnation.bytes[0] == 0 &&
		       reprise_session_earliest_cursor(durable.store, name, 0, &cursor) !=
			       REPRISE_OK)
			durable_nap(100);
		host_open(&host, &cursor, number / DURABLE_SESSIONS % 2,
			  stress_random(&random) % DOORS);
		while (host_take(&host, UINT64_MAX))
			host_sleep(&host, -1);
		host_close(&host);
		cursor = host.is_unavailable ? host.next : host.at;
		is_final = !host.is_unavailable && host.end.status == DURABLE_FINAL;
		atomic_fetch_add(&delivered, host.delivered);
		atomic_fetch_add(&lost, host.lost);
		atomic_fetch_add(&unavailable, host.is_unavailable);
		if (!is_final)
			durable_nap(300);
	}
	return NULL;
}

static bool
verify_key(const struct reprise_log_key *key, void *context)
{
	struct reprise_log_report report = { .size = sizeof(report) };
	struct reprise_log_stats stats = { .size = sizeof(stats) };

	(void)context;
	CHECK_OK(reprise_log_verify(durable.log, key, &report, NULL));
	if (report.faults != 0)
		fprintf(stderr, "%s: %s at %" PRIu64 "\n", key->thread, report.what, report.at);
	CHECK(report.faults == 0);
	CHECK_OK(reprise_log_stats(durable.log, key, &stats, NULL));
	CHECK(stats.watermark + report.events + report.lost == stats.head);
	CHECK(stats.life.state == REPRISE_LIFE_CLEAN ||
	      stats.life.state == REPRISE_LIFE_INVALIDATED);
	return true;
}

static void
open_world(bool is_deferred)
{
	const char *const above = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%s/reprise-XXXXXX", above != NULL ? above : "/tmp");
	CHECK(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/log", folder);
	const struct reprise_log_sqlite_options log_options = { .size = sizeof(log_options),
								.path = path,
								.deadline_ns = 20000000000,
								.durability = REPRISE_WRITTEN };
	const struct reprise_session_options bounds = { .size = sizeof(bounds),
							.events_max = 64,
							.bytes_max = 16384 };
	const struct reprise_store_options options = { .size = sizeof(options),
						       .session = &bounds,
						       .wake = is_deferred ? REPRISE_WAKE_DEFERRED
									   : REPRISE_WAKE_RELAY,
						       .sessions_max = DURABLE_SESSIONS + 4 };
	const struct reprise_recorder_options recorder_options = {
		.size = sizeof(recorder_options),
		.durability = REPRISE_WRITTEN,
		.deadline_ns = 30000000000,
		.heal_wait_ns = 30000000000,
	};

	CHECK_OK(reprise_log_sqlite_open(&log_options, &durable.log, NULL));
	CHECK_OK(reprise_store_open(&options, &durable.store, NULL));
	CHECK_OK(reprise_recorder_open(durable.store, durable.log, &recorder_options,
				       &durable.recorder, NULL));
}

static void
remove_files(void)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-lock" };
	char file[1200];

	for (int i = 0; i < 4; i++) {
		snprintf(file, sizeof(file), "%s%s", path, ends[i]);
		(void)unlink(file);
	}
	CHECK(rmdir(folder) == 0);
}

int
main(int argc, char **argv)
{
	static unsigned int numbers[THREADS];
	pthread_t threads[THREADS];
	size_t count = 0;

	stress_begin(argc, argv);
	stress_limit_payload(1024);
	/* With a second argument: the store's thread wakes everybody. */
	open_world(argc > 2);
	for (unsigned int i = 0; i < THREADS; i++)
		numbers[i] = i;
	for (size_t i = 0; i < DURABLE_SESSIONS; i++)
		CHECK(pthread_create(&threads[count++], NULL, durable_write_session, &numbers[i]) ==
		      0);
	for (size_t i = 0; i < (size_t)2 * DURABLE_SESSIONS; i++)
		CHECK(pthread_create(&threads[count++], NULL, stay, &numbers[i]) == 0);
	for (size_t i = 0; i < HOSTS; i++)
		CHECK(pthread_create(&threads[count++], NULL, visit, &numbers[i]) == 0);
	CHECK(pthread_create(&threads[count++], NULL, durable_write_guests, NULL) == 0);
	CHECK(pthread_create(&threads[count++], NULL, declare_void, NULL) == 0);
	CHECK(pthread_create(&threads[count++], NULL, bother, &numbers[0]) == 0);
	while (!stress_is_over())
		durable_nap(10000);
	atomic_store(&durable.is_over, true);
	while (count > 0)
		CHECK(pthread_join(threads[--count], NULL) == 0);

	struct reprise_recorder_stats stats = { .size = sizeof(stats) };

	CHECK_OK(reprise_recorder_stats(durable.recorder, &stats));
	CHECK(stats.fenced == 0 && stats.failures == 0);
	CHECK_OK(reprise_recorder_close(durable.recorder));
	CHECK_OK(reprise_store_close(durable.store));
	CHECK_OK(reprise_log_each(durable.log, "default", verify_key, NULL, NULL));
	reprise_log_close(durable.log);
	remove_files();
	printf("appended %lu  recorded %" PRIu64 "  lost to it %" PRIu64 " in %" PRIu64
	       "  windows %lu  voided %lu  refused %lu\n"
	       "delivered %lu  healed %lu  lost %lu  unavailable %lu\n",
	       durable.appended, stats.recorded, stats.lost, stats.gaps, durable.opened, voided,
	       durable.refused, delivered, healed, lost, unavailable);
	return 0;
}
