/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>

#include "server.h"

SUITE(rows);

static const char *const thread_t = "t";

/* The rows that a visit has met. */
struct met {
	uint64_t count;
	uint64_t last;
	uint64_t bytes;
	uint64_t stop_at;
};

static bool
meet(const struct log_row *row, void *context)
{
	struct met *const met = context;

	cr_assert(gt(u64, row->last, met->last));
	met->count++;
	met->last = row->last;
	met->bytes += row->payload.size;
	return met->last != met->stop_at;
}

static struct met
met_after(struct reprise_log *log, int64_t id, uint64_t after, uint64_t limit, uint64_t stop_at)
{
	struct met met = { .last = after, .stop_at = stop_at };

	cr_assert(eq(int, log->adapter->rows_after(log, id, after, limit, meet, &met, NULL), 0));
	return met;
}

Test(rows, more_than_one_answers_worth_is_found)
{
	enum {
		SMALL_COUNT = 2500,
		LARGE_COUNT = 12,
		LARGE_BYTES = 400 << 10
	};
	const struct reprise_log_postgres_options options = options_of(NULL, "parts");
	struct reprise_log *const log = opened(&options);
	char *const large = calloc(1, LARGE_BYTES);
	struct log_head head;

	cr_assert(eq(int,
		     log->adapter->begin(log, LOG_WRITTEN, "acme", &thread_t, 1, LOG_PATIENT, &head,
					 NULL),
		     0));
	for (uint64_t i = 1; i <= SMALL_COUNT + LARGE_COUNT; i++) {
		const struct log_row row = { .first = i,
					     .last = i,
					     .payload = { large,
							  i <= SMALL_COUNT ? 0 : LARGE_BYTES } };

		cr_assert(eq(int, log->adapter->put_row(log, head.id, &row, NULL), 0));
	}
	/* Also before the commit. */
	struct met met = met_after(log, head.id, 0, UINT64_MAX, 0);

	cr_assert(eq(u64, met.count, SMALL_COUNT + LARGE_COUNT));
	cr_assert(eq(u64, met.bytes, (uint64_t)LARGE_COUNT * LARGE_BYTES));
	met = met_after(log, head.id, 999, 1502, 0);
	cr_assert(eq(u64, met.count, 1502));
	cr_assert(eq(u64, met.last, 2501));
	met = met_after(log, head.id, 2400, 1000, 2506);
	cr_assert(eq(u64, met.last, 2506));
	met = met_after(log, head.id, 0, 0, 0);
	cr_assert(eq(u64, met.count, 0));
	met = met_after(log, head.id, UINT64_MAX, 10, 0);
	cr_assert(eq(u64, met.count, 0));
	cr_assert(eq(int, log->adapter->commit(log, NULL), 0));
	free(large);
	reprise_log_close(log);
	expect_no_leaks();
}

/*
 * Rows are sent many at a time, of one key and up to a size: what does not go together
 * must not mix.
 */
