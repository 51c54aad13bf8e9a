/* SPDX-License-Identifier: MIT */
/*
 * Finds the place where a stream begins. The window knows its own oldest and newest event. Only the
 * log knows events that have left the window, and sessions without a window; these questions are a
 * worker's.
 */
#include "gateway/place.h"

#include <string.h>

#include <reprise/session.h>

#include "gateway/gateway.h"

enum {
	LIVES_AT_ONCE = 64
};

static bool
parse_cursor(struct place *place, struct request *request, struct http_text text)
{
	struct reprise_error error = REPRISE_ERROR_INIT;

	if (reprise_cursor_parse(text.data, text.size, &place->cursor, &error) != REPRISE_OK) {
		request_refuse(request, ERROR_MALFORMED_CURSOR, NULL);
		return false;
	}
	if (reprise_cursor_check_session(&place->cursor, request->session_id, &error) !=
	    REPRISE_OK) {
		request_refuse(request, ERROR_WRONG_SESSION, error.actual_id);
		return false;
	}
	place->at = PLACE_CURSOR;
	place->has_cursor = true;
	place->is_beginning = false;
	return true;
}

/*
 * The cursor of a client that comes back: of the first of the field and three parameters. A field
 * without a value is no cursor, as browsers mean it; a parameter without one is a malformed cursor.
 * *ret_is_host: the host itself gives the cursor, by the parameter `cursor`.
 */
static struct http_text
find_cursor_text(const struct request *request, const struct http_head *head, bool *ret_is_host)
{
	static const enum query_name names[] = { QUERY_LAST_EVENT_ID, QUERY_LAST_EVENT_ID_SNAKE,
						 QUERY_CURSOR };
	const struct http_field *const field = http_head_field(head, "last-event-id");
	const char *value = NULL;

	*ret_is_host = false;
	if (field != NULL && field->value.size > 0)
		return field->value;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && value == NULL; i++) {
		value = query_value(&request->query, names[i]);
		*ret_is_host = names[i] == QUERY_CURSOR;
	}
	return (struct http_text){ value, value == NULL ? 0 : strlen(value) };
}

/*
 * A position comes from a route map, which has judged the number. Behind the position 0 is the
 * beginning, and events that are lost there are a gap.
 */
static bool
parse_position(struct place *place, const struct request *request)
{
	const char *const position = query_value(&request->query, QUERY_POSITION);

	if (position == NULL || !query_number(position, UINT64_MAX, &place->position))
		return false;
	place->at = place->position == 0 ? PLACE_OLDEST : PLACE_POSITION;
	place->is_beginning = place->position == 0;
	return true;
}

/* Reads the query of a client without a cursor. False: the request was refused. */
static bool
parse_beginning(struct place *place, struct request *request)
{
	const char *const from = query_value(&request->query, QUERY_FROM);
	const char *const revision = query_value(&request->query, QUERY_REVISION);

	if (from != NULL && strcmp(from, "oldest") != 0 && strcmp(from, "newest") != 0) {
		request_refuse(request, ERROR_BAD_QUERY, "from is oldest or newest");
		return false;
	}
	if (revision != NULL &&
	    !query_number(revision, REPRISE_REVISION_UNKNOWN - 1, &place->revision)) {
		request_refuse(request, ERROR_BAD_QUERY, "revision is a number below 2^64 - 1");
		return false;
	}
	if (from != NULL && revision != NULL) {
		request_refuse(request, ERROR_BAD_QUERY, "from and revision exclude each other");
		return false;
	}
	place->has_revision = revision != NULL;
	place->cursor.revision = place->revision;
	if (parse_position(place, request))
		return true;
	if (revision != NULL)
		place->at = PLACE_REVISION;
	else
		place->at =
			from != NULL && strcmp(from, "newest") == 0 ? PLACE_NEWEST : PLACE_OLDEST;
	return true;
}

