/* SPDX-License-Identifier: MIT */
/*
 * Stored values that cannot be: another type, a number that is negative or too large, bytes
 * of another size.
 */
#include "support_threads.h"

#include <stdio.h>
#include <unistd.h>

static reprise_status
load_all(struct reprise_thread_store *store, const char *uid)
{
	struct reprise_thread_document document = { .size = sizeof(document) };
	struct reprise_thread_deltas deltas = { .size = sizeof(deltas) };
	struct reprise_thread_list list = { .size = sizeof(list) };
	struct reprise_thread_applied applied;
	struct reprise_thread_page *page = NULL;
	const char *const id = "d1";

	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	reprise_status status = reprise_thread_load(store, "t", page, &document, NULL);

	if (status == REPRISE_OK)
		status = reprise_thread_load_deltas(store, "t", 0, 9, 0, page, &deltas, NULL);
	if (status == REPRISE_OK)
		status = reprise_thread_list(store, 0, 9, page, &list, NULL);
	if (status == REPRISE_OK)
		status = reprise_thread_find_applied(store, uid, &id, 1, &applied, NULL);
	reprise_thread_page_close(page);
	return status;
}

static const struct {
	const char *table;
	const char *columns[9];
} tables[] = {
	{ "heads",
	  { "uid", "version", "base", "complete_after", "text_bytes", "delta_bytes", "growth_bytes",
	    "checksum" } },
	{ "texts", { "version", "checksum", "json" } },
	{ "deltas", { "version", "stored", "checksum", "json" } },
	{ "applied", { "version", "applied", "checksum", "digest" } },
};

static const char *const values[] = {
	"'text'", "-1", "9223372036854775807", "1.5", "x''", "x'00'"
};

Test(thread_sqlite, B06_a_stored_value_that_cannot_be_is_told)
{
	char *const path = scratch_path("threads");
	struct reprise_thread_store *const store = open_at(path);
	char uid[REPRISE_THREAD_UID_BYTES], sql[256];

	cr_assert(eq(int, reprise_thread_create(store, "t", text_bytes("{}"), uid, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, append_number(store, 1, NULL), REPRISE_OK));
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (size_t j = 0; tables[i].columns[j] != NULL; j++)
			for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++) {
				const char *const table = tables[i].table;
				const char *const column = tables[i].columns[j];

				snprintf(sql, sizeof(sql),
					 "CREATE TABLE kept AS SELECT * FROM %s; UPDATE %s SET %s "
					 "= %s",
					 table, table, column, values[k]);
				scratch_sql(path, sql);
				cr_assert(eq(int, load_all(store, uid), REPRISE_E_CORRUPT), "%s",
					  sql);
				snprintf(sql, sizeof(sql),
					 "DELETE FROM %s; INSERT INTO %s SELECT * FROM kept;"
					 " DROP TABLE kept",
					 table, table);
				scratch_sql(path, sql);
				cr_assert(eq(int, load_all(store, uid), REPRISE_OK), "%s", sql);
			}
	reprise_thread_store_close(store);
	expect_no_leaks();
}

Test(thread_sqlite, B06_an_id_that_cannot_be_is_told)
{
	char *const path = scratch_path("threads");
	struct reprise_thread_store *const store = open_at(path);
	struct reprise_thread_list list = { .size = sizeof(list) };
	struct reprise_thread_page *page = NULL;

	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_thread_create(store, "t", text_bytes("{}"), NULL, NULL),
		     REPRISE_OK));
	scratch_sql(path, "UPDATE heads SET id = printf('%0200d', 7)");
	cr_assert(eq(int, reprise_thread_list(store, 0, 9, page, &list, NULL), REPRISE_E_CORRUPT));
	scratch_sql(path, "UPDATE heads SET id = ''");
	cr_assert(eq(int, reprise_thread_list(store, 0, 9, page, &list, NULL), REPRISE_E_CORRUPT));
	reprise_thread_page_close(page);
	reprise_thread_store_close(store);
	expect_no_leaks();
}

Test(thread_sqlite, B05_a_damaged_horizon_is_told_when_a_store_is_opened)
{
	static const char *const damages[] = { "UPDATE about SET floor = 1",
					       "UPDATE about SET horizon = 'text'",
					       "DELETE FROM about" };

	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		char name[32];

		snprintf(name, sizeof(name), "threads-%zu", i);
		char *const path = scratch_path(name);
		struct reprise_thread_store *store = open_at(path);

		reprise_thread_store_close(store);
		scratch_sql(path, damages[i]);
		cr_assert(eq(int, reprise_thread_sqlite_open(path, NULL, &store, NULL),
			     REPRISE_E_CORRUPT),
			  "%s", damages[i]);
	}
	expect_no_leaks();
}
