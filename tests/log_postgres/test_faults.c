/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "log/write.h"
#include "server.h"

SUITE(faults);

static const char *const thread_t = "t";
static volatile sig_atomic_t sigpipes;

static void
count_sigpipe(int number)
{
	(void)number;
	sigpipes++;
}

/* In a writing transaction to acme/t, with a row sent. */
static struct log_head
begun(struct reprise_log *log)
{
	const struct log_row row = { .first = 1, .last = 1, .payload = { "x", 1 } };
	struct log_head head;

	cr_assert(eq(int,
		     log->adapter->begin(log, LOG_SYNCED, "acme", &thread_t, 1, LOG_PATIENT, &head,
					 NULL),
		     0));
	cr_assert(eq(int, log->adapter->put_row(log, head.id, &row, NULL), 0));
	return head;
}

static uint64_t
ms_since(uint64_t begin_ns)
{
	return (clock_ns() - begin_ns) / 1000000;
}

Test(faults, a_key_that_others_hold_is_waited_for_until_the_deadline)
{
	struct reprise_log_postgres_options options = options_of(NULL, "waits");
	struct reprise_log *const holder = opened(&options);

	options.deadline_ns = one_second / 4;
	struct reprise_log *const log = opened(&options);
	const int process = server_process_of(log);

	expect_works(log, "acme", "t", 1);
	(void)begun(holder);
	const uint64_t begin_ns = clock_ns();

	cr_assert(eq(int, append_to(log, "acme", "t"), REPRISE_E_TIMEOUT));
	cr_assert(ge(u64, ms_since(begin_ns), 240));
	cr_assert(lt(u64, ms_since(begin_ns), 1500));
	cr_assert(eq(int, append_to(log, "acme", "new"), REPRISE_OK), "others are free");
	cr_assert(eq(u64, head_of(log, "acme", "t"), 1), "and it can be looked at");
	holder->adapter->rollback(holder);
	expect_works(log, "acme", "t", 2);
	cr_assert(eq(int, server_process_of(log), process), "on the same connection");
	reprise_log_close(log);
	reprise_log_close(holder);
	expect_no_leaks();
}

Test(faults, a_key_that_others_are_about_to_create_is_waited_for_as_well)
{
	struct reprise_log_postgres_options options = options_of(NULL, "waits_new");
	struct reprise_log *const holder = opened(&options);

	options.deadline_ns = one_second / 4;
	struct reprise_log *const log = opened(&options);

	(void)begun(holder);
	cr_assert(eq(int, append_to(log, "acme", "t"), REPRISE_E_TIMEOUT));
	holder->adapter->rollback(holder);
	expect_works(log, "acme", "t", 1);
	reprise_log_close(log);
	reprise_log_close(holder);
}

Test(faults, a_connection_that_is_lost_in_a_transaction_fails_that_and_no_later_one)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "lost");
	PGconn *const all = connected_as(NULL);
	struct reprise_log *const log = opened(&options);
	struct reprise_error error = { .size = sizeof(error) };
	struct log_head head;

	signal(SIGPIPE, count_sigpipe);
	expect_works(log, "acme", "u", 1);
	head = begun(log);
	terminate(all, server_process_of(log));
	cr_assert(eq(int, log->adapter->put_head(log, &head, NULL), REPRISE_OK), "not known yet");
	cr_assert(eq(int, log->adapter->commit(log, &error), REPRISE_E_IO));
	cr_assert(ne(str, error.detail, ""));
	cr_assert(eq(u64, head_of(log, "acme", "t"), 0));
	expect_works(log, "acme", "u", 2);

	(void)begun(log);
	terminate(all, server_process_of(log));
	log->adapter->rollback(log);
	expect_works(log, "acme", "u", 3);

	cr_assert(eq(int, log->adapter->look(log, "acme", "u", &head, NULL), REPRISE_OK));
	terminate(all, server_process_of(log));
	struct log_mark rise;
	size_t count;

	cr_assert(eq(int, log->adapter->rises_above(log, head.id, 0, &rise, 1, &count, NULL),
		     REPRISE_E_IO));
	cr_assert(eq(int, log->adapter->rises_above(log, head.id, 0, &rise, 1, &count, NULL),
		     REPRISE_E_IO));
	log->adapter->leave(log);
	expect_works(log, "acme", "u", 4);
	cr_assert(eq(int, sigpipes, 0));
	reprise_log_close(log);
	PQfinish(all);
	expect_no_leaks();
}

