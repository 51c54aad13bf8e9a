/* SPDX-License-Identifier: MIT */
/*
 * Impossible contents of the file: each call that meets them reports damage, and hands out nothing.
 */
#include "support_sqlite.h"

#include <stdio.h>
#include <string.h>

#include "log/adapter.h"

enum {
	ENTRIES = 5,
};

static struct reprise_log *
open_with_entries(const char *path)
{
	struct reprise_log *const log = open_at(path);

	for (int i = 0; i < ENTRIES; i++)
		cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	return log;
}

struct damage {
	const char *sql;
	const char *load;   /* what load_after says; NULL: nothing */
	const char *append; /* the same of append */
	const char *verify; /* the first fault that verify finds; NULL: none */
};

static const struct damage damages[] = {
	{ "UPDATE heads SET life = 1", "the head names another last life",
	  "the head names another last life", "the head names another last life" },
	{ "INSERT INTO lives VALUES (1, 1, x'00', 1, 0, 1, 0); UPDATE heads SET life = 1",
	  "a life has an impossible value", "a life has an impossible value",
	  "a life has an impossible value" },
	{ "UPDATE heads SET kind = 2", "a head has a wrong checksum", "a head has a wrong checksum",
	  "a head has a wrong checksum" },
	{ "UPDATE heads SET kind = 0", "a head has a wrong checksum", "a head has a wrong checksum",
	  "a head has a wrong checksum" },
	{ "UPDATE heads SET kind = 4294967297", "a number is out of range",
	  "a number is out of range", "a number is out of range" },
	{ "UPDATE heads SET kind = 'x'", "a number is out of range", "a number is out of range",
	  "a number is out of range" },
	{ "UPDATE heads SET head = 4", "a head has a wrong checksum", "a head has a wrong checksum",
	  "a head has a wrong checksum" },
	{ "UPDATE heads SET moved_ordinal = 1", "a head has a wrong checksum",
	  "a head has a wrong checksum", "a head has a wrong checksum" },
	{ "UPDATE heads SET lease = 1", "a head has a wrong checksum",
	  "a head has a wrong checksum", "a head has a wrong checksum" },
	{ "UPDATE heads SET lease_end = -1", "a number is out of range", "a number is out of range",
	  "a number is out of range" },
	{ "DELETE FROM rows WHERE last = 3", "a row is missing", NULL, "a row is missing" },
	{ "UPDATE rows SET first = 2 WHERE last = 3", "a row has a wrong checksum", NULL,
	  "a row has a wrong checksum" },
	{ "UPDATE rows SET payload = x'' WHERE last = 3", "a row has a wrong checksum", NULL,
	  "a row has a wrong checksum" },
	{ "UPDATE rows SET payload = 'xxxxxxxxxx' WHERE last = 3",
	  "a payload is not of the type BLOB", NULL, "a payload is not of the type BLOB" },
	/* Each would be the right number if it were cut to its width. */
	{ "UPDATE rows SET kind = kind + 65536 WHERE last = 3", "a number is out of range", NULL,
	  "a number is out of range" },
	{ "UPDATE rows SET type = type + 4294967296 WHERE last = 3", "a number is out of range",
	  NULL, "a number is out of range" },
	{ "UPDATE rows SET checksum = checksum + 4294967296 WHERE last = 3",
	  "a number is out of range", NULL, "a number is out of range" },
	{ "UPDATE rows SET flags = 0.5 WHERE last = 3", "a number is out of range", NULL,
	  "a number is out of range" },
};

static void
expect_load(struct reprise_log *log, const char *what)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log_page *page = NULL;
	size_t count = 0;

	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	const reprise_status status =
		reprise_log_load_after(log, &k, 0, UINT64_MAX, UINT64_MAX, page, &error);

	(void)reprise_log_page_entries(page, &count);
	reprise_log_page_close(page);
	cr_assert(eq(int, status, what == NULL ? REPRISE_OK : REPRISE_E_CORRUPT), "%s",
		  what == NULL ? "" : what);
	cr_assert(eq(sz, count, what == NULL ? ENTRIES : 0));
	if (what != NULL)
		cr_assert(eq(str, error.what, (char *)what));
}