bool
place_parse(struct place *place, struct request *request, const struct http_head *head)
{
	bool is_host;
	const struct http_text text = find_cursor_text(request, head, &is_host);

	place->request = request;
	memcpy(place->cursor.session_id, request->session_id, sizeof(place->cursor.session_id));
	if (!parse_beginning(place, request))
		return false;
	if (text.data == NULL)
		return true;
	if (!parse_cursor(place, request, text))
		return false;
	/* A client that reconnects by itself repeats the query of its beginning. */
	if (!is_host && place->revision < place->cursor.revision)
		place->has_revision = false;
	return true;
}

/*
 * The first life that has events left, or takes events. An archived beginning is passed: "oldest"
 * is the oldest event that is left.
 */
static reprise_status
find_oldest(struct place *place, struct reprise_log *log, const struct reprise_log_key *key,
	    reprise_ordinal watermark)
{
	struct reprise_life lives[LIVES_AT_ONCE];
	size_t lives_count = LIVES_AT_ONCE;
	uint64_t after = 0;
	reprise_status status;

	memset(&place->cursor.incarnation, 0, sizeof(place->cursor.incarnation));
	place->cursor.position = 0;
	place->cursor.revision = 0;
	while (lives_count == LIVES_AT_ONCE) {
		status = reprise_log_lives(log, key, after, lives, LIVES_AT_ONCE, &lives_count,
					   &place->job.error);
		if (status != REPRISE_OK)
			return status;
		for (size_t i = 0; i < lives_count; i++) {
			after = lives[i].number;
			if (lives[i].state == REPRISE_LIFE_INVALIDATED)
				continue;
			place->cursor.incarnation = lives[i].incarnation;
			place->cursor.position = lives[i].first - 1;
			if (watermark > place->cursor.position && !place->is_beginning)
				place->cursor.position =
					watermark < lives[i].end ? watermark : lives[i].end;
			if (lives[i].end > watermark || place->is_beginning)
				return REPRISE_OK;
		}
	}
	return REPRISE_OK;
}

/*
 * The life that has the event at the position; of a position that no life has yet, the last life.
 * Without a life nothing is there to be behind of.
 */
static reprise_status
find_position(struct place *place, struct reprise_log *log, const struct reprise_log_key *key)
{
	struct reprise_life lives[LIVES_AT_ONCE];
	size_t lives_count = LIVES_AT_ONCE;
	uint64_t after = 0;
	reprise_status status;

	while (lives_count == LIVES_AT_ONCE) {
		status = reprise_log_lives(log, key, after, lives, LIVES_AT_ONCE, &lives_count,
					   &place->job.error);
		if (status != REPRISE_OK)
			return status;
		for (size_t i = 0; i < lives_count; i++) {
			after = lives[i].number;
			place->cursor.incarnation = lives[i].incarnation;
			place->cursor.position = place->position;
			if (lives[i].end >= place->position)
				return REPRISE_OK;
		}
	}
	return REPRISE_OK;
}

/* Without a window the newest event is the log's, of a life that is not void. */
static reprise_status
find_newest(struct place *place, struct reprise_log *log, const struct reprise_log_key *key)
{
	struct reprise_cursor cursor;
	const reprise_status status = reprise_log_current_cursor(log, key, REPRISE_REVISION_UNKNOWN,
								 &cursor, &place->job.error);

	if (status == REPRISE_E_NOT_FOUND) {
		place->has_ended = false; /* the end, too, was of a void life */
		return REPRISE_OK;
	}
	if (status != REPRISE_OK)
		return status;
	place->is_known = true;
	place->newest = cursor.position;
	place->life = cursor.incarnation;
	if (place->at == PLACE_NEWEST)
		place->cursor = cursor;
	return REPRISE_OK;
}