/* More than the sockets hold, so that libpq has to write to a connection that is gone. */
Test(faults, a_connection_that_is_lost_while_much_is_sent_raises_no_signal)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "lost_much");
	PGconn *const all = connected_as(NULL);
	struct reprise_log *const log = opened(&options);
	char *const payload = calloc(1, 1 << 20);
	struct log_row row = { .payload = { payload, 1 << 20 } };
	reprise_status status = REPRISE_OK;

	signal(SIGPIPE, count_sigpipe);
	const struct log_head head = begun(log);

	terminate(all, server_process_of(log));
	for (uint64_t i = 2; i < 20 && status == REPRISE_OK; i++) {
		row.first = row.last = i;
		status = log->adapter->put_row(log, head.id, &row, NULL);
	}
	cr_assert(eq(int, status, REPRISE_E_IO));
	log->adapter->rollback(log);
	expect_works(log, "acme", "t", 1);
	cr_assert(eq(int, sigpipes, 0));
	free(payload);
	reprise_log_close(log);
	PQfinish(all);
	expect_no_leaks();
}

Test(faults, a_connection_that_is_lost_between_calls_is_not_noticed)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "idle");
	PGconn *const all = connected_as(NULL);
	struct reprise_log *const log = opened(&options);

	expect_works(log, "acme", "t", 1);
	terminate(all, server_process_of(log));
	expect_works(log, "acme", "t", 2);
	terminate(all, server_process_of(log));
	cr_assert(eq(u64, head_of(log, "acme", "t"), 2));
	reprise_log_close(log);
	PQfinish(all);
}

Test(faults, a_refused_statement_is_told_by_commit_and_changes_nothing)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "refused");
	struct reprise_log *const log = opened(&options);
	struct reprise_error error = { .size = sizeof(error) };
	const struct log_row twice = { .first = 1, .last = 1, .payload = { "x", 1 } };
	const struct log_head head = begun(log);

	cr_assert(eq(int, log->adapter->put_row(log, head.id, &twice, NULL), REPRISE_OK));
	cr_assert(eq(int, log->adapter->commit(log, &error), REPRISE_E_CORRUPT));
	cr_assert(eq(int, strncmp(error.detail, "23505: ", 7), 0), "%s", error.detail);
	log->adapter->rollback(log);
	cr_assert(eq(u64, head_of(log, "acme", "t"), 0));
	expect_works(log, "acme", "t", 1);
	reprise_log_close(log);
	expect_no_leaks();
}

Test(faults, a_failure_that_is_known_early_is_undone_on_the_same_connection)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "early");
	struct reprise_log *const log = opened(&options);
	const int process = server_process_of(log);
	char *const payload = calloc(1, 1 << 20);
	const struct log_row twice = { .first = 1, .last = 1, .payload = { payload, 1 << 20 } };
	const struct log_head head = begun(log);
	reprise_status status = REPRISE_OK;

	for (int i = 0; i < 50 && status == REPRISE_OK; i++)
		status = log->adapter->put_row(log, head.id, &twice, NULL);
	cr_assert(eq(int, status, REPRISE_E_CORRUPT));
	log->adapter->rollback(log);
	expect_works(log, "acme", "t", 1);
	cr_assert(eq(int, server_process_of(log), process));
	free(payload);
	reprise_log_close(log);
	expect_no_leaks();
}

