/* SPDX-License-Identifier: MIT */
/*
 * GET /v1/sessions: the sessions of the store and of the log, in the byte order of their ids. The
 * list is gathered on a worker, since it is linear in the sessions.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reprise/sessions.h>

#include "base/assert.h"
#include "gateway/gateway.h"
#include "gateway/routes.h"
#include "gateway/session_entry.h"

enum {
	SESSIONS = 100,
	SESSIONS_MAX = 1000,
};

/* At most limit + 1 entries, sorted: the one behind the limit says that there are more. */
struct list {
	struct request *request;
	struct access_scope scope;
	char after[REPRISE_SESSION_ID_BYTES_MAX + 1];
	size_t limit, count;
	struct session_entry *entries;
	struct reprise_log *log; /* of `gather` */
	reprise_status status;   /* of visit_key */
	struct reprise_error error;
};

/* The place of an id, and whether it is there. */
static size_t
find_place(const struct list *list, const char *id, bool *ret_is_there)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const int order = strcmp(list->entries[middle].id, id);

		if (order == 0) {
			*ret_is_there = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_is_there = false;
	return low;
}

static bool
is_of_list(const struct list *list, const char *id)
{
	return strcmp(id, list->after) > 0 && access_scope_has(&list->scope, id);
}

/* The entry of an id, new or there; NULL: the id is not of this list. */
static struct session_entry *
add_id(struct list *list, const char *id)
{
	bool is_there;
	size_t place;

	if (!is_of_list(list, id))
		return NULL;
	REPRISE_ASSERT(list->entries != NULL);
	place = find_place(list, id, &is_there);
	if (is_there)
		return &list->entries[place];
	if (place > list->limit)
		return NULL;
	if (list->count > list->limit)
		list->count--; /* the last one makes room */
	memmove(&list->entries[place + 1], &list->entries[place],
		(list->count - place) * sizeof(list->entries[0]));
	list->count++;
	list->entries[place] = (struct session_entry){ .has_window = false };
	snprintf(list->entries[place].id, sizeof(list->entries[place].id), "%s", id);
	return &list->entries[place];
}

static reprise_status
add_windows(struct list *list, struct reprise_error *error)
{
	struct reprise_session_list *sessions;
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;
	char id[REPRISE_SESSION_ID_BYTES_MAX + 1];
	struct session_entry *entry;
	reprise_status status;

	status = reprise_sessions_list(list->request->gateway->store, &sessions, error);
	if (status != REPRISE_OK)
		return status;
	while (reprise_session_list_next(sessions, id, &stats) == REPRISE_OK) {
		entry = add_id(list, id);
		if (entry != NULL)
			session_entry_take_window(entry, &stats);
	}
	reprise_session_list_close(sessions);
	return REPRISE_OK;
}

static bool
has_life(struct list *list, const struct reprise_log_key *key)
{
	const reprise_status status =
		session_entry_find_life(key->thread, list->log, key->tenant, &list->error);

	if (status != REPRISE_E_NOT_FOUND)
		list->status = status;
	return status == REPRISE_OK;
}

/* Keys come in the order of their ids: behind the limit none is of interest. */
static bool
visit_key(const struct reprise_log_key *key, void *context)
{
	struct list *const list = context;
	bool is_there;

	if (list->count > list->limit && strcmp(key->thread, list->entries[list->count - 1].id) > 0)
		return false;
	(void)find_place(list, key->thread, &is_there);
	if (!is_there && is_of_list(list, key->thread) && has_life(list, key))
		(void)add_id(list, key->thread);
	return list->status == REPRISE_OK;
}

static reprise_status
add_keys(struct list *list, struct reprise_log *log, struct reprise_error *error)
{
	const char *const tenant = list->request->gateway->tenant;
	reprise_status status;

	list->log = log;
	status = reprise_log_each(log, tenant, visit_key, list, error);
	if (status == REPRISE_OK && list->status != REPRISE_OK) {
		*error = list->error;
		status = list->status;
	}
	for (size_t i = 0; i < list->count && status == REPRISE_OK; i++) {
		status = session_entry_ask_log(&list->entries[i], log, tenant, error);
		if (status == REPRISE_E_NOT_FOUND)
			status = REPRISE_OK;
	}
	return status;
}

/* On a worker. */
static void
gather(struct job *job, struct reprise_log *log)
{
	struct request *const request =
		(struct request *)((char *)job - offsetof(struct request, job));
	struct list *const list = request->state;

	if (job->status == REPRISE_OK)
		job->status = add_windows(list, &job->error);
	if (job->status == REPRISE_OK && log != NULL)
		job->status = add_keys(list, log, &job->error);
}

static void
answer(struct job *job)
{
	struct request *const request =
		(struct request *)((char *)job - offsetof(struct request, job));
	struct list *const list = request->state;
	struct buffer body = { 0 };
	size_t shown = list->count;

	if (job->status != REPRISE_OK) {
		request_refuse_status(request, job->status, &job->error);
		request_release(request);
		return;
	}
	if (shown > list->limit)
		shown = list->limit;
	buffer_text(&body, "{\"sessions\":[");
	for (size_t i = 0; i < shown; i++) {
		buffer_text(&body, i == 0 ? "\n" : ",\n");
		session_entry_write(&list->entries[i], request->gateway, &body);
	}
	buffer_text(&body, "],\n\"after\":");
	if (list->count > list->limit)
		buffer_string(&body, list->entries[shown - 1].id,
			      strlen(list->entries[shown - 1].id));
	else
		buffer_text(&body, "null");
	buffer_text(&body, ",\"now_ms\":");
	buffer_number(&body, process_wall_ms());
	buffer_text(&body, "}\n");
	request_answer_buffer(request, "application/json", &body);
	request_release(request);
}

static void
sessions_begin(struct request *request, const struct http_head *head)
{
	const char *const limit = query_value(&request->query, QUERY_LIMIT);
	const char *const after = query_value(&request->query, QUERY_AFTER);
	uint64_t number = SESSIONS;
	struct list *list;

	(void)head;
	if (limit != NULL && (!query_number(limit, SESSIONS_MAX, &number) || number == 0)) {
		request_refuse(request, ERROR_BAD_QUERY, "limit is a number from 1 to 1000");
		return;
	}
	if (after != NULL && strlen(after) > REPRISE_SESSION_ID_BYTES_MAX) {
		request_refuse(request, ERROR_BAD_QUERY, "after is a session id");
		return;
	}
	list = calloc(1, sizeof(*list));
	if (list != NULL)
		list->entries = calloc(number + 2, sizeof(list->entries[0]));
	if (list == NULL || list->entries == NULL) {
		free(list);
		request_refuse(request, ERROR_NO_MEMORY, NULL);
		return;
	}
	request->state = list;
	list->request = request;
	list->error = (struct reprise_error)REPRISE_ERROR_INIT;
	list->limit = number;
	list->scope = access_scope(request->token);
	snprintf(list->after, sizeof(list->after), "%s", after == NULL ? "" : after);
}

static void
sessions_body_end(struct request *request)
{
	request->job.run = gather;
	request->job.done = answer;
	request_hold(request);
	work_submit(&request->gateway->work, &request->job);
}

static void
sessions_release(struct request *request)
{
	struct list *const list = request->state;

	if (list != NULL)
		free(list->entries);
	free(list);
}

const struct route_calls sessions_calls = {
	.begin = sessions_begin,
	.body_end = sessions_body_end,
	.release = sessions_release,
};