Test(rows, rows_of_several_keys_and_sizes_arrive_as_they_were_put)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "mixed");
	struct reprise_log *const log = opened(&options);
	static const size_t sizes[] = { 0, 1, 65536, 30000, 35536, 1, 65537, 7, 40000, 40000 };
	const char *const threads[] = { "a", "b" };
	char *const payload = malloc(65537);
	struct log_head heads[2];

	memset(payload, 'x', 65537);
	cr_assert(eq(
		int,
		log->adapter->begin(log, LOG_SYNCED, "acme", threads, 2, LOG_PATIENT, heads, NULL),
		0));
	for (uint64_t i = 0; i < 600; i++)
		for (uint64_t k = 0; k < (i % 3 == 0 ? 2 : 1); k++) {
			const struct log_row row = {
				.first = i + 1,
				.last = i + 1,
				.revision = i,
				.payload = { payload, i < 10 ? sizes[i] : i % 5 },
			};

			cr_assert(eq(int, log->adapter->put_row(log, heads[k].id, &row, NULL), 0));
			const struct log_mark rise = { .revision = i, .ordinal = i + 1 };

			cr_assert(
				eq(int, log->adapter->put_rise(log, heads[k].id, &rise, NULL), 0));
		}
	const struct met of_a = met_after(log, heads[0].id, 0, 1000, 0);
	const struct met of_b = met_after(log, heads[1].id, 0, 1000, 0);

	cr_assert(eq(u64, of_a.count, 600));
	cr_assert(eq(u64, of_a.bytes, 276618 + 590 * 2));
	cr_assert(eq(u64, of_b.count, 200));
	cr_assert(eq(u64, of_b.last, 598));
	cr_assert(eq(int, log->adapter->commit(log, NULL), 0));
	/* A row that was put and not sent does not come into a later transaction. */
	const struct log_row row = { .first = 601, .last = 601 };

	cr_assert(eq(
		int,
		log->adapter->begin(log, LOG_SYNCED, "acme", threads, 2, LOG_PATIENT, heads, NULL),
		0));
	cr_assert(eq(int, log->adapter->put_row(log, heads[0].id, &row, NULL), 0));
	log->adapter->rollback(log);
	cr_assert(eq(
		int,
		log->adapter->begin(log, LOG_SYNCED, "acme", threads, 2, LOG_PATIENT, heads, NULL),
		0));
	cr_assert(eq(u64, met_after(log, heads[0].id, 0, 1000, 0).count, 600));
	log->adapter->rollback(log);
	free(payload);
	reprise_log_close(log);
	expect_no_leaks();
}

Test(rows, a_row_comes_back_as_it_went)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "as_it_went");
	struct reprise_log *const log = opened(&options);
	const struct reprise_log_key key = { "\303\244cme \360\237\232\200", "t '\"\\ %" };
	const struct reprise_log_new_entry entries[] = {
		{ .revision = UINT64_MAX - 1, .time_ns = 1, .kind = 65535, .flags = 0xff00 },
		{ .revision = UINT64_C(1) << 63,
		  .time_ns = INT64_MAX,
		  .payload = { "\0\1\377", 3 } },
	};
	struct reprise_log_page *page;
	size_t count;

	cr_assert(eq(int, reprise_log_append(log, &key, NULL, entries, 2, NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_log_load_after(log, &key, 0, 10, 0, page, NULL), REPRISE_OK));
	const struct reprise_log_entry *const loaded = reprise_log_page_entries(page, &count);

	cr_assert(eq(sz, count, 2));
	for (size_t i = 0; i < 2; i++) {
		cr_assert(eq(u64, loaded[i].revision, entries[i].revision));
		cr_assert(eq(u64, loaded[i].time_ns, entries[i].time_ns));
		cr_assert(eq(u16, loaded[i].kind, entries[i].kind));
		cr_assert(eq(u16, loaded[i].flags, entries[i].flags));
		cr_assert(eq(sz, loaded[i].payload.size, entries[i].payload.size));
	}
	cr_assert(eq(int, memcmp(loaded[1].payload.data, "\0\1\377", 3), 0));
	reprise_log_page_close(page);
	reprise_log_close(log);
	expect_no_leaks();
}

/* The ordinal; 0: none. */
static uint64_t
rise_above(struct reprise_log *log, int64_t id, uint64_t revision)
{
	struct log_mark rise = { 0 };
	size_t count = 0;

	cr_assert(eq(int, log->adapter->rises_above(log, id, revision, &rise, 1, &count, NULL), 0));
	return count != 0 ? rise.ordinal : 0;
}

static uint64_t
commit_from(struct reprise_log *log, int64_t id, uint64_t revision)
{
	struct log_mark commit = { 0 };
	size_t count = 0;

	cr_assert(eq(int, log->adapter->commits_from(log, id, revision, &commit, 1, &count, NULL),
		     0));
	return count != 0 ? commit.ordinal : 0;
}

static void
put_commit(struct reprise_log *log, int64_t id, uint64_t revision, uint64_t ordinal)
{
	const struct log_mark commit = { .revision = revision, .ordinal = ordinal };

	cr_assert(eq(int, log->adapter->put_commit(log, id, &commit, NULL), 0));
}

