/* SPDX-License-Identifier: MIT */
#include "scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sqlite3.h>

static char folder[1024];

/* The answers of scratch_path since the folder was made. */
static char paths[32][1280];
static size_t count;

char *
scratch_path(const char *name)
{
	const char *const above = getenv("TMPDIR");

	if (folder[0] == '\0') {
		snprintf(folder, sizeof(folder), "%s/reprise-XXXXXX",
			 above != NULL ? above : "/tmp");
		cr_assert(ne(ptr, mkdtemp(folder), NULL));
	}
	cr_assert(lt(sz, count, sizeof(paths) / sizeof(paths[0])));
	snprintf(paths[count], sizeof(paths[count]), "%s/%s", folder, name);
	return paths[count++];
}

static int
remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	(void)remove(path);
	return 0;
}

void
scratch_remove(void)
{
	if (folder[0] != '\0')
		(void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	folder[0] = '\0';
	count = 0;
}

static sqlite3 *
open_database(const char *path)
{
	sqlite3 *db = NULL;

	cr_assert(eq(int, sqlite3_open(path, &db), SQLITE_OK));
	sqlite3_busy_timeout(db, 60000);
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	return db;
}

int
scratch_sql(const char *path, const char *sql)
{
	sqlite3 *const db = open_database(path);

	cr_assert(eq(int, sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK), "%s",
		  sqlite3_errmsg(db));
	const int changes = sqlite3_total_changes(db);

	sqlite3_close(db);
	return changes;
}

int64_t
scratch_ask(const char *path, const char *sql)
{
	sqlite3 *const db = open_database(path);
	sqlite3_stmt *statement = NULL;
	int64_t answer = -1;

	cr_assert(eq(int, sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK), "%s",
		  sqlite3_errmsg(db));
	if (sqlite3_step(statement) == SQLITE_ROW)
		answer = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return answer;
}

void
scratch_copy(const char *from, const char *to)
{
	sqlite3 *const source = open_database(from), *const target = open_database(to);
	sqlite3_backup *const backup = sqlite3_backup_init(target, "main", source, "main");

	cr_assert(ne(ptr, backup, NULL), "%s", sqlite3_errmsg(target));
	cr_assert(eq(int, sqlite3_backup_step(backup, -1), SQLITE_DONE));
	cr_assert(eq(int, sqlite3_backup_finish(backup), SQLITE_OK));
	cr_assert(eq(int, sqlite3_close(target), SQLITE_OK));
	cr_assert(eq(int, sqlite3_close(source), SQLITE_OK));
}
