/* SPDX-License-Identifier: MIT */
/*
 * Durable streams of a gateway against a model. Each thread has streams of its own, and knows what
 * each answer must be: it creates, forks, appends as a producer, repeats batches, also from two
 * connections at once, closes, deletes and reads. The store has too few sessions for all streams,
 * so that windows are evicted. Then all is opened anew, and each stream is read once more.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <reprise/gateway.h>
#include <reprise/log_sqlite.h>
#include <reprise/recorder.h>

#include "gateway_client.h"
#include "stress.h"

enum {
	THREADS = 4,
	STREAMS = 4, /* of a thread */
	CONTENT_MAX = 200,
	WORK = 300, /* requests of a thread */
	UNAVAILABLE = 503,
};

struct model {
	char name[16];
	bool exists, is_gone, is_closed;
	int source; /* below 0: no fork */
	int forks;
	bool has_producer;
	uint64_t number; /* the producer's last */
	size_t size;
	char content[CONTENT_MAX + 1];
};

struct player {
	pthread_t thread;
	uint16_t port;
	unsigned int random;
	struct client clients[2];
	struct model models[STREAMS];
	uint64_t requests, repeats;
};

static char folder[40], path[64];

struct place {
	struct reprise_store *store;
	struct reprise_log *log;
	struct reprise_recorder *recorder;
	struct reprise_gateway *gateway;
	pthread_t thread;
	uint16_t port;
};

static reprise_status
open_log(void *context, struct reprise_log **ret_log, struct reprise_error *error)
{
	const struct reprise_log_sqlite_options file = { .size = sizeof(file), .path = path };

	(void)context;
	return reprise_log_sqlite_open(&file, ret_log, error);
}

static void *
run(void *place_)
{
	struct place *const place = place_;

	CHECK_OK(reprise_gateway_run(place->gateway, NULL));
	return NULL;
}

static void
open_place(struct place *place)
{
	const struct reprise_store_options store = { .size = sizeof(store), .sessions_max = 12 };
	const struct reprise_recorder_options recorder = { .size = sizeof(recorder),
							   .deadline_ns = UINT64_C(60000000000) };
	struct reprise_gateway_options options = { .size = sizeof(options),
						   .writer_idle_ms = 1,
						   .recorded_wait_ms = 60000,
						   .open_log = open_log,
						   .is_quiet = 1 };
	char address[64];

	CHECK_OK(reprise_store_open(&store, &place->store, NULL));
	CHECK_OK(open_log(NULL, &place->log, NULL));
	CHECK_OK(
		reprise_recorder_open(place->store, place->log, &recorder, &place->recorder, NULL));
	options.recorder = place->recorder;
	CHECK_OK(reprise_gateway_open(place->store, &options, &place->gateway, NULL));
	CHECK_OK(reprise_gateway_address(place->gateway, 0, address, sizeof(address)));
	place->port = (uint16_t)atoi(strrchr(address, ':') + 1);
	CHECK(pthread_create(&place->thread, NULL, run, place) == 0);
}

static void
close_place(struct place *place)
{
	CHECK_OK(reprise_gateway_stop(place->gateway, 0));
	CHECK(pthread_join(place->thread, NULL) == 0);
	reprise_gateway_close(place->gateway);
	CHECK_OK(reprise_recorder_close(place->recorder));
	CHECK_OK(reprise_store_close(place->store));
	reprise_log_close(place->log);
}

struct request {
	const char *method, *name;
	char fields[160];
	char body[2];
};

static void
send_request(struct client *client, const struct request *request)
{
	char text[512];
	const int size = snprintf(text, sizeof(text),
				  "%s /v1/stream/%s HTTP/1.1\r\nHost: localhost\r\n%s"
				  "Content-Length: %zu\r\n\r\n%s",
				  request->method, request->name, request->fields,
				  strlen(request->body), request->body);

	CHECK(client_send(client, text, (size_t)size));
}

static int
receive(struct client *client, const char **ret_body)
{
	size_t body_bytes;
	int status;

	CHECK(client_status(client, &status, &body_bytes));
	CHECK(client_body(client, body_bytes, ret_body));
	return status;
}

/*
 * The status, once the store has room. A request that was 503 may be done: *ret_is_unsure then.
 */
static int
ask(struct player *player, const struct request *request, bool *ret_is_unsure,
    const char **ret_body)
{
	int status;

	*ret_is_unsure = false;
	for (;;) {
		player->requests++;
		send_request(&player->clients[0], request);
		status = receive(&player->clients[0], ret_body);
		if (status != UNAVAILABLE)
			return status;
		*ret_is_unsure = true;
		usleep(1000);
	}
}

