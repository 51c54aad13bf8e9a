/* SPDX-License-Identifier: MIT */

/*
 * Shared writers on a window that displaces: three threads append one by one, in parts, in batches
 * and by the session's id, and another one opens and closes a second session by appends to its id.
 * Each event is whole, each thread's events come in its order, a batch stands together, and
 * delivered + lost = appended. With "fence": where membarrier is refused.
 */

#include <stdio.h>
#include <string.h>

#include "stress.h"

enum {
	WRITERS = 3,
	HOSTS = 2,
	BATCH = 3,
	WORDS = 5,
};

/* The payload of an event: the rest follows from the first two. */
struct words {
	uint64_t writer, number, part, check[WORDS - 3];
};

struct writer {
	pthread_t thread;
	struct reprise_store *store;
	struct reprise_writer *session;
	uint64_t id, appended;
};

struct host {
	pthread_t thread;
	struct reprise_subscription *subscription;
	uint64_t position, delivered, lost;
};

/* @part: 1 .. BATCH inside a batch, else 0. */
static struct words
words_of(uint64_t writer, uint64_t number, uint64_t part)
{
	return (struct words){ writer, number, part, { ~number, writer ^ number << 8 ^ part } };
}

static void
append_batch(struct writer *writer)
{
	struct reprise_new_event events[BATCH];
	struct words words[BATCH];

	for (uint64_t i = 0; i < BATCH; i++) {
		words[i] = words_of(writer->id, ++writer->appended, i + 1);
		events[i] =
			(struct reprise_new_event){ .revision = 1,
						    .payload = { &words[i], sizeof(words[i]) } };
	}
	CHECK_OK(reprise_append_batch(writer->session, events, BATCH, NULL));
}

static void
append_one(struct writer *writer, uint64_t way)
{
	struct words words = words_of(writer->id, ++writer->appended, 0);
	const struct reprise_bytes payload = { &words, sizeof(words) };
	const struct iovec parts[] = { { &words, 8 }, { &words.number, sizeof(words) - 8 } };

	if (way == 0)
		CHECK_OK(reprise_append(writer->session, writer->appended % 100, 1, 0, payload,
					NULL));
	else if (way == 1)
		CHECK_OK(reprise_appendv(writer->session, 1, 1, 0, parts, 2, NULL));
	else
		CHECK_OK(reprise_session_append(writer->store, "s", 1, 1, 0, payload, NULL));
}

static void *
writer_main(void *argument)
{
	struct writer *const writer = argument;
	unsigned int random = (unsigned int)writer->id;

	for (uint64_t i = 0; i < stress_work(2000) || !stress_is_over(); i++) {
		const unsigned int way = stress_random(&random) % 8;

		if (way == 3)
			append_batch(writer);
		else
			append_one(writer, way);
		if (way == 7)
			CHECK_OK(reprise_session_append(writer->store, "other", 0, 0, 0,
							(struct reprise_bytes){ "x", 1 }, NULL));
	}
	return NULL;
}

/* The events of each writer that a host has seen. */
struct seen {
	uint64_t numbers[WRITERS];
	uint64_t writer_before, part_before;
};

static void
verify(const struct reprise_event *event, struct seen *seen)
{
	struct words words, expected;

	CHECK(event->payload.size == sizeof(words));
	memcpy(&words, event->payload.data, sizeof(words));
	expected = words_of(words.writer, words.number, words.part);
	CHECK(memcmp(&words, &expected, sizeof(words)) == 0);
	CHECK(words.writer < WRITERS && words.number > seen->numbers[words.writer]);
	/* Nothing comes inside a batch, whose beginning may be lost. */
	if (seen->part_before >= 1 && seen->part_before < BATCH)
		CHECK(words.writer == seen->writer_before && words.part == seen->part_before + 1);
	seen->numbers[words.writer] = words.number;
	seen->writer_before = words.writer;
	seen->part_before = words.part;
}

static void *
host_main(void *argument)
{
	struct host *const host = argument;
	struct seen seen = { 0 };
	struct reprise_event event;
	struct reprise_gap gap;

	for (;;) {
		switch (reprise_next(host->subscription, &event, &gap, NULL)) {
		case REPRISE_NEXT_EVENT:
			CHECK(event.position == ++host->position);
			verify(&event, &seen);
			host->delivered++;
			break;
		case REPRISE_NEXT_GAP:
			CHECK(gap.reason == REPRISE_GAP_TRIMMED &&
			      gap.lost_first == host->position + 1);
			host->position = gap.lost_last;
			host->lost += gap.lost;
			seen.part_before = 0;
			break;
		case REPRISE_NEXT_EMPTY:
			CHECK_OK(reprise_wait(host->subscription, REPRISE_NO_LIMIT));
			break;
		case REPRISE_NEXT_ENDED:
			return NULL;
		}
	}
}

static void
follow(struct reprise_store *store, struct host *host)
{
	const struct reprise_cursor cursor = stress_cursor(store, "s");

	*host = (struct host){ .subscription = stress_subscribe(store, &cursor, 1) };
	CHECK(pthread_create(&host->thread, NULL, host_main, host) == 0);
}

int
main(int argc, char **argv)
{
	(void)stress_fence(&argc, argv);
	stress_begin(argc, argv);
	struct reprise_store *const store = stress_store(256, 1 << 16);
	struct reprise_session_options shared = REPRISE_SESSION_OPTIONS_INIT;
	struct reprise_writer *session = NULL;
	struct writer writers[WRITERS];
	struct host hosts[HOSTS];
	uint64_t appended = 0;

	shared.is_shared = 1;
	CHECK_OK(reprise_writer_open(store, "s", &shared, &session, NULL));
	for (int i = 0; i < HOSTS; i++)
		follow(store, &hosts[i]);
	for (uint64_t i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){ .store = store, .session = session, .id = i };
		CHECK(pthread_create(&writers[i].thread, NULL, writer_main, &writers[i]) == 0);
	}
	for (int i = 0; i < WRITERS; i++) {
		pthread_join(writers[i].thread, NULL);
		appended += writers[i].appended;
	}
	CHECK_OK(reprise_writer_end(session, 0));
	for (int i = 0; i < HOSTS; i++) {
		pthread_join(hosts[i].thread, NULL);
		CHECK(hosts[i].delivered + hosts[i].lost == appended);
		printf("host %d: %llu delivered, %llu lost\n", i,
		       (unsigned long long)hosts[i].delivered, (unsigned long long)hosts[i].lost);
		reprise_subscription_close(hosts[i].subscription);
	}
	reprise_writer_close(session);
	CHECK_OK(reprise_store_close(store));
	return 0;
}
