/* SPDX-License-Identifier: MIT */
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "thread_sqlite/connection.h"

#define NS_PER_MS UINT64_C(1000000)

static reprise_status
run_plain(struct connection *connection, enum statement statement, struct reprise_error *error)
{
	struct binding binding = statement_start(connection, statement);

	return statement_run(connection, &binding, error);
}

uint64_t
wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec > 0 ? timespec_ns(&now) / NS_PER_MS : 0;
}

reprise_status
sqlite_begin(struct reprise_thread_store *store, const char *id, struct thread_head *ret_head,
	     uint64_t *ret_now_ms, struct reprise_error *error)
{
	struct connection *const connection = connection_of(store);

	connection_start(connection);
	reprise_status status = bound_check(&connection->bound, error);

	if (status == REPRISE_OK)
		status = run_plain(connection, STATEMENT_BEGIN, error);
	if (status == REPRISE_OK)
		status = keeping_find(connection, &store->keeping, error);
	if (status == REPRISE_OK)
		status = read_head(connection, id, ret_head, error);
	/* Behind the wait for others, so that times ascend with the versions. */
	*ret_now_ms = wall_ms();
	if (status != REPRISE_OK)
		sqlite_rollback(store);
	return status;
}

void
sqlite_rollback(struct reprise_thread_store *store)
{
	struct connection *const connection = connection_of(store);

	/* After some failures SQLite has done it already. */
	if (!sqlite3_get_autocommit(connection->db))
		(void)run_plain(connection, STATEMENT_ROLLBACK, NULL);
}

reprise_status
sqlite_commit(struct reprise_thread_store *store, struct reprise_error *error)
{
	struct connection *const connection = connection_of(store);
	const reprise_status status = run_plain(connection, STATEMENT_COMMIT, error);

	if (status != REPRISE_OK) {
		sqlite_rollback(store);
		return status;
	}
	/* A write to a file that has no name any more is as good as lost. */
	return bound_check(&connection->bound, error);
}

reprise_status
sqlite_put_head(struct reprise_thread_store *store, const struct thread_head *head,
		struct reprise_error *error)
{
	struct connection *const connection = connection_of(store);
	struct binding binding = statement_start(connection, STATEMENT_PUT_HEAD);

	bind_text(&binding, head->id);
	bind_uid(&binding, &head->uid);
	bind_number(&binding, head->version);
	bind_number(&binding, head->base);
	bind_number(&binding, head->complete_after);
	bind_number(&binding, head->text_bytes);
	bind_number(&binding, head->delta_bytes);
	bind_number(&binding, head->growth_bytes);
	bind_number(&binding, head->checksum);
	return statement_run(connection, &binding, error);
}

reprise_status
sqlite_put_text(struct reprise_thread_store *store, const struct thread_uid *uid,
		const struct thread_text *text, struct reprise_error *error)
{
	struct connection *const connection = connection_of(store);
	struct binding binding = statement_start(connection, STATEMENT_PUT_TEXT);

	bind_uid(&binding, uid);
	bind_number(&binding, text->version);
	bind_number(&binding, text->checksum);
	bind_bytes(&binding, text->json.data, text->json.size);
	return statement_run(connection, &binding, error);
}

reprise_status
sqlite_put_delta(struct reprise_thread_store *store, const struct thread_uid *uid,
		 const struct thread_delta *delta, struct reprise_error *error)
{
	struct connection *const connection = connection_of(store);
	struct binding binding = statement_start(connection, STATEMENT_PUT_DELTA);

	bind_uid(&binding, uid);
	bind_number(&binding, delta->version);
	bind_number(&binding, delta->stored_ms);
	bind_number(&binding, delta->checksum);
	bind_bytes(&binding, delta->json.data, delta->json.size);
	return statement_run(connection, &binding, error);
}

reprise_status
sqlite_put_applied(struct reprise_thread_store *store, const struct thread_uid *uid,
		   const char *delta_id, const struct thread_applied *applied,
		   struct reprise_error *error)
{
	struct connection *const connection = connection_of(store);
	struct binding binding = statement_start(connection, STATEMENT_PUT_APPLIED);

	bind_uid(&binding, uid);
	bind_text(&binding, delta_id);
	bind_number(&binding, applied->version);
	bind_number(&binding, applied->applied_ms);
	bind_number(&binding, applied->checksum);
	bind_bytes(&binding, applied->digest, sizeof(applied->digest));
	return statement_run(connection, &binding, error);
}

reprise_status
sqlite_drop_deltas(struct reprise_thread_store *store, const struct thread_uid *uid,
		   uint64_t version, struct reprise_error *error)
{
	struct connection *const connection = connection_of(store);
	struct binding binding = statement_start(connection, STATEMENT_DROP_DELTAS);

	bind_uid(&binding, uid);
	bind_number(&binding, version);
	return statement_run(connection, &binding, error);
}

reprise_status
sqlite_drop_document(struct reprise_thread_store *store, const char *id,
		     const struct thread_uid *uid, struct reprise_error *error)
{
	struct connection *const connection = connection_of(store);
	struct binding head = statement_start(connection, STATEMENT_DROP_HEAD);
	struct binding text = statement_start(connection, STATEMENT_DROP_TEXT);

	bind_text(&head, id);
	bind_uid(&text, uid);
	reprise_status status = statement_run(connection, &head, error);

	if (status == REPRISE_OK)
		status = statement_run(connection, &text, error);
	return status == REPRISE_OK ? sqlite_drop_deltas(store, uid, THREAD_NUMBER_MAX, error)
				    : status;
}

/*
 * Most writes find none that is old enough, and what drops them costs more than all puts, even if
 * there is none.
 */
static reprise_status
find_old_applied(struct connection *connection, uint64_t before_ms, bool *ret_is_there,
		 struct reprise_error *error)
{
	struct binding binding = statement_start(connection, STATEMENT_OLD_APPLIED);

	bind_number(&binding, before_ms);
	*ret_is_there = statement_step(&binding) == SQLITE_ROW;
	return statement_end(connection, &binding, error);
}

reprise_status
sqlite_drop_applied(struct reprise_thread_store *store, uint64_t before_ms, uint64_t max,
		    struct reprise_error *error)
{
	struct connection *const connection = connection_of(store);
	struct binding binding = statement_start(connection, STATEMENT_DROP_APPLIED);
	bool is_there = false;
	const reprise_status status = find_old_applied(connection, before_ms, &is_there, error);

	if (status != REPRISE_OK || !is_there)
		return status;
	bind_number(&binding, before_ms);
	bind_number(&binding, max);
	return statement_run(connection, &binding, error);
}
