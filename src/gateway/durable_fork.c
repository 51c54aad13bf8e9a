/* SPDX-License-Identifier: MIT */
/*
 * PUT of a fork. The source learns of the fork first: a source that has forks is never dropped, so
 * the copy that follows cannot lose its source. A crash before the fork's own first event leaves a
 * copy that is no stream; the next PUT of the name removes the copy, and the source forgets a fork
 * that does not exist when the source is deleted.
 */
#include <stdlib.h>
#include <string.h>

#include <reprise/log_upkeep.h>
#include <reprise/recorder.h>

#include "gateway/durable_put.h"
#include "gateway/gateway.h"
#include "gateway/query.h"

static const char path_of_streams[] = "/v1/stream/";

enum {
	SLICE_EVENTS = 256,
	SLICE_BYTES = 1 << 20,
};

/* The session of a path, or of an address with a host. */
static bool
read_source(struct durable_put *put, struct http_text path)
{
	const char *const begin = path.size < sizeof(path_of_streams)
					  ? NULL
					  : memmem(path.data, path.size, path_of_streams,
						   sizeof(path_of_streams) - 1);
	struct http_text id;

	if (begin == NULL)
		return false;
	id.data = begin + sizeof(path_of_streams) - 1;
	id.size = (size_t)(path.data + path.size - id.data);
	return id.size != 0 &&
	       query_decode(id, false, put->settings.source, sizeof(put->settings.source));
}

static bool
may_read_source(const struct durable_put *put)
{
	const struct access_scope scope = access_scope(put->request->token);

	return access_scope_has(&scope, put->settings.source);
}

static const char *
read_offsets(struct durable_put *put, struct http_text offset, struct http_text part)
{
	struct durable_settings *const settings = &put->settings;
	enum durable_start start;

	if (offset.data != NULL && offset.size != 0) {
		if (!durable_offset_parse(offset.data, offset.size, &start,
					  &settings->fork_offset) ||
		    start == DURABLE_START_NOW || offset.data[0] == '-')
			return "Stream-Fork-Offset is an offset";
		settings->has_fork_offset = true;
		put->is_from_beginning = start == DURABLE_START_OLDEST;
	}
	if (part.data != NULL &&
	    !durable_ttl_parse(part.data, part.size, &settings->fork_sub_offset))
		return "Stream-Fork-Sub-Offset is a number";
	return NULL;
}

const char *
durable_fork_read(struct durable_put *put, const struct http_head *head)
{
	struct http_text source, offset, part;

	if (!durable_field(head, "stream-forked-from", &source) ||
	    !durable_field(head, "stream-fork-offset", &offset) ||
	    !durable_field(head, "stream-fork-sub-offset", &part))
		return "a field of the fork comes twice";
	put->is_fork = source.data != NULL && source.size != 0;
	if (!put->is_fork)
		return part.data != NULL ? "Stream-Fork-Sub-Offset needs Stream-Forked-From" : NULL;
	if (!read_source(put, source) || !may_read_source(put))
		put->settings.source[0] = '\0'; /* as a stream that does not exist */
	return read_offsets(put, offset, part);
}

static struct durable_put *
put_of_source(struct durable_look *look)
{
	return (struct durable_put *)((char *)look - offsetof(struct durable_put, source));
}

static struct durable_put *
put_of_job(struct job *job)
{
	return (struct durable_put *)((char *)job - offsetof(struct durable_put, job));
}

static void
on_source_failed(struct durable_look *look, enum error_code code, reprise_status status,
		 const struct reprise_error *error)
{
	struct durable_put *const put = put_of_source(look);

	if (code == ERROR_STREAM_GONE)
		durable_put_refuse(put, ERROR_CONFLICT, "the source is deleted");
	else
		durable_put_fail(put, code, status, error);
}

/* Settings that the request leaves out are the source's. */
static bool
inherit(struct durable_put *put)
{
	struct durable_settings *const settings = &put->settings;
	const struct durable_settings *const source = &put->source.state->settings;

	if (put->has_type && strcmp(settings->type, source->type) != 0)
		return false;
	if (!put->has_type) {
		memcpy(settings->type, source->type, sizeof(settings->type));
		memcpy(settings->type_sent, source->type_sent, sizeof(settings->type_sent));
	}
	if (!settings->has_ttl && !settings->has_expiry) {
		settings->has_ttl = source->has_ttl;
		settings->ttl_s = source->ttl_s;
		settings->has_expiry = source->has_expiry;
		settings->expires_ns = source->expires_ns;
	}
	return true;
}

/*
 * Takes the data behind the fork's offset that the sub-offset asks for: of JSON so many values,
 * which are events, else bytes of the next event. Sets put->refusal if there are not as many.
 */
