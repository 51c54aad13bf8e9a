/* SPDX-License-Identifier: MIT */

/*
 * streams: many sessions at once, with events as large as agents' are. From the .jsonl files of a
 * folder, a file a session and a line an event; or made up with the same distribution of sizes. The
 * sessions are appended to in turn, a few events each time, by one thread; over the same records
 * written into plain memory. Then again with a host on each session, all polled by one thread.
 */

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <reprise/reprise.h>

#include "result.h"
#include "rows.h"

enum {
	SESSIONS_MAX = 64,
	SESSIONS_MADE_UP = 64,
	EVENTS_MADE_UP = 4096, /* a session */
	EVENTS_MIN = 250000,   /* in a run */
	EVENT_BYTES_MAX = 64 * 1024,
	LARGE_BYTES = 48 * 1024,
	BURST = 8,
	TAKEN_MAX = 64, /* from one session, before the next is asked */
	ARENA_BYTES = 1 << 20,
	HEADER_BYTES = 40,
};

struct stream {
	struct reprise_bytes *events;
	size_t count;
	size_t at;
	char *text;
};

struct bench {
	struct stream streams[SESSIONS_MAX];
	size_t count;
	uint64_t bytes, events; /* of all */
	struct reprise_store *store;
	struct reprise_writer *writers[SESSIONS_MAX];
	struct reprise_subscription *subscriptions[SESSIONS_MAX];
	unsigned char *arenas[SESSIONS_MAX];
	size_t heads[SESSIONS_MAX];
	int host_core;
	atomic_int is_over;
	uint64_t delivered, lost;
};

/* Median between 90 and 300, a 99th percentile of 2 KiB, a few of 48 KiB. */
static size_t
size_made_up(uint64_t *state)
{
	const uint64_t of_10000 = random_below(state, 10000);

	if (of_10000 < 5000)
		return 60 + random_below(state, 120);
	if (of_10000 < 9000)
		return 180 + random_below(state, 320);
	if (of_10000 < 9900)
		return 500 + random_below(state, 1548);
	return of_10000 < 9997 ? 2048 + random_below(state, 4096) : LARGE_BYTES;
}

static void
make_up(struct bench *bench)
{
	static const unsigned char payload[EVENT_BYTES_MAX];
	uint64_t state = 1;

	bench->count = SESSIONS_MADE_UP;
	for (size_t i = 0; i < bench->count; i++) {
		struct stream *const stream = &bench->streams[i];

		stream->count = EVENTS_MADE_UP;
		stream->events = harness_allocate(stream->count, sizeof(*stream->events));
		for (size_t j = 0; j < stream->count; j++)
			stream->events[j] = (struct reprise_bytes){ payload, size_made_up(&state) };
	}
}

/* A file's lines; false if it has none. */
static bool
read_stream(struct stream *stream, const char *path)
{
	FILE *const file = fopen(path, "r");
	size_t bytes = 0, room = 0;

	if (file == NULL)
		return false;
	while (!feof(file) && !ferror(file)) {
		if (room - bytes < EVENT_BYTES_MAX) {
			room = 2 * (room + EVENT_BYTES_MAX);
			if ((stream->text = realloc(stream->text, room)) == NULL)
				harness_die("no memory");
		}
		bytes += fread(stream->text + bytes, 1, room - bytes - 1, file);
	}
	fclose(file);
	stream->text[bytes] = '\0';
	stream->events = harness_allocate(bytes + 1, sizeof(*stream->events));
	for (char *line = strtok(stream->text, "\n"); line != NULL; line = strtok(NULL, "\n"))
		if (strlen(line) <= EVENT_BYTES_MAX)
			stream->events[stream->count++] =
				(struct reprise_bytes){ line, strlen(line) };
	return stream->count > 0;
}

