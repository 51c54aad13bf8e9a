/* SPDX-License-Identifier: MIT */
#include "fault_log.h"

#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reprise/log_sqlite.h>

/* fault_log sqlite|postgres|SCENE ...: each prints a line. */

static char folder[512];
static pid_t scene_process;

const char *
fault_folder(void)
{
	return folder;
}

const char *
fault_path(const char *name)
{
	static char paths[8][600];
	static unsigned int next;
	char *const path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

long
fault_process(void)
{
	return scene_process;
}

struct reprise_log *
fault_sqlite(const char *path)
{
	const struct reprise_log_sqlite_options options = { .size = sizeof(options),
							    .path = path,
							    .deadline_ns = FAULT_SECOND / 5 };
	struct reprise_log *log = NULL;

	CHECK_OK(reprise_log_sqlite_open(&options, &log, NULL));
	return log;
}

struct reprise_log *
fault_patient_sqlite(void)
{
	const struct reprise_log_sqlite_options options = { .size = sizeof(options),
							    .path = fault_path("log"),
							    .deadline_ns = 20 * FAULT_SECOND };
	struct reprise_log *log = NULL;

	CHECK_OK(reprise_log_sqlite_open(&options, &log, NULL));
	return log;
}

struct fault
fault_open(struct reprise_log *log, uint64_t events_max, reprise_when_full when_full)
{
	return fault_open_within(log, events_max, when_full, FAULT_SECOND);
}

struct fault
fault_open_within(struct reprise_log *log, uint64_t events_max, reprise_when_full when_full,
		  uint64_t deadline_ns)
{
	struct fault fault = { .log = log, .payload_bytes = 1000 };
	const struct reprise_recorder_options options = {
		.size = sizeof(options),
		.retry_ns_max = FAULT_SECOND / 20,
		.heal_wait_ns = FAULT_SECOND / 2,
		.deadline_ns = deadline_ns,
	};
	const struct reprise_session_options session = { .size = sizeof(session),
							 .events_max = events_max,
							 .bytes_max = 64 << 20,
							 .age_ns_max = REPRISE_NO_LIMIT,
							 .when_full = when_full };

	CHECK_OK(reprise_store_open(NULL, &fault.store, NULL));
	CHECK_OK(reprise_recorder_open(fault.store, log, &options, &fault.recorder, NULL));
	CHECK_OK(reprise_writer_open(fault.store, "s", &session, &fault.writer, NULL));
	return fault;
}

/* The bytes of an event are its position's, over and over. */
static void
fill(unsigned char *payload, size_t bytes, reprise_position position)
{
	for (size_t i = 0; i < bytes; i++)
		payload[i] = (unsigned char)(position >> 8 * (i % 8));
}

reprise_status
fault_append(struct fault *fault)
{
	unsigned char payload[4096];
	reprise_position position = 0;
	const struct reprise_bytes bytes = { payload, fault->payload_bytes };

	fill(payload, bytes.size, fault->newest + 1);
	const reprise_status status =
		reprise_append(fault->writer, fault->newest + 1, 0, 0, bytes, &position);

	CHECK(status != REPRISE_OK || position == fault->newest + 1);
	fault->newest += status == REPRISE_OK;
	return status;
}

void
fault_append_many(struct fault *fault, uint64_t count)
{
	while (count-- > 0)
		CHECK_OK(fault_append(fault));
}

struct reprise_recorder_stats
fault_stats(const struct fault *fault)
{
	struct reprise_recorder_stats stats = { .size = sizeof(stats) };

	CHECK_OK(reprise_recorder_stats(fault->recorder, &stats));
	return stats;
}

void
fault_append_until_it_fails(struct fault *fault, reprise_status status)
{
	const uint64_t failures = fault_stats(fault).failures;

	for (int i = 0; fault_stats(fault).failures == failures; i++) {
		CHECK(i < 20000);
		CHECK_OK(fault_append(fault));
		crash_nap(1000000);
	}
	CHECK(fault_stats(fault).last == status);
}

void
fault_flush(struct fault *fault)
{
	CHECK_OK(reprise_recorder_flush(fault->recorder, "s", REPRISE_SYNCED, 30 * FAULT_SECOND));
}

static void
check_event(const struct fault *fault, const struct reprise_event *event)
{
	unsigned char payload[4096];

	CHECK(event->payload.size == fault->payload_bytes);
	fill(payload, event->payload.size, event->position);
	CHECK(memcmp(payload, event->payload.data, event->payload.size) == 0);
}

/* Follows from 0 to the newest. */
static void
check_host(const struct fault *fault, uint64_t lost_to_record)
{
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	struct reprise_cursor cursor = { .session_id = "s" };
	struct reprise_subscription *subscription = NULL;
	uint64_t delivered = 0, lost = 0;
	struct reprise_event event;
	struct reprise_gap gap;

	CHECK_OK(reprise_session_stats(fault->store, "s", &stats));
	cursor.incarnation = stats.incarnation;
	CHECK_OK(reprise_subscribe_after(fault->store, &cursor, NULL, &subscription, NULL));
	while (delivered + lost < fault->newest) {
		switch (reprise_next(subscription, &event, &gap, NULL)) {
		case REPRISE_NEXT_EMPTY:
			CHECK_OK(reprise_wait(subscription, 20 * FAULT_SECOND));
			break;
		case REPRISE_NEXT_EVENT:
			CHECK(event.position == ++delivered + lost);
			check_event(fault, &event);
			break;
		case REPRISE_NEXT_GAP:
			CHECK(gap.reason == REPRISE_GAP_TRIMMED);
			CHECK(gap.detail == REPRISE_GAP_OVERRUN);
			CHECK(gap.lost_first == delivered + lost + 1);
			lost += gap.lost;
			break;
		case REPRISE_NEXT_ENDED:
			crash_die(__FILE__, __LINE__, "an end");
		}
	}
	CHECK(lost <= lost_to_record);
	reprise_subscription_close(subscription);
}

void
fault_close(struct fault *fault, reprise_status status)
{
	reprise_writer_close(fault->writer);
	CHECK(reprise_recorder_close(fault->recorder) == status);
	CHECK_OK(reprise_store_close(fault->store));
}

void
fault_close_with_books(struct fault *fault, bool has_lost)
{
	const struct reprise_log_key key = { "default", "s" };
	struct reprise_log_report report = { .size = sizeof(report) };

	fault_flush(fault);
	const struct reprise_recorder_stats stats = fault_stats(fault);

	CHECK(stats.recorded + stats.lost == fault->newest);
	CHECK((stats.lost > 0) == has_lost && (stats.gaps > 0) == has_lost);
	check_host(fault, stats.lost);
	fault_close(fault, REPRISE_OK);
	CHECK_OK(reprise_log_verify(fault->log, &key, &report, NULL));
	CHECK(report.faults == 0);
	CHECK(report.events == stats.recorded && report.lost == stats.lost);
	reprise_log_close(fault->log);
}

static int
remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status, (void)type, (void)walk;
	(void)remove(path);
	return 0;
}