/* Expects the status; or @repeated, if the request may have been done before. */
static void
expect(struct player *player, const struct request *request, int status, int repeated)
{
	const char *body;
	bool is_unsure;
	const int found = ask(player, request, &is_unsure, &body);

	if (found == status || (is_unsure && found == repeated))
		return;
	fprintf(stderr, "%s %s %s: %d, and not %d: %s\n", request->method, request->name,
		request->fields, found, status, body);
	CHECK(found == status);
}

static void
create(struct player *player, struct model *model)
{
	const struct request request = { "PUT", model->name, "Content-Type: text/plain\r\n", "" };
	const bool is_equal = model->exists && !model->is_closed && model->source < 0;

	if (model->is_gone || (model->exists && !is_equal)) {
		expect(player, &request, 409, 409);
		return;
	}
	expect(player, &request, model->exists ? 200 : 201, 200);
	model->exists = true;
}

static void
make_fork(struct player *player, struct model *model, int from)
{
	struct model *const source = &player->models[from];
	struct request request = { "PUT", model->name, "", "" };
	int status = 201;

	snprintf(request.fields, sizeof(request.fields), "Stream-Forked-From: /v1/stream/%s\r\n",
		 source->name);
	if (source == model || (!source->exists && !source->is_gone))
		status = 404;
	else if (source->is_gone || model->is_gone)
		status = 409;
	else if (model->exists)
		status = model->source == from && !model->is_closed ? 200 : 409;
	expect(player, &request, status, status == 201 ? 200 : status);
	if (status != 201)
		return;
	model->exists = true;
	model->source = from;
	model->size = source->size;
	memcpy(model->content, source->content, sizeof(model->content));
	source->forks++;
}

/* The next batch of the producer, or the last once more; from two connections at once. */
static void
append(struct player *player, struct model *model, bool is_repeated)
{
	const bool is_twice = stress_random(&player->random) % 4 == 0;
	struct request request = { "POST", model->name, "", "" };
	uint64_t number = model->has_producer ? model->number + 1 : 0;
	const char *body;
	int statuses[2];

	if (model->size == CONTENT_MAX)
		return;
	is_repeated = is_repeated && model->has_producer;
	if (is_repeated)
		number = model->number;
	request.body[0] = (char)('a' + stress_random(&player->random) % 26);
	snprintf(request.fields, sizeof(request.fields),
		 "Content-Type: text/plain\r\nProducer-Id: p\r\nProducer-Epoch: 0\r\n"
		 "Producer-Seq: %" PRIu64 "\r\n",
		 number);
	if (!model->exists || model->is_closed || model->is_gone) {
		const int status = model->is_gone ? 410 : model->exists ? 409 : 404;

		expect(player, &request, status, status);
		return;
	}
	if (is_twice) {
		send_request(&player->clients[0], &request);
		send_request(&player->clients[1], &request);
		statuses[0] = receive(&player->clients[0], &body);
		statuses[1] = receive(&player->clients[1], &body);
		CHECK(is_repeated || statuses[0] != 200 || statuses[1] != 200);
		player->repeats++;
		is_repeated |= statuses[0] == 200 || statuses[1] == 200;
		expect(player, &request, is_repeated ? 204 : 200, 204);
	} else {
		expect(player, &request, is_repeated ? 204 : 200, 204);
	}
	if (model->has_producer && number == model->number)
		return;
	model->has_producer = true;
	model->number = number;
	model->content[model->size++] = request.body[0];
}

static void
end_stream(struct player *player, struct model *model)
{
	const struct request request = { "POST", model->name, "Stream-Closed: true\r\n", "" };
	const int status = model->is_gone ? 410 : model->exists ? 204 : 404;

	expect(player, &request, status, status);
	model->is_closed = model->exists;
}

/*
 * Until the stream is not there: for 30 s. A source that could not be told of a deleted fork, since
 * the store had no room, hears of the fork later.
 */
static void
await_end(struct player *player, const char *name)
{
	const struct request request = { "GET", name, "", "" };
	const char *body;
	bool is_unsure;
	int status = 0;

	for (int i = 0; i < 30000 && status != 404; i++) {
		status = ask(player, &request, &is_unsure, &body);
		CHECK(status == 404 || status == 410);
		if (status != 404)
			usleep(1000);
	}
	CHECK(status == 404);
}

