/* SPDX-License-Identifier: MIT */
#include "tool/thread_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <reprise/jetstream_upkeep.h>

#include "tool/pace.h"
#include "tool/thread_place.h"

enum {
	STREAM_BYTES = 64 << 20,   /* a server refuses a stream without room on the disk */
	PAUSE_NS = 8000000,        /* between two deltas, as if a model were asked */
	RETRY_PAUSE_NS = 20000000, /* after an append that failed */
};

#define DEADLINE_NS UINT64_C(2000000000)  /* of a call */
#define PATIENCE_NS UINT64_C(30000000000) /* for one delta to be acknowledged */

static const char *
reason_of(const struct thread_run *run, uint32_t number)
{
	if (number == run->deltas)
		return "RunFinished";
	if (number == 1)
		return "UserMessage";
	return number % 2 == 0 ? "AssistantTurnCommitted" : "ToolResultsCommitted";
}

void
thread_run_delta(const struct thread_run *run, uint32_t number,
		 char ret_text[THREAD_RUN_DELTA_BYTES])
{
	const char *const reason = reason_of(run, number);

	snprintf(ret_text, THREAD_RUN_DELTA_BYTES,
		 "{\"delta_id\":\"%s-%" PRIu32 "\",\"created_at\":%" PRIu64 ",\"run_id\":\"%s\","
		 "\"reason\":\"%s\",\"messages\":[{\"id\":\"%s-m%" PRIu32
		 "\",\"text\":\"turn %" PRIu32
		 "\"}],\"patches\":[{\"op\":\"add\",\"path\":\"/%s/%" PRIu32 "\",\"value\":%" PRIu32
		 "}]}",
		 run->name, number, run->created_ms, run->name, reason, run->name, number, number,
		 run->name, number, number);
}

uint32_t
thread_run_number(const struct thread_run *run, const char *id, size_t bytes)
{
	char wanted[THREAD_RUN_ID_BYTES + 16];
	uint32_t number = 0;
	const size_t name_bytes = strlen(run->name);

	if (bytes <= name_bytes + 1 || bytes >= sizeof(wanted))
		return 0;
	for (size_t i = name_bytes + 1; i < bytes && id[i] >= '0' && id[i] <= '9'; i++)
		number = number * 10 + (uint32_t)(id[i] - '0');
	snprintf(wanted, sizeof(wanted), "%s-%" PRIu32, run->name, number);
	return number <= run->deltas && strlen(wanted) == bytes && memcmp(wanted, id, bytes) == 0
		       ? number
		       : 0;
}

/* Whether the same delta may succeed when it is appended again. */
static bool
is_passing(reprise_status status)
{
	return status == REPRISE_E_IO || status == REPRISE_E_TIMEOUT ||
	       status == REPRISE_E_CONFLICT;
}

/* Appends a delta, again and again with the same id, until the server has the delta. */
static reprise_status
append(struct reprise_jetstream *writer, struct thread_run *run, uint32_t number,
       struct reprise_error *error)
{
	const uint64_t until = pace_now() + PATIENCE_NS;
	struct reprise_jetstream_appended appended = { .size = sizeof(appended) };
	char text[THREAD_RUN_DELTA_BYTES];
	reprise_status status;

	thread_run_delta(run, number, text);
	if (number > atomic_load(&run->sent))
		atomic_store(&run->sent, number);
	while ((status = reprise_jetstream_append(writer, run->document, NULL,
						  (struct reprise_bytes){ text, strlen(text) },
						  &appended, error)) != REPRISE_OK &&
	       is_passing(status) && pace_now() < until) {
		atomic_fetch_add(&run->retried, 1);
		pace_sleep(RETRY_PAUSE_NS);
	}
	if (status != REPRISE_OK)
		return status;
	atomic_fetch_add(&run->refused, appended.is_repeated != 0);
	if (number > atomic_load(&run->acknowledged))
		atomic_store(&run->acknowledged, number);
	if (number % THREAD_RUN_NOTES == 0 || number == run->deltas)
		atomic_store(&run->noted, number);
	return REPRISE_OK;
}

/* A delta of each run in turn, until the last one of each is acknowledged. */
static reprise_status
append_all(struct reprise_jetstream *writer, const struct thread_job *job,
	   struct reprise_error *error)
{
	uint32_t next[THREAD_RUNS_MAX];
	bool goes_on = true;

	for (size_t i = 0; i < job->runs_count; i++)
		next[i] = atomic_load(&job->runs[i]->noted) + 1;
	while (goes_on) {
		goes_on = false;
		for (size_t i = 0; i < job->runs_count; i++) {
			if (next[i] > job->runs[i]->deltas)
				continue;
			const reprise_status status =
				append(writer, job->runs[i], next[i]++, error);

			if (status != REPRISE_OK)
				return status;
			goes_on = true;
		}
		pace_sleep(PAUSE_NS);
	}
	return REPRISE_OK;
}

static reprise_status
recover(struct reprise_jetstream *writer, _Atomic uint32_t *recovered, struct reprise_error *error)
{
	struct reprise_jetstream_recovered done = { .size = sizeof(done) };
	const reprise_status status = reprise_jetstream_recover(writer, &done, error);

	if (status == REPRISE_OK)
		atomic_store(recovered, (uint32_t)done.applied);
	return status;
}

static reprise_status
open_writer(const struct thread_job *job, struct reprise_thread_store *store,
	    struct reprise_jetstream **ret_writer, struct reprise_error *error)
{
	const struct reprise_jetstream_options options = {
		.size = sizeof(options),
		.servers = job->servers,
		.replicas = job->replicas,
		.max_bytes = STREAM_BYTES,
		.deadline_ns = DEADLINE_NS,
	};
	const uint64_t until = pace_now() + PATIENCE_NS;
	reprise_status status;

	/* A cluster needs a moment to choose the leader of a new stream. */
	while ((status = reprise_jetstream_open(store, &options, ret_writer, error)) !=
		       REPRISE_OK &&
	       is_passing(status) && pace_now() < until)
		pace_sleep(RETRY_PAUSE_NS);
	return status;
}

int
thread_run_live(const struct thread_job *job)
{
	const struct log_place place = { .file = job->store };
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_thread_store *store = NULL;
	struct reprise_jetstream *writer = NULL;
	reprise_status status = thread_place_open(&place, LOG_ACCESS_WRITE, 0, &store, &error);

	if (status == REPRISE_OK)
		status = open_writer(job, store, &writer, &error);
	if (status == REPRISE_OK && job->recovered != NULL)
		status = recover(writer, job->recovered, &error);
	if (status == REPRISE_OK)
		status = append_all(writer, job, &error);
	reprise_jetstream_close(writer);
	reprise_thread_store_close(store);
	if (status == REPRISE_OK)
		return 0;
	log_say_failure("demo --nats", job->runs[0]->document, status, &error);
	return 1;
}