static void
expect_append(struct reprise_log *log, const char *what)
{
	struct reprise_error error = { .size = sizeof(error) };
	const struct reprise_log_new_entry entry = { .payload = { "x", 1 } };
	const reprise_status status = reprise_log_append(log, &k, NULL, &entry, 1, NULL, &error);

	if (what == NULL)
		cr_assert(eq(int, status, REPRISE_OK));
	else if (what[0] != '\0')
		cr_assert(eq(str, error.what, (char *)what));
	else
		cr_assert(ne(int, status, REPRISE_OK));
}

static void
expect_verify(struct reprise_log *log, const char *what)
{
	struct reprise_log_report report = { .size = sizeof(report) };

	cr_assert(eq(int, reprise_log_verify(log, &k, &report, NULL), REPRISE_OK));
	cr_assert(eq(int, report.faults != 0, what != NULL), "%s", report.what);
	if (what != NULL)
		cr_assert(eq(str, report.what, (char *)what));
}

Test(log_sqlite, C07_what_cannot_be_is_said_as_damage)
{
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		const struct damage *const damage = &damages[i];
		char name[16];

		snprintf(name, sizeof(name), "log%zu", i);
		char *const path = scratch_path(name);
		struct reprise_log *const log = open_with_entries(path);

		cr_log_info("%s", damage->sql);
		scratch_sql(path, damage->sql);
		expect_load(log, damage->load);
		expect_verify(log, damage->verify);
		expect_append(log, damage->append);
		close_log(log);
	}
}

/* Rows whose checksum is right: only what they say is wrong. */
static const struct {
	struct log_row row;
	const char *what;
} rows[] = {
	{ { .first = 6, .last = 6, .type = 9 }, "a row has an unknown type" },
	{ { .first = 7, .last = 6, .type = REPRISE_LOG_GAP }, "a row has impossible ordinals" },
	{ { .first = 0, .last = 6, .type = REPRISE_LOG_GAP }, "a row has impossible ordinals" },
	{ { .first = 5, .last = 6, .type = REPRISE_LOG_EVENT }, "a row has impossible ordinals" },
	{ { .first = 5, .last = 6, .type = REPRISE_LOG_GAP }, "two rows have the same ordinal" },
};

static void
set_head(struct reprise_log *log, reprise_ordinal number)
{
	struct log_head head = { 0 };

	cr_assert(eq(int,
		     log->adapter->begin(log, LOG_WRITTEN, k.tenant, &k.thread, 1, LOG_PATIENT,
					 &head, NULL),
		     0));
	head.head = number;
	head.checksum = log_head_checksum(log_key_checksum(k.tenant, k.thread), &head);
	cr_assert(eq(int, log->adapter->put_head(log, &head, NULL), 0));
	cr_assert(eq(int, log->adapter->commit(log, NULL), 0));
}

Test(log_sqlite, C07_a_row_that_says_what_cannot_be_is_damage)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct log_row *const row = &rows[i].row;
		char name[16], sql[256];

		snprintf(name, sizeof(name), "log%zu", i);
		char *const path = scratch_path(name);
		struct reprise_log *const log = open_with_entries(path);

		/* The revision's highest bit is flipped. */
		snprintf(sql, sizeof(sql),
			 "INSERT INTO rows VALUES (1, %d, %d, %u, 0, 0, 0,"
			 " -9223372036854775807 - 1, 0, %u, x'')",
			 (int)row->last, (int)row->first, row->type,
			 log_row_checksum(k.tenant, k.thread, row));
		scratch_sql(path, sql);
		set_head(log, 6);
		expect_load(log, rows[i].what);
		expect_verify(log, rows[i].what);
		close_log(log);
	}
}

