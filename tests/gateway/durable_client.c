/* SPDX-License-Identifier: MIT */
/* See durable_client.h. The linker sends the program's calls of clock_gettime here. */
#include "durable_client.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <reprise/session.h>

static _Atomic int64_t wall_step_ns, step_ns;

static void
move(struct timespec *time, int64_t by_ns)
{
	const int64_t ns = time->tv_sec * INT64_C(1000000000) + time->tv_nsec + by_ns;

	time->tv_sec = ns / 1000000000;
	time->tv_nsec = ns % 1000000000;
}

/* The linker's names of the function. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int
__wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
	const int answer = __real_clock_gettime(clock, time);

	/* The kernel keeps the deadlines of the other threads, by its own clock. */
	if (clock == CLOCK_REALTIME)
		move(time, atomic_load(&wall_step_ns) + atomic_load(&step_ns));
	else if (place_is_loop)
		move(time, atomic_load(&step_ns));
	return answer;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

void
step_wall_clock(int64_t ns)
{
	atomic_fetch_add(&wall_step_ns, ns);
}

void
step_all_clocks(int64_t ns)
{
	atomic_fetch_add(&step_ns, ns);
}

static const char *
path_of(const char *id)
{
	static char path[256];

	snprintf(path, sizeof(path), "/v1/stream/%s", id);
	return path;
}

struct reply
on_stream(struct place *place, const char *method, const char *id, const char *fields,
	  const char *body)
{
	return ask(place, method, path_of(id), fields, body);
}

void
send_on_stream(struct client *client, const char *method, const char *id, const char *fields,
	       const char *body)
{
	client_request(client, method, path_of(id), fields, body);
}

void
create_stream(struct place *place, const char *id, const char *fields, const char *body)
{
	const struct reply reply = on_stream(place, "PUT", id, fields, body);

	cr_assert(eq(int, reply.status, 201), "%s%s", reply.head, reply.body);
}

void
send_text(struct place *place, const char *id, const char *text)
{
	const struct reply reply = on_stream(place, "POST", id, TEXT, text);

	cr_assert(eq(int, reply.status, 204), "%s%s", reply.head, reply.body);
}

const char *
of_producer(const char *producer, uint64_t epoch, uint64_t number, const char *more)
{
	static char fields[1024];

	snprintf(fields, sizeof(fields),
		 TEXT "Producer-Id: %s\r\nProducer-Epoch: %" PRIu64 "\r\nProducer-Seq: %" PRIu64
		      "\r\n%s",
		 producer, epoch, number, more == NULL ? "" : more);
	return fields;
}

void
expect_content(struct place *place, const char *id, const char *content)
{
	const struct reply reply = on_stream(place, "GET", id, NULL, NULL);

	cr_assert(eq(int, reply.status, 200), "%s%s", reply.head, reply.body);
	cr_assert(eq(str, (char *)reply.body, (char *)content));
}

void
expect_status(struct place *place, const char *method, const char *id, int status)
{
	const struct reply reply = on_stream(place, method, id, NULL, NULL);

	cr_assert(eq(int, reply.status, status), "%s %s: %s%s", method, id, reply.head, reply.body);
}

void
expect_offset(const struct reply *reply, uint64_t position)
{
	char offset[40];

	snprintf(offset, sizeof(offset), "0000000000000000_%016" PRIu64, position);
	expect_field(reply, "Stream-Next-Offset", offset);
}

uint64_t
newest_of(struct place *place, const char *id)
{
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;

	return reprise_session_stats(place->store, id, &stats) == REPRISE_OK ? stats.newest : 0;
}

void
await_newest(struct place *place, const char *id, uint64_t newest)
{
	for (int i = 0; i < 10000 && newest_of(place, id) < newest; i++)
		usleep(1000);
	cr_assert(eq(u64, newest_of(place, id), newest));
}

uint64_t
events_in_log(struct place *place, const char *id)
{
	const struct reprise_log_key key = { "default", id };
	const struct reprise_log_entry *entries;
	struct reprise_log_page *page;
	reprise_ordinal after = 0;
	uint64_t events = 0;
	size_t entries_count;

	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	do {
		cr_assert(eq(int,
			     reprise_log_load_after(place->log, &key, after, 1000, 0, page, NULL),
			     REPRISE_OK));
		entries = reprise_log_page_entries(page, &entries_count);
		for (size_t i = 0; i < entries_count; i++)
			events += entries[i].type == REPRISE_LOG_EVENT;
		after = entries_count == 0 ? after : entries[entries_count - 1].last;
	} while (entries_count != 0);
	reprise_log_page_close(page);
	return events;
}

struct place *
place_of_few_sessions(void)
{
	static const struct reprise_gateway_options options = { .size = sizeof(options),
								.writer_idle_ms = 1 };
	const struct place_setup setup = { .has_log = true,
					   .gateway = &options,
					   .sessions_max = 8 };

	return place_open(&setup);
}

/* Until the writers of most sessions are closed, so that another session can come: for 10 s. */
static void
await_room(struct place *place)
{
	struct reprise_store_stats stats = REPRISE_STORE_STATS_INIT;

	for (int i = 0; i < 10000 && stats.sessions_idle < 4; i++) {
		cr_assert(eq(int, reprise_store_stats(place->store, &stats), REPRISE_OK));
		usleep(1000);
	}
	cr_assert(ge(u64, stats.sessions_idle, 4));
}

struct place *
place_that_lingers(uint32_t linger_ms, uint32_t recorded_wait_ms)
{
	static struct reprise_recorder_options recorder = { .size = sizeof(recorder) };
	static struct reprise_gateway_options gateway = { .size = sizeof(gateway) };
	const struct place_setup setup = { .has_log = true,
					   .recorder = &recorder,
					   .gateway = &gateway };

	recorder.linger_ns = (uint64_t)linger_ms * 1000000;
	recorder.deadline_ns = UINT64_C(20000000000);
	gateway.recorded_wait_ms = recorded_wait_ms;
	return place_open(&setup);
}

void
evict_window(struct place *place, const char *id)
{
	static int others;
	char other[32], path[80];

	for (int i = 0; i < 10000 && newest_of(place, id) != 0; i++) {
		snprintf(other, sizeof(other), "other%d", others++);
		snprintf(path, sizeof(path), "/v1/sessions/%s/events", other);
		(void)ask(place, "POST", path, JSON, "0");
		usleep(1000);
	}
	cr_assert(eq(u64, newest_of(place, id), 0));
	await_room(place);
}