Test(faults, a_failure_before_a_find_stays_until_the_transaction_is_undone)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "stays");
	struct reprise_log *const log = opened(&options);
	const struct log_row twice = { .first = 1, .last = 1, .payload = { "x", 1 } };
	const struct log_head head = begun(log);
	struct log_mark rise;
	size_t count;

	cr_assert(eq(int, log->adapter->put_row(log, head.id, &twice, NULL), REPRISE_OK));
	cr_assert(eq(int, log->adapter->rises_above(log, head.id, 0, &rise, 1, &count, NULL),
		     REPRISE_E_CORRUPT));
	cr_assert(eq(int, log->adapter->put_row(log, head.id, &twice, NULL), REPRISE_E_CORRUPT));
	cr_assert(eq(int, log->adapter->commit(log, NULL), REPRISE_E_CORRUPT));
	expect_works(log, "acme", "t", 1);
	reprise_log_close(log);
}

Test(faults, a_server_that_comes_back_is_found_again)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "comes_back");
	struct reprise_log *const log = opened(&options);
	struct reprise_error error = { .size = sizeof(error) };

	expect_works(log, "acme", "u", 1);
	control("--restart");
	expect_works(log, "acme", "u", 2);

	(void)begun(log);
	control("--kill");
	cr_assert(eq(int, log->adapter->commit(log, &error), REPRISE_E_IO));
	const uint64_t begin_ns = clock_ns();
	const reprise_status status = append_to(log, "acme", "u");

	cr_assert(eq(int, status, REPRISE_E_IO));
	cr_assert(lt(u64, ms_since(begin_ns), 3000));
	control("--start");
	expect_works(log, "acme", "u", 3);
	reprise_log_close(log);
	expect_no_leaks();
}

Test(faults, what_was_acknowledged_as_synced_survives_a_server_that_is_killed)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "survives");
	struct reprise_log *const log = opened(&options);

	for (int round = 1; round <= 3; round++) {
		for (reprise_ordinal i = 0; i < 50; i++)
			cr_assert(eq(int, append_to(log, "acme", "t"), REPRISE_OK));
		control("--kill");
		control("--start");
		cr_assert(eq(u64, head_of(log, "acme", "t"), (reprise_ordinal)round * 50));
	}
	reprise_log_close(log);
}

Test(faults, how_durable_a_commit_is_is_said_for_its_transaction)
{
	struct reprise_log_postgres_options options = options_of(NULL, "levels");
	static const char sql[] =
		"DO $$ BEGIN IF current_setting('synchronous_commit') <> '%s' THEN"
		" RAISE 'it is %%', current_setting('synchronous_commit');"
		" END IF; END $$";

	for (int is_written = 0; is_written <= 1; is_written++) {
		char expected[256];
		struct reprise_log *const log = opened(&options);
		struct log_head head;

		snprintf(expected, sizeof(expected), sql, is_written == 1 ? "off" : "on");
		cr_assert(eq(int,
			     log->adapter->begin(log, is_written == 1 ? LOG_WRITTEN : LOG_SYNCED,
						 "acme", &thread_t, 1, LOG_PATIENT, &head, NULL),
			     0));
		(void)wire_send_sql(&postgres_of(log)->wire, expected, NULL);
		cr_assert(eq(int, log->adapter->commit(log, NULL), REPRISE_OK));
		reprise_log_close(log);
		options.durability = REPRISE_WRITTEN;
	}
	struct reprise_log *const log = opened(&options);

	cr_assert(eq(int, log->level, LOG_WRITTEN));
	reprise_log_close(log);
}

