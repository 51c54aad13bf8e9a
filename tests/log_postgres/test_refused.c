/* SPDX-License-Identifier: MIT */
/*
 * A connection that breaks at any of its system calls, in every call that reads and in those that
 * fill a log: the failure is told, or the answers are right; and afterwards the log works.
 */
#include <errno.h>
#include <stdio.h>

#include <reprise/log_blob.h>
#include <reprise/log_upkeep.h>

#include "log_sqlite/reading.h"
#include "refused_io.h"
#include "server.h"

SUITE(refused);

struct scene {
	struct reprise_log *log;
	struct reprise_log_page *page;
	reprise_status (*read)(const struct scene *scene);
	reprise_status status;
	bool is_filled;
};

static const struct reprise_log_key ring = { "t", "ring" }, direct = { "t", "direct" };

static reprise_status
read_stats(const struct scene *scene)
{
	struct reprise_log_stats stats = { .size = sizeof(stats) };

	return reprise_log_stats(scene->log, &ring, &stats, NULL);
}

static reprise_status
read_lives(const struct scene *scene)
{
	struct reprise_life lives[8];
	size_t count = 0;

	return reprise_log_lives(scene->log, &ring, 0, lives, 8, &count, NULL);
}

static reprise_status
read_page(const struct scene *scene)
{
	return reprise_log_load_after(scene->log, &ring, 41, 1000, 0, scene->page, NULL);
}

static reprise_status
read_blob(const struct scene *scene)
{
	struct reprise_bytes bytes;

	return reprise_log_blob_get(scene->log, &direct, "a", scene->page, &bytes, NULL);
}

static reprise_status
read_position(const struct scene *scene)
{
	reprise_ordinal position = 0;

	return reprise_log_position_for_revision(scene->log, &ring, 1000, &position, NULL);
}

static reprise_status
read_commit(const struct scene *scene)
{
	bool has = false;

	return reprise_log_has_commit(scene->log, &ring, 50, 100, &has, NULL);
}

static reprise_status
read_cursor(const struct scene *scene)
{
	struct reprise_cursor cursor;

	return reprise_log_current_cursor(scene->log, &ring, 1000, &cursor, NULL);
}

static reprise_status
verify(const struct scene *scene)
{
	struct reprise_log_report report = { .size = sizeof(report) };

	return reprise_log_verify(scene->log, &direct, &report, NULL);
}

static bool
visit(const struct reprise_log_key *key, void *context)
{
	(void)key;
	(void)context;
	return true;
}

static reprise_status
read_keys(const struct scene *scene)
{
	return reprise_log_each(scene->log, "t", visit, NULL, NULL);
}

static reprise_status
read_policies(const struct scene *scene)
{
	return reprise_log_postgres_verify_policies(scene->log, NULL);
}

static void
read_once(void *argument)
{
	struct scene *const scene = argument;

	scene->status = scene->read(scene);
}

static void
fill(void *argument)
{
	struct scene *const scene = argument;

	scene->is_filled = reading_fill(scene->log);
}

Test(refused, a_connection_that_breaks_in_any_call_that_reads_is_told)
{
	static reprise_status (*const reads[])(const struct scene *) = {
		read_stats,  read_lives,  read_page, read_blob, read_position,
		read_commit, read_cursor, verify,    read_keys, read_policies,
	};
	const struct reprise_log_postgres_options options = options_of(NULL, "refused_reading");
	struct scene scene = { .log = opened(&options) };
	int told = 0;

	cr_assert(reading_fill(scene.log));
	cr_assert(eq(int, reprise_log_page_open(&scene.page), REPRISE_OK));
	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		scene.read = reads[i];
		for (int number = 1; refused_io_run(number, ECONNRESET, read_once, &scene);
		     number++) {
			cr_assert(scene.status == REPRISE_OK || scene.status == REPRISE_E_IO,
				  "read %zu, system call %d", i, number);
			told += scene.status == REPRISE_E_IO;
			/* The connection is another one by now. */
			cr_assert(eq(int, reads[i](&scene), REPRISE_OK), "read %zu, system call %d",
				  i, number);
		}
	}
	cr_assert(gt(int, told, 20));
	reprise_log_page_close(scene.page);
	reprise_log_close(scene.log);
}

/* The rows that were written before a call failed are whole. */
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
				answers = reading.untimed;
			cr_assert(eq(u32, reading.untimed, answers), "system call %d", number);
		}
		reprise_log_close(scene.log);
	}
	cr_assert(ne(u32, answers, 0));
	cr_assert(gt(int, told, 10));
}
