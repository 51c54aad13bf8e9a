/* SPDX-License-Identifier: MIT */

/*
 * Redis streams: of another class, a server process on the loopback. An append is an XADD that
 * trims to about 2,048 events; the server displaces the oldest in whole nodes of its tree, so a few
 * more are kept. Without a pace appends are sent 64 at a time, and answers are collected while the
 * next 64 are on their way; with a pace each is sent at once. A host has a connection of its own,
 * and asks for up to 256 events after the last it has (XREAD), which blocks for 50 ms at most when
 * parked. A host that was overtaken goes on with the oldest event, and is not told. A server is
 * started for each task, and may run on all cores.
 */

#include <hiredis/hiredis.h>

#include "peer.h"
#include "server.h"

enum {
	PEER_DRAIN_MS = 300,
	PEER_TELLS = 0,
	HOSTS_MAX = 8,
	BATCH = 64, /* appends that are sent together */
	ID_BYTES = 48,
};

struct peer {
	redisContext *connection;
	bool is_paced;
	unsigned int unsent;
	unsigned int unanswered;
};

struct host {
	redisContext *connection;
	redisReply *reply; /* events in hand, from host_wait; or NULL */
	char last[ID_BYTES];
	int is_over;
};

static redisContext *
connection_open(void)
{
	redisContext *const connection = redisConnect("127.0.0.1", server.port);

	if (connection == NULL || connection->err != 0)
		peer_die("connect", connection == NULL ? "no memory" : connection->errstr);
	return connection;
}

static redisReply *
checked(redisContext *connection, void *answer)
{
	redisReply *const reply = answer;

	if (reply == NULL)
		peer_die("server", connection->errstr);
	if (reply->type == REDIS_REPLY_ERROR)
		peer_die("server", reply->str);
	return reply;
}

static void
start(void)
{
	static const char *const arguments[] = {
		"--bind",       "127.0.0.1", "--port", SERVER_PORT,   "--save", "",
		"--appendonly", "no",        "--dir",  SERVER_FOLDER, NULL,
	};

	server_start(arguments);
}

static const char *
peer_name(void)
{
	return "redis_streams";
}

static const char *
peer_version(void)
{
	static char version[128];
	char number[32] = "?";

	start();
	redisContext *const connection = connection_open();
	redisReply *const reply = checked(connection, redisCommand(connection, "INFO server"));
	const char *const line = strstr(reply->str, "redis_version:");

	if (line != NULL)
		sscanf(line, "redis_version:%31[0-9.]", number);
	snprintf(version, sizeof(version), "redis %s, hiredis %d.%d.%d", number, HIREDIS_MAJOR,
		 HIREDIS_MINOR, HIREDIS_PATCH);
	freeReplyObject(reply);
	redisFree(connection);
	server_end();
	return version;
}

static const char *
peer_absent(void)
{
	return server_find("redis-server") ? NULL : "redis-server is not installed";
}

static const char *
peer_refuses(const struct task *task)
{
	return task->hosts > HOSTS_MAX ? "a connection for each of more than 8 hosts" : NULL;
}

static struct peer *
peer_open(const struct task *task)
{
	struct peer *const peer = calloc(1, sizeof(*peer));

	if (peer == NULL)
		peer_die("open", "no memory");
	start();
	peer->connection = connection_open();
	peer->is_paced = task->pace_ns > 0;
	return peer;
}

static void
send_all(struct peer *peer)
{
	for (int is_done = 0; !is_done;)
		if (redisBufferWrite(peer->connection, &is_done) != REDIS_OK)
			peer_die("send", peer->connection->errstr);
	peer->unanswered += peer->unsent;
	peer->unsent = 0;
}

static void
collect_answers(struct peer *peer, unsigned int but)
{
	for (void *reply = NULL; peer->unanswered > but; peer->unanswered--) {
		if (redisGetReply(peer->connection, &reply) != REDIS_OK)
			peer_die("server", peer->connection->errstr);
		freeReplyObject(checked(peer->connection, reply));
	}
}

static inline bool
peer_append(struct peer *peer, const void *payload, size_t payload_bytes)
{
	if (redisAppendCommand(peer->connection, "XADD s MAXLEN ~ 2048 * p %b", payload,
			       payload_bytes) != REDIS_OK)
		peer_die("append", peer->connection->errstr);
	if (++peer->unsent == BATCH || peer->is_paced)
		send_all(peer);
	/* With a pace, these have long been there. */
	if (peer->unanswered >= 2 * BATCH)
		collect_answers(peer, BATCH);
	return true;
}

static void
peer_flush(struct peer *peer)
{
	send_all(peer);
	collect_answers(peer, 0);
}

static void
peer_close(struct peer *peer)
{
	redisFree(peer->connection);
	free(peer);
	server_end();
}

static struct host *
host_open(struct peer *peer, const struct task *task)
{
	struct host *const host = calloc(1, sizeof(*host));

	(void)peer;
	(void)task;
	if (host == NULL)
		peer_die("host", "no memory");
	host->connection = connection_open();
	strcpy(host->last, "0-0"); /* the stream is empty */
	return host;
}

/* The events that are there, or NULL. */
static redisReply *
read_events(struct host *host, const char *format)
{
	redisReply *const reply =
		checked(host->connection, redisCommand(host->connection, format, host->last));

	if (reply->type != REDIS_REPLY_NIL)
		return reply;
	freeReplyObject(reply);
	return NULL;
}

static inline size_t
host_take(struct host *host, struct tally *tally)
{
	redisReply *const reply = host->reply != NULL
					  ? host->reply
					  : read_events(host, "XREAD COUNT 256 STREAMS s %s");

	host->reply = NULL;
	if (reply == NULL)
		return 0;
	/*
	 * Of the one stream, after its name: events, each an id and the names and values
	 * of its fields.
	 */
	const redisReply *const events = reply->element[0]->element[1];
	const size_t count = events->elements;

	for (size_t i = 0; i < count; i++) {
		const redisReply *const payload = events->element[i]->element[1]->element[1];

		tally_event(tally, payload->str, payload->len);
	}
	snprintf(host->last, sizeof(host->last), "%s", events->element[count - 1]->element[0]->str);
	freeReplyObject(reply);
	return count;
}

static void
host_wait(struct host *host)
{
	while (host->reply == NULL && !__atomic_load_n(&host->is_over, __ATOMIC_RELAXED))
		host->reply = read_events(host, "XREAD COUNT 256 BLOCK 50 STREAMS s %s");
}

static void
host_wake(struct host *host)
{
	__atomic_store_n(&host->is_over, 1, __ATOMIC_RELAXED);
}

static void
host_close(struct host *host)
{
	if (host->reply != NULL)
		freeReplyObject(host->reply);
	redisFree(host->connection);
	free(host);
}

#include "peer_main.h"
