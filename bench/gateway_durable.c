/* SPDX-License-Identifier: MIT */
/*
 * gateway: durable streams. A stream of 100 MB is read from its start, beside nginx with the same
 * bytes in a file, by the same client; one producer appends, beside the reference server of Durable
 * Streams with its store of files; and the memory of clients that stop in the middle of a stream.
 */
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "durable.h"
#include "durable_client.h"
#include "gateway_place.h"
#include "result.h"
#include "rows.h"

enum {
	TOTAL_QUICK = 16000000, /* bytes */
	TOTAL_FULL = 100000000,
	TOTAL_STOPPED = 16000000,
	BODY_BYTES = 900000, /* of a POST; the gateway takes 1 MiB */
	APPENDS_QUICK = 100,
	APPENDS_FULL = 200,
	BATCH_EVENTS = 100,
	IN_FLIGHT_MAX = 5, /* as the producer of @durable-streams/client */
	TRIES_MAX = 1000,
	STOPPED_WARM = 8,
	STOPPED_CLIENTS = 64,
	NAME_BYTES = 64,
	REMOVED_AT_ONCE = 16,
};

#define STREAMS      "/v1/stream/"
#define JSON_FIELDS  "Content-Type: application/json\r\n"
#define BYTES_FIELDS "Content-Type: application/octet-stream\r\n"

/* --- streams ---------------------------------------------------------------------------------- */

static void
ask(struct durable_client *client, const char *method, const char *target, const char *fields,
    const char *body, size_t size)
{
	durable_client_send(client, method, target, fields, body, size);
	durable_client_take(client, NULL, NULL);
	if (client->status < 200 || client->status > 299)
		harness_die("a request of a durable stream is refused");
}

/* Writes the event @number of @size bytes, with quotes in JSON. */
static void
write_event(char *event, size_t size, uint64_t number, bool is_json)
{
	char name[EVENT_DIGITS + 8];
	const size_t quote = is_json ? 1 : 0;
	const int used =
		snprintf(name, sizeof(name), "%c%0*" PRIu64, EVENT_MARK, EVENT_DIGITS, number);

	memset(event, is_json ? '"' : 'x', size);
	memset(event + quote, 'x', size - 2 * quote);
	memcpy(event + quote, name, (size_t)used);
}

/* A body of @events events from the event @first. In JSON an array. The size of the body. */
static size_t
write_body(char *body, size_t event_bytes, uint64_t first, uint64_t events, bool is_json)
{
	size_t used = 0;

	for (uint64_t i = 0; i < events; i++) {
		if (is_json)
			body[used++] = i == 0 ? '[' : ',';
		write_event(body + used, event_bytes, first + i, is_json);
		used += event_bytes;
	}
	if (is_json)
		body[used++] = ']';
	return used;
}

/* Creates @target, and fills the stream with @total bytes. The number of its events. */
static uint64_t
fill(const struct place *place, const char *target, size_t event_bytes, bool is_json,
     uint64_t total)
{
	struct durable_client *const client = durable_client_open(place->port);
	const char *const fields = is_json ? JSON_FIELDS : BYTES_FIELDS;
	const uint64_t at_once = is_json ? BODY_BYTES / (event_bytes + 1) : 1;
	char *const body = harness_allocate(1, BODY_BYTES + 2 * event_bytes);
	uint64_t events = 0;

	ask(client, "PUT", target, fields, "", 0);
	for (; events * event_bytes < total && !harness_is_interrupted(); events += at_once)
		ask(client, "POST", target, fields, body,
		    write_body(body, event_bytes, events, at_once, is_json));
	free(body);
	durable_client_close(client);
	return events;
}

/* The nanoseconds for a stream from its start, whose @events are due. */
static double
read_stream(struct harness *harness, const struct place *place, const char *target, uint64_t events,
	    struct durable_books *books, FILE *copy)
{
	struct durable_client *const client = durable_client_open(place->port);
	const uint64_t begin = now_ns();

	*books = (struct durable_books){ .next = 0 };
	durable_client_read(client, target, books, copy);
	const uint64_t ns = now_ns() - begin;

	books->lost += events - books->next;
	if (books->delivered - books->doubled + books->lost != events || books->doubled != 0) {
		fprintf(stderr, "bench: BROKEN accounting of %s\n", place_names[place->kind]);
		harness->is_broken = true;
	}
	durable_client_close(client);
	return (double)ns;
}

/* --- reading ---------------------------------------------------------------------------------- */

