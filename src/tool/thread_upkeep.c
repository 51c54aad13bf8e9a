/* SPDX-License-Identifier: MIT */
#include "tool/thread_upkeep.h"

#ifdef TOOL_HAS_JETSTREAM

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <reprise/jetstream_upkeep.h>

#include "tool/log_output.h"
#include "tool/log_text.h"

enum {
	TIME_ROOM = 64,
	EXCERPT_CHARACTERS = 60,
};

#define NS_PER_MS UINT64_C(1000000)

static void
print_recovered(const struct reprise_jetstream_recovered *done, bool is_json)
{
	if (!is_json) {
		printf("%" PRIu64 " documents, %" PRIu64 " deltas applied, %" PRIu64
		       " dead letters, %" PRIu64 " deltas lost, %" PRIu64 " documents failed",
		       done->documents, done->applied, done->dead, done->discarded, done->failed);
		if (done->failed > 0) {
			fputs("; the first failed document: ", stdout);
			log_text_escaped(stdout, done->failed_id, strlen(done->failed_id),
					 SIZE_MAX);
		}
		putchar('\n');
		return;
	}
	printf("{\"type\":\"recovered\"");
	log_text_member(stdout, "documents", done->documents);
	log_text_member(stdout, "applied", done->applied);
	log_text_member(stdout, "dead", done->dead);
	log_text_member(stdout, "discarded", done->discarded);
	log_text_member(stdout, "failed", done->failed);
	if (done->failed > 0) {
		printf(",\"failed_thread\":");
		log_text_json(stdout, done->failed_id, strlen(done->failed_id));
	}
	printf("}\n");
}

static bool
recover(const struct log_request *request, struct reprise_jetstream *writer,
	reprise_status *ret_status, struct reprise_error *error)
{
	struct reprise_jetstream_recovered done = { .size = sizeof(done) };

	*ret_status = reprise_jetstream_recover(writer, &done, error);
	/* If only documents failed, the other documents are done. */
	if (*ret_status == REPRISE_OK || done.failed > 0)
		print_recovered(&done, request->is_json);
	return *ret_status == REPRISE_OK && done.dead == 0 && done.discarded == 0;
}

/* --- dead letters ---------------------------------------------------------------------------- */

static void
print_payload(struct reprise_bytes payload)
{
	if (log_text_is_utf8(payload.data, payload.size)) {
		printf(",\"payload\":");
		log_text_json(stdout, payload.data, payload.size);
	} else {
		printf(",\"payload_base64\":\"");
		log_text_base64(stdout, payload.data, payload.size);
		putchar('"');
	}
}

/* Prints text of unknown origin: UTF-8 as a string, other bytes in base64 under another name. */
static void
print_text(const char *name, const char *text)
{
	const size_t bytes = strlen(text);

	if (log_text_is_utf8(text, bytes)) {
		printf(",\"%s\":", name);
		log_text_json(stdout, text, bytes);
	} else {
		printf(",\"%s_base64\":\"", name);
		log_text_base64(stdout, text, bytes);
		putchar('"');
	}
}

static void
print_object(const struct reprise_jetstream_dead *dead)
{
	printf("{\"type\":\"dead\"");
	log_text_member(stdout, "sequence", dead->sequence);
	log_text_member(stdout, "time_ms", dead->time_ms);
	print_text("subject", dead->subject);
	print_text("thread", dead->id);
	print_text("reason", dead->reason);
	print_payload(dead->payload);
	printf("}\n");
}

static void
print_row(const struct reprise_jetstream_dead *dead)
{
	char time[TIME_ROOM];

	log_text_time(time, sizeof(time),
		      dead->time_ms > UINT64_MAX / NS_PER_MS ? UINT64_MAX
							     : dead->time_ms * NS_PER_MS,
		      ' ', 3);
	printf("%12" PRIu64 "  %-23s  %9zu  ", dead->sequence, time, dead->payload.size);
	log_text_escaped(stdout, dead->subject, strlen(dead->subject), SIZE_MAX);
	fputs("  ", stdout);
	log_text_escaped(stdout, dead->reason, strlen(dead->reason), SIZE_MAX);
	fputs("  ", stdout);
	log_text_escaped(stdout, dead->payload.data, dead->payload.size, EXCERPT_CHARACTERS);
	putchar('\n');
}

static int32_t
print_letter(const struct reprise_jetstream_dead *dead, void *context)
{
	const struct log_request *const request = context;

	if (request->is_json)
		print_object(dead);
	else
		print_row(dead);
	return log_output_flush();
}

static reprise_status
list_dead(struct log_request *request, struct reprise_jetstream *writer,
	  struct reprise_error *error)
{
	if (!request->is_json)
		printf("%12s  %-23s  %9s  %s\n", "sequence", "time (UTC)", "bytes",
		       "subject, reason, payload");
	return reprise_jetstream_each_dead(writer, request->after, print_letter, request, error);
}

static reprise_status
drop_dead(const struct log_request *request, struct reprise_jetstream *writer,
	  struct reprise_error *error)
{
	const reprise_status status = reprise_jetstream_drop_dead(writer, request->drop, error);

	if (status != REPRISE_OK)
		return status;
	if (request->is_json) {
		printf("{\"type\":\"dropped\"");
		log_text_member(stdout, "sequence", request->drop);
		printf("}\n");
	} else {
		printf("dead letter %" PRIu64 ": removed\n", request->drop);
	}
	return REPRISE_OK;
}

bool
thread_upkeep_run(const struct log_request *request, struct reprise_thread_store *store,
		  reprise_status *ret_status, struct reprise_error *error)
{
	struct log_request asked = *request;
	struct reprise_jetstream *writer = NULL;
	bool is_good = true;

	*ret_status = thread_nats_open(&request->nats, store, &writer, error);
	if (*ret_status == REPRISE_OK && request->verb == LOG_VERB_THREAD_RECOVER)
		is_good = recover(request, writer, ret_status, error);
	else if (*ret_status == REPRISE_OK)
		*ret_status = request->has_drop ? drop_dead(request, writer, error)
						: list_dead(&asked, writer, error);
	reprise_jetstream_close(writer);
	return is_good && *ret_status == REPRISE_OK;
}

#else

bool
thread_upkeep_run(const struct log_request *request, struct reprise_thread_store *store,
		  reprise_status *ret_status, struct reprise_error *error)
{
	/* thread_nats_fault has refused the request. */
	(void)request;
	(void)store;
	(void)error;
	*ret_status = REPRISE_E_INVALID;
	return false;
}

#endif