/* On a worker. */
static void
ask_log(struct job *job, struct reprise_log *log)
{
	struct place *const place = (struct place *)((char *)job - offsetof(struct place, job));
	struct reprise_gateway *const gateway = place->request->gateway;
	const struct reprise_log_key key = { gateway->tenant, place->request->session_id };
	struct reprise_log_stats stats = REPRISE_LOG_STATS_INIT;

	if (job->status == REPRISE_OK)
		job->status = reprise_log_stats(log, &key, &stats, &job->error);
	if (job->status == REPRISE_E_NOT_FOUND) {
		job->status = REPRISE_OK;
		return;
	}
	if (job->status != REPRISE_OK)
		return;
	if (!place->has_window) {
		place->is_known = place->has_cursor;
		place->has_ended = stats.has_ended != 0;
		job->status = find_newest(place, log, &key);
		if (job->status != REPRISE_OK)
			return;
	}
	if (place->at == PLACE_OLDEST)
		job->status = find_oldest(place, log, &key, stats.watermark);
	else if (place->at == PLACE_POSITION)
		job->status = find_position(place, log, &key);
	else if (place->at == PLACE_REVISION)
		job->status = reprise_log_current_cursor(log, &key, place->revision, &place->cursor,
							 &job->error);
	if (job->status == REPRISE_E_NOT_FOUND)
		job->status = REPRISE_OK; /* every life is void: the next one begins later */
}

static void
tell_found(struct job *job)
{
	struct place *const place = (struct place *)((char *)job - offsetof(struct place, job));
	struct request *const request = place->request;

	place->found(place);
	request_release(request);
}

static reprise_status
find_earliest(struct place *place, const struct reprise_session_stats *stats)
{
	const struct request *const request = place->request;
	const reprise_status status = reprise_session_earliest_cursor(
		request->gateway->store, request->session_id, 0, &place->cursor);

	if (place->is_beginning)
		place->cursor.position = stats->first - 1;
	return status;
}

/* Answers from the window alone. True: no log need be asked. */
static bool
ask_window(struct place *place)
{
	struct request *const request = place->request;
	struct reprise_gateway *const gateway = request->gateway;
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;
	struct reprise_cursor cursor;
	reprise_status status = REPRISE_OK;

	if (reprise_session_stats(gateway->store, request->session_id, &stats) != REPRISE_OK)
		return !gateway_has_log(gateway);
	if (reprise_session_current_cursor(gateway->store, request->session_id,
					   REPRISE_REVISION_UNKNOWN, &cursor) != REPRISE_OK)
		return !gateway_has_log(gateway);
	place->is_known = true;
	place->has_window = true;
	place->has_ended = stats.ended != 0;
	place->newest = place->is_recorded_only ? stats.recorded : stats.newest;
	place->has_unrecorded = place->newest < stats.newest;
	place->life = cursor.incarnation;
	if (place->at == PLACE_CURSOR)
		return true;
	if (place->at == PLACE_NEWEST) {
		place->cursor = cursor;
	} else if (place->at == PLACE_POSITION) {
		/* An event of a life before is void: the beginning is behind a gap then. */
		place->cursor.incarnation = cursor.incarnation;
		place->cursor.position = place->position >= stats.first ? place->position : 0;
	} else if (place->at == PLACE_REVISION) {
		status = reprise_session_current_cursor(gateway->store, request->session_id,
							place->revision, &place->cursor);
	} else {
		status = find_earliest(place, &stats);
	}
	if (status != REPRISE_OK)
		return !gateway_has_log(gateway);
	/* Older events than the window's may be in the log. */
	return !gateway_has_log(gateway) || place->at == PLACE_NEWEST ||
	       (place->at == PLACE_POSITION && place->position >= stats.first) ||
	       (place->at == PLACE_REVISION && place->cursor.position >= stats.first);
}

void
place_find(struct place *place)
{
	place->job.status = REPRISE_OK;
	if (ask_window(place)) {
		place->found(place);
		return;
	}
	place->job.run = ask_log;
	place->job.done = tell_found;
	request_hold(place->request);
	work_submit(&place->request->gateway->work, &place->job);
}

bool
place_is_at_end(const struct place *place)
{
	const struct reprise_incarnation *const life = &place->cursor.incarnation;

	if (!place->has_ended || place->has_unrecorded)
		return false;
	if (!place->is_beginning && (place->at == PLACE_OLDEST || place->at == PLACE_NEWEST))
		return true;
	return memcmp(life, &place->life, sizeof(*life)) == 0 &&
	       place->cursor.position >= place->newest;
}
