/* SPDX-License-Identifier: MIT */
#include "support_sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

TestSuite(log_sqlite, .timeout = 120, .fini = scratch_remove);

const struct reprise_log_key k = { "t", "k" };

struct reprise_log_sqlite_options
options_of(const char *path)
{
	return (struct reprise_log_sqlite_options){
		.size = sizeof(struct reprise_log_sqlite_options),
		.path = path,
		.deadline_ns = 60 * one_second,
	};
}

struct reprise_log *
opened(const struct reprise_log_sqlite_options *options)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log *log = NULL;

	cr_assert(eq(int, reprise_log_sqlite_open(options, &log, &error), REPRISE_OK), "%s: %s",
		  error.what, error.detail);
	return log;
}

struct reprise_log *
open_at(const char *path)
{
	const struct reprise_log_sqlite_options options = options_of(path);

	return opened(&options);
}

void
close_log(struct reprise_log *log)
{
	reprise_log_close(log);
	expect_no_leaks();
}

reprise_status
open_status(const struct reprise_log_sqlite_options *options, struct reprise_error *error)
{
	struct reprise_log *log = NULL;
	const reprise_status status = reprise_log_sqlite_open(options, &log, error);

	reprise_log_close(log);
	return status;
}

reprise_status
append_bytes(struct reprise_log *log, size_t bytes)
{
	char *const payload = calloc(1, bytes + 1);
	const struct reprise_log_new_entry entry = { .payload = { payload, bytes } };
	const reprise_status status = reprise_log_append(log, &k, NULL, &entry, 1, NULL, NULL);

	free(payload);
	return status;
}

reprise_ordinal
head_of_k(struct reprise_log *log)
{
	struct reprise_log_stats stats = { .size = sizeof(stats) };

	cr_assert(eq(int, reprise_log_stats(log, &k, &stats, NULL), REPRISE_OK));
	return stats.head;
}

reprise_status
load_all(struct reprise_log *log, size_t *ret_count)
{
	struct reprise_log_page *page = NULL;

	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	const reprise_status status =
		reprise_log_load_after(log, &k, 0, UINT64_MAX, UINT64_MAX, page, NULL);

	(void)reprise_log_page_entries(page, ret_count);
	reprise_log_page_close(page);
	return status;
}

int64_t
size_of(const char *path, const char *suffix)
{
	char name[1400];
	struct stat status;

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	return stat(name, &status) == 0 ? (int64_t)status.st_size : -1;
}

struct noted
note(const char *path)
{
	struct noted noted = { .path = path, .size = size_of(path, "") };
	FILE *const file = fopen(path, "rb");

	cr_assert(ne(ptr, file, NULL));
	cr_assert(ge(i64, noted.size, 0));
	noted.bytes = malloc((size_t)noted.size + 1);
	cr_assert(eq(sz, fread(noted.bytes, 1, (size_t)noted.size, file), (size_t)noted.size));
	fclose(file);
	return noted;
}

void
expect_as_noted(struct noted *noted)
{
	struct noted now = note(noted->path);

	cr_assert(eq(i64, now.size, noted->size));
	cr_assert(eq(int, memcmp(now.bytes, noted->bytes, (size_t)now.size), 0));
	free(now.bytes);
	free(noted->bytes);
}

void
make_version_4(const char *path)
{
	scratch_sql(path, "ALTER TABLE heads DROP COLUMN blobs; DROP TABLE blobs;"
			  "PRAGMA user_version = 4");
}

void
make_version_3(const char *path)
{
	make_version_4(path);
	scratch_sql(path, "ALTER TABLE heads DROP COLUMN lease;"
			  "ALTER TABLE heads DROP COLUMN lease_end; PRAGMA user_version = 3");
}

void
make_version_2(const char *path)
{
	make_version_3(path);
	scratch_sql(path, "ALTER TABLE heads DROP COLUMN checksum;"
			  "ALTER TABLE heads DROP COLUMN moved_revision;"
			  "ALTER TABLE heads DROP COLUMN moved_ordinal;"
			  "ALTER TABLE lives DROP COLUMN checksum;"
			  "ALTER TABLE rises DROP COLUMN checksum;"
			  "ALTER TABLE commits DROP COLUMN checksum; PRAGMA user_version = 2");
}

void
make_version_1(const char *path)
{
	make_version_2(path);
	scratch_sql(path, "DROP TABLE archive; PRAGMA user_version = 1");
}
