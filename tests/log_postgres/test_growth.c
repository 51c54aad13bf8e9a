/* SPDX-License-Identifier: MIT */
/* Rows that the tables keep of events that were archived and deleted. */
#include <stdlib.h>

#include <reprise/log_upkeep.h>

#include "server.h"

/* `./dev check growth` passes a million events through, which takes minutes. */
TestSuite(growth, .timeout = 1800);

enum {
	BATCH = 1000,
	EVENTS_FIRST = 2000,
	EVENTS_LATER = 10000, /* unless REPRISE_TEST_EVENTS says how many */
	VACUUM_EVERY = 10000,
};

/*
 * Appends, archives and deletes @count events, each a rise and a COMMIT; as autovacuum would, it
 * cleans up now and then.
 */
static void
pass_through(struct reprise_log *log, PGconn *connection, uint64_t first, uint64_t count)
{
	static struct reprise_log_new_entry entries[BATCH];
	const struct reprise_log_key key = { "t", "k" };

	for (uint64_t at = first; at < first + count; at += BATCH) {
		uint64_t moved = 1;

		for (uint64_t i = 0; i < BATCH; i++)
			entries[i] = (struct reprise_log_new_entry){
				.revision = at + i,
				.flags = REPRISE_EVENT_COMMIT,
			};
		cr_assert(eq(int, reprise_log_append(log, &key, NULL, entries, BATCH, NULL, NULL),
			     REPRISE_OK));
		cr_assert(eq(int, reprise_log_archive_before(log, &key, UINT64_MAX, NULL, NULL),
			     REPRISE_OK));
		while (moved != 0)
			cr_assert(eq(int, reprise_log_move_archived(log, &key, &moved, NULL),
				     REPRISE_OK));
		if ((at - first + BATCH) % VACUUM_EVERY == 0)
			for (size_t i = 0; i < TENANT_TABLES_COUNT; i++)
				run(connection, "VACUUM growth.%s", tenant_tables[i]);
	}
}

/* Of every table with its indexes, cleaned up by @vacuum. */
static int64_t
size_after(PGconn *connection, const char *vacuum)
{
	int64_t size = 0;

	for (size_t i = 0; i < TENANT_TABLES_COUNT; i++) {
		run(connection, "%s growth.%s", vacuum, tenant_tables[i]);
		size += number_of(connection, "SELECT pg_total_relation_size('growth.%s')",
				  tenant_tables[i]);
	}
	return size;
}

Test(growth, L23_the_tables_do_not_grow_with_what_was_deleted)
{
	PGconn *const connection = connected_as(NULL);
	struct reprise_log_postgres_options options = options_of(NULL, "growth");
	const char *const asked = getenv("REPRISE_TEST_EVENTS");
	const uint64_t events = asked != NULL ? strtoull(asked, NULL, 10) : EVENTS_LATER;

	options.deletes_archived = 1;
	options.durability = REPRISE_WRITTEN;
	struct reprise_log *const log = opened(&options);

	pass_through(log, connection, 1, EVENTS_FIRST);
	const int64_t whole = size_after(connection, "VACUUM FULL");

	pass_through(log, connection, EVENTS_FIRST + 1, EVENTS_FIRST);
	const int64_t loose = size_after(connection, "VACUUM");

	pass_through(log, connection, 2 * EVENTS_FIRST + 1, events);
	/* Between two clean-ups as many dead rows may lie there as were written since. */
	cr_assert(le(i64, size_after(connection, "VACUUM"),
		     loose * (1 + VACUUM_EVERY / EVENTS_FIRST)),
		  "%lld bytes at first", (long long)loose);
	cr_assert(le(i64, size_after(connection, "VACUUM FULL"), whole + 8192),
		  "%lld bytes at first", (long long)whole);
	cr_assert(eq(i64, number_of(connection, "SELECT count(*) FROM growth.rises"), 0));
	cr_assert(eq(i64, number_of(connection, "SELECT count(*) FROM growth.commits"), 0));
	cr_assert(eq(i64, number_of(connection, "SELECT count(*) FROM growth.rows"), 0));
	reprise_log_close(log);
	PQfinish(connection);
}