/* A blob whose column cannot be what it is; and what getting it says, and verify. */
static const struct {
	const char *sql, *get, *verify;
} blob_damages[] = {
	{ "UPDATE blobs SET bytes = 'text'", "a blob is not of the type BLOB",
	  "a blob is damaged: b" },
	{ "UPDATE blobs SET bytes = x''", "a blob has a wrong checksum", "a blob is damaged: b" },
	{ "UPDATE blobs SET checksum = -1", "a number is out of range", "a blob is damaged: b" },
	{ "UPDATE blobs SET checksum = checksum + 4294967296", "a number is out of range",
	  "a blob is damaged: b" },
	{ "UPDATE blobs SET name = x'62'", "a blob has an invalid name",
	  "a blob has an invalid name" },
	{ "UPDATE blobs SET name = hex(zeroblob(33))", "a blob has an invalid name",
	  "a blob has an invalid name" },
	{ "UPDATE blobs SET name = 'b' || char(0)", "a blob has an invalid name",
	  "a blob has an invalid name" },
	{ "UPDATE blobs SET name = ''", "blobs: 1 by the head, 0 in the table",
	  "blobs: 1 by the head, 0 in the table" },
	{ "UPDATE blobs SET name = char(10)", "a blob has an invalid name",
	  "a blob has an invalid name" },
	{ "UPDATE blobs SET key = 7", "blobs: 1 by the head, 0 in the table",
	  "blobs: 1 by the head, 0 in the table" },
	{ "INSERT INTO blobs SELECT key, 'c', checksum, bytes FROM blobs", NULL,
	  "blobs: 1 by the head, 2 in the table" },
	{ "UPDATE heads SET blobs = blobs + 1", "a head has a wrong checksum",
	  "a head has a wrong checksum" },
	{ "UPDATE heads SET blobs = 0.5", "a number is out of range", "a number is out of range" },
};

static void
expect_get(struct reprise_log *log, const char *what)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log_page *page = NULL;
	struct reprise_bytes bytes;

	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	const reprise_status status = reprise_log_blob_get(log, &k, "b", page, &bytes, &error);

	reprise_log_page_close(page);
	cr_assert(eq(int, status, what == NULL ? REPRISE_OK : REPRISE_E_CORRUPT));
	if (what != NULL)
		cr_assert(eq(str, error.what, (char *)what));
}

Test(log_sqlite, L51_a_blob_that_cannot_be_is_said_as_damage)
{
	for (size_t i = 0; i < sizeof(blob_damages) / sizeof(blob_damages[0]); i++) {
		const struct reprise_bytes bytes = { "bytes", 5 };
		char name[16];

		snprintf(name, sizeof(name), "log%zu", i);
		char *const path = scratch_path(name);
		struct reprise_log *const log = open_with_entries(path);

		cr_log_info("%s", blob_damages[i].sql);
		cr_assert(
			eq(int, reprise_log_blob_put(log, &k, NULL, "b", bytes, NULL), REPRISE_OK));
		expect_get(log, NULL);
		scratch_sql(path, blob_damages[i].sql);
		expect_get(log, blob_damages[i].get);
		expect_verify(log, blob_damages[i].verify);
		close_log(log);
	}
}

static bool
pass(const struct reprise_log_key *key, void *context)
{
	(void)key, (void)context;
	return true;
}

Test(log_sqlite, C01_a_name_that_is_too_long_is_damage)
{
	char *const path = scratch_path("log");
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log *const log = open_with_entries(path);

	scratch_sql(path, "UPDATE heads SET thread = hex(zeroblob(65))");
	cr_assert(eq(int, reprise_log_each(log, k.tenant, pass, NULL, &error), REPRISE_E_CORRUPT));
	cr_assert(eq(str, error.what, "a thread has an invalid name"));
	close_log(log);
}
