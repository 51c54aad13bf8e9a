/* SPDX-License-Identifier: MIT */
#include "pooler.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch_server.h"
#include "support.h"

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

void
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

void
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

void
pooler_expect_untouched(void)
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

const char *
pooler_connection(void)
{
	return pooler.connection;
}