static void
take_part(struct durable_put *put, const struct reprise_log_entry *entries, size_t entries_count,
	  uint64_t *left)
{
	const bool is_json = durable_type_is_json(put->settings.type);

	for (size_t i = 0; i<entries_count && * left> 0; i++) {
		const struct reprise_bytes payload = entries[i].payload;

		if (entries[i].type != REPRISE_LOG_EVENT || entries[i].kind == DURABLE_KIND)
			continue;
		if (is_json) {
			put->through = entries[i].last;
			--*left;
			continue;
		}
		if (*left <= payload.size) {
			char *const bytes = malloc((size_t)*left);

			put->refusal = bytes == NULL ? ERROR_NO_MEMORY : put->refusal;
			if (bytes != NULL)
				memcpy(bytes, payload.data, (size_t)*left);
			put->batch.prefix = (struct http_text){ bytes, bytes ? (size_t)*left : 0 };
			*left = 0;
			return;
		}
		put->refusal = ERROR_BAD_FIELD;
		*left = 0;
	}
}

/* On a worker. */
static void
run_slice(struct job *job, struct reprise_log *log)
{
	struct durable_put *const put = put_of_job(job);
	const struct reprise_log_key key = { put->request->gateway->tenant, put->settings.source };
	uint64_t left = put->settings.fork_sub_offset;
	struct reprise_log_page *page;
	size_t entries_count = 1;

	if (job->status == REPRISE_OK)
		job->status = reprise_log_page_open(&page);
	if (job->status != REPRISE_OK)
		return;
	for (reprise_ordinal after = put->through; left > 0 && entries_count != 0;) {
		const struct reprise_log_entry *entries;

		job->status = reprise_log_load_after(log, &key, after, SLICE_EVENTS, SLICE_BYTES,
						     page, &job->error);
		if (job->status != REPRISE_OK)
			break;
		entries = reprise_log_page_entries(page, &entries_count);
		take_part(put, entries, entries_count, &left);
		after = entries_count != 0 ? entries[entries_count - 1].last : after;
	}
	if (left > 0)
		put->refusal = ERROR_BAD_FIELD;
	reprise_log_page_close(page);
}

static void
submit(struct durable_put *put, void (*run)(struct job *job, struct reprise_log *log),
       void (*done)(struct job *job))
{
	put->refusal = ERROR_INTERNAL;
	put->job.run = run;
	put->job.done = done;
	request_hold(put->request);
	work_submit(&put->request->gateway->work, &put->job);
}

static void
finish_slice(struct job *job)
{
	struct durable_put *const put = put_of_job(job);
	struct request *const request = put->request;

	put->is_from_beginning = put->through == 0;
	if (job->status != REPRISE_OK)
		durable_put_fail(put, error_of_status(job->status), job->status, &job->error);
	else if (put->refusal != ERROR_INTERNAL)
		durable_put_refuse(put, put->refusal,
				   "Stream-Fork-Sub-Offset is beyond the data of the source");
	else
		durable_put_look(put);
	request_release(request);
}

static void
on_source(struct durable_look *look)
{
	struct durable_put *const put = put_of_source(look);
	struct durable_settings *const settings = &put->settings;

	if (!inherit(put)) {
		durable_put_refuse(put, ERROR_CONFLICT, "the content type is not the source's");
		return;
	}
	if (!settings->has_fork_offset)
		settings->fork_offset = look->tail;
	if (settings->fork_offset > look->tail) {
		durable_put_refuse(put, ERROR_BAD_OFFSET, "the fork begins beyond the source");
		return;
	}
	if (!put->is_from_beginning && settings->fork_offset < look->state->first) {
		durable_put_refuse(put, ERROR_RETAINED, NULL);
		return;
	}
	put->first = look->state->first;
	put->through = settings->fork_offset;
	put->is_from_beginning = put->through == 0;
	if (settings->fork_sub_offset == 0)
		durable_put_look(put);
	else
		submit(put, run_slice, finish_slice);
}

void
durable_fork_begin(struct durable_put *put)
{
	if (put->settings.source[0] == '\0' ||
	    strcmp(put->settings.source, put->request->session_id) == 0) {
		durable_put_refuse(put, ERROR_UNKNOWN_STREAM, "the source");
		return;
	}
	put->source.found = on_source;
	put->source.failed = on_source_failed;
	durable_look(&put->source, put->settings.source);
}

/*
 * Whether the name may be erased: nothing was written, all was deleted, or there is just the copy
 * that was looked at. The archive of a session is nobody's to erase.
 */
