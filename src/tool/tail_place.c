/* SPDX-License-Identifier: MIT */
#include "tool/tail_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/arguments.h"
#include "tool/log_text.h"

enum {
	LIVES_AT_ONCE = 64,
	LISTED_MAX = 100,
};

/* --- the session ----------------------------------------------------------------------------- */

/* The sessions that a visit has found. The first id is in the request. */
struct visiting {
	struct reprise_log *log;
	struct tail_request *request;
	size_t count;
};

static void
print_id(const char *id)
{
	fputs("  ", stderr);
	log_text_escaped(stderr, id, strlen(id), SIZE_MAX);
	fputc('\n', stderr);
}

static bool
visit(const struct reprise_log_key *key, void *context)
{
	struct visiting *const visiting = context;
	struct reprise_log_stats stats = REPRISE_LOG_STATS_INIT;
	char *const session = visiting->request->address.session;

	if (strlen(key->thread) > REPRISE_SESSION_ID_BYTES_MAX ||
	    reprise_log_stats(visiting->log, key, &stats, NULL) != REPRISE_OK ||
	    stats.kind != REPRISE_LOG_RING)
		return true;
	visiting->count++;
	if (visiting->count == 1) {
		memcpy(session, key->thread, strlen(key->thread) + 1);
		return true;
	}
	if (visiting->count == 2) {
		fputs("reprise tail: the log has several sessions; --session chooses one:\n",
		      stderr);
		print_id(session);
	}
	if (visiting->count <= LISTED_MAX)
		print_id(key->thread);
	else
		fputs("  ...\n", stderr);
	return visiting->count <= LISTED_MAX;
}

int
tail_place_pick(struct reprise_log *log, struct tail_request *request)
{
	struct visiting visiting = { .log = log, .request = request };
	struct reprise_error error = REPRISE_ERROR_INIT;
	const reprise_status status =
		reprise_log_each(log, request->tenant, visit, &visiting, &error);

	if (status != REPRISE_OK) {
		log_say_failure("tail", NULL, status, &error);
		return EXIT_FAILURE;
	}
	if (visiting.count == 0)
		fputs("reprise tail: the log has no session; --session ID --wait waits for one\n",
		      stderr);
	return visiting.count == 1 ? 0 : EXIT_USAGE;
}

/* --- the cursor ------------------------------------------------------------------------------ */

/* The first life with events left, or open for events: the gateway's "oldest". */
static reprise_status
find_oldest(struct reprise_log *log, const struct reprise_log_key *key, reprise_ordinal watermark,
	    struct reprise_cursor *cursor, struct reprise_error *error)
{
	struct reprise_life lives[LIVES_AT_ONCE];
	size_t lives_count = LIVES_AT_ONCE;
	uint64_t after = 0;

	while (lives_count == LIVES_AT_ONCE) {
		const reprise_status status = reprise_log_lives(log, key, after, lives,
								LIVES_AT_ONCE, &lives_count, error);

		if (status != REPRISE_OK)
			return status;
		for (size_t i = 0; i < lives_count; i++) {
			after = lives[i].number;
			if (lives[i].state == REPRISE_LIFE_INVALIDATED)
				continue;
			cursor->incarnation = lives[i].incarnation;
			cursor->position = lives[i].first - 1;
			if (watermark > cursor->position)
				cursor->position =
					watermark < lives[i].end ? watermark : lives[i].end;
			if (lives[i].end > watermark)
				return REPRISE_OK;
		}
	}
	return REPRISE_OK;
}

static reprise_status
find_cursor(const struct tail_request *request, struct reprise_log *log,
	    struct reprise_cursor *ret_cursor, bool *ret_is_direct, struct reprise_error *error)
{
	const struct reprise_log_key key = { request->tenant, request->address.session };
	struct reprise_log_stats stats = REPRISE_LOG_STATS_INIT;
	reprise_status status = reprise_log_stats(log, &key, &stats, error);

	*ret_is_direct = status == REPRISE_OK && stats.kind != REPRISE_LOG_RING;
	if (status != REPRISE_OK || *ret_is_direct)
		return status;
	*ret_cursor = request->cursor;
	if (request->has_cursor)
		return REPRISE_OK;
	memcpy(ret_cursor->session_id, request->address.session, sizeof(ret_cursor->session_id));
	if (!request->is_from_newest)
		return find_oldest(log, &key, stats.watermark, ret_cursor, error);
	status = reprise_log_current_cursor(log, &key, REPRISE_REVISION_UNKNOWN, ret_cursor, error);
	/* Every life is void: the next life begins later. */
	return status == REPRISE_E_NOT_FOUND ? REPRISE_OK : status;
}

bool
tail_place_find(struct tail *tail, struct reprise_log *log, struct reprise_cursor *ret_cursor)
{
	const struct tail_request *const request = tail->request;
	struct reprise_error error = REPRISE_ERROR_INIT;
	bool is_direct = false;
	reprise_status status = find_cursor(request, log, ret_cursor, &is_direct, &error);

	while (status == REPRISE_E_NOT_FOUND && request->waits && tail_rests(tail))
		status = find_cursor(request, log, ret_cursor, &is_direct, &error);
	if (tail->is_over)
		return false;
	if (status == REPRISE_E_NOT_FOUND)
		tail_output_fault(&tail->output,
				  "the log has no session '%s'; --wait waits for the session",
				  request->address.session);
	else if (status != REPRISE_OK)
		log_say_failure("tail", request->address.session, status, &error);
	else if (is_direct)
		tail_output_fault(&tail->output,
				  "'%s' is no session: 'reprise log tail' prints such entries",
				  request->address.session);
	else
		return true;
	tail_stop(tail, EXIT_FAILURE);
	return false;
}