Test(faults, a_server_that_hangs_is_waited_for_no_longer_than_the_deadline)
{
	struct reprise_log_postgres_options options = options_of(NULL, "hangs");

	options.deadline_ns = one_second / 2;
	struct reprise_log *const log = opened(&options);
	struct reprise_log *const other = opened(&options);
	struct reprise_log *const third = opened(&options);

	expect_works(log, "acme", "t", 1);
	(void)begun(other);
	control("--pause");
	const uint64_t begin_ns = clock_ns();
	const reprise_status appended = append_to(log, "acme", "u");
	const reprise_status again = append_to(log, "acme", "u");
	const reprise_status committed = other->adapter->commit(other, NULL);
	static struct log_thread threads[LOG_THREADS_MAX];
	size_t count;
	const reprise_status found =
		third->adapter->threads_after(third, "acme", "", threads, &count, NULL);
	struct reprise_log *none = NULL;
	const reprise_status opening = reprise_log_postgres_open(&options, &none, NULL);
	const uint64_t took_ms = ms_since(begin_ns);

	control("--resume");
	cr_assert(eq(int, appended, REPRISE_E_TIMEOUT));
	cr_assert(eq(int, again, REPRISE_E_TIMEOUT));
	cr_assert(eq(int, committed, REPRISE_E_IO), "what became of it is not known");
	cr_assert(eq(int, found, REPRISE_E_TIMEOUT));
	cr_assert(eq(int, opening, REPRISE_E_TIMEOUT));
	cr_assert(lt(u64, took_ms, 6000));
	expect_works(log, "acme", "u", 1);
	reprise_log_close(log);
	reprise_log_close(other);
	reprise_log_close(third);
	expect_no_leaks();
}

Test(faults, where_there_is_no_server_opening_says_so)
{
	struct reprise_log_postgres_options options = options_of(NULL, "reprise");
	struct reprise_error error = { .size = sizeof(error) };
	char connection[512];
	struct reprise_log *log = NULL;

	options.connection = "host=/there/is/none";
	expect_refused(&options, REPRISE_E_IO, "connection");
	options.connection = "hostaddr=127.0.0.1 port=1 connect_timeout=60";
	expect_refused(&options, REPRISE_E_IO, "connection");
	snprintf(connection, sizeof(connection), "%s dbname=nowhere",
		 options_of(NULL, "x").connection);
	options.connection = connection;
	cr_assert(eq(int, reprise_log_postgres_open(&options, &log, &error), REPRISE_E_IO));
	cr_assert(ne(ptr, strstr(error.detail, "nowhere"), NULL), "%s", error.detail);
	expect_no_leaks();
}

Test(faults, who_takes_connections_and_says_nothing_is_given_up)
{
	char folder[] = "/tmp/reprise-silent.XXXXXX";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct reprise_log_postgres_options options = options_of(NULL, "reprise");
	char connection[128];

	cr_assert(ne(ptr, mkdtemp(folder), NULL));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/.s.PGSQL.5432", folder);
	const int listening = socket(AF_UNIX, SOCK_STREAM, 0);

	cr_assert(eq(int, bind(listening, (struct sockaddr *)&address, sizeof(address)), 0));
	cr_assert(eq(int, listen(listening, 8), 0));
	snprintf(connection, sizeof(connection), "host=%s dbname=x user=x", folder);
	options.connection = connection;
	options.deadline_ns = one_second / 4;
	const uint64_t begin_ns = clock_ns();

	expect_refused(&options, REPRISE_E_TIMEOUT, "connection");
	cr_assert(lt(u64, ms_since(begin_ns), 2000));
	close(listening);
	unlink(address.sun_path);
	rmdir(folder);
	expect_no_leaks();
}

Test(faults, a_log_whose_schema_went_away_is_not_made_anew_in_silence)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "went_away");
	PGconn *const all = connected_as(NULL);
	struct reprise_log *const log = opened(&options);

	expect_works(log, "acme", "t", 1);
	run(all, "DROP SCHEMA went_away CASCADE");
	cr_assert(ne(int, append_to(log, "acme", "t"), REPRISE_OK));
	terminate(all, server_process_of(log));
	cr_assert(eq(int, append_to(log, "acme", "t"), REPRISE_E_IO));
	cr_assert(
		eq(i64,
		   number_of(all, "SELECT count(*) FROM pg_namespace WHERE nspname = 'went_away'"),
		   0));
	reprise_log_close(log);
	PQfinish(all);
}

