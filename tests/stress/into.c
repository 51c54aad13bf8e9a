/* SPDX-License-Identifier: MIT */

/*
 * Hosts that have events copied into their own buffers, against a writer that overwrites what they
 * are copying, trims it, and writes in place. Nothing is torn (G1), nothing is missing without
 * being told (G2); bytes beside the payloads are not touched.
 */

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stress.h"

enum {
	HOSTS = 3,
	FRAMES_MAX = 16,
	HEAD_BYTES = 3,
	TAIL_BYTES = 5,
	UNTOUCHED = 0xee,
};

struct host {
	pthread_t thread;
	struct reprise_subscription *subscription;
	struct stress_books books;
	size_t buffer_bytes;
	bool polls; /* else it sleeps, so that some is copied ahead */
	unsigned char buffer[4 * STRESS_PAYLOAD_MAX];
	struct reprise_frame frames[FRAMES_MAX];
};

static void
verify_framing(const unsigned char *at, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		CHECK(at[i] == UNTOUCHED);
}

static void
take_frames(struct host *host, const struct reprise_into *into)
{
	size_t at = 0;

	for (size_t i = 0; i < into->frames_count; i++) {
		const struct reprise_frame *const frame = &host->frames[i];
		const struct reprise_event event = {
			.position = frame->position,
			.revision = frame->revision,
			.kind = frame->kind,
			.payload = { host->buffer + frame->offset, frame->payload_bytes },
		};

		CHECK(frame->position == host->books.seen + 1);
		CHECK(frame->offset == at + HEAD_BYTES);
		stress_verify(&event);
		verify_framing(host->buffer + at, HEAD_BYTES);
		at = frame->offset + frame->payload_bytes;
		verify_framing(host->buffer + at, TAIL_BYTES);
		at += TAIL_BYTES;
		host->books.seen = frame->position;
		host->books.delivered++;
	}
	CHECK(at == into->used_bytes && at <= host->buffer_bytes);
}

static reprise_outcome
take(struct host *host)
{
	struct reprise_into into = { .size = sizeof(into),
				     .buffer = host->buffer,
				     .buffer_bytes = host->buffer_bytes,
				     .head_bytes = HEAD_BYTES,
				     .tail_bytes = TAIL_BYTES,
				     .frames = host->frames,
				     .frames_max = FRAMES_MAX };
	struct reprise_gap gap;

	memset(host->buffer, UNTOUCHED, host->buffer_bytes);
	const reprise_outcome outcome = reprise_next_into(host->subscription, &into, &gap, NULL);

	if (outcome == REPRISE_NEXT_EVENT) {
		take_frames(host, &into);
		if (into.frames_count == 0) {
			/*
			 * The event is larger than the buffer; it may be lost before the next call.
			 */
			CHECK(into.needed_bytes > host->buffer_bytes);
			CHECK(into.needed_bytes <= sizeof(host->buffer));
			host->buffer_bytes = into.needed_bytes;
		}
	} else if (outcome == REPRISE_NEXT_GAP) {
		CHECK(gap.lost_first == host->books.seen + 1);
		CHECK(gap.lost == gap.lost_last - gap.lost_first + 1);
		host->books.seen = gap.lost_last;
		host->books.lost += gap.lost;
		host->books.gaps++;
		if (host->books.gap_longest < gap.lost)
			host->books.gap_longest = gap.lost;
	}
	return outcome;
}

static void *
host_main(void *argument)
{
	struct host *const host = argument;
	reprise_outcome outcome;

	while ((outcome = take(host)) != REPRISE_NEXT_ENDED)
		if (outcome == REPRISE_NEXT_EMPTY && host->polls)
			sched_yield();
		else if (outcome == REPRISE_NEXT_EMPTY)
			CHECK_OK(reprise_wait(host->subscription, REPRISE_NO_LIMIT));
	return NULL;
}

static void
write_in_place(struct reprise_writer *writer, reprise_position next)
{
	unsigned char payload[STRESS_PAYLOAD_MAX];
	const size_t bytes = stress_payload(next, payload);
	void *room = NULL;

	CHECK_OK(reprise_reserve(writer, bytes + 9, &room));
	memcpy(room, payload, bytes);
	CHECK_OK(reprise_publish(writer, next / 7, (uint16_t)next, 0, bytes, NULL));
}

static void
run(uint64_t events_max, uint64_t bytes_max, uint64_t appends)
{
	struct reprise_store *const store = stress_store(events_max, bytes_max);
	struct reprise_writer *const writer = stress_writer(store, "s");
	const struct reprise_cursor cursor = stress_cursor(store, "s");
	struct host *const hosts = calloc(HOSTS, sizeof(*hosts));
	unsigned int random = 1;

	CHECK(hosts != NULL);
	for (size_t i = 0; i < HOSTS; i++) {
		hosts[i].polls = i != 0;
		hosts[i].buffer_bytes = i == 2 ? 64 : sizeof(hosts[i].buffer);
		hosts[i].subscription = stress_subscribe(store, &cursor, 1);
		CHECK(pthread_create(&hosts[i].thread, NULL, host_main, &hosts[i]) == 0);
	}
	for (reprise_position next = 1; next <= appends; next++) {
		const unsigned int chance = stress_random(&random) % 64;

		if (chance == 0)
			write_in_place(writer, next);
		else
			stress_append(writer, next);
		if (chance == 1)
			CHECK_OK(reprise_session_trim_to(store, "s", next - 1));
		if (chance % 8 == 2)
			sched_yield();
	}
	CHECK_OK(reprise_writer_end(writer, 1));
	for (size_t i = 0; i < HOSTS; i++) {
		CHECK(pthread_join(hosts[i].thread, NULL) == 0);
		stress_balance(&hosts[i].books, appends);
		stress_report(hosts[i].polls ? "polls" : "sleeps", &hosts[i].books);
		reprise_subscription_close(hosts[i].subscription);
	}
	free(hosts);
	reprise_writer_close(writer);
	CHECK_OK(reprise_store_close(store));
}

int
main(int argc, char **argv)
{
	stress_begin(argc, argv);
	do {
		run(2, 16384, stress_work(30000));
		run(REPRISE_NO_LIMIT, 8192, stress_work(30000)); /* bytes alone */
		run(64, 1 << 20, stress_work(100000));
	} while (!stress_is_over());
	return 0;
}