struct reading {
	bool is_json;
	size_t event_bytes;
	double goal; /* 0: none */
	struct place ours, files;
	char target[NAME_BYTES];
	uint64_t events, stream_bytes;
	double our_ns[RUNS_MAX], file_ns[RUNS_MAX];
	double our_cpu_ns, file_cpu_ns; /* of the servers, all runs */
	size_t runs;
	struct durable_books books, file_books; /* of all runs: delivered and lost */
};

static void
describe(struct result *result, const struct reading *reading)
{
	snprintf(result->parameters, sizeof(result->parameters),
		 "\"type\":\"%s\",\"event\":%zu,\"bytes\":%" PRIu64,
		 reading->is_json ? "json" : "bytes", reading->event_bytes, reading->stream_bytes);
}

static void
print_speed(struct harness *harness, const struct reading *reading)
{
	double ratios[RUNS_MAX];
	struct result result = { .name = "gateway-durable-read",
				 .unit = "ratio",
				 .values = ratios,
				 .runs = reading->runs,
				 .ns = median_of(reading->our_ns, reading->runs),
				 .over_ns = median_of(reading->file_ns, reading->runs),
				 .delivered = reading->books.delivered,
				 .lost = reading->books.lost,
				 .goal_is = reading->goal > 0 ? GOAL_AT_LEAST : GOAL_NONE,
				 .goal = reading->goal };

	for (size_t i = 0; i < reading->runs; i++)
		ratios[i] = reading->file_ns[i] / reading->our_ns[i];
	describe(&result, reading);
	result_add(&result, "speed over", "nginx, the same bytes in a file");
	result_print(harness, &result);
}

/* Beside the rate, the milliseconds of processor time that the server used for the stream. */
static void
print_rate(struct harness *harness, const struct reading *reading, bool is_ours)
{
	const double *const ns = is_ours ? reading->our_ns : reading->file_ns;
	const double cpu_ns = is_ours ? reading->our_cpu_ns : reading->file_cpu_ns;
	const struct durable_books *const books = is_ours ? &reading->books : &reading->file_books;
	double rates[RUNS_MAX];
	char cpu[32];
	struct result result = { .name = "gateway-durable-read",
				 .unit = "MB/s",
				 .values = rates,
				 .runs = reading->runs,
				 .ns = median_of(ns, reading->runs),
				 .delivered = books->delivered,
				 .lost = books->lost };

	for (size_t i = 0; i < reading->runs; i++)
		rates[i] = (double)reading->stream_bytes / ns[i] * 1e3;
	describe(&result, reading);
	result_add(&result, "side", place_names[is_ours ? PLACE_REPRISE : PLACE_FILES]);
	snprintf(cpu, sizeof(cpu), "%.1f", cpu_ns / (double)reading->runs / 1e6);
	result_add(&result, "processor ms", cpu);
	result_print(harness, &result);
}

static void
add_books(struct durable_books *sum, const struct durable_books *books)
{
	sum->bytes += books->bytes;
	sum->delivered += books->delivered;
	sum->lost += books->lost;
}

static void
copy_stream(struct harness *harness, const struct reading *reading)
{
	struct durable_books books;
	FILE *const copy = fopen(scratch_path("body"), "w");

	if (copy == NULL) {
		harness_die("a copy of a stream cannot be written");
		return;
	}
	(void)read_stream(harness, &reading->ours, reading->target, reading->events, &books, copy);
	if (fclose(copy) != 0)
		harness_die("a copy of a stream cannot be written");
}

/* One run of a side. */
static double
run_reading(struct harness *harness, const struct reading *reading, const struct place *place,
	    struct durable_books *sum, double *cpu_ns)
{
	const bool is_ours = place->kind == PLACE_REPRISE;
	const double before = place_cpu_ns(place);
	struct durable_books books;
	const double ns = read_stream(harness, place, is_ours ? reading->target : "/body",
				      reading->events, &books, NULL);

	*cpu_ns += place_cpu_ns(place) - before;
	add_books(sum, &books);
	return ns;
}

static void
run_readings(struct harness *harness, struct reading *reading)
{
	struct durable_books books;

	/* The file, and the log, come from the memory of the system. */
	(void)read_stream(harness, &reading->files, "/body", reading->events, &books, NULL);
	reading->stream_bytes = books.bytes;
	for (; reading->runs < harness->runs && !harness_is_interrupted(); reading->runs++) {
		reading->our_ns[reading->runs] = run_reading(harness, reading, &reading->ours,
							     &reading->books, &reading->our_cpu_ns);
		reading->file_ns[reading->runs] =
			run_reading(harness, reading, &reading->files, &reading->file_books,
				    &reading->file_cpu_ns);
	}
}

