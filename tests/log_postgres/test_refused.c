/* SPDX-License-Identifier: MIT */
/*
 * A connection that breaks at any of its system calls, in every call that reads and in those that fill a log: the
 * failure is told, or the answers are right; and afterwards the log works.
 */
#include <errno.h>
#include <stdio.h>

#include <reprise/log_upkeep.h>

#include "log_sqlite/reading.h"
#include "refused_io.h"
#include "server.h"

SUITE(refused);

enum {
	READING_STEP = 31, /* of some thousand system calls, each so many-th is refused */
};

struct scene {
	struct reprise_log *log;
	struct reading reading;
	bool is_filled;
};

static void
read_everything(void *argument)
{
	struct scene *const scene = argument;

	scene->reading = reading_of(scene->log);
}

static void
fill(void *argument)
{
	struct scene *const scene = argument;

	scene->is_filled = reading_fill(scene->log);
}

Test(refused, a_connection_that_breaks_in_any_call_that_reads_is_told)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "refused_reading");
	struct scene scene = { .log = opened(&options) };
	int number = 1, told = 0;

	cr_assert(reading_fill(scene.log));
	const struct reading before = reading_of(scene.log);

	cr_assert(not(before.is_told));
	while (refused_io_run(number, ECONNRESET, read_everything, &scene)) {
		if (!scene.reading.is_told)
			cr_assert(eq(u32, scene.reading.answers, before.answers), "system call %d",
				  number);
		told += scene.reading.is_told;
		/* The connection is another one by now. */
		scene.reading = reading_of(scene.log);
		cr_assert(not(scene.reading.is_told), "system call %d", number);
		cr_assert(eq(u32, scene.reading.answers, before.answers), "system call %d", number);
		number += READING_STEP;
	}
	cr_assert(gt(int, number, 15 * READING_STEP));
	cr_assert(gt(int, told, 20));
	reprise_log_close(scene.log);
}

/* What was written before a call failed is whole. */
static void
expect_no_faults(struct reprise_log *log, const char *thread, int number)
{
	const struct reprise_log_key key = { "t", thread };
	struct reprise_log_report report = { .size = sizeof(report) };
	const reprise_status status = reprise_log_verify(log, &key, &report, NULL);

	cr_assert(status == REPRISE_OK || status == REPRISE_E_NOT_FOUND, "system call %d", number);
	cr_assert(eq(u64, report.faults, 0), "system call %d", number);
}

Test(refused, a_connection_that_breaks_in_any_call_that_writes_is_told)
{
	uint32_t answers = 0;
	int number = 1, told = 0;
	bool has_come = true;

	for (; has_come; number++) {
		char schema[32];

		snprintf(schema, sizeof(schema), "refused_%d", number);
		const struct reprise_log_postgres_options options = options_of(NULL, schema);
		struct scene scene = { .log = opened(&options) };

		has_come = refused_io_run(number, ECONNRESET, fill, &scene);
		told += !scene.is_filled;
		expect_no_faults(scene.log, "ring", number);
		expect_no_faults(scene.log, "direct", number);
		if (scene.is_filled) {
			const struct reading reading = reading_of(scene.log);

			if (answers == 0)
				answers = reading.answers;
			cr_assert(eq(u32, reading.answers, answers), "system call %d", number);
		}
		reprise_log_close(scene.log);
	}
	cr_assert(ne(u32, answers, 0));
	cr_assert(gt(int, told, 10));
}
