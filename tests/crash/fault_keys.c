/* SPDX-License-Identifier: MIT */
#include "fault_log.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <reprise/log_blob.h>

/*
 * A process is killed while it copies, drops or prunes a key: the log is then as before the call or
 * as after it. And a runtime is killed whose recorder prunes while it records.
 */

enum {
	ROUNDS = 24,
	ENTRIES = 3000,
	PAYLOAD_BYTES = 300,
	RETAINED = 100,
};

typedef struct reprise_log *log_opener(void);
typedef reprise_status change(struct reprise_log *log, const struct reprise_log_key *key);

static const struct reprise_log_key source = { "default", "source" };

static uint64_t
now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * FAULT_SECOND + (uint64_t)now.tv_nsec;
}

static reprise_status
copy_source(struct reprise_log *log, const struct reprise_log_key *key)
{
	return reprise_log_fork(log, &source, key, ENTRIES, NULL);
}

static reprise_status
drop(struct reprise_log *log, const struct reprise_log_key *key)
{
	return reprise_log_drop(log, key, false, NULL, NULL);
}

static reprise_status
prune(struct reprise_log *log, const struct reprise_log_key *key)
{
	const struct reprise_log_retention retention = { .size = sizeof(retention),
							 .entries_max = RETAINED,
							 .includes_direct = 1 };

	return reprise_log_prune(log, key->tenant, &retention, NULL, NULL);
}

/* The keys of earlier rounds are older, and are pruned to nothing. */
static reprise_status
prune_sum(struct reprise_log *log, const struct reprise_log_key *key)
{
	const struct reprise_log_retention retention = { .size = sizeof(retention),
							 .tenant_entries_max = RETAINED,
							 .includes_direct = 1 };

	return reprise_log_prune(log, key->tenant, &retention, NULL, NULL);
}

/* A runtime whose recorder prunes meanwhile. All of it is over once the last round is. */
static reprise_status
record_and_prune(struct reprise_log *log, const struct reprise_log_key *key)
{
	static const char payload[PAYLOAD_BYTES];
	const struct reprise_log_retention retention = { .size = sizeof(retention),
							 .entries_max = RETAINED };
	const struct reprise_recorder_options options = { .size = sizeof(options),
							  .tenant = key->tenant,
							  .retention = &retention,
							  .prune_interval_ns = FAULT_SECOND / 100 };
	const struct reprise_session_options session = { .size = sizeof(session),
							 .events_max = ENTRIES,
							 .bytes_max = 4 << 20 };
	struct reprise_recorder *recorder = NULL;
	struct reprise_store *store = NULL;
	struct reprise_writer *writer = NULL;
	struct reprise_log_stats stats = { .size = sizeof(stats) };

	CHECK_OK(reprise_store_open(NULL, &store, NULL));
	CHECK_OK(reprise_recorder_open(store, log, &options, &recorder, NULL));
	CHECK_OK(reprise_writer_open(store, key->thread, &session, &writer, NULL));
	for (uint64_t i = 0; i < ENTRIES; i++) {
		CHECK_OK(reprise_append(writer, i + 1, 0, i % 3 == 0 ? REPRISE_EVENT_COMMIT : 0,
					(struct reprise_bytes){ payload, sizeof(payload) }, NULL));
		if (i % 100 == 99)
			CHECK_OK(reprise_recorder_flush(recorder, key->thread, REPRISE_WRITTEN,
							20 * FAULT_SECOND));
	}
	do {
		crash_nap(FAULT_SECOND / 1000);
		CHECK_OK(reprise_log_stats(log, key, &stats, NULL));
	} while (stats.watermark != ENTRIES - RETAINED);
	reprise_writer_close(writer);
	CHECK_OK(reprise_recorder_close(recorder));
	return reprise_store_close(store);
}

static void
fill(struct reprise_log *log, const struct reprise_log_key *key)
{
	static char payload[PAYLOAD_BYTES];
	static struct reprise_log_new_entry entries[ENTRIES];
	static uint64_t time_ns;

	time_ns++;

	for (uint64_t i = 0; i < ENTRIES; i++)
		entries[i] = (struct reprise_log_new_entry){
			.time_ns = time_ns,
			.revision = i + 1,
			.flags = i % 3 == 0 ? REPRISE_EVENT_COMMIT : 0,
			.payload = { payload, sizeof(payload) },
		};
	CHECK_OK(reprise_log_append(log, key, NULL, entries, ENTRIES, NULL, NULL));
}