static void
measure_reading(struct harness *harness, struct reading *reading)
{
	const uint64_t total = harness->is_quick ? TOTAL_QUICK : TOTAL_FULL;

	snprintf(reading->target, sizeof(reading->target), STREAMS "%s-%zu",
		 reading->is_json ? "json" : "bytes", reading->event_bytes);
	reading->events = fill(&reading->ours, reading->target, reading->event_bytes,
			       reading->is_json, total);
	copy_stream(harness, reading);
	run_readings(harness, reading);
	(void)unlink(scratch_path("body"));
	if (reading->runs == 0)
		return;
	print_speed(harness, reading);
	print_rate(harness, reading, true);
	print_rate(harness, reading, false);
}

/* The folder of the files of the run. */
static void
find_folder(char folder[PATH_BYTES])
{
	snprintf(folder, PATH_BYTES, "%s", scratch_path("body"));
	*strrchr(folder, '/') = '\0';
}

void
measure_gateway_durable_read(struct harness *harness)
{
	static struct reading readings[] = {
		{ .is_json = false, .event_bytes = 65536, .goal = 0.7 },
		{ .is_json = true, .event_bytes = 16384, .goal = 0.5 },
		{ .is_json = true, .event_bytes = 1024 },
	};
	static char log[PATH_BYTES], folder[PATH_BYTES];
	struct place ours = { .kind = PLACE_REPRISE, .log = log };
	struct place files = { .kind = PLACE_FILES, .folder = folder };

	snprintf(log, sizeof(log), "%s", scratch_path("streams"));
	find_folder(folder);
	for (size_t i = 0; i < sizeof(readings) / sizeof(readings[0]); i++) {
		if (!place_start(harness, &ours) || !place_start(harness, &files)) {
			result_skip(harness, "gateway-durable-read",
				    place_names[ours.pid > 0 ? PLACE_FILES : PLACE_REPRISE],
				    ours.pid > 0 ? files.absence : ours.absence);
			break;
		}
		readings[i].ours = ours;
		readings[i].files = files;
		measure_reading(harness, &readings[i]);
		place_stop(&files);
		place_stop(&ours);
		scratch_remove("streams");
	}
	place_stop(&ours);
	scratch_remove("streams");
}

/* --- appending -------------------------------------------------------------------------------- */

struct appending {
	uint64_t posts, at_once; /* events of a POST */
	size_t in_flight;        /* POSTs that wait for their answers */
	struct place ours, reference;
	double our_ns[RUNS_MAX], their_ns[RUNS_MAX]; /* a POST */
	size_t runs;
	uint64_t streams; /* so far */
	uint64_t delivered, lost, their_delivered, their_lost;
};

/* The POST @number of the producer. */
static void
send_append(const struct appending *appending, struct durable_client *client, const char *target,
	    char *body, uint64_t number)
{
	char fields[TARGET_BYTES];

	snprintf(fields, sizeof(fields),
		 JSON_FIELDS "Producer-Id: bench\r\nProducer-Epoch: 0\r\n"
			     "Producer-Seq: %" PRIu64 "\r\n",
		 number);
	durable_client_send(client, "POST", target, fields, body,
			    write_body(body, EVENT_BYTES, number * appending->at_once,
				       appending->at_once, true));
}

/* The answer to the POST @number; all before are answered. 409: it came before one of them. */
static void
take_append(const struct appending *appending, struct durable_client *client, const char *target,
	    char *body, uint64_t number)
{
	durable_client_take(client, NULL, NULL);
	for (int tries = 0; client->status == 409 && tries < TRIES_MAX; tries++) {
		send_append(appending, client, target, body, number);
		durable_client_take(client, NULL, NULL);
	}
	if (client->status < 200 || client->status > 299)
		harness_die("an append to a durable stream is refused");
}

/* The POSTs take turns on the connections. The nanoseconds. */
static double
append_all(const struct appending *appending, struct durable_client **clients, const char *target,
	   char *body)
{
	const uint64_t flight = appending->in_flight > 1 ? appending->in_flight : 1;
	const uint64_t begin = now_ns();
	uint64_t sent = 0, answered = 0;

	while (answered < appending->posts) {
		if (sent < appending->posts && sent - answered < flight) {
			send_append(appending, clients[sent % flight], target, body, sent);
			sent++;
			continue;
		}
		take_append(appending, clients[answered % flight], target, body, answered);
		answered++;
	}
	return (double)(now_ns() - begin);
}

