/* SPDX-License-Identifier: MIT */
#include "fault_log.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Two processes on one log: a file, or a database. */

typedef struct reprise_log *log_opener(void);

/* Another process: opens @id and appends so many. */
static pid_t
start_other(log_opener *open_log, const char *id, uint64_t count)
{
	const pid_t child = fork();

	CHECK(child >= 0);
	if (child > 0)
		return child;
	/*
	 * Three processes take turns: on a slow machine each waits for longer than the
	 * other scenes allow.
	 */
	struct fault fault =
		fault_open_within(open_log(), 4096, REPRISE_WHEN_FULL_OVERWRITE, 20 * FAULT_SECOND);

	if (strcmp(id, "s") != 0) {
		reprise_writer_close(fault.writer);
		CHECK_OK(reprise_writer_open(fault.store, id, NULL, &fault.writer, NULL));
	} else {
		struct reprise_session_stats stats = { .size = sizeof(stats) };

		CHECK_OK(reprise_session_stats(fault.store, id, &stats));
		fault.newest = stats.newest;
	}
	for (; count > 0; count--) {
		fault_append_many(&fault, 1);
		if (count % 10 == 0)
			crash_nap(1000000);
	}
	fault_close(&fault, REPRISE_OK);
	reprise_log_close(fault.log);
	_exit(0);
}

static void
expect_good(pid_t child)
{
	int status = 1;

	CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void
verify(struct reprise_log *log, const char *id, uint64_t events)
{
	const struct reprise_log_key key = { "default", id };
	struct reprise_log_report report = { .size = sizeof(report) };

	CHECK_OK(reprise_log_verify(log, &key, &report, NULL));
	CHECK(report.faults == 0 && report.events == events && report.lost == 0);
}

static enum fault_end
two_processes(log_opener *open_log)
{
	static const char *const ids[] = { "a", "b", "c" };
	pid_t children[3];

	reprise_log_close(open_log()); /* its schema is there */
	for (int i = 0; i < 3; i++)
		children[i] = start_other(open_log, ids[i], 500);
	for (int i = 0; i < 3; i++)
		expect_good(children[i]);
	struct reprise_log *const log = open_log();

	for (int i = 0; i < 3; i++)
		verify(log, ids[i], 500);
	reprise_log_close(log);
	return FAULT_PASSED;
}

/* A host that comes back with events of the first life is told where this life ended. */
static void
expect_both_lives(struct fault *fault, const struct reprise_cursor *cursor)
{
	struct reprise_subscription *subscription = NULL;
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;

	reprise_writer_close(fault->writer);
	CHECK_OK(reprise_writer_open(fault->store, "s", NULL, &fault->writer, NULL));
	CHECK_OK(reprise_subscribe_after(fault->store, cursor, NULL, &subscription, NULL));
	while (reprise_next(subscription, &event, &gap, &end) == REPRISE_NEXT_EMPTY)
		CHECK_OK(reprise_wait(subscription, 20 * FAULT_SECOND));
	CHECK(gap.reason == REPRISE_GAP_TRIMMED && gap.detail == REPRISE_GAP_RESTART);
	for (uint64_t position = 101; position <= 400;) {
		const reprise_outcome outcome = reprise_next(subscription, &event, &gap, &end);

		CHECK(outcome == REPRISE_NEXT_EVENT || outcome == REPRISE_NEXT_EMPTY);
		if (outcome == REPRISE_NEXT_EVENT)
			CHECK(event.position == position++);
		else
			CHECK_OK(reprise_wait(subscription, 20 * FAULT_SECOND));
	}
	reprise_subscription_close(subscription);
}

/* The life of another process fences the one that was there. */
static enum fault_end
fenced(log_opener *open_log)
{
	int go[2];

	CHECK(pipe2(go, O_CLOEXEC) == 0);
	const pid_t waiting = fork(); /* before anything is open */

	if (waiting == 0) {
		char word;

		CHECK(read(go[0], &word, 1) == 1);
		expect_good(start_other(open_log, "s", 300));
		_exit(0);
	}
	struct fault fault = fault_open(open_log(), 4096, REPRISE_WHEN_FULL_OVERWRITE);
	struct reprise_cursor cursor;
	struct reprise_subscription *subscription = NULL;
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;
	reprise_status status;

	fault_append_many(&fault, 100);
	fault_flush(&fault);
	CHECK_OK(reprise_writer_cursor(fault.writer, 100, &cursor));
	CHECK_OK(reprise_subscribe_after(fault.store, &cursor, NULL, &subscription, NULL));
	CHECK(write(go[1], "x", 1) == 1);
	expect_good(waiting);
	for (int i = 0; (status = fault_append(&fault)) == REPRISE_OK; i++) {
		CHECK(i < 20000);
		crash_nap(1000000);
	}
	CHECK(status == REPRISE_E_CLOSED);
	while (reprise_next(subscription, &event, &gap, &end) == REPRISE_NEXT_EVENT)
		;
	CHECK(gap.reason == REPRISE_GAP_UNAVAILABLE);
	CHECK(reprise_next(subscription, &event, &gap, &end) == REPRISE_NEXT_ENDED);
	CHECK(end.cause == REPRISE_END_INVALIDATED);
	reprise_subscription_close(subscription);
	CHECK(fault_stats(&fault).fenced == 1);
	CHECK(reprise_writer_wait_room(fault.writer, FAULT_SECOND) == REPRISE_E_CLOSED);

	expect_both_lives(&fault, &cursor);
	fault_close(&fault, REPRISE_OK);
	verify(fault.log, "s", 400);
	reprise_log_close(fault.log);
	return FAULT_PASSED;
}

static enum fault_end
two_processes_sqlite(void)
{
	return two_processes(fault_patient_sqlite);
}

static enum fault_end
fenced_sqlite(void)
{
	return fenced(fault_patient_sqlite);
}

const struct fault_scene fault_two_sqlite_scenes[] = {
	{ "two_processes", two_processes_sqlite },
	{ "fenced", fenced_sqlite },
	{ NULL, NULL },
};

#ifdef CRASH_POSTGRES
static enum fault_end
two_processes_postgres(void)
{
	return two_processes(fault_postgres);
}

static enum fault_end
fenced_postgres(void)
{
	return fenced(fault_postgres);
}

const struct fault_scene fault_two_postgres_scenes[] = {
	{ "two_processes_postgres", two_processes_postgres },
	{ "fenced_postgres", fenced_postgres },
	{ NULL, NULL },
};
#endif
