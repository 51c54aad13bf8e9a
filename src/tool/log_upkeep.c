/* SPDX-License-Identifier: MIT */
#include "tool/log_upkeep.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <reprise/log_upkeep.h>

#include "tool/log_text.h"

static void
print_name(const char *thread)
{
	log_text_escaped(stdout, thread, strlen(thread), SIZE_MAX);
}

/* The beginning of an object: its member "thread". */
static void
begin_object(const char *thread)
{
	printf("{\"thread\":");
	log_text_json(stdout, thread, strlen(thread));
}

/* Rows, until none is left. */
static reprise_status
move_all(struct reprise_log *log, const struct reprise_log_key *key, uint64_t *ret_moved,
	 struct reprise_error *error)
{
	uint64_t moved = 1;

	*ret_moved = 0;
	while (moved > 0) {
		const reprise_status status = reprise_log_move_archived(log, key, &moved, error);

		if (status != REPRISE_OK)
			return status;
		*ret_moved += moved;
	}
	return REPRISE_OK;
}

bool
log_upkeep_archive(const struct log_request *request, struct reprise_log *log)
{
	const struct reprise_log_key key = { request->tenant, request->threads[0] };
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_error error = { .size = sizeof(error) };
	uint64_t archived = 0, moved = 0;
	reprise_status status = reprise_log_stats(log, &key, &stats, &error);

	if (status == REPRISE_OK)
		status = reprise_log_archive_before(log, &key, request->before, &archived, &error);
	if (status == REPRISE_OK)
		status = move_all(log, &key, &moved, &error);
	if (status != REPRISE_OK) {
		log_say_failure("log archive", key.thread, status, &error);
		return false;
	}
	if (request->is_json) {
		begin_object(key.thread);
		log_text_member(stdout, "archived", archived);
		log_text_member(stdout, "moved", moved);
		printf("}\n");
	} else {
		print_name(key.thread);
		printf(": %" PRIu64 " ordinals archived, %" PRIu64 " rows moved\n", archived,
		       moved);
	}
	return true;
}

bool
log_upkeep_fork(const struct log_request *request, struct reprise_log *log)
{
	const struct reprise_log_key from = { request->tenant, request->threads[0] };
	const struct reprise_log_key to = { request->tenant, request->threads[1] };
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_error error = { .size = sizeof(error) };
	reprise_status status = reprise_log_stats(log, &from, &stats, &error);
	const uint64_t through = request->has_through ? request->through : stats.head;

	if (status == REPRISE_OK)
		status = reprise_log_fork(log, &from, &to, through, &error);
	if (status != REPRISE_OK) {
		log_say_failure("log fork", status == REPRISE_E_EXISTS ? to.thread : from.thread,
				status, &error);
		return false;
	}
	if (request->is_json) {
		begin_object(to.thread);
		log_text_member(stdout, "head", through);
		printf("}\n");
	} else {
		print_name(to.thread);
		printf(": copied up to %" PRIu64 "\n", through);
	}
	return true;
}

bool
log_upkeep_drop(const struct log_request *request, struct reprise_log *log)
{
	const struct reprise_log_key key = { request->tenant, request->threads[0] };
	struct reprise_error error = { .size = sizeof(error) };
	uint64_t rows = 0;
	const reprise_status status =
		reprise_log_drop(log, &key, request->takes_open, &rows, &error);

	if (status != REPRISE_OK) {
		log_say_failure("log drop", key.thread, status, &error);
		return false;
	}
	if (request->is_json) {
		begin_object(key.thread);
		log_text_member(stdout, "removed", rows);
		printf("}\n");
	} else {
		print_name(key.thread);
		printf(": dropped, %" PRIu64 " rows removed\n", rows);
	}
	return true;
}

/* Milliseconds as nanoseconds: too many are as good as no limit, but not none. */
static uint64_t
nanoseconds(uint64_t milliseconds)
{
	return milliseconds > UINT64_MAX / 1000000 ? UINT64_MAX : milliseconds * 1000000;
}

static void
print_pruned(const struct log_request *request, const struct reprise_log_pruned *pruned)
{
	if (request->is_json) {
		printf("{\"tenant\":");
		log_text_json(stdout, request->tenant, strlen(request->tenant));
		log_text_member(stdout, "threads", pruned->keys);
		log_text_member(stdout, "pruned", pruned->keys_pruned);
		log_text_member(stdout, "kept", pruned->keys_kept);
		log_text_member(stdout, "ordinals", pruned->ordinals);
		log_text_member(stdout, "removed", pruned->rows);
		printf(",\"complete\":%s}\n", pruned->is_complete ? "true" : "false");
		return;
	}
	printf("%" PRIu64 " of %" PRIu64 " threads pruned: %" PRIu64 " ordinals, %" PRIu64
	       " rows removed; %" PRIu64 " threads left to their owners%s\n",
	       pruned->keys_pruned, pruned->keys, pruned->ordinals, pruned->rows, pruned->keys_kept,
	       pruned->is_complete ? "" : "; not complete");
}

bool
log_upkeep_prune(const struct log_request *request, struct reprise_log *log)
{
	const struct reprise_log_retention retention = {
		.size = sizeof(retention),
		.age_ns_max = nanoseconds(request->nats.max_age_ms),
		.entries_max = request->max_entries,
		.bytes_max = request->nats.max_bytes,
		.deadline_ns = nanoseconds(request->nats.deadline_ms),
		.includes_direct = request->takes_all ? 1 : 0,
		.tenant_entries_max = request->tenant_entries,
		.tenant_bytes_max = request->tenant_bytes,
	};
	struct reprise_log_pruned pruned = { .size = sizeof(pruned) };
	struct reprise_error error = { .size = sizeof(error) };
	const reprise_status status =
		reprise_log_prune(log, request->tenant, &retention, &pruned, &error);

	if (status == REPRISE_OK || status == REPRISE_E_CORRUPT)
		print_pruned(request, &pruned);
	if (status == REPRISE_OK)
		return true;
	log_say_failure("log prune", NULL, status, &error);
	return false;
}

bool
log_upkeep_erase(const struct log_request *request, struct reprise_log *log)
{
	const struct reprise_log_key key = { request->tenant,
					     request->takes_all ? NULL : request->threads[0] };
	const uint32_t flags = (request->takes_open ? REPRISE_LOG_ERASE_OPEN : 0u) |
			       (request->is_quick ? REPRISE_LOG_ERASE_NO_VACUUM : 0u);
	struct reprise_error error = { .size = sizeof(error) };
	uint64_t count = 0;
	const reprise_status status = reprise_log_erase(log, &key, flags, &count, &error);

	if (status != REPRISE_OK) {
		log_say_failure("log erase", key.thread, status, &error);
		return false;
	}
	if (request->is_json)
		printf("{\"erased\":%" PRIu64 "}\n", count);
	else
		printf("%" PRIu64 " threads erased\n", count);
	return true;
}
