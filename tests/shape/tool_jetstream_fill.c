/* SPDX-License-Identifier: MIT */

/*
 * The subject of tool_jetstream.sh: a store in a SQLite file, and a NATS server that buffers
 * deltas. "chat" has three buffered deltas; "gone" has one, and was deleted behind the buffer's
 * back. Two payloads are no deltas: one is no UTF-8, and one was published on a subject that
 * commands a terminal.
 *
 * Usage: tool_jetstream_fill PATH nats://127.0.0.1:PORT
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <reprise/jetstream.h>
#include <reprise/thread_sqlite.h>

#define MUST(call)                                                                     \
	do {                                                                           \
		const reprise_status must = (call);                                    \
		if (must != REPRISE_OK) {                                              \
			fprintf(stderr, "%s: %s\n", #call, reprise_status_name(must)); \
			return false;                                                  \
		}                                                                      \
	} while (0)

/* Turns the direction of writing. NOLINTNEXTLINE(misc-misleading-bidirectional): it is tested. */
static const char turn[] = "\u202e";

static bool
append(struct reprise_jetstream *writer, const char *id, const char *text)
{
	char delta[256];
	const int bytes = snprintf(delta, sizeof(delta),
				   "{\"run_id\":\"r\",\"reason\":\"UserMessage\","
				   "\"messages\":[{\"text\":\"%s\"}]}",
				   text);

	MUST(reprise_jetstream_append(writer, id, NULL,
				      (struct reprise_bytes){ delta, (size_t)bytes }, NULL, NULL));
	return true;
}

static bool
fill(struct reprise_thread_store *store, struct reprise_jetstream *writer)
{
	const struct reprise_bytes nothing = { 0 };

	MUST(reprise_thread_create(store, "chat", nothing, NULL, NULL));
	MUST(reprise_thread_create(store, "gone", nothing, NULL, NULL));
	if (!append(writer, "chat", "one") || !append(writer, "chat", turn) ||
	    !append(writer, "chat", "three") || !append(writer, "gone", turn))
		return false;
	MUST(reprise_thread_delete(store, "gone", NULL));
	return true;
}

/*
 * Publishes bytes as another client would, by the protocol itself, and waits until the
 * server has them.
 */
static bool
publish(int connection, const char *subject, const char *payload)
{
	char text[512], answer[4096];
	const int bytes = snprintf(text, sizeof(text), "PUB %s %zu\r\n%s\r\nPING\r\n", subject,
				   strlen(payload), payload);

	if (send(connection, text, (size_t)bytes, MSG_NOSIGNAL) != bytes)
		return false;
	for (size_t used = 0; used < sizeof(answer) - 1;) {
		const ssize_t got = recv(connection, answer + used, sizeof(answer) - 1 - used, 0);

		if (got <= 0)
			return false;
		used += (size_t)got;
		answer[used] = '\0';
		if (strstr(answer, "PONG\r\n") != NULL)
			return true;
	}
	return false;
}

static bool
publish_foreign(const char *url)
{
	static const char hello[] = "CONNECT {\"verbose\":false}\r\n";
	const char *const colon = strrchr(url, ':');
	struct sockaddr_in address = { .sin_family = AF_INET };
	const int connection = socket(AF_INET, SOCK_STREAM, 0);

	if (colon == NULL || connection == -1)
		return false;
	address.sin_port = htons((uint16_t)atoi(colon + 1));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	const bool is_good =
		connect(connection, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
		send(connection, hello, strlen(hello), MSG_NOSIGNAL) == (ssize_t)strlen(hello) &&
		publish(connection, "thread.chat.deltas", "no UTF-8: \xff\xfe") &&
		publish(connection, "thread.\033[31mred.deltas", "{\"a\":\"\033[2J\"}");

	close(connection);
	return is_good;
}

int
main(int argc, char **argv)
{
	struct reprise_jetstream_options options = { .size = sizeof(options) };
	struct reprise_thread_store *store = NULL;
	struct reprise_jetstream *writer = NULL;

	if (argc != 3)
		return 2;
	options.servers = argv[2];
	const bool is_open =
		reprise_thread_sqlite_open(argv[1], NULL, &store, NULL) == REPRISE_OK &&
		reprise_jetstream_open(store, &options, &writer, NULL) == REPRISE_OK;
	const bool is_good = is_open && fill(store, writer) && publish_foreign(argv[2]);

	reprise_jetstream_close(writer);
	reprise_thread_store_close(store);
	return is_good ? 0 : 1;
}