Test(rows, revisions_are_in_the_order_of_64_bits)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "order");
	struct reprise_log *const log = opened(&options);
	static const uint64_t revisions[] = { 0, 1, INT64_MAX, (uint64_t)INT64_MAX + 1,
					      UINT64_MAX - 1 };
	struct log_head head;

	cr_assert(eq(int,
		     log->adapter->begin(log, LOG_SYNCED, "acme", &thread_t, 1, LOG_PATIENT, &head,
					 NULL),
		     0));
	for (uint64_t i = 0; i < 5; i++) {
		const struct log_mark rise = { .revision = revisions[i], .ordinal = i + 1 };

		cr_assert(eq(int, log->adapter->put_rise(log, head.id, &rise, NULL), 0));
	}
	for (uint64_t i = 0; i < 5; i++)
		cr_assert(eq(u64, rise_above(log, head.id, revisions[i]), i == 4 ? 0 : i + 2));
	put_commit(log, head.id, 7, 1);
	put_commit(log, head.id, UINT64_MAX, 2);
	cr_assert(eq(u64, commit_from(log, head.id, 3), 2), "the lesser one was taken away");
	put_commit(log, head.id, 5, 3);
	cr_assert(eq(u64, commit_from(log, head.id, 3), 3));
	cr_assert(eq(u64, commit_from(log, head.id, 6), 2));
	log->adapter->rollback(log);
	log->adapter->rollback(log);
	reprise_log_close(log);
}

Test(rows, archived_rows_move_or_go)
{
	struct reprise_log_postgres_options options = options_of(NULL, "moves");
	PGconn *const all = connected_as(NULL);
	struct reprise_log *log = opened(&options);

	fill_every_table(log, "acme", "t");
	cr_assert(eq(i64, number_of(all, "SELECT count(*) FROM moves.archive"), 1));
	cr_assert(eq(i64, number_of(all, "SELECT count(*) FROM moves.rows"), 1));
	reprise_log_close(log);
	options.deletes_archived = 1;
	log = opened(&options);
	fill_every_table(log, "acme", "u");
	cr_assert(eq(i64, number_of(all, "SELECT count(*) FROM moves.archive"), 1));
	cr_assert(eq(i64, number_of(all, "SELECT count(*) FROM moves.rows"), 2));
	reprise_log_close(log);
	PQfinish(all);
}

/*
 * Two writers of the same keys in one transaction each, over and over: none waits for the
 * other for ever.
 */
struct both {
	struct reprise_log *log;
	int failures;
};

static void *
write_both(void *context)
{
	struct both *const both = context;
	struct reprise_log *const log = both->log;
	const char *const threads[] = { "a", "b", "c" };
	struct log_head heads[3];

	for (int i = 0; i < 200; i++) {
		if (log->adapter->begin(log, LOG_WRITTEN, "acme", threads, 3, LOG_PATIENT, heads,
					NULL) != REPRISE_OK) {
			both->failures++;
			continue;
		}
		for (int k = 0; k < 3; k++) {
			heads[k].kind = REPRISE_LOG_DIRECT;
			heads[k].head++;
			heads[k].checksum =
				log_head_checksum(log_key_checksum("acme", threads[k]), &heads[k]);
			(void)log->adapter->put_head(log, &heads[k], NULL);
		}
		if (log->adapter->commit(log, NULL) != REPRISE_OK)
			both->failures++;
	}
	return NULL;
}

