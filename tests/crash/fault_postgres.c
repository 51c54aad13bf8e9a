/* SPDX-License-Identifier: MIT */
#include "fault_log.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reprise/log_postgres.h>

/* The server is away; the scenes run beside one of their own (tests/support/postgres.sh). */

struct reprise_log *
fault_postgres(void)
{
	char schema[64];
	const struct reprise_log_postgres_options options = { .size = sizeof(options),
							      .connection =
								      getenv("REPRISE_POSTGRES"),
							      .schema = schema,
							      .deadline_ns = FAULT_SECOND };
	struct reprise_log *log = NULL;

	snprintf(schema, sizeof(schema), "fault_%ld", fault_process());
	CHECK_OK(reprise_log_postgres_open(&options, &log, NULL));
	return log;
}

static void
control(const char *option)
{
	const char *const script = getenv("REPRISE_POSTGRES_CONTROL");
	int status = 0;
	const pid_t child = fork();

	if (child == 0) {
		(void)execlp("sh", "sh", script, option, (char *)NULL);
		_exit(127);
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

static void
append_for(struct fault *fault, uint64_t milliseconds)
{
	while (milliseconds-- > 0) {
		fault_append_many(fault, 20);
		crash_nap(1000000);
	}
}

/* Connections are lost while batches are written: each is written again, and nothing twice. */
static enum fault_end
lost_connections(void)
{
	struct fault fault = fault_open(fault_postgres(), 1 << 16, REPRISE_WHEN_FULL_OVERWRITE);
	PGconn *const connection = PQconnectdb(getenv("REPRISE_POSTGRES"));

	for (int i = 0; i < 20; i++) {
		append_for(&fault, 20);
		PQclear(PQexec(connection,
			       "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid "
			       "<> pg_backend_pid() AND backend_type = 'client backend'"));
	}
	append_for(&fault, 20);
	PQfinish(connection);
	fault_flush(&fault);
	CHECK(fault_stats(&fault).failures > 0);
	fault_close_with_books(&fault, false);
	return FAULT_PASSED;
}

static enum fault_end
server_restarted(void)
{
	struct fault fault = fault_open(fault_postgres(), 1 << 16, REPRISE_WHEN_FULL_OVERWRITE);

	append_for(&fault, 50);
	control("--restart");
	append_for(&fault, 50);
	control("--restart");
	append_for(&fault, 50);
	fault_close_with_books(&fault, false);
	return FAULT_PASSED;
}

static enum fault_end
server_away_small_window(void)
{
	struct fault fault = fault_open(fault_postgres(), 64, REPRISE_WHEN_FULL_OVERWRITE);

	fault_append_many(&fault, 10);
	fault_flush(&fault);
	control("--kill");
	fault_append_until_it_fails(&fault, REPRISE_E_IO);
	append_for(&fault, 3000);
	control("--start");
	fault_close_with_books(&fault, true);
	return FAULT_PASSED;
}

static void *
start_server(void *argument)
{
	(void)argument;
	crash_nap(FAULT_SECOND);
	control("--start");
	return NULL;
}

static enum fault_end
server_away_refuse(void)
{
	struct fault fault = fault_open(fault_postgres(), 64, REPRISE_WHEN_FULL_REFUSE);
	reprise_status status;
	pthread_t thread;

	fault_append_many(&fault, 10);
	fault_flush(&fault);
	control("--kill");
	while ((status = fault_append(&fault)) == REPRISE_OK)
		;
	CHECK(status == REPRISE_E_FULL);
	CHECK(reprise_writer_wait_room(fault.writer, FAULT_SECOND) == REPRISE_E_TIMEOUT);
	CHECK(fault_stats(&fault).last != REPRISE_OK);
	CHECK(pthread_create(&thread, NULL, start_server, NULL) == 0);
	CHECK_OK(reprise_writer_wait_room(fault.writer, REPRISE_NO_LIMIT));
	CHECK_OK(fault_append(&fault));
	CHECK(pthread_join(thread, NULL) == 0);
	fault_close_with_books(&fault, false);
	return FAULT_PASSED;
}

/* A life cannot begin: the session is not opened, and is when the server is back. */
static enum fault_end
opened_while_away(void)
{
	struct fault fault = fault_open(fault_postgres(), 64, REPRISE_WHEN_FULL_OVERWRITE);
	struct reprise_writer *other = NULL;

	control("--kill");
	CHECK(reprise_writer_open(fault.store, "other", NULL, &other, NULL) == REPRISE_E_IO);
	control("--start");
	CHECK_OK(reprise_writer_open(fault.store, "other", NULL, &other, NULL));
	reprise_writer_close(other);
	fault_append_many(&fault, 10);
	fault_close_with_books(&fault, false);
	return FAULT_PASSED;
}

const struct fault_scene fault_postgres_scenes[] = {
	{ "lost_connections", lost_connections },
	{ "server_restarted", server_restarted },
	{ "server_away_small_window", server_away_small_window },
	{ "server_away_refuse", server_away_refuse },
	{ "opened_while_away", opened_while_away },
	{ NULL, NULL },
};
