/* SPDX-License-Identifier: MIT */
/*
 * V35 and V12: `reprise serve` is killed with SIGKILL behind each acknowledged POST. Each such
 * event is there afterwards, once and in order. A batch whose POST was not answered is whole, or
 * not there.
 * Usage: serve_kills PROGRAM FOLDER ROUNDS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "served.h"

enum {
	BATCH = 3,
	TARGET_BYTES = 400,
};

struct run {
	struct served served;
	uint64_t rounds;
};

/* A batch that nobody waits for: the kill meets the batch anywhere. */
static void
race(int connection, uint64_t round)
{
	char lines[200];
	int size = 0;

	for (int i = 1; i <= BATCH; i++)
		size += snprintf(lines + size, sizeof(lines) - (size_t)size, "{\"n\":%llu%d}\n",
				 (unsigned long long)round, i);
	served_request(connection, "POST", "/v1/sessions/raced/events", "application/jsonl", lines);
}

static void
append(const struct run *run, uint64_t round)
{
	char json[64], first[64];
	struct served_reply reply;

	snprintf(json, sizeof(json), "{\"n\":%llu}", (unsigned long long)round);
	snprintf(first, sizeof(first), "\"first\":%llu,", (unsigned long long)round);
	reply = served_ask(&run->served, "POST", "/v1/sessions/acknowledged/events", json);
	if (reply.status != 200 || strstr(reply.body, "\"recorded\":true") == NULL)
		served_fail("round %s: %s", json, reply.text);
	/* An event that was lost would leave its position to this one. */
	if (strstr(reply.body, first) == NULL)
		served_fail("round %s is at another position: %s", json, reply.body);
}

/* Reads the numbers of a session's events, page by page. Answers their count. */
static uint64_t
read_session(const struct run *run, const char *session, uint64_t *numbers, uint64_t room)
{
	char target[TARGET_BYTES], cursor[TARGET_BYTES / 2] = "";
	uint64_t count = 0, before;

	do {
		struct served_reply reply;
		const char *end;

		snprintf(target, sizeof(target), "/v1/sessions/%s/events?limit=1000%s%s", session,
			 cursor[0] == '\0' ? "" : "&cursor=", cursor);
		reply = served_ask(&run->served, "GET", target, NULL);
		if (reply.status == 404)
			return 0;
		if (reply.status != 200)
			served_fail("%s: %s", target, reply.text);
		before = count;
		for (const char *at = reply.body; (at = strstr(at, "{\"n\":")) != NULL; at++) {
			if (count == room)
				served_fail("%s has too many events", session);
			numbers[count++] = strtoull(at + strlen("{\"n\":"), NULL, 10);
		}
		/* The page's own cursor is the last one. */
		end = NULL;
		for (const char *at = reply.body; (at = strstr(at, "\"cursor\":\"")) != NULL; at++)
			end = at + strlen("\"cursor\":\"");
		if (end == NULL)
			served_fail("a page without a cursor: %s", reply.body);
		snprintf(cursor, sizeof(cursor), "%.*s", (int)strcspn(end, "\""), end);
	} while (count != before);
	return count;
}

static void
check_acknowledged(const struct run *run, uint64_t *numbers, uint64_t room)
{
	const uint64_t count = read_session(run, "acknowledged", numbers, room);

	if (count != run->rounds)
		served_fail("%llu events were acknowledged, and %llu are there",
			    (unsigned long long)run->rounds, (unsigned long long)count);
	for (uint64_t i = 0; i < count; i++)
		if (numbers[i] != i + 1)
			served_fail("event %llu is at place %llu", (unsigned long long)numbers[i],
				    (unsigned long long)i + 1);
}

static uint64_t
check_raced(const struct run *run, uint64_t *numbers, uint64_t room)
{
	const uint64_t count = read_session(run, "raced", numbers, room);

	for (uint64_t i = 0; i < count; i++)
		if (numbers[i] % 10 != i % BATCH + 1 ||
		    numbers[i] / 10 != numbers[i - i % BATCH] / 10)
			served_fail("half a batch: event %llu at place %llu",
				    (unsigned long long)numbers[i], (unsigned long long)i + 1);
	if (count % BATCH != 0)
		served_fail("half a batch at the end");
	return count / BATCH;
}

/*
 * A third of the batches comes before the acknowledged event, a third directly before the kill, and
 * a third up to 4 ms before the kill.
 */
static void
play_round(struct run *run, const char *program, const char *const *options, uint64_t round)
{
	int raced;

	served_start(&run->served, program, options);
	raced = served_connect(&run->served);
	if (round % 3 == 0)
		race(raced, round);
	append(run, round);
	if (round % 3 != 0)
		race(raced, round);
	if (round % 3 == 2)
		usleep((useconds_t)(round * 1009 % 4000));
	served_kill(&run->served);
	close(raced);
}

int
main(int argc, char **argv)
{
	char place[TARGET_BYTES];
	const char *const options[] = { "--log", place, NULL };
	struct run run;
	uint64_t *numbers, batches;

	if (argc != 4 || (run.rounds = strtoull(argv[3], NULL, 10)) == 0) {
		fprintf(stderr, "usage: serve_kills PROGRAM FOLDER ROUNDS\n");
		return 2;
	}
	snprintf(place, sizeof(place), "sqlite:%s/kills.db", argv[2]);
	numbers = calloc(run.rounds * BATCH, sizeof(*numbers));
	if (numbers == NULL)
		served_fail("no memory");
	for (uint64_t round = 1; round <= run.rounds; round++)
		play_round(&run, argv[1], options, round);
	served_start(&run.served, argv[1], options);
	check_acknowledged(&run, numbers, run.rounds * BATCH);
	batches = check_raced(&run, numbers, run.rounds * BATCH);
	served_kill(&run.served);
	free(numbers);
	printf("kills: %llu acknowledged, %llu there; %llu of %llu batches without an answer "
	       "there, "
	       "each whole\n",
	       (unsigned long long)run.rounds, (unsigned long long)run.rounds,
	       (unsigned long long)batches, (unsigned long long)run.rounds);
	return 0;
}
