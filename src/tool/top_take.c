/* SPDX-License-Identifier: MIT */
/*
 * Samples of a gateway. Pages have 1,000 sessions. The client asks for a page as for a stream, so
 * that the end of the program need not wait for an answer.
 */
#include "tool/top_take.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tool/json_text.h"

enum {
	PAGE_SESSIONS = 1000,
	STATUS_OK = 200,
	STATUS_SERVER = 500, /* from here on the gateway's own troubles */
	STATUS_TOO_MANY = 429,
};

uint64_t
top_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* --- one answer ------------------------------------------------------------------------------ */

struct asking {
	const struct top_source *source;
	bool is_silent, is_stopped;
};

static bool
take_nothing(void *context, const char *bytes, size_t bytes_count)
{
	(void)context;
	(void)bytes;
	(void)bytes_count;
	return false; /* an event stream: none was asked for */
}

static bool
goes_on(void *context, uint64_t silent_ms)
{
	struct asking *const asking = context;

	asking->is_silent = silent_ms > TOP_SILENT_MS;
	asking->is_stopped = !asking->source->goes_on(asking->source->context);
	return !asking->is_silent && !asking->is_stopped;
}

/* The words of an answer that is no 200. */
static void
write_refusal(const struct client_reply *reply, char ret_fault[TOP_FAULT_ROOM])
{
	struct json_text *const body =
		reply->body != NULL ? json_text_parse(reply->body, reply->body_bytes) : NULL;
	const struct json_text *const error = json_text_member(body, "error");
	const char *const code = json_text_string(error, "code", NULL);

	snprintf(ret_fault, TOP_FAULT_ROOM, "the gateway answers %ld%s%.64s", reply->status,
		 code != NULL ? " " : "", code != NULL ? code : "");
	json_text_release(body);
}

/* GET. The reply needs client_reply_release in any case. */
static enum top_result
ask(const struct top_source *source, const char *url, struct client_reply *ret_reply,
    char ret_fault[TOP_FAULT_ROOM])
{
	struct asking asking = { .source = source };
	const struct client_stream stream = {
		.url = url, .take = take_nothing, .goes_on = goes_on, .context = &asking
	};
	const bool is_answered = client_stream(source->client, &stream, ret_reply);

	if (asking.is_stopped)
		return TOP_STOPPED;
	if (is_answered && ret_reply->status == STATUS_OK)
		return TOP_TAKEN;
	if (asking.is_silent)
		snprintf(ret_fault, TOP_FAULT_ROOM, "the gateway has been silent for %d s",
			 TOP_SILENT_MS / 1000);
	else if (!is_answered)
		snprintf(ret_fault, TOP_FAULT_ROOM, "%s", ret_reply->fault);
	else
		write_refusal(ret_reply, ret_fault);
	return is_answered && ret_reply->status < STATUS_SERVER &&
			       ret_reply->status != STATUS_TOO_MANY
		       ? TOP_REFUSED
		       : TOP_NO_ANSWER;
}

/* --- pages ----------------------------------------------------------------------------------- */

static uint64_t
number_or(const struct json_text *entry, const char *name, uint64_t otherwise)
{
	int64_t number;

	return json_text_number(entry, name, &number) && number >= 0 ? (uint64_t)number : otherwise;
}

static struct top_number
number_of(const struct json_text *entry, const char *name)
{
	int64_t number;
	const bool is_known = json_text_number(entry, name, &number) && number >= 0;

	return (struct top_number){ is_known, is_known ? (uint64_t)number : 0 };
}

static struct top_row
row_of(const struct json_text *entry, uint64_t taken_ns)
{
	struct top_row row = { .taken_ns = taken_ns,
			       .newest = number_or(entry, "newest", 0),
			       .retained = number_of(entry, "retained"),
			       .hosts = number_of(entry, "hosts"),
			       .behind = number_of(entry, "behind"),
			       .headroom = number_of(entry, "headroom"),
			       .lost = number_of(entry, "lost") };
	const uint64_t recorded = number_or(entry, "recorded", 0);
	int64_t status = 0;

	/* Without a log nothing is ever recorded. */
	row.lag.is_known = recorded > 0;
	row.lag.number = recorded > 0 && recorded < row.newest ? row.newest - recorded : 0;
	if (json_text_is_true(entry, "ended")) {
		row.state = TOP_ENDED;
		(void)json_text_number(entry, "status", &status);
		row.end_status = (int32_t)status;
	} else if (!json_text_is_true(entry, "in_memory")) {
		row.state = TOP_LOG_ONLY;
	}
	return row;
}

static bool
take_entries(const struct json_text *entries, struct top_sample *sample, uint64_t taken_ns)
{
	const size_t count = json_text_count(entries);

	for (size_t i = 0; i < count; i++) {
		const struct json_text *const entry = json_text_at(entries, i);
		const char *const id = json_text_string(entry, "id", NULL);
		const struct top_row row = row_of(entry, taken_ns);

		if (id == NULL || !top_sample_add(sample, id, &row))
			return false;
	}
	return true;
}

bool
top_take_page(const char *text, size_t text_bytes, struct top_sample *sample, uint64_t taken_ns,
	      char **ret_after)
{
	struct json_text *const page = json_text_parse(text, text_bytes);
	const struct json_text *const entries = json_text_member(page, "sessions");
	const char *const after = json_text_string(page, "after", NULL);
	bool is_page = entries != NULL && take_entries(entries, sample, taken_ns);

	*ret_after = NULL;
	if (is_page && after != NULL) {
		*ret_after = strdup(after);
		is_page = *ret_after != NULL;
	}
	json_text_release(page);
	return is_page;
}

