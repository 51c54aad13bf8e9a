/* SPDX-License-Identifier: MIT */
#include "server.h"

void
create_agent(PGconn *connection, const char *role, const char *schema)
{
	run(connection, "CREATE ROLE %s LOGIN", role);
	run(connection, "GRANT USAGE ON SCHEMA %s TO %s", schema, role);
	run(connection, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %s TO %s",
	    schema, role);
	run(connection, "REVOKE INSERT, UPDATE, DELETE ON %s.about FROM %s", schema, role);
}

struct reprise_log_postgres_options
options_of(const char *role, const char *schema)
{
	return (struct reprise_log_postgres_options){
		.size = sizeof(struct reprise_log_postgres_options),
		.connection = connection_of(role),
		.schema = schema,
		.deadline_ns = 2 * one_second,
	};
}

struct reprise_log *
opened(const struct reprise_log_postgres_options *options)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log *log = NULL;
	const reprise_status status = reprise_log_postgres_open(options, &log, &error);

	cr_assert(eq(int, status, REPRISE_OK), "%s: %s", error.what, error.detail);
	return log;
}

void
expect_refused(const struct reprise_log_postgres_options *options, reprise_status status,
	       const char *what)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log *log = NULL;

	cr_assert(eq(int, reprise_log_postgres_open(options, &log, &error), status), "%s: %s",
		  error.what, error.detail);
	cr_assert(eq(ptr, log, NULL));
	cr_assert(eq(int, error.status, status));
	if (what != NULL)
		cr_assert(eq(str, error.what, (char *)what));
	cr_assert(eq(int, reprise_log_postgres_open(options, &log, NULL), status));
}

int
server_process_of(struct reprise_log *log)
{
	return PQbackendPID(postgres_of(log)->wire.connection);
}

reprise_status
append_to(struct reprise_log *log, const char *tenant, const char *thread)
{
	const struct reprise_log_key key = { tenant, thread };
	const struct reprise_log_new_entry entry = { .revision = 7, .payload = { "text", 4 } };

	return reprise_log_append(log, &key, NULL, &entry, 1, NULL, NULL);
}

reprise_ordinal
head_of(struct reprise_log *log, const char *tenant, const char *thread)
{
	const struct reprise_log_key key = { tenant, thread };
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	const reprise_status status = reprise_log_stats(log, &key, &stats, NULL);

	cr_assert(status == REPRISE_OK || status == REPRISE_E_NOT_FOUND);
	return status == REPRISE_OK ? stats.head : 0;
}

void
expect_works(struct reprise_log *log, const char *tenant, const char *thread, reprise_ordinal head)
{
	cr_assert(eq(int, append_to(log, tenant, thread), REPRISE_OK));
	cr_assert(eq(u64, head_of(log, tenant, thread), head));
}

void
fill_every_table(struct reprise_log *log, const char *tenant, const char *thread)
{
	const struct log_adapter *const port = log->adapter;
	const uint32_t key = log_key_checksum(tenant, thread);
	struct log_life life = { .life = { .number = 1, .first = 1, .state = REPRISE_LIFE_OPEN } };
	struct log_mark rise = { .revision = 5, .ordinal = 1 };
	struct log_mark commit = { .revision = 5, .ordinal = 2 };
	struct log_blob blob = { .name = "b", .bytes = { "x", 1 } };
	struct log_moved moved = { 0 };
	struct log_head head;

	cr_assert(eq(int,
		     port->begin(log, LOG_SYNCED, tenant, &thread, 1, LOG_PATIENT, &head, NULL),
		     0));
	for (uint64_t ordinal = 1; ordinal <= 2; ordinal++) {
		struct log_row row = { .first = ordinal, .last = ordinal, .payload = { "x", 1 } };

		row.checksum = log_row_checksum(tenant, thread, &row);
		cr_assert(eq(int, port->put_row(log, head.id, &row, NULL), 0));
	}
	rise.checksum = log_mark_checksum(key, LOG_MARK_RISE, &rise);
	commit.checksum = log_mark_checksum(key, LOG_MARK_COMMIT, &commit);
	life.checksum = log_life_checksum(key, &life.life);
	blob.checksum = log_blob_checksum(key, &blob);
	cr_assert(eq(int, port->put_rise(log, head.id, &rise, NULL), 0));
	cr_assert(eq(int, port->put_commit(log, head.id, &commit, NULL), 0));
	cr_assert(eq(int, port->put_life(log, head.id, &life, NULL), 0));
	cr_assert(eq(int, port->put_blob(log, head.id, &blob, NULL), 0));
	head.kind = REPRISE_LOG_RING;
	head.head = 2;
	head.watermark = 1;
	head.revision_max = 5;
	head.life = life.life;
	head.checksum = log_head_checksum(key, &head);
	cr_assert(eq(int, port->put_head(log, &head, NULL), 0));
	cr_assert(eq(int, port->move_rows(log, head.id, 1, 10, &moved, NULL), 0));
	cr_assert(eq(u64, moved.count, 1));
	cr_assert(eq(u64, moved.last, 1));
	cr_assert(eq(int, port->commit(log, NULL), 0));
}