/* One producer, on a new stream. The nanoseconds of a POST. */
static double
run_appends(struct harness *harness, struct appending *appending, const struct place *place,
	    uint64_t *delivered, uint64_t *lost)
{
	struct durable_client *clients[IN_FLIGHT_MAX];
	char *const body = harness_allocate(1, (EVENT_BYTES + 1) * appending->at_once + 2);
	struct durable_books books;
	char target[NAME_BYTES];

	snprintf(target, sizeof(target), STREAMS "append-%" PRIu64, appending->streams++);
	for (size_t i = 0; i < appending->in_flight; i++)
		clients[i] = durable_client_open(place->port);
	ask(clients[0], "PUT", target, JSON_FIELDS, "", 0);
	const double ns = append_all(appending, clients, target, body);

	for (size_t i = 0; i < appending->in_flight; i++)
		durable_client_close(clients[i]);
	free(body);
	(void)read_stream(harness, place, target, appending->posts * appending->at_once, &books,
			  NULL);
	*delivered += books.delivered;
	*lost += books.lost;
	return ns / (double)appending->posts;
}

static void
print_append_rate(struct harness *harness, const struct appending *appending, bool is_ours)
{
	const double *const ns = is_ours ? appending->our_ns : appending->their_ns;
	double rates[RUNS_MAX];
	struct result result = { .name = "gateway-durable-append",
				 .unit = "events/s",
				 .values = rates,
				 .runs = appending->runs,
				 .ns = median_of(ns, appending->runs),
				 .delivered = is_ours ? appending->delivered
						      : appending->their_delivered,
				 .lost = is_ours ? appending->lost : appending->their_lost };

	for (size_t i = 0; i < appending->runs; i++)
		rates[i] = 1e9 * (double)appending->at_once / ns[i];
	snprintf(result.parameters, sizeof(result.parameters),
		 "\"payload\":%d,\"events a post\":%" PRIu64 ",\"in flight\":%zu,\"on\":\"%s\"",
		 EVENT_BYTES, appending->at_once, appending->in_flight, scratch_system());
	result_add(&result, "side", place_names[is_ours ? PLACE_REPRISE : PLACE_REFERENCE]);
	result_print(harness, &result);
}

static void
print_append_speed(struct harness *harness, const struct appending *appending)
{
	double ratios[RUNS_MAX];
	struct result result = { .name = "gateway-durable-append",
				 .unit = "ratio",
				 .values = ratios,
				 .runs = appending->runs,
				 .ns = median_of(appending->our_ns, appending->runs),
				 .over_ns = median_of(appending->their_ns, appending->runs),
				 .delivered = appending->delivered,
				 .lost = appending->lost,
				 .goal_is = GOAL_AT_LEAST,
				 .goal = 3 };

	for (size_t i = 0; i < appending->runs; i++)
		ratios[i] = appending->their_ns[i] / appending->our_ns[i];
	snprintf(result.parameters, sizeof(result.parameters),
		 "\"payload\":%d,\"events a post\":%" PRIu64 ",\"in flight\":%zu,\"on\":\"%s\"",
		 EVENT_BYTES, appending->at_once, appending->in_flight, scratch_system());
	result_add(&result, "speed over", "the reference server, files");
	result_print(harness, &result);
}

static void
measure_appending(struct harness *harness, struct appending *appending)
{
	uint64_t ignored = 0;

	/* Both servers warm up. */
	(void)run_appends(harness, appending, &appending->ours, &ignored, &ignored);
	(void)run_appends(harness, appending, &appending->reference, &ignored, &ignored);
	for (; appending->runs < harness->runs && !harness_is_interrupted(); appending->runs++) {
		appending->our_ns[appending->runs] =
			run_appends(harness, appending, &appending->ours, &appending->delivered,
				    &appending->lost);
		appending->their_ns[appending->runs] =
			run_appends(harness, appending, &appending->reference,
				    &appending->their_delivered, &appending->their_lost);
	}
	if (appending->runs == 0)
		return;
	print_append_speed(harness, appending);
	print_append_rate(harness, appending, true);
	print_append_rate(harness, appending, false);
}

static int
remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