/* The query of the page behind @after, which may be NULL. */
static void
write_query(const char *after, char ret_query[ADDRESS_BASE_ROOM])
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	size_t size = (size_t)snprintf(ret_query, ADDRESS_BASE_ROOM, "?limit=%d%s", PAGE_SESSIONS,
				       after != NULL ? "&after=" : "");

	for (; after != NULL && *after != '\0' && size + 4 < ADDRESS_BASE_ROOM; after++) {
		if (strchr(plain, *after) != NULL)
			ret_query[size++] = *after;
		else
			size += (size_t)snprintf(ret_query + size, 4, "%%%02X",
						 (unsigned char)*after);
		ret_query[size] = '\0';
	}
}

static enum top_result
take_page(const struct top_source *source, struct top_sample *sample, char **after,
	  char ret_fault[TOP_FAULT_ROOM])
{
	struct client_reply reply = { 0 };
	char url[ADDRESS_URL_ROOM], query[ADDRESS_BASE_ROOM];

	write_query(*after, query);
	free(*after);
	*after = NULL;
	address_of_sessions(&source->address, query, url);
	enum top_result result = ask(source, url, &reply, ret_fault);

	if (result == TOP_TAKEN &&
	    (reply.body == NULL ||
	     !top_take_page(reply.body, reply.body_bytes, sample, top_now_ns(), after))) {
		result = TOP_REFUSED;
		snprintf(ret_fault, TOP_FAULT_ROOM,
			 "the answer is no list of sessions: is this the address of a gateway?");
	}
	client_reply_release(&reply);
	return result;
}

static enum top_result
take_pages(const struct top_source *source, struct top_sample *sample,
	   char ret_fault[TOP_FAULT_ROOM])
{
	char *after = NULL;
	enum top_result result;

	do
		result = take_page(source, sample, &after, ret_fault);
	while (result == TOP_TAKEN && after != NULL && sample->rows_count < TOP_SESSIONS_MAX);
	sample->is_cut = after != NULL;
	free(after);
	return result;
}

/* --- metrics --------------------------------------------------------------------------------- */

/* The value of the line that begins with @name and a space. */
static struct top_number
find_metric(const char *text, const char *name)
{
	const size_t bytes = strlen(name);
	const char *line = text;

	while (line != NULL && !(strncmp(line, name, bytes) == 0 && line[bytes] == ' ')) {
		line = strchr(line, '\n');
		line = line != NULL ? line + 1 : NULL;
	}
	return (struct top_number){ line != NULL,
				    line != NULL ? strtoull(line + bytes, NULL, 10) : 0 };
}

void
top_take_metrics(const char *text, struct top_summary *summary)
{
	summary->has_metrics = true;
	summary->connections = find_metric(text, "reprise_http_connections");
	summary->streams = find_metric(text, "reprise_gateway_streams");
	summary->appended = find_metric(text, "reprise_gateway_events_appended_total");
	summary->lost = find_metric(text, "reprise_gateway_events_lost_total");
	summary->lag = find_metric(text, "reprise_recorder_lag_events");
	summary->log_failures = find_metric(text, "reprise_recorder_failures_total");
	summary->stuck = find_metric(text, "reprise_recorder_stuck_sessions");
}

static enum top_result
take_metrics(struct top_source *source, struct top_summary *summary)
{
	struct client_reply reply = { 0 };
	char url[ADDRESS_URL_ROOM], fault[TOP_FAULT_ROOM];

	if (source->skips_metrics)
		return TOP_TAKEN;
	snprintf(url, sizeof(url), "%s/metrics", source->address.base);
	const enum top_result result = ask(source, url, &reply, fault);

	if (result == TOP_TAKEN && reply.body != NULL)
		top_take_metrics(reply.body, summary);
	summary->metrics_ns = top_now_ns();
	source->skips_metrics = result == TOP_REFUSED;
	client_reply_release(&reply);
	return result == TOP_STOPPED ? TOP_STOPPED : TOP_TAKEN;
}

/* The gateway has a log: a session without a record is unrecorded as a whole. */
static void
settle_lags(struct top_sample *sample)
{
	for (size_t i = 0; i < sample->rows_count; i++) {
		struct top_row *const row = &sample->rows[i];

		if (!row->lag.is_known)
			row->lag = (struct top_number){ true, row->newest };
	}
}

uint64_t
top_rest_ms(uint64_t interval_ms, uint64_t took_ms, enum top_result result)
{
	if (result != TOP_TAKEN)
		return interval_ms;
	return interval_ms > 2 * took_ms ? interval_ms - took_ms : took_ms;
}

enum top_result
top_take(struct top_source *source, struct top_sample **ret_sample, char ret_fault[TOP_FAULT_ROOM])
{
	struct top_sample *const sample = top_sample_new();

	if (sample == NULL) {
		snprintf(ret_fault, TOP_FAULT_ROOM, "no memory");
		return TOP_NO_ANSWER;
	}
	sample->begun_ns = top_now_ns();
	enum top_result result = take_pages(source, sample, ret_fault);

	if (result == TOP_TAKEN)
		result = take_metrics(source, &sample->summary);
	if (sample->summary.lag.is_known)
		settle_lags(sample);
	sample->taken_ns = top_now_ns();
	if (result == TOP_TAKEN)
		*ret_sample = sample;
	else
		top_sample_free(sample);
	return result;
}
