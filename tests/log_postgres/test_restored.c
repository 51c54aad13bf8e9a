/* SPDX-License-Identifier: MIT */
/* L57: a PostgreSQL database that is restored from a backup is noticed. */
#include <stdio.h>
#include <unistd.h>

#include <reprise/recorder.h>

#include "following.h"
#include "server.h"

SUITE(restored);

static const char *schema;

static struct reprise_log *
open_log(void)
{
	const struct reprise_log_postgres_options options = options_of(NULL, schema);

	return opened(&options);
}

/* A transaction in the schema. */
static PGconn *
begin(void)
{
	PGconn *const all = connected_as(NULL);
	char statement[100];

	run(all, "BEGIN");
	snprintf(statement, sizeof(statement), "SET LOCAL search_path = %s", schema);
	run(all, statement);
	return all;
}

static void
commit(PGconn *all)
{
	run(all, "COMMIT");
	PQfinish(all);
}

static void
back_up(void)
{
	PGconn *const all = begin();
	char statement[100];

	for (size_t i = 0; i < TENANT_TABLES_COUNT; i++) {
		snprintf(statement, sizeof(statement), "CREATE TABLE backup_%s AS TABLE %s",
			 tenant_tables[i], tenant_tables[i]);
		run(all, statement);
	}
	commit(all);
}

/* The rows of the backup take the place of all rows. */
static void
restore(void)
{
	PGconn *const all = begin();
	char statement[200];

	/* No TRUNCATE: a snapshot from before would see empty tables. */
	for (size_t i = TENANT_TABLES_COUNT; i > 0; i--) {
		snprintf(statement, sizeof(statement), "DELETE FROM %s", tenant_tables[i - 1]);
		run(all, statement);
	}
	for (size_t i = 0; i < TENANT_TABLES_COUNT; i++) {
		snprintf(statement, sizeof(statement),
			 "INSERT INTO %s OVERRIDING SYSTEM VALUE SELECT * FROM backup_%s",
			 tenant_tables[i], tenant_tables[i]);
		run(all, statement);
	}
	commit(all);
}

static void
expect_diverged(struct reprise_subscription *subscription, reprise_position end)
{
	const struct reprise_gap gap = following_expect_gap(subscription, REPRISE_GAP_DIVERGED);

	cr_assert(eq(int, gap.reason, REPRISE_GAP_UNAVAILABLE));
	cr_assert(eq(u64, gap.cursor.position, end));
	expect_ended(subscription, REPRISE_END_INVALIDATED, 0);
	reprise_subscription_close(subscription);
}

Test(restored, L57_a_subscription_over_a_log_that_goes_back_is_told_at_once)
{
	schema = "restored_under";
	struct following writing = following_writing(open_log);
	struct reprise_writer *const writer = following_write(&writing);
	struct following reading = following_reading(open_log);
	struct reprise_subscription *const subscription = following_subscribe(&reading, 0);

	following_append(&writing, writer, 40);
	back_up();
	following_append(&writing, writer, 60);
	following_expect(subscription, 1, 60);
	reprise_writer_close(writer);
	following_close(&writing);
	/* In the backup the life is open, and no other life begins. */
	restore();
	expect_diverged(subscription, 40);
	following_close(&reading);
	expect_no_leaks();
}

/* Appends until the writer is told that nothing of it is recorded any more. */
static void
append_until_closed(struct reprise_writer *writer)
{
	reprise_status status = REPRISE_OK;

	for (int i = 0; status == REPRISE_OK && i < 20000; i++) {
		status = reprise_append(writer, 100, 0, 0, (struct reprise_bytes){ "x", 1 }, NULL);
		usleep(1000);
	}
	cr_assert(eq(int, status, REPRISE_E_CLOSED));
}

Test(restored, L57_hosts_of_a_window_over_a_log_that_goes_back_are_told)
{
	schema = "restored_window";
	struct following writing = following_writing(open_log);
	struct reprise_writer *const writer = following_write(&writing);
	struct reprise_subscription *subscription = NULL;
	struct reprise_cursor cursor;

	following_append(&writing, writer, 40);
	back_up();
	following_append(&writing, writer, 60);
	cr_assert(eq(int, reprise_session_current_cursor(writing.store, "s", 60, &cursor),
		     REPRISE_OK));
	cr_assert(eq(int,
		     reprise_subscribe_after(writing.store, &cursor, NULL, &subscription, NULL),
		     REPRISE_OK));
	restore();
	append_until_closed(writer);
	expect_diverged(subscription, 40);
	reprise_writer_close(writer);
	following_close(&writing);
	expect_no_leaks();
}

Test(restored, L57_events_of_a_new_life_do_not_follow_what_the_log_has_lost)
{
	schema = "restored_anew";
	struct following writing = following_writing(open_log);
	struct reprise_writer *writer = following_write(&writing);
	struct following reading = following_reading(open_log);
	struct reprise_subscription *const subscription = following_subscribe(&reading, 0);

	following_append(&writing, writer, 40);
	back_up();
	following_append(&writing, writer, 60);
	following_expect(subscription, 1, 60);
	reprise_writer_close(writer);
	following_close(&writing);
	restore();
	/* A runtime that knows nothing of it gives 41 to 45 once more. */
	writing = following_writing(open_log);
	writer = following_write(&writing);
	following_append(&writing, writer, 45);
	expect_diverged(subscription, 40);
	following_close(&reading);
	reprise_writer_close(writer);
	following_close(&writing);
	expect_no_leaks();
}
