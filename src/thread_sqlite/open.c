/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/durability.h"
#include "base/error.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "thread_sqlite/connection.h"
#include "thread_sqlite/inherit.h"

#define DEADLINE_NS_DEFAULT (5 * NS_PER_S)
#define DEADLINE_NS_MOST    (3600 * NS_PER_S)
#define MODE_DEFAULT        0600u
#define MODE_BITS           0777u

static void
sqlite_close(struct reprise_thread_store *store)
{
	struct connection *const connection = connection_of(store);

	/* Brings the -wal into the file, if nobody is in the way. */
	connection->give_up_ns = 0;
	if (connection->db != NULL && connection->bound.files[BOUND_SHM].is_noted &&
	    bound_check(&connection->bound, NULL) == REPRISE_OK)
		(void)sqlite3_wal_checkpoint_v2(connection->db, "main", SQLITE_CHECKPOINT_TRUNCATE,
						NULL, NULL);
	connection_disconnect(connection);
	bound_free(&connection->bound);
	thread_store_done(store);
	free(connection);
}

/* SQLite's descriptors are closed (inherit.h). Its memory stays, and what leads to it. */
static void
sqlite_discard(struct reprise_thread_store *store, bool was_busy)
{
	static LIST_HEAD(, reprise_thread_store) discarded = LIST_HEAD_INITIALIZER(discarded);
	struct connection *const connection = connection_of(store);

	(void)was_busy;
	bound_free(&connection->bound);
	LIST_INSERT_HEAD(&discarded, store, open);
}

static const struct thread_adapter adapter = {
	.close = sqlite_close,
	.discard = sqlite_discard,
	.begin = sqlite_begin,
	.put_head = sqlite_put_head,
	.put_text = sqlite_put_text,
	.put_delta = sqlite_put_delta,
	.put_applied = sqlite_put_applied,
	.drop_document = sqlite_drop_document,
	.drop_deltas = sqlite_drop_deltas,
	.drop_applied = sqlite_drop_applied,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.look = sqlite_look,
	.leave = sqlite_leave,
	.text_of = sqlite_text_of,
	.deltas_after = sqlite_deltas_after,
	.applied_of = sqlite_applied_of,
	.heads = sqlite_heads,
};

static reprise_status
open_with(const char *path, const struct reprise_thread_sqlite_options *options,
	  const struct thread_limits *limits, struct reprise_thread_store **ret_store,
	  struct reprise_error *error)
{
	struct connection *const connection = calloc(1, sizeof(*connection));

	if (connection == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	if (!inherit_prepare() || !thread_store_init(&connection->store, &adapter, limits)) {
		free(connection);
		return error_plain(error, REPRISE_E_NO_MEMORY);
	}
	connection->options = *options;
	connection->store.deadline_ns = options->deadline_ns;
	connection_start(connection);
	reprise_status status = bound_find(&connection->bound, path,
					   options->is_set_up != 0 ? 0 : options->mode, error);

	if (status == REPRISE_OK)
		status = connection_connect(connection, error);
	if (status == REPRISE_OK)
		*ret_store = &connection->store;
	else
		sqlite_close(&connection->store);
	return status;
}

static const char *
refusal(const char *path, const struct reprise_thread_sqlite_options *options,
	struct thread_limits *ret_limits)
{
	if (path == NULL || path[0] == '\0' || strcmp(path, ":memory:") == 0)
		return "path";
	if (options->deadline_ns > DEADLINE_NS_MOST)
		return "deadline_ns";
	if (!durability_is_level(options->durability))
		return "durability";
	if (options->is_set_up != 0 && options->is_set_up != 1)
		return "is_set_up";
	if (options->mode != 0 && (options->mode & ~MODE_BITS || (options->mode & 0600) != 0600))
		return "mode";
	if (options->reserved != 0)
		return "reserved";
	return thread_limits_choose(options->horizon_ns, options->retry_limit_ns, ret_limits);
}

reprise_status
reprise_thread_sqlite_open(const char *path, const struct reprise_thread_sqlite_options *options,
			   struct reprise_thread_store **ret_store, struct reprise_error *error)
{
	struct reprise_thread_sqlite_options known = { .size = sizeof(known) };
	struct thread_limits limits;

	if (ret_store == NULL)
		return error_invalid(error, "ret_store");
	if (options != NULL &&
	    !sized_read(&known, sizeof(known), SIZE_MIN(reprise_thread_sqlite_options), options))
		return error_size(error, "options: size", options, sizeof(known));
	const char *const what = refusal(path, &known, &limits);

	if (what != NULL)
		return error_invalid(error, what);
	if (known.deadline_ns == 0)
		known.deadline_ns = DEADLINE_NS_DEFAULT;
	known.durability = durability_or_synced(known.durability);
	if (known.mode == 0)
		known.mode = MODE_DEFAULT;
	UNCANCELLABLE;
	return open_with(path, &known, &limits, ret_store, error);
}