/* The sources go with their last forks. */
static void
forget(struct player *player, struct model *model)
{
	char name[sizeof(model->name)];
	int source;

	for (;;) {
		source = model->source;
		memcpy(name, model->name, sizeof(name));
		*model = (struct model){ .source = -1 };
		memcpy(model->name, name, sizeof(name));
		await_end(player, name);
		if (source < 0)
			return;
		model = &player->models[source];
		if (--model->forks != 0 || !model->is_gone)
			return;
	}
}

static void
remove_stream(struct player *player, struct model *model)
{
	const struct request request = { "DELETE", model->name, "", "" };

	if (!model->exists) {
		expect(player, &request, model->is_gone ? 410 : 404, model->is_gone ? 410 : 404);
		return;
	}
	expect(player, &request, 204, model->forks != 0 ? 410 : 404);
	if (model->forks == 0) {
		forget(player, model);
		return;
	}
	model->exists = false;
	model->is_gone = true;
}

static void
read_stream(struct player *player, const struct model *model)
{
	const struct request request = { "GET", model->name, "", "" };
	const char *body;
	bool is_unsure;
	const int status = ask(player, &request, &is_unsure, &body);

	CHECK(status == (model->is_gone ? 410 : model->exists ? 200 : 404));
	if (status == 200 && strcmp(body, model->content) != 0)
		fprintf(stderr, "%s: \"%s\" and not \"%s\"\n", model->name, body, model->content);
	CHECK(status != 200 || strcmp(body, model->content) == 0);
}

static void
play_once(struct player *player)
{
	struct model *const model = &player->models[stress_random(&player->random) % STREAMS];
	const unsigned int choice = stress_random(&player->random) % 20;

	if (choice < 3)
		create(player, model);
	else if (choice < 5)
		make_fork(player, model, (int)(stress_random(&player->random) % STREAMS));
	else if (choice < 12)
		append(player, model, choice == 11);
	else if (choice < 13)
		end_stream(player, model);
	else if (choice < 15)
		remove_stream(player, model);
	else
		read_stream(player, model);
}

static void *
play(void *player_)
{
	struct player *const player = player_;
	const uint64_t work = stress_work(WORK);

	for (int i = 0; i < 2; i++)
		CHECK(client_open(&player->clients[i], player->port, 0));
	for (uint64_t i = 0; i < work; i++)
		play_once(player);
	for (int i = 0; i < STREAMS; i++)
		read_stream(player, &player->models[i]);
	for (int i = 0; i < 2; i++)
		client_close(&player->clients[i]);
	return NULL;
}

static void
read_again(struct player *player, uint16_t port)
{
	CHECK(client_open(&player->clients[0], port, 0));
	for (int i = 0; i < STREAMS; i++)
		read_stream(player, &player->models[i]);
	client_close(&player->clients[0]);
}

static void
play_all(struct player *players)
{
	struct place place;

	open_place(&place);
	for (int i = 0; i < THREADS; i++) {
		players[i].port = place.port;
		CHECK(pthread_create(&players[i].thread, NULL, play, &players[i]) == 0);
	}
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(players[i].thread, NULL) == 0);
	close_place(&place);
	open_place(&place);
	for (int i = 0; i < THREADS; i++)
		read_again(&players[i], place.port);
	close_place(&place);
}

static void
remove_folder(void)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-lock" };
	char name[80];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		(void)unlink(name);
	}
	CHECK(rmdir(folder) == 0);
}

int
main(int argc, char **argv)
{
	static struct player players[THREADS];
	uint64_t requests = 0, repeats = 0, rounds = 0;

	stress_begin(argc, argv);
	snprintf(folder, sizeof(folder), "/tmp/reprise-durable-XXXXXX");
	CHECK(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/log", folder);
	for (unsigned int i = 0; i < THREADS; i++) {
		players[i].random = 7919 * (i + 1);
		for (unsigned int j = 0; j < STREAMS; j++) {
			players[i].models[j].source = -1;
			snprintf(players[i].models[j].name, sizeof(players[i].models[j].name),
				 "s%u-%u", i, j);
		}
	}
	do {
		play_all(players);
		rounds++;
	} while (!stress_is_over());
	for (int i = 0; i < THREADS; i++) {
		requests += players[i].requests;
		repeats += players[i].repeats;
	}
	CHECK(repeats != 0 || stress_work(20) != 20);
	remove_folder();
	printf("%" PRIu64 " rounds, %" PRIu64 " requests, %" PRIu64 " at once\n", rounds, requests,
	       repeats);
	return 0;
}