Test(rows, writers_of_the_same_keys_take_turns)
{
	struct reprise_log_postgres_options options = options_of(NULL, "turns");
	struct reprise_log *log;
	struct reprise_log *other = NULL;
	pthread_t thread;

	options.deadline_ns = 10 * one_second;
	log = opened(&options);
	cr_assert(eq(int, log->adapter->another(log, &other, NULL), REPRISE_OK));
	cr_assert(ne(int, server_process_of(log), server_process_of(other)));
	struct both here = { .log = log };
	struct both there = { .log = other };

	cr_assert(eq(int, pthread_create(&thread, NULL, write_both, &there), 0));
	write_both(&here);
	cr_assert(eq(int, pthread_join(thread, NULL), 0));
	cr_assert(eq(int, here.failures, 0));
	cr_assert(eq(int, there.failures, 0));
	for (int k = 0; k < 3; k++)
		cr_assert(eq(u64, head_of(log, "acme", (const char *[]){ "a", "b", "c" }[k]), 400));
	reprise_log_close(other);
	reprise_log_close(log);
	expect_no_leaks();
}

Test(rows, who_waited_for_a_head_sees_what_its_holder_left)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "fresh");
	struct reprise_log *const log = opened(&options);
	PGconn *const all = connected_as(NULL);
	struct log_head head;

	fill_every_table(log, "acme", "t");
	/* Another has begun a new life, and commits while begin waits for its lock. */
	run(all, "BEGIN; UPDATE fresh.heads SET life = 2, head = 9;"
		 "INSERT INTO fresh.lives"
		 " (tenant, key, number, first, last, incarnation, state, checksum)"
		 " SELECT tenant, id, 2, 10, 9, gen_random_uuid(), 1, 0 FROM fresh.heads");
	cr_assert(eq(int, PQsendQuery(all, "SELECT pg_sleep(0.3); COMMIT"), 1));
	cr_assert(eq(int,
		     log->adapter->begin(log, LOG_SYNCED, "acme", &thread_t, 1, LOG_PATIENT, &head,
					 NULL),
		     0));
	cr_assert(eq(u64, head.head, 9));
	cr_assert(eq(u64, head.life.number, 2));
	cr_assert(eq(u64, head.life.first, 10));
	log->adapter->rollback(log);
	PQfinish(all);
	reprise_log_close(log);
}

Test(rows, a_head_whose_life_is_missing_is_corrupt)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "no_life");
	struct reprise_log *const log = opened(&options);
	PGconn *const all = connected_as(NULL);

	fill_every_table(log, "acme", "t");
	run(all, "DELETE FROM no_life.lives");
	struct log_head head;

	cr_assert(eq(int, log->adapter->look(log, "acme", "t", &head, NULL), REPRISE_OK));
	log->adapter->leave(log);
	cr_assert(eq(str, (char *)head.fault, "the head names another last life"));
	cr_assert(eq(int, append_to(log, "acme", "t"), REPRISE_E_CORRUPT));
	expect_works(log, "acme", "u", 1);
	PQfinish(all);
	reprise_log_close(log);
}

static int
values_in(const char *sql)
{
	int most = 0;

	for (const char *at = strchr(sql, '$'); at != NULL; at = strchr(at + 1, '$'))
		if (isdigit((unsigned char)at[1]) && atoi(at + 1) > most)
			most = atoi(at + 1);
	return most;
}

/* The plan of a statement, as for whatever values. */
static void
expect_plan_without_scan(PGconn *connection, const struct statement_text *statement)
{
	static const char nulls[] = "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "
				    "NULL, NULL, NULL, NULL, NULL";
	const int count = values_in(statement->sql);

	run(connection, "PREPARE %s AS %s", statement->name, statement->sql);
	char explain[256];

	snprintf(explain, sizeof(explain),
		 count == 0 ? "EXPLAIN EXECUTE %s" : "EXPLAIN EXECUTE %s (%.*s)", statement->name,
		 count * 6 - 2, nulls);
	PGresult *const plan = PQexec(connection, explain);

	cr_assert(eq(int, PQresultStatus(plan), PGRES_TUPLES_OK), "%s", PQresultErrorMessage(plan));
	for (int i = 0; i < PQntuples(plan); i++) {
		cr_assert(eq(ptr, strstr(PQgetvalue(plan, i, 0), "Seq Scan"), NULL), "%s: %s",
			  statement->name, PQgetvalue(plan, i, 0));
		cr_assert(eq(ptr, strstr(PQgetvalue(plan, i, 0), "Hash"), NULL), "%s: %s",
			  statement->name, PQgetvalue(plan, i, 0));
	}
	PQclear(plan);
}

