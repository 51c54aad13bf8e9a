/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/durability.h"
#include "base/error.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "log_sqlite/connection.h"
#include "log_sqlite/inherit.h"

#define DEADLINE_NS_DEFAULT (5 * NS_PER_S)
#define DEADLINE_NS_MOST    (3600 * NS_PER_S)
#define MODE_DEFAULT        0600u
#define MODE_BITS           0777u

static reprise_status open_with(const struct reprise_log_sqlite_options *options,
				struct reprise_log **ret_log, struct reprise_error *error);

static void
sqlite_close(struct reprise_log *log)
{
	struct connection *const connection = connection_of(log);

	/* The -wal is brought into the file if nobody else is about to write. */
	if (connection->has_written && turn_take(&connection->turn, 0) == 0) {
		if (connection_check(connection, NULL) == REPRISE_OK)
			checkpoint_all(connection);
		turn_give(&connection->turn);
	}
	connection_disconnect(connection);
	bound_close(&connection->bound);
	log_done(log);
	free(connection);
}

/* The lock file's open description belongs to the parent. */
static void
sqlite_disinherit(struct reprise_log *log)
{
	turn_close(&connection_of(log)->turn);
	bound_let_go(&connection_of(log)->bound);
}

/* SQLite's descriptors are closed (inherit.h). Its memory stays, and what leads to it. */
static void
sqlite_discard(struct reprise_log *log, bool was_busy)
{
	static LIST_HEAD(, reprise_log) discarded = LIST_HEAD_INITIALIZER(discarded);
	struct connection *const connection = connection_of(log);

	(void)was_busy;
	bound_close(&connection->bound);
	LIST_INSERT_HEAD(&discarded, log, open);
}

static reprise_status
sqlite_another(struct reprise_log *log, struct reprise_log **ret_log, struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	struct reprise_log_sqlite_options options = connection->options;
	const reprise_status status = connection_check(connection, error);

	if (status != REPRISE_OK)
		return status;
	options.path = connection->bound.files[BOUND_DATABASE].name;
	return open_with(&options, ret_log, error);
}

static const struct log_adapter adapter = {
	.close = sqlite_close,
	.disinherit = sqlite_disinherit,
	.discard = sqlite_discard,
	.another = sqlite_another,
	.begin = sqlite_begin,
	.put_row = sqlite_put_row,
	.put_rise = sqlite_put_rise,
	.put_commit = sqlite_put_commit,
	.put_life = sqlite_put_life,
	.put_head = sqlite_put_head,
	.move_rows = sqlite_move_rows,
	.remove_rows = sqlite_remove_rows,
	.drop_lives = sqlite_drop_lives,
	.forget = sqlite_forget,
	.set_secure = sqlite_set_secure,
	.clean = sqlite_clean,
	.drop_rises = sqlite_drop_rises,
	.drop_commits = sqlite_drop_commits,
	.put_blob = sqlite_put_blob,
	.drop_blob = sqlite_drop_blob,
	.drop_blobs = sqlite_drop_blobs,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.look = sqlite_look,
	.leave = sqlite_leave,
	.rows_after = sqlite_rows_after,
	.weigh = sqlite_weigh,
	.life_at = sqlite_life_at,
	.life_of = sqlite_life_of,
	.lives_after = sqlite_lives_after,
	.rises_above = sqlite_rises_above,
	.commits_from = sqlite_commits_from,
	.blob_of = sqlite_blob_of,
	.blob_names_after = sqlite_blob_names_after,
	.version = sqlite_version,
	.tenant_after = sqlite_tenant_after,
	.threads_after = sqlite_threads_after,
	.check = sqlite_check,
};

static reprise_status
open_with(const struct reprise_log_sqlite_options *options, struct reprise_log **ret_log,
	  struct reprise_error *error)
{
	struct connection *const connection = calloc(1, sizeof(*connection));

	if (connection == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	connection->turn.fd = -1;
	if (!inherit_prepare() ||
	    !log_init(&connection->log, &adapter,
		      options->durability == REPRISE_WRITTEN ? LOG_WRITTEN : LOG_SYNCED)) {
		free(connection);
		return error_plain(error, REPRISE_E_NO_MEMORY);
	}
	connection->options = *options;
	connection->options.path = NULL;
	connection->log.is_read_only = options->is_read_only != 0;
	bound_init(&connection->bound);
	connection_start(connection);
	reprise_status status = bound_find(&connection->bound, options->path,
					   !options->is_read_only, options->mode, error);

	if (status == REPRISE_OK)
		status = connection_connect(connection, error);
	if (status == REPRISE_OK)
		*ret_log = &connection->log;
	else
		sqlite_close(&connection->log);
	return status;
}

static const char *
refusal(const struct reprise_log_sqlite_options *options)
{
	if (options->path == NULL || options->path[0] == '\0' ||
	    strcmp(options->path, ":memory:") == 0)
		return "path";
	if (options->deadline_ns > DEADLINE_NS_MOST)
		return "deadline_ns";
	if (!durability_is_level(options->durability))
		return "durability";
	if (options->deletes_archived != 0 && options->deletes_archived != 1)
		return "deletes_archived";
	if (options->is_read_only != 0 && options->is_read_only != 1)
		return "is_read_only";
	if (options->mode != 0 && (options->mode & ~MODE_BITS || (options->mode & 0600) != 0600))
		return "mode";
	return NULL;
}

reprise_status
reprise_log_sqlite_open(const struct reprise_log_sqlite_options *options,
			struct reprise_log **ret_log, struct reprise_error *error)
{
	struct reprise_log_sqlite_options known;

	if (options == NULL)
		return error_invalid(error, "options");
	if (ret_log == NULL)
		return error_invalid(error, "ret_log");
	if (!sized_read(&known, sizeof(known), SIZE_MIN(reprise_log_sqlite_options), options))
		return error_size(error, "options: size", options, sizeof(known));
	const char *const what = refusal(&known);

	if (what != NULL)
		return error_invalid(error, what);
	if (known.deadline_ns == 0)
		known.deadline_ns = DEADLINE_NS_DEFAULT;
	known.durability = durability_or_synced(known.durability);
	if (known.mode == 0)
		known.mode = MODE_DEFAULT;
	UNCANCELLABLE;
	return open_with(&known, ret_log, error);
}
