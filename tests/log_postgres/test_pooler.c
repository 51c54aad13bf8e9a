/* SPDX-License-Identifier: MIT */
/* A connection pooler in front of the server: pgbouncer, where it is installed. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server.h"

SUITE(pooler);

struct pooler {
	pid_t process;
	char folder[32];
	char connection[128];
};

static struct pooler pooler;

static const char *
program(void)
{
	static const char *const places[] = { "/usr/sbin/pgbouncer", "/usr/bin/pgbouncer" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

static void
write_settings(const char *mode, const char *path)
{
	FILE *const file = fopen(path, "w");

	cr_assert(ne(ptr, file, NULL));
	fprintf(file,
		"[databases]\n"
		"postgres = host=%s port=5432 user=postgres\n"
		"[pgbouncer]\n"
		"unix_socket_dir = %s\n"
		"listen_port = 6432\n"
		"auth_type = any\n"
		"pool_mode = %s\n"
		"logfile = %s/log\n",
		getenv("REPRISE_POSTGRES_SERVER"), pooler.folder, mode, pooler.folder);
	fclose(file);
	chmod(path, 0644);
}

/* After each test, also one that failed. */
static void
pooler_close(void)
{
	char command[64];

	if (pooler.process == 0)
		return;
	kill(pooler.process, SIGKILL);
	waitpid(pooler.process, NULL, 0);
	snprintf(command, sizeof(command), "rm -rf %s", pooler.folder);
	/* NOLINTNEXTLINE(cert-env33-c): a folder of ours */
	(void)!system(command);
}

static void
pooler_open(const char *mode)
{
	char path[64];

	if (program() == NULL)
		cr_skip_test("there is no pgbouncer");
	snprintf(pooler.folder, sizeof(pooler.folder), "/tmp/reprise-pooler.XXXXXX");
	cr_assert(ne(ptr, mkdtemp(pooler.folder), NULL));
	chmod(pooler.folder, 0777); /* as root it runs as somebody else */
	snprintf(path, sizeof(path), "%s/settings", pooler.folder);
	write_settings(mode, path);
	pooler.process = fork();
	if (pooler.process == 0) {
		(void)!freopen("/dev/null", "w", stdout);
		(void)!freopen("/dev/null", "w", stderr);
		if (geteuid() == 0)
			execl(program(), program(), "-q", "-u", "postgres", path, NULL);
		else
			execl(program(), program(), "-q", path, NULL);
		_exit(127);
	}
	snprintf(pooler.connection, sizeof(pooler.connection),
		 "host=%s port=6432 dbname=postgres user=postgres", pooler.folder);
	for (int tries = 0; tries < 500 && PQping(pooler.connection) != PQPING_OK; tries++)
		usleep(10000);
	cr_assert(eq(int, PQping(pooler.connection), PQPING_OK));
}

/* What a client of the pool finds. */
static void
expect_untouched(void)
{
	PGconn *const client = PQconnectdb(pooler.connection);

	cr_assert(eq(int, PQstatus(client), CONNECTION_OK));
	cr_assert(eq(i64, number_of(client, "SELECT count(*) FROM pg_prepared_statements"), 0));
	cr_assert(eq(i64,
		     number_of(client, "SELECT count(*) FROM pg_settings WHERE source = 'session'"
				       " AND name <> 'client_encoding'"
				       " AND name <> 'application_name'"),
		     0));
	PQfinish(client);
}

static void
expect_pool_refused(const char *mode)
{
	struct reprise_log_postgres_options options = options_of(NULL, "pooled");
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log *log = NULL;

	pooler_open(mode);
	options.connection = pooler.connection;
	const reprise_status status = reprise_log_postgres_open(&options, &log, &error);

	expect_untouched();
	cr_assert(eq(int, status, REPRISE_E_INVALID), "%s: %s", error.what, error.detail);
	cr_assert(eq(str, error.what, "connection"));
	cr_assert(ne(ptr, strstr(error.detail, "pool_mode = session"), NULL), "%s", error.detail);
	expect_no_leaks();
}

Test(pooler, Q02_a_pooler_that_shares_sessions_by_transaction_is_refused_at_open,
     .fini = pooler_close)
{
	expect_pool_refused("transaction");
}

Test(pooler, Q02_a_pooler_that_shares_sessions_by_statement_is_refused_at_open,
     .fini = pooler_close)
{
	expect_pool_refused("statement");
}

Test(pooler, Q02_a_pooler_that_keeps_a_session_for_each_client_is_taken, .fini = pooler_close)
{
	struct reprise_log_postgres_options options = options_of(NULL, "pooled_session");

	pooler_open("session");
	options.connection = pooler.connection;
	struct reprise_log *const log = opened(&options);
	struct reprise_log *const other = opened(&options);

	expect_works(log, "acme", "t", 1);
	expect_works(other, "acme", "t", 2);
	expect_works(log, "acme", "t", 3);
	reprise_log_close(log);
	reprise_log_close(other);
}