static void
read_folder(struct bench *bench, const char *path)
{
	DIR *const folder = opendir(path);
	char file[PATH_BYTES];

	if (folder == NULL)
		return;
	for (struct dirent *entry;
	     (entry = readdir(folder)) != NULL && bench->count < SESSIONS_MAX;) {
		const char *const dot = strrchr(entry->d_name, '.');

		if (dot == NULL || strcmp(dot, ".jsonl") != 0)
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		if (read_stream(&bench->streams[bench->count], file))
			bench->count++;
	}
	closedir(folder);
}

static void
free_streams(struct bench *bench)
{
	for (size_t i = 0; i < bench->count; i++) {
		free(bench->streams[i].events);
		free(bench->streams[i].text);
	}
}

bool
streams_are_in(const char *path)
{
	struct bench *const bench = harness_allocate(1, sizeof(*bench));

	read_folder(bench, path);
	const bool are_there = bench->count > 0;

	free_streams(bench);
	free(bench);
	return are_there;
}

static inline const struct reprise_bytes *
next_of(struct stream *stream)
{
	const struct reprise_bytes *const event = &stream->events[stream->at];

	if (++stream->at == stream->count)
		stream->at = 0;
	return event;
}

/* As in peers/limit.c. */
static __attribute__((noinline)) void
write_plain(struct bench *bench, size_t i, const void *payload, size_t payload_bytes)
{
	const size_t bytes = HEADER_BYTES + ((payload_bytes + 7) & ~(size_t)7);
	const size_t at = bench->heads[i] + bytes > ARENA_BYTES ? 0 : bench->heads[i];
	uint64_t *const header = (uint64_t *)(void *)(bench->arenas[i] + at);

	for (int word = 0; word < 5; word++)
		header[word] = payload_bytes;
	memcpy(header + 5, payload, payload_bytes);
	bench->heads[i] = at + bytes;
}

/* How often every session has its turn in a run: every event about once, or more often. */
static uint64_t
rounds_of(const struct bench *bench)
{
	const uint64_t events = bench->events < EVENTS_MIN ? EVENTS_MIN : bench->events;

	return events / (bench->count * BURST) + 1;
}

/* ns an event */
static double
run(struct bench *bench, bool is_plain)
{
	const uint64_t rounds = rounds_of(bench);
	const uint64_t begin = now_ns();

	for (uint64_t round = 0; round < rounds; round++)
		for (size_t i = 0; i < bench->count; i++)
			for (int burst = 0; burst < BURST; burst++) {
				const struct reprise_bytes *const event =
					next_of(&bench->streams[i]);

				if (is_plain)
					write_plain(bench, i, event->data, event->size);
				else if (reprise_append(bench->writers[i], 0, 1, 0, *event, NULL) !=
					 REPRISE_OK)
					harness_die("append failed");
			}
	return (double)(now_ns() - begin) / (double)(rounds * bench->count * BURST);
}

static size_t
take(struct bench *bench, struct reprise_subscription *subscription)
{
	struct reprise_event event;
	struct reprise_gap gap;
	size_t delivered = 0;

	for (; delivered < TAKEN_MAX; delivered++) {
		const reprise_outcome outcome = reprise_next(subscription, &event, &gap, NULL);

		if (outcome == REPRISE_NEXT_GAP)
			bench->lost += gap.lost;
		if (outcome != REPRISE_NEXT_EVENT) {
			bench->delivered += delivered;
			return delivered + (outcome == REPRISE_NEXT_GAP);
		}
	}
	bench->delivered += delivered;
	return delivered;
}

static void *
host_main(void *argument)
{
	struct bench *const bench = argument;
	size_t taken = 0;

	harness_pin(bench->host_core);
	while (taken > 0 || !atomic_load(&bench->is_over)) {
		taken = 0;
		for (size_t i = 0; i < bench->count; i++)
			taken += take(bench, bench->subscriptions[i]);
	}
	return NULL;
}