/*
 * A process that makes the change, and is killed after @delay_ns; 0: it is not. How long it took.
 */
static uint64_t
change_in_child(log_opener *open_log, change *make, const struct reprise_log_key *key,
		uint64_t delay_ns)
{
	int ready[2], status = 1;
	char word;

	CHECK(pipe(ready) == 0);
	const pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		struct reprise_log *const log = open_log();

		CHECK(write(ready[1], "x", 1) == 1);
		CHECK_OK(make(log, key));
		_exit(0);
	}
	(void)close(ready[1]);
	CHECK(read(ready[0], &word, 1) == 1);
	const uint64_t begin_ns = now_ns();

	if (delay_ns != 0) {
		crash_nap(delay_ns);
		CHECK(kill(child, SIGKILL) == 0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(delay_ns != 0 || status == 0);
	(void)close(ready[0]);
	return now_ns() - begin_ns;
}

static struct reprise_log_report
verify(struct reprise_log *log, const struct reprise_log_key *key)
{
	struct reprise_log_report report = { .size = sizeof(report) };

	CHECK_OK(reprise_log_verify(log, key, &report, NULL));
	if (report.faults != 0)
		crash_die(__FILE__, __LINE__, report.what);
	return report;
}

/* Whether the copy is there, whole. */
static bool
check_copy(struct reprise_log *log, const struct reprise_log_key *key)
{
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	const reprise_status status = reprise_log_stats(log, key, &stats, NULL);

	if (status == REPRISE_E_NOT_FOUND) {
		CHECK_OK(copy_source(log, key));
		CHECK(verify(log, key).events == ENTRIES);
		return false;
	}
	CHECK_OK(status);
	CHECK(stats.head == ENTRIES && stats.revision_max == ENTRIES);
	CHECK(verify(log, key).events == ENTRIES);
	return true;
}

/* Whether the key is dropped. Then the call may be made again, and leaves nothing. */
static bool
check_dropped(struct reprise_log *log, const struct reprise_log_key *key)
{
	struct reprise_log_stats stats = { .size = sizeof(stats) };

	CHECK_OK(reprise_log_stats(log, key, &stats, NULL));
	const struct reprise_log_report report = verify(log, key);
	const bool is_dropped = stats.watermark != 0;

	CHECK(stats.head == ENTRIES);
	CHECK(stats.watermark == (is_dropped ? ENTRIES : 0));
	CHECK(report.events == (is_dropped ? 0 : ENTRIES));
	CHECK(report.blobs == (is_dropped ? 0 : 1));
	CHECK_OK(drop(log, key));
	CHECK(verify(log, key).events == 0);
	return is_dropped;
}

/*
 * Whether the key is pruned as far as it is to be. Then the call may be made again, and leaves no
 * more than that.
 */
static bool
check_pruned_by(change *make, struct reprise_log *log, const struct reprise_log_key *key)
{
	struct reprise_log_stats stats = { .size = sizeof(stats) };

	CHECK_OK(reprise_log_stats(log, key, &stats, NULL));
	CHECK(stats.head == ENTRIES && stats.revision_max == ENTRIES);
	CHECK(stats.watermark <= ENTRIES - RETAINED);
	CHECK(verify(log, key).events == ENTRIES - stats.watermark);
	CHECK_OK(make(log, key));
	CHECK(verify(log, key).events == RETAINED);
	return stats.watermark == ENTRIES - RETAINED;
}

static bool
check_pruned(struct reprise_log *log, const struct reprise_log_key *key)
{
	return check_pruned_by(prune, log, key);
}

static bool
check_sum(struct reprise_log *log, const struct reprise_log_key *key)
{
	return check_pruned_by(prune_sum, log, key);
}

/*
 * Whether the runtime has recorded all, and has pruned it. Each recorded event is there, but for
 * the entries beyond the newest ones; then the pruning goes on where it was.
 */
static bool
check_recorded(struct reprise_log *log, const struct reprise_log_key *key)
{
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	const reprise_status status = reprise_log_stats(log, key, &stats, NULL);

	if (status == REPRISE_E_NOT_FOUND)
		return false;
	CHECK_OK(status);
	CHECK(stats.head <= ENTRIES && stats.revision_max == stats.head);
	CHECK(stats.watermark == 0 || stats.watermark + RETAINED <= stats.head);
	CHECK(verify(log, key).events == stats.head - stats.watermark);
	CHECK_OK(prune(log, key));
	CHECK(verify(log, key).events == (stats.head < RETAINED ? stats.head : RETAINED));
	return stats.watermark == ENTRIES - RETAINED;
}

static void
prepare_drop(struct reprise_log *log, const struct reprise_log_key *key)
{
	const struct reprise_bytes blob = { "blob", 4 };

	CHECK_OK(copy_source(log, key));
	CHECK_OK(reprise_log_blob_put(log, key, NULL, "b", blob, NULL));
}

/* How long the change takes is measured; then it is killed at moments all over that time. */
static enum fault_end
kill_each(log_opener *open_log, change *make,
	  bool (*check)(struct reprise_log *, const struct reprise_log_key *))
{
	uint64_t whole_ns = 0, after = 0;
	char thread[32];
	const bool prunes = make == prune || make == prune_sum;
	/* The source is not to be pruned. */
	const struct reprise_log_key key = { prunes || make == record_and_prune ? "pruned"
										: "default",
					     thread };
	struct reprise_log *log = open_log();

	fill(log, &source);
	for (uint64_t i = 0; i < ROUNDS; i++) {
		snprintf(thread, sizeof(thread), "key %d", (int)i);
		if (make == drop)
			prepare_drop(log, &key);
		if (prunes)
			fill(log, &key);
		reprise_log_close(log);
		const uint64_t took_ns =
			change_in_child(open_log, make, &key, whole_ns * i / (ROUNDS - 4));

		whole_ns = i == 0 ? took_ns : whole_ns;
		log = open_log();
		after += check(log, &key);
	}
	CHECK(after >= 1); /* the first round is not killed */
	CHECK(verify(log, &source).events == ENTRIES);
	reprise_log_close(log);
	return FAULT_PASSED;
}

static enum fault_end
fork_is_killed_sqlite(void)
{
	return kill_each(fault_patient_sqlite, copy_source, check_copy);
}

static enum fault_end
drop_is_killed_sqlite(void)
{
	return kill_each(fault_patient_sqlite, drop, check_dropped);
}

static enum fault_end
prune_is_killed_sqlite(void)
{
	return kill_each(fault_patient_sqlite, prune, check_pruned);
}

static enum fault_end
prune_sum_is_killed_sqlite(void)
{
	return kill_each(fault_patient_sqlite, prune_sum, check_sum);
}

static enum fault_end
pruning_recorder_is_killed_sqlite(void)
{
	return kill_each(fault_patient_sqlite, record_and_prune, check_recorded);
}

const struct fault_scene fault_keys_sqlite_scenes[] = {
	{ "fork_is_killed", fork_is_killed_sqlite },
	{ "drop_is_killed", drop_is_killed_sqlite },
	{ "prune_is_killed", prune_is_killed_sqlite },
	{ "prune_sum_is_killed", prune_sum_is_killed_sqlite },
	{ "pruning_recorder_is_killed", pruning_recorder_is_killed_sqlite },
	{ NULL, NULL },
};

#ifdef CRASH_POSTGRES
static enum fault_end
fork_is_killed_postgres(void)
{
	return kill_each(fault_postgres, copy_source, check_copy);
}

static enum fault_end
drop_is_killed_postgres(void)
{
	return kill_each(fault_postgres, drop, check_dropped);
}

static enum fault_end
prune_is_killed_postgres(void)
{
	return kill_each(fault_postgres, prune, check_pruned);
}

static enum fault_end
prune_sum_is_killed_postgres(void)
{
	return kill_each(fault_postgres, prune_sum, check_sum);
}

static enum fault_end
pruning_recorder_is_killed_postgres(void)
{
	return kill_each(fault_postgres, record_and_prune, check_recorded);
}

const struct fault_scene fault_keys_postgres_scenes[] = {
	{ "fork_is_killed_postgres", fork_is_killed_postgres },
	{ "drop_is_killed_postgres", drop_is_killed_postgres },
	{ "prune_is_killed_postgres", prune_is_killed_postgres },
	{ "prune_sum_is_killed_postgres", prune_sum_is_killed_postgres },
	{ "pruning_recorder_is_killed_postgres", pruning_recorder_is_killed_postgres },
	{ NULL, NULL },
};
#endif