/* In a process of its own, so that what it mounts and holds goes with it. */
static bool
play(const struct fault_scene *scene)
{
	const char *const above = getenv("TMPDIR");
	int status = 0;

	snprintf(folder, sizeof(folder), "%s/reprise-XXXXXX", above != NULL ? above : "/tmp");
	CHECK(mkdtemp(folder) != NULL);
	(void)fflush(stdout);
	const pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)alarm(120);
		scene_process = getpid();
		const enum fault_end end = scene->play();

		(void)fflush(stdout);
		_exit((int)end);
	}
	CHECK(waitpid(child, &status, 0) == child);
	(void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	const bool is_skipped = WIFEXITED(status) && WEXITSTATUS(status) == FAULT_SKIPPED;

	printf("%-28s %s\n", scene->name,
	       is_skipped    ? "skipped"
	       : status == 0 ? "passed"
			     : "FAILED");
	return status == 0 || is_skipped;
}

static const struct {
	const char *name;
	const struct fault_scene *scenes;
} groups[] = {
	{ "sqlite", fault_sqlite_scenes },
	{ "sqlite", fault_more_scenes },
	{ "sqlite", fault_heal_scenes },
	{ "sqlite", fault_two_sqlite_scenes },
	{ "sqlite", fault_keys_sqlite_scenes },
#ifdef CRASH_POSTGRES
	{ "postgres", fault_postgres_scenes },
	{ "postgres", fault_two_postgres_scenes },
	{ "postgres", fault_keys_postgres_scenes },
#endif
};

/* The scene, or those of the group, that @name names; 2 if there is none. */
static int
play_those(const char *name)
{
	bool is_any = false, is_good = true;

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		const bool is_group = strcmp(name, groups[i].name) == 0;

		for (const struct fault_scene *scene = groups[i].scenes; scene->name != NULL;
		     scene++)
			if (is_group || strcmp(name, scene->name) == 0) {
				is_good = play(scene) && is_good;
				is_any = true;
			}
	}
	if (is_any)
		return is_good ? 0 : 1;
	fprintf(stderr, "no scene: %s\n", name);
	return 2;
}

int
main(int argc, char **argv)
{
	int status = argc > 1 ? 0 : 2;

	for (int i = 1; i < argc && status != 2; i++)
		status |= play_those(argv[i]);
	return status;
}