static bool
may_erase(struct durable_put *put, struct reprise_log *log, const struct reprise_log_key *key)
{
	const struct durable_state *const state = &put->look.stream->state;
	struct reprise_log_stats stats = REPRISE_LOG_STATS_INIT;

	put->job.status = reprise_log_stats(log, key, &stats, &put->job.error);
	if (put->job.status == REPRISE_E_NOT_FOUND) {
		put->job.status = REPRISE_OK;
		return true;
	}
	if (put->job.status != REPRISE_OK)
		return false;
	if (stats.head == 0 || stats.life.state == REPRISE_LIFE_INVALIDATED ||
	    (state->is_copy && state->through == stats.head))
		return true;
	put->refusal = ERROR_CONFLICT;
	return false;
}

/*
 * A copy has the source's ordinals, so nothing may have been written to the name before: what an
 * earlier stream of the name has left is erased, once the recorder has nothing left to write there.
 */
static reprise_status
erase(struct durable_put *put, struct reprise_log *log, const struct reprise_log_key *key)
{
	struct reprise_gateway *const gateway = put->request->gateway;
	const uint64_t wait_ns = (uint64_t)gateway->options.recorded_wait_ms * 1000000;
	struct reprise_log_stats stats = REPRISE_LOG_STATS_INIT;
	reprise_status status = reprise_log_stats(log, key, &stats, &put->job.error);

	if (status != REPRISE_OK)
		return status == REPRISE_E_NOT_FOUND ? REPRISE_OK : status;
	status = reprise_recorder_flush(gateway->recorder, NULL, REPRISE_WRITTEN, wait_ns);
	if (status == REPRISE_E_TIMEOUT)
		return status; /* other answers are of other sessions */
	return reprise_log_erase(log, key, REPRISE_LOG_ERASE_OPEN | REPRISE_LOG_ERASE_NO_VACUUM,
				 NULL, &put->job.error);
}

/* On a worker. */
static void
run_copy(struct job *job, struct reprise_log *log)
{
	struct durable_put *const put = put_of_job(job);
	struct reprise_gateway *const gateway = put->request->gateway;
	const struct reprise_log_key from = { gateway->tenant, put->settings.source };
	const struct reprise_log_key to = { gateway->tenant, put->request->session_id };

	if (job->status != REPRISE_OK || !may_erase(put, log, &to))
		return;
	put->look.stream->loaded.known = 0;
	job->status = reprise_session_invalidate(gateway->store, put->request->session_id);
	if (job->status != REPRISE_OK && job->status != REPRISE_E_NOT_FOUND)
		return;
	job->status = durable_forget_kept(gateway, put->request->session_id, log, &job->error);
	if (job->status == REPRISE_OK)
		job->status = erase(put, log, &to);
	if (job->status == REPRISE_OK && put->through != 0)
		job->status = reprise_log_fork(log, &from, &to, put->through, &job->error);
	if (job->status == REPRISE_OK)
		job->status = durable_load(gateway, put->request->session_id, log,
					   &put->look.stream->loaded, &job->error);
}

static void
finish_copy(struct job *job)
{
	struct durable_put *const put = put_of_job(job);
	struct request *const request = put->request;

	writers_check(request->gateway, request->session_id);
	if (put->refusal == ERROR_CONFLICT) {
		durable_put_refuse(put, ERROR_CONFLICT, "the session is no stream");
	} else if (job->status == REPRISE_OK) {
		durable_take_loaded(put->look.stream);
		durable_put_append(put);
	} else if (job->status == REPRISE_E_EXPIRED) {
		durable_put_refuse(put, ERROR_RETAINED, NULL);
	} else {
		durable_put_fail(put, error_of_status(job->status), job->status, &job->error);
	}
	request_release(request);
}

static void
finish_mark(struct durable_control *control)
{
	struct durable_put *const put =
		(struct durable_put *)((char *)control - offsetof(struct durable_put, control));
	struct request *const request = put->request;

	if (control->is_done)
		submit(put, run_copy, finish_copy);
	else
		durable_put_refuse(put, ERROR_NOT_RECORDED, "the source");
	request_release(request);
}

void
durable_fork_make(struct durable_put *put)
{
	const struct durable_state *const source = put->source.state;

	if (!put->is_fork) { /* of the name a copy is left, and no stream */
		submit(put, run_copy, finish_copy);
		return;
	}
	if (source->is_gone || !source->is_created || put->source.stream->is_removing) {
		durable_put_refuse(put, ERROR_CONFLICT, "the source is deleted");
		return;
	}
	if (source->forks_count >= DURABLE_FORKS_MAX) {
		durable_put_refuse(put, ERROR_TOO_MANY_REQUESTS, "the source has too many forks");
		return;
	}
	put->control = (struct durable_control){ .is_ended = source->is_closed,
						 .keeps_alive = true,
						 .done = finish_mark };
	durable_change_add_fork(&put->control.change, put->request->session_id);
	request_hold(put->request);
	durable_write(put->source.stream, &put->control);
}
