/* SPDX-License-Identifier: MIT */
/* The contract's suite, against a log in a SQLite file. */
#include "contract/adapter.h"

#include <reprise/log_sqlite.h>

#include <stdio.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/clock.h"
#include "scratch.h"

static char *path;

void
contract_set_up(void)
{
	path = scratch_path("log");
}

void
contract_tear_down(void)
{
	scratch_remove();
}

static struct reprise_log *
open_with(int32_t deletes_archived)
{
	const struct reprise_log_sqlite_options options = {
		.size = sizeof(options),
		.path = path,
		.deadline_ns = 60 * NS_PER_S,
		.deletes_archived = deletes_archived,
	};
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log *log = NULL;

	cr_assert(eq(int, reprise_log_sqlite_open(&options, &log, &error), REPRISE_OK), "%s: %s",
		  error.what, error.detail);
	return log;
}

struct reprise_log *
contract_open(void)
{
	return open_with(0);
}

struct reprise_log *
contract_open_deleting(void)
{
	return open_with(1);
}

#define OF_K   " WHERE key = (SELECT id FROM heads WHERE tenant = 't' AND thread = 'k')"
#define HEAD_K " WHERE tenant = 't' AND thread = 'k'"

static const char *const damages[] = {
	[CONTRACT_PAYLOAD] =
		"UPDATE rows SET payload = zeroblob(length(payload))" OF_K " AND last = %llu",
	[CONTRACT_TIME] = "UPDATE rows SET time = time + 1" OF_K " AND last = %llu",
	[CONTRACT_ROW_GONE] = "DELETE FROM rows" OF_K " AND last = %llu",
	[CONTRACT_ROW_ELSEWHERE] = "UPDATE rows SET last = last + 1" OF_K " AND last = %llu",
	[CONTRACT_ROW_LONGER] = "UPDATE rows SET first = first - 1" OF_K " AND last = %llu",
	[CONTRACT_HEAD] = "UPDATE heads SET head = %llu" HEAD_K,
	[CONTRACT_WATERMARK] = "UPDATE heads SET watermark = %llu" HEAD_K,
	[CONTRACT_END] = "UPDATE heads SET has_ended = 1, end_ordinal = %llu" HEAD_K,
	[CONTRACT_REVISION_MAX] =
		"UPDATE heads SET revision_max = -9223372036854775807 - 1 + %llu" HEAD_K,
	[CONTRACT_LIFE_GONE] = "DELETE FROM lives" OF_K " AND number = %llu",
	[CONTRACT_LIFE_FIRST] = "UPDATE lives SET first = first + 1" OF_K " AND number = %llu",
	[CONTRACT_LIFE_END] = "UPDATE lives SET end = end - 1" OF_K " AND number = %llu",
	[CONTRACT_LIFE_STATE] = "UPDATE lives SET state = 9" OF_K " AND number = %llu",
	[CONTRACT_LIFE_OPEN] = "UPDATE lives SET state = 1" OF_K " AND number = %llu",
	[CONTRACT_KIND] = "UPDATE heads SET kind = %llu" HEAD_K,
	[CONTRACT_BLOB] =
		"UPDATE blobs SET bytes = zeroblob(length(bytes))" OF_K " AND name = '%llu'",
	[CONTRACT_BLOB_GONE] = "DELETE FROM blobs" OF_K " AND name = '%llu'",
	[CONTRACT_BLOB_RENAMED] = "UPDATE blobs SET name = name || 'x'" OF_K " AND name = '%llu'",
	[CONTRACT_BLOB_LONGEST] = "UPDATE blobs SET bytes = zeroblob(length(bytes)) WHERE name ="
				  " (SELECT name FROM blobs ORDER BY length(name) DESC LIMIT 1)",
	[CONTRACT_BLOBS] = "UPDATE heads SET blobs = %llu" HEAD_K,
};

void
contract_do_damage(enum contract_damage damage, uint64_t number)
{
	char sql[256];

	snprintf(sql, sizeof(sql), damages[damage], (unsigned long long)number);
	cr_assert(eq(int, scratch_sql(path, sql), 1), "%s", sql);
}

uint64_t
contract_rows(void)
{
	return (uint64_t)scratch_ask(path, "SELECT count(*) FROM rows" OF_K);
}

uint64_t
contract_archived_rows(void)
{
	return (uint64_t)scratch_ask(path, "SELECT count(*) FROM archive" OF_K);
}

uint64_t
contract_blobs(void)
{
	return (uint64_t)scratch_ask(path, "SELECT count(*) FROM blobs" OF_K);
}