Test(faults, a_role_without_grants_is_told_the_servers_words)
{
	struct reprise_log_postgres_options options = options_of(NULL, "no_grants");
	struct reprise_error error = { .size = sizeof(error) };
	PGconn *const all = connected_as(NULL);
	struct reprise_log *log = NULL;

	reprise_log_close(opened(&options));
	run(all, "CREATE ROLE agent_no_grants LOGIN");
	options = options_of("agent_no_grants", "no_grants");
	cr_assert(eq(int, reprise_log_postgres_open(&options, &log, &error), REPRISE_E_IO));
	cr_assert(eq(int, strncmp(error.detail, "42501: ", 7), 0), "%s", error.detail);
	create_agent(all, "agent_grants", "no_grants");
	run(all, "REVOKE INSERT ON no_grants.rows FROM agent_grants");
	options = options_of("agent_grants", "no_grants");
	log = opened(&options);
	const struct reprise_log_key key = { "acme", "t" };
	const struct reprise_log_new_entry entry = { .payload = { "x", 1 } };

	cr_assert(eq(int, reprise_log_append(log, &key, NULL, &entry, 1, NULL, &error),
		     REPRISE_E_IO));
	cr_assert(eq(int, strncmp(error.detail, "42501: ", 7), 0), "%s", error.detail);
	run(all, "GRANT INSERT ON no_grants.rows TO agent_grants");
	expect_works(log, "acme", "t", 1);
	reprise_log_close(log);
	PQfinish(all);
}

Test(faults, F23_a_role_that_may_not_write_is_told_before_anything_is_written)
{
	PGconn *const all = connected_as(NULL);
	struct reprise_log_postgres_options options = options_of(NULL, "reads_only");
	struct reprise_error error = { .size = sizeof(error) };

	reprise_log_close(opened(&options));
	run(all, "CREATE ROLE viewer LOGIN");
	run(all, "GRANT USAGE ON SCHEMA reads_only TO viewer");
	run(all, "GRANT SELECT ON ALL TABLES IN SCHEMA reads_only TO viewer");
	options = options_of("viewer", "reads_only");
	options.is_set_up = 1;
	struct reprise_log *const log = opened(&options);

	cr_assert(eq(int, log_check_writable(log, "acme", &error), REPRISE_E_IO));
	cr_assert(ne(ptr, strstr(error.detail, "permission denied"), NULL), "%s", error.detail);
	reprise_log_close(log);
	options = options_of(NULL, "reads_only");
	struct reprise_log *const writer = opened(&options);

	cr_assert(eq(int, log_check_writable(writer, "acme", &error), REPRISE_OK));
	cr_assert(eq(i64, number_of(all, "SELECT count(*) FROM reads_only.heads"), 0));
	reprise_log_close(writer);
	PQfinish(all);
	expect_no_leaks();
}

/* The child sends the server nothing, not even that it goes. */
Test(faults, P02_the_servers_session_outlives_a_child_that_closes_it)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "forks");
	struct reprise_log *const log = opened(&options), *const writing = opened(&options);
	const int process = server_process_of(log), other = server_process_of(writing);
	int status = -1;

	(void)begun(writing);
	const pid_t pid = fork();

	if (pid == 0) {
		alarm(20);
		reprise_log_close(log);
		reprise_log_close(writing);
		_exit(0);
	}
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	cr_assert(eq(int, status, 0));
	cr_assert(eq(int, writing->adapter->commit(writing, NULL), REPRISE_OK));
	expect_works(log, "acme", "other", 1);
	cr_assert(eq(int, server_process_of(log), process));
	cr_assert(eq(int, server_process_of(writing), other));
	reprise_log_close(log);
	reprise_log_close(writing);
}