static void
open_sessions(struct bench *bench)
{
	char id[32];

	if (reprise_store_open(NULL, &bench->store, NULL) != REPRISE_OK)
		harness_die("open failed");
	for (size_t i = 0; i < bench->count; i++) {
		struct reprise_cursor cursor;

		snprintf(id, sizeof(id), "stream-%zu", i);
		bench->arenas[i] = aligned_alloc(4096, ARENA_BYTES);
		if (bench->arenas[i] == NULL ||
		    reprise_writer_open(bench->store, id, NULL, &bench->writers[i], NULL) !=
			    REPRISE_OK ||
		    reprise_session_current_cursor(bench->store, id, 0, &cursor) != REPRISE_OK ||
		    reprise_subscribe_after(bench->store, &cursor, NULL, &bench->subscriptions[i],
					    NULL) != REPRISE_OK)
			harness_die("open failed");
	}
}

static void
close_sessions(struct bench *bench)
{
	for (size_t i = 0; i < bench->count; i++) {
		reprise_subscription_close(bench->subscriptions[i]);
		reprise_writer_close(bench->writers[i]);
		free(bench->arenas[i]);
	}
	free_streams(bench);
	if (reprise_store_close(bench->store) != REPRISE_OK)
		harness_die("close failed");
}

/* All that was appended is taken or told to be lost: both are counted from here on. */
static void
catch_up(struct bench *bench)
{
	for (size_t i = 0; i < bench->count; i++)
		while (take(bench, bench->subscriptions[i]) > 0)
			;
}

static void
print(struct harness *harness, const struct bench *bench, const char *what, const double *ours,
      const double *plain, size_t runs)
{
	double ratios[RUNS_MAX];
	struct result result = { .name = "streams",
				 .unit = "ratio",
				 .values = ratios,
				 .runs = runs,
				 .ns = median_of(ours, runs),
				 .over_ns = median_of(plain, runs),
				 .delivered = bench->delivered,
				 .lost = bench->lost };

	for (size_t i = 0; i < runs; i++)
		ratios[i] = ours[i] / plain[i];
	snprintf(result.parameters, sizeof(result.parameters),
		 "\"side\":\"reprise\",\"sessions\":%zu,\"mean_payload\":%llu,\"from\":\"%s\","
		 "\"what\":\"%s\",\"over\":\"limit\"",
		 bench->count, (unsigned long long)(bench->bytes / bench->events),
		 harness->streams_dir != NULL ? "files" : "made up", what);
	result_print(harness, &result);
}

void
measure_streams(struct harness *harness)
{
	struct bench *const bench = harness_allocate(1, sizeof(*bench));
	double ours[RUNS_MAX], plain[RUNS_MAX], hosted[RUNS_MAX];
	uint64_t appended = 0;
	size_t runs = 0;
	pthread_t host;

	if (harness->streams_dir != NULL)
		read_folder(bench, harness->streams_dir);
	else
		make_up(bench);
	if (bench->count == 0)
		harness_die("the folder of streams has changed");
	for (size_t i = 0; i < bench->count; i++)
		for (size_t j = 0; j < bench->streams[i].count; j++, bench->events++)
			bench->bytes += bench->streams[i].events[j].size;
	bench->host_core = harness->host_core;
	open_sessions(bench);
	(void)run(bench, true);
	(void)run(bench, false);
	for (; runs < harness->runs && !harness_is_interrupted(); runs++) {
		plain[runs] = run(bench, true);
		ours[runs] = run(bench, false);
	}
	if (runs > 0)
		print(harness, bench, "nobody", ours, plain, runs);
	catch_up(bench);
	bench->delivered = bench->lost = 0;
	for (size_t i = 0; i < runs; i++) {
		atomic_store(&bench->is_over, 0);
		if (pthread_create(&host, NULL, host_main, bench) != 0)
			harness_die("no thread");
		hosted[i] = run(bench, false);
		atomic_store(&bench->is_over, 1);
		pthread_join(host, NULL);
		catch_up(bench);
		appended += rounds_of(bench) * bench->count * BURST;
	}
	if (runs > 0)
		print(harness, bench, "a host each, polled by one thread", hosted, plain, runs);
	if (bench->delivered + bench->lost != appended) {
		fprintf(stderr, "bench: streams: BROKEN accounting\n");
		harness->is_broken = true;
	}
	close_sessions(bench);
	free(bench);
}
