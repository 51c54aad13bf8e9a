/* SPDX-License-Identifier: MIT */

/*
 * The gateway's loop against threads that append and the store's thread that notifies (V03, V04,
 * V07). Clients begin, go on with their last id, read slowly and go, until a stop in the middle;
 * each has every event once, or a gap. Behind the run no stream and no subscription is left.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <reprise/gateway.h>
#include <reprise/writer.h>

#include "stress.h"

enum {
	SESSIONS = 2,
	CLIENTS = 4,
	ID_BYTES = 600,
	ROUND_APPENDS = 4000,
};

struct round {
	struct reprise_store *store;
	struct reprise_gateway *gateway;
	uint16_t port;
	atomic_bool is_over;
};

struct part {
	struct round *round;
	unsigned int number, seed;
	reprise_position at; /* the last event that was read, or lost; 0: none */
	bool has_begun;
	char id[ID_BYTES];
	uint64_t events;
};

static void *
run_gateway(void *round_)
{
	struct round *const round = round_;

	CHECK_OK(reprise_gateway_run(round->gateway, NULL));
	return NULL;
}

static void *
write_events(void *part_)
{
	struct part *const part = part_;
	const uint64_t appends = stress_work(ROUND_APPENDS);
	char name[16], text[24];
	struct reprise_writer *writer;

	snprintf(name, sizeof(name), "%u", part->number);
	writer = stress_writer(part->round->store, name);
	for (uint64_t i = 1; i <= appends; i++) {
		const int size = snprintf(text, sizeof(text), "%llu", (unsigned long long)i);
		const struct reprise_bytes payload = { text, (size_t)size };

		CHECK_OK(reprise_append(writer, 0, (uint16_t)(i % 3), 0, payload, NULL));
		if (i % 64 == 0)
			usleep(200);
	}
	reprise_writer_close(writer);
	return NULL;
}

/* The body of a stream, of HTTP/1.0: without chunks. NULL: the gateway goes down. */
static FILE *
open_stream(struct part *part)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(part->round->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FILE *stream;
	char head[2 * ID_BYTES];
	int size;

	CHECK(fd >= 0);
	size = snprintf(head, sizeof(head),
			"GET /v1/sessions/%u/events?wait=1&frame=bare HTTP/1.0\r\n"
			"Host: localhost\r\nLast-Event-ID: %s\r\n\r\n",
			part->number % SESSIONS, part->id);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
	    send(fd, head, (size_t)size, MSG_NOSIGNAL) != size) {
		close(fd);
		return NULL;
	}
	stream = fdopen(fd, "r");
	CHECK(stream != NULL);
	return stream;
}

static void
take_line(struct part *part, const char *line)
{
	unsigned long long lost, first, last;

	if (strncmp(line, "data: ", 6) == 0) {
		const reprise_position position = strtoull(line + 6, NULL, 10);

		CHECK(!part->has_begun || position == part->at + 1);
		part->has_begun = true;
		part->at = position;
		part->events++;
	} else if (sscanf(line, ": gap capacity lost %llu first %llu last %llu", &lost, &first,
			  &last) == 3) {
		CHECK(!part->has_begun || first == part->at + 1);
		CHECK(lost == last - first + 1);
		part->has_begun = true;
		part->at = last;
	} else if (strncmp(line, "id: ", 4) == 0) {
		snprintf(part->id, sizeof(part->id), "%.*s", (int)strcspn(line + 4, "\n"),
			 line + 4);
	} else {
		CHECK(line[0] == '\n' || strcmp(line, ":\n") == 0);
	}
}

/* Reads up to a random number of lines; a block that is cut off is forgotten. */
static void
read_stream(struct part *part, FILE *stream)
{
	unsigned int left = 1 + (unsigned int)rand_r(&part->seed) % 400;
	struct part before = *part;
	char line[ID_BYTES + 64];
	bool is_head = true;

	while (fgets(line, sizeof(line), stream) != NULL) {
		if (is_head) {
			is_head = line[0] != '\r';
			continue;
		}
		take_line(part, line);
		if (line[0] != '\n')
			continue;
		before = *part;
		if (--left == 0)
			break;
	}
	*part = before;
	fclose(stream);
}

static void *
follow(void *part_)
{
	struct part *const part = part_;
	FILE *stream;

	while (!atomic_load(&part->round->is_over) && (stream = open_stream(part)) != NULL)
		read_stream(part, stream);
	return NULL;
}

static void
open_gateway(struct round *round)
{
	char address[80];

	CHECK_OK(reprise_gateway_open(round->store, NULL, &round->gateway, NULL));
	CHECK_OK(reprise_gateway_address(round->gateway, 0, address, sizeof(address)));
	round->port = (uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10);
}

static void
end_round(struct round *round)
{
	struct reprise_gateway_stats stats = REPRISE_GATEWAY_STATS_INIT;

	CHECK_OK(reprise_gateway_stats(round->gateway, &stats));
	CHECK(stats.streams == 0 && stats.streams_shared == 0 && stats.subscriptions == 0);
	reprise_gateway_close(round->gateway);
	CHECK_OK(reprise_store_close(round->store));
}

static uint64_t
run_round(unsigned int seed)
{
	struct round round = { .store = stress_store(256, 1 << 16) };
	struct part writers[SESSIONS], clients[CLIENTS];
	pthread_t loop, writing[SESSIONS], following[CLIENTS];
	uint64_t events = 0;

	open_gateway(&round);
	CHECK(pthread_create(&loop, NULL, run_gateway, &round) == 0);
	for (unsigned int i = 0; i < CLIENTS; i++) {
		clients[i] = (struct part){ .round = &round, .number = i, .seed = seed + i };
		CHECK(pthread_create(&following[i], NULL, follow, &clients[i]) == 0);
	}
	for (unsigned int i = 0; i < SESSIONS; i++) {
		writers[i] = (struct part){ .round = &round, .number = i };
		CHECK(pthread_create(&writing[i], NULL, write_events, &writers[i]) == 0);
	}
	for (unsigned int i = 0; i < SESSIONS; i++)
		CHECK(pthread_join(writing[i], NULL) == 0);
	atomic_store(&round.is_over, true);
	CHECK_OK(reprise_gateway_stop(round.gateway, 1000));
	CHECK(pthread_join(loop, NULL) == 0);
	for (unsigned int i = 0; i < CLIENTS; i++) {
		CHECK(pthread_join(following[i], NULL) == 0);
		events += clients[i].events;
	}
	end_round(&round);
	return events;
}

int
main(int argc, char **argv)
{
	uint64_t rounds = 0, events = 0;

	stress_begin(argc, argv);
	do
		events += run_round((unsigned int)(CLIENTS * rounds++));
	while (!stress_is_over());
	CHECK(events > 0);
	printf("%llu rounds, %llu events read\n", (unsigned long long)rounds,
	       (unsigned long long)events);
	return 0;
}