/* Two thousand keys of two tenants, and one of them with a hundred thousand entries. */
static void
fill_much(PGconn *all)
{
	run(all, "SET search_path = plans");
	run(all,
	    "INSERT INTO heads (tenant, thread, kind, life)"
	    " SELECT 'tenant ' || i %% 2, 'thread ' || i, 1, 1 FROM generate_series(1, 2000) i");
	run(all, "INSERT INTO rows (tenant, key, last, first, revision, time_ns, type, kind, flags,"
		 " reason, checksum, payload) SELECT tenant, id, i, i, i, 0, 0, 0, 0, 0, 0, 'x'"
		 " FROM heads, generate_series(1, CASE id WHEN 5 THEN 100000 ELSE 20 END) i");
	run(all, "INSERT INTO archive SELECT * FROM rows WHERE last <= 10");
	run(all, "INSERT INTO rises SELECT key, revision, last, tenant, 0 FROM rows");
	run(all, "INSERT INTO commits SELECT key, revision, last, tenant, 0 FROM rows");
	run(all,
	    "INSERT INTO lives (tenant, key, number, first, last, incarnation, state, checksum)"
	    " SELECT tenant, id, i, i, i, gen_random_uuid(), 1, 0 FROM heads, generate_series(1, "
	    "20) i");
	run(all, "INSERT INTO blobs (tenant, key, name, checksum, bytes)"
		 " SELECT tenant, id, 'blob ' || i, 0, 'x' FROM heads, generate_series(1, 20) i");
	run(all, "ANALYZE");
}

Test(rows, every_statement_has_its_index)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "plans");
	PGconn *const all = connected_as(NULL);

	reprise_log_close(opened(&options));
	create_agent(all, "agent_plans", "plans");
	fill_much(all);
	PGconn *const agent = connected_as("agent_plans");

	run(agent, "SET search_path = plans");
	run(agent, "SET plan_cache_mode = force_generic_plan");
	run(all, "SET plan_cache_mode = force_generic_plan");
	for (int i = 0; i < STATEMENTS_COUNT; i++)
		/* Transactions are no queries; the sessions of the server are no tables. */
		if (i != BEGIN_WRITING && i != BEGIN_READING && i != COMMIT && i != ROLLBACK &&
		    i != END_ABANDONED)
			/* A role that row-level security binds to a tenant may not list tenants. */
			expect_plan_without_scan(i == TENANT_AFTER ? all : agent, &statements[i]);
	PQfinish(agent);
	PQfinish(all);
}

Test(rows, an_end_of_a_long_log_is_as_near_as_that_of_a_short_one)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "plans_read");
	PGconn *const all = connected_as(NULL);

	reprise_log_close(opened(&options));
	run(all, "SET search_path = plans_read");
	run(all, "INSERT INTO rows (tenant, key, last, first, revision, time_ns, type, kind, flags,"
		 " reason, checksum, payload) SELECT 'acme', 1, i, i, i, 0, 0, 0, 0, 0, 0, 'x'"
		 " FROM generate_series(1, 100000) i");
	run(all, "ANALYZE");
	run(all, "PREPARE rows_after AS %s", statements[ROWS_AFTER].sql);
	PGresult *const plan = PQexec(all, "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)"
					   " EXECUTE rows_after (1, 99900, 100, 1048576)");

	cr_assert(eq(int, PQresultStatus(plan), PGRES_TUPLES_OK), "%s", PQresultErrorMessage(plan));
	const char *const text = PQgetvalue(plan, 0, 0);
	const char *const blocks = strstr(text, "\"Shared Hit Blocks\":");

	cr_assert(ne(ptr, (void *)blocks, NULL));
	cr_assert(lt(int, atoi(blocks + strlen("\"Shared Hit Blocks\":")), 20), "%s", text);
	PQclear(plan);
	PQfinish(all);
}
