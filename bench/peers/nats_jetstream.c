/* SPDX-License-Identifier: MIT */

/*
 * NATS JetStream: of another class, a server process on the loopback, whose stream keeps the newest
 * 2,048 events in memory. Appends are asynchronous, with up to 1,024 not yet acknowledged; the last
 * wait for all. With a pace, each is sent at once. A host has a connection of its own and an
 * ordered pull, to which the server pushes without being asked; the client's library queues the
 * events, so that a host which takes nothing gets what was under way to it besides the newest
 * 2,048. A host that was overtaken goes on with the oldest event, and is not told. A server is
 * started for each task; it and the threads of the client's library may run on all cores.
 */

#include <nats/nats.h>

#include "peer.h"
#include "server.h"

enum {
	PEER_DRAIN_MS = 300,
	PEER_TELLS = 0,
	WINDOW = 2048,
	HOSTS_MAX = 8,
	UNACKNOWLEDGED_MAX = 1024,
	PATIENCE_MS = 30000,
	LOOK_MS = 50,
	URL_BYTES = 64,
};

struct peer {
	natsConnection *connection;
	jsCtx *stream;
};

struct host {
	natsConnection *connection;
	jsCtx *stream;
	natsSubscription *subscription;
	natsMsg *held; /* an event in hand, from host_wait; or NULL */
	int is_over;
};

static void
must(natsStatus status, const char *what)
{
	if (status != NATS_OK)
		peer_die(what, natsStatus_GetText(status));
}

static void
on_refused(jsCtx *stream, jsPubAckErr *error, void *closure)
{
	(void)stream;
	(void)closure;
	peer_die("append", error->ErrText == NULL ? "refused" : error->ErrText);
}

/* Leaves the thread unpinned: later calls may start more threads of the library's. */
static natsConnection *
connection_open(bool is_sent_at_once, jsOptions *options, jsCtx **stream)
{
	natsConnection *connection = NULL;
	natsOptions *settings = NULL;
	char url[URL_BYTES];

	snprintf(url, sizeof(url), "nats://127.0.0.1:%u", server.port);
	server_unpin();
	must(natsOptions_Create(&settings), "options");
	must(natsOptions_SetURL(settings, url), "options");
	must(natsOptions_SetAllowReconnect(settings, false), "options");
	must(natsOptions_SetSendAsap(settings, is_sent_at_once), "options");
	must(natsConnection_Connect(&connection, settings), "connect");
	must(natsConnection_JetStream(stream, connection, options), "context");
	natsOptions_Destroy(settings);
	return connection;
}

static void
start(void)
{
	static const char *const arguments[] = {
		"-a", "127.0.0.1", "-p", SERVER_PORT, "-js", "-sd", SERVER_FOLDER, NULL,
	};

	server_start(arguments);
}

static const char *
peer_name(void)
{
	return "nats_jetstream";
}

/* A server begins a connection with what it is. */
static const char *
peer_version(void)
{
	static char version[128];
	char greeting[1024] = "", number[32] = "?";

	start();
	const int connection = server_connect();

	if (connection == -1 || read(connection, greeting, sizeof(greeting) - 1) <= 0)
		peer_die("server", "no greeting");
	const char *const word = strstr(greeting, "\"version\":\"");

	if (word != NULL)
		sscanf(word, "\"version\":\"%31[0-9.]", number);
	snprintf(version, sizeof(version), "nats-server %s, cnats %s", number, nats_GetVersion());
	close(connection);
	server_end();
	return version;
}

static const char *
peer_absent(void)
{
	return server_find("nats-server") ? NULL : "nats-server is not installed";
}

static const char *
peer_refuses(const struct task *task)
{
	return task->hosts > HOSTS_MAX ? "a connection for each of more than 8 hosts" : NULL;
}

static struct peer *
peer_open(const struct task *task)
{
	static const char *subjects[] = { "s" };
	struct peer *const peer = calloc(1, sizeof(*peer));
	jsStreamConfig config;
	jsOptions options;

	if (peer == NULL)
		peer_die("open", "no memory");
	start();
	jsOptions_Init(&options);
	options.PublishAsync.MaxPending = UNACKNOWLEDGED_MAX;
	options.PublishAsync.StallWait = PATIENCE_MS;
	options.PublishAsync.ErrHandler = on_refused;
	jsStreamConfig_Init(&config);
	config.Name = "s";
	config.Subjects = subjects;
	config.SubjectsLen = 1;
	config.Storage = js_MemoryStorage;
	config.Discard = js_DiscardOld;
	config.MaxMsgs = WINDOW;
	peer->connection = connection_open(task->pace_ns > 0, &options, &peer->stream);
	must(js_AddStream(NULL, peer->stream, &config, NULL, NULL), "stream");
	server_pin();
	return peer;
}

static inline bool
peer_append(struct peer *peer, const void *payload, size_t payload_bytes)
{
	must(js_PublishAsync(peer->stream, "s", payload, (int)payload_bytes, NULL), "append");
	return true;
}

static void
peer_flush(struct peer *peer)
{
	jsPubOptions options;

	jsPubOptions_Init(&options);
	options.MaxWait = PATIENCE_MS;
	must(js_PublishAsyncComplete(peer->stream, &options), "flush");
}

static void
peer_close(struct peer *peer)
{
	jsCtx_Destroy(peer->stream);
	natsConnection_Destroy(peer->connection);
	free(peer);
	server_end();
}

static struct host *
host_open(struct peer *peer, const struct task *task)
{
	struct host *const host = calloc(1, sizeof(*host));
	jsSubOptions options;

	(void)peer;
	(void)task;
	if (host == NULL)
		peer_die("host", "no memory");
	jsSubOptions_Init(&options);
	options.Stream = "s";
	options.Ordered = true;
	host->connection = connection_open(false, NULL, &host->stream);
	must(js_SubscribeSync(&host->subscription, host->stream, "s", NULL, &options, NULL),
	     "subscribe");
	server_pin();
	return host;
}

/* The next, or NULL if there is none in time. */
static natsMsg *
next(struct host *host, int64_t patience_ms)
{
	natsMsg *held = NULL;
	const natsStatus status = natsSubscription_NextMsg(&held, host->subscription, patience_ms);

	if (status != NATS_OK && status != NATS_TIMEOUT)
		must(status, "take");
	return held;
}

static inline size_t
host_take(struct host *host, struct tally *tally)
{
	natsMsg *const held = host->held != NULL ? host->held : next(host, 0);

	host->held = NULL;
	if (held == NULL)
		return 0;
	tally_event(tally, natsMsg_GetData(held), (size_t)natsMsg_GetDataLength(held));
	natsMsg_Destroy(held);
	return 1;
}

static void
host_wait(struct host *host)
{
	while (host->held == NULL && !__atomic_load_n(&host->is_over, __ATOMIC_RELAXED))
		host->held = next(host, LOOK_MS);
}

static void
host_wake(struct host *host)
{
	__atomic_store_n(&host->is_over, 1, __ATOMIC_RELAXED);
}

static void
host_close(struct host *host)
{
	natsMsg_Destroy(host->held);
	natsSubscription_Destroy(host->subscription);
	jsCtx_Destroy(host->stream);
	natsConnection_Destroy(host->connection);
	free(host);
}

#include "peer_main.h"