void
measure_gateway_durable_append(struct harness *harness)
{
	static char log[PATH_BYTES], folder[PATH_BYTES];
	static const struct {
		uint64_t at_once;
		size_t in_flight;
	} kinds[] = { { 1, IN_FLIGHT_MAX }, { 1, 1 }, { BATCH_EVENTS, 1 } };
	static struct appending appendings[sizeof(kinds) / sizeof(kinds[0])];
	const uint64_t posts = harness->is_quick ? APPENDS_QUICK : APPENDS_FULL;
	struct place ours = { .kind = PLACE_REPRISE, .log = log };
	struct place reference = { .kind = PLACE_REFERENCE, .folder = folder };

	snprintf(log, sizeof(log), "%s", scratch_path("streams"));
	snprintf(folder, sizeof(folder), "%s", scratch_path("reference"));
	if (!place_start(harness, &ours)) {
		result_skip(harness, "gateway-durable-append", "reprise", ours.absence);
		return;
	}
	if (!place_start(harness, &reference)) {
		result_skip(harness, "gateway-durable-append", "reference", reference.absence);
	} else {
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			appendings[i] = (struct appending){ .posts = posts,
							    .at_once = kinds[i].at_once,
							    .in_flight = kinds[i].in_flight,
							    .ours = ours,
							    .reference = reference,
							    .streams = i * 1000 };
			measure_appending(harness, &appendings[i]);
		}
	}
	place_stop(&reference);
	place_stop(&ours);
	scratch_remove("streams");
	(void)nftw(folder, remove_one, REMOVED_AT_ONCE, FTW_DEPTH | FTW_PHYS);
}

/* --- memory ----------------------------------------------------------------------------------- */

/* Clients ask for the whole stream, and take nothing: the server stops in the middle. */
static void
stop_in_the_middle(const struct place *place, const char *target, struct durable_client **clients,
		   size_t from, size_t to)
{
	const struct timespec moment = { .tv_nsec = 300000000 };

	for (size_t i = from; i < to; i++) {
		clients[i] = durable_client_open(place->port);
		durable_client_send(clients[i], "GET", target, "", "", 0);
	}
	(void)nanosleep(&moment, NULL);
}

/* The KiB of a client. The clients then read on to the end. */
static double
stopped_kib(const struct place *place, const char *target, struct durable_books *sum,
	    uint64_t events)
{
	static struct durable_client *clients[STOPPED_CLIENTS];

	stop_in_the_middle(place, target, clients, 0, STOPPED_WARM);
	const double before = place_resident(place);

	stop_in_the_middle(place, target, clients, STOPPED_WARM, STOPPED_CLIENTS);
	const double after = place_resident(place);

	for (size_t i = 0; i < STOPPED_CLIENTS; i++) {
		struct durable_books books = { .next = 0 };

		durable_client_take(clients[i], &books, NULL);
		books.lost += events - books.next;
		add_books(sum, &books);
		durable_client_close(clients[i]);
	}
	return (after - before) / (STOPPED_CLIENTS - STOPPED_WARM) / 1024;
}

void
measure_gateway_durable_memory(struct harness *harness)
{
	static const size_t event_bytes[] = { 1024, 16384, 262144 };
	static char log[PATH_BYTES];
	double values[RUNS_MAX];
	char target[NAME_BYTES];

	snprintf(log, sizeof(log), "%s", scratch_path("streams"));
	for (size_t i = 0; i < sizeof(event_bytes) / sizeof(event_bytes[0]); i++) {
		struct place place = { .kind = PLACE_REPRISE, .log = log };
		struct durable_books books = { .next = 0 };
		struct result result = { .name = "gateway-durable-memory",
					 .unit = "KiB",
					 .values = values,
					 .goal_is = GOAL_AT_MOST,
					 .goal = 1024 };

		/* Memory that a server once had stays: each run has a server of its own. */
		for (; result.runs < 3 && !harness_is_interrupted(); result.runs++) {
			if (!place_start(harness, &place)) {
				result_skip(harness, "gateway-durable-memory", "reprise",
					    place.absence);
				return;
			}
			snprintf(target, sizeof(target), STREAMS "stopped-%zu", result.runs);
			const uint64_t events =
				fill(&place, target, event_bytes[i], true, TOTAL_STOPPED);

			values[result.runs] = stopped_kib(&place, target, &books, events);
			harness->is_broken |= books.delivered + books.lost !=
					      (result.runs + 1) * STOPPED_CLIENTS * events;
			place_stop(&place);
			scratch_remove("streams");
		}
		if (result.runs == 0)
			return;
		result.delivered = books.delivered;
		result.lost = books.lost;
		snprintf(result.parameters, sizeof(result.parameters),
			 "\"clients\":%d,\"event\":%zu,\"bytes\":%d", STOPPED_CLIENTS,
			 event_bytes[i], TOTAL_STOPPED);
		result_print(harness, &result);
	}
}
