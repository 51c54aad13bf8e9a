/* SPDX-License-Identifier: MIT */
#include "host.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	PIECE_BYTES = 16384,
	READ_MS = 10000,
};

/* An exchange, as the handler keeps it. */
struct task {
	struct http_exchange *exchange;
	struct task *next; /* of those that wait for host_release */
	bool is_echo, is_pull, is_flood, is_held, pauses;
	size_t left; /* of a pull */
	size_t size;
	char body[65536];
};

static struct task *waiting; /* the loop's alone; one host at a time */

static void
answer(struct http_exchange *exchange, const char *text, size_t size)
{
	static const struct http_field_out type = { "Content-Type", "text/plain" };

	http_respond(exchange, 200, &type, 1, (struct http_text){ text, size });
}

static void
write_on(struct host *host, struct task *task)
{
	static const char bytes[PIECE_BYTES] = { [0] = 'a', [PIECE_BYTES - 1] = 'z' };
	const size_t size = task->left < sizeof(bytes) ? task->left : sizeof(bytes);

	if (task->left == 0) {
		http_finish(task->exchange);
		return;
	}
	if (http_write(task->exchange, (struct http_text){ bytes, size }) == REPRISE_OK)
		task->left -= size;
	if (http_pending(task->exchange) > host->pending_most)
		host->pending_most = http_pending(task->exchange);
}

static void
flood(struct host *host, struct task *task)
{
	static const char bytes[PIECE_BYTES];
	reprise_status status;

	do
		status = http_write(task->exchange, (struct http_text){ bytes, sizeof(bytes) });
	while (status == REPRISE_OK);
	cr_expect(eq(int, status, REPRISE_E_FULL));
	if (http_pending(task->exchange) > host->pending_most)
		host->pending_most = http_pending(task->exchange);
}

static bool
is_path(const struct http_head *head, const char *path)
{
	return head->path.size == strlen(path) &&
	       memcmp(head->path.data, path, head->path.size) == 0;
}

static void
begin_stream(struct host *host, struct http_exchange *exchange, struct task *task,
	     const struct http_head *head)
{
	if (http_stream(exchange, 200, NULL, 0) != REPRISE_OK)
		return;
	if (is_path(head, "/open")) {
		http_write(exchange, (struct http_text){ "open", 4 });
	} else if (is_path(head, "/block")) {
		http_write_block(exchange, host->block);
		http_finish(exchange);
	} else if (is_path(head, "/flood")) {
		task->is_flood = true;
		flood(host, task);
	} else {
		task->is_pull = true;
		task->left = strtoul(head->query.data, NULL, 10);
		write_on(host, task);
	}
}

static void
on_request(void *context, struct http_exchange *exchange, const struct http_head *head)
{
	struct host *const host = context;
	struct task *const task = calloc(1, sizeof(*task));

	host->requests++;
	http_exchange_set_context(exchange, task);
	if (task == NULL) {
		http_abort(exchange);
		return;
	}
	task->exchange = exchange;
	task->is_echo = is_path(head, "/echo") || is_path(head, "/pause");
	task->pauses = is_path(head, "/pause");
	if (is_path(head, "/hold")) {
		task->is_held = true;
		task->next = waiting;
		waiting = task;
	} else if (is_path(head, "/early")) {
		answer(exchange, "early", 5);
	} else if (is_path(head, "/abort")) {
		host->aborts++;
		http_abort(exchange);
	} else if (is_path(head, "/big")) {
		const size_t size = strtoul(head->query.data, NULL, 10);
		char *const bytes = calloc(1, size + 1);

		if (bytes != NULL)
			answer(exchange, bytes, size);
		free(bytes);
	} else if (is_path(head, "/open") || is_path(head, "/pull") || is_path(head, "/block") ||
		   is_path(head, "/flood")) {
		begin_stream(host, exchange, task, head);
	} else if (!task->is_echo) {
		answer(exchange, head->path.data + 1, head->path.size - 1);
	}
}

static void
on_body(void *context, struct http_exchange *exchange, struct http_text piece)
{
	struct task *const task = http_exchange_context(exchange);

	(void)context;
	if (task->size + piece.size <= sizeof(task->body)) {
		memcpy(task->body + task->size, piece.data, piece.size);
		task->size += piece.size;
	}
	if (task->pauses) {
		task->pauses = false;
		task->next = waiting;
		waiting = task;
		http_pause(exchange);
	}
}

static void
on_body_end(void *context, struct http_exchange *exchange)
{
	struct host *const host = context;
	struct task *const task = http_exchange_context(exchange);

	host->body_ends++;
	if (task->is_echo)
		answer(exchange, task->body, task->size);
}

static void
on_drain(void *context, struct http_exchange *exchange)
{
	struct task *const task = http_exchange_context(exchange);

	if (task->is_pull)
		write_on(context, task);
	if (task->is_flood) {
		http_write(exchange, (struct http_text){ "full", 4 });
		http_finish(exchange);
	}
}

static void
on_shutdown(void *context, struct http_exchange *exchange)
{
	struct host *const host = context;

	host->shutdowns++;
	if (http_write(exchange, (struct http_text){ "bye", 3 }) == REPRISE_OK)
		http_finish(exchange);
}

static void
on_close(void *context, struct http_exchange *exchange)
{
	struct host *const host = context;
	struct task *const task = http_exchange_context(exchange);

	host->closes++;
	for (struct task **at = &waiting; *at != NULL; at = &(*at)->next)
		if (*at == task) {
			*at = task->next;
			break;
		}
	free(task);
}

static void
on_notify(void *context, struct http_server *server)
{
	struct host *const host = context;
	struct task *task = waiting;

	if (host->drain_ms != 0)
		http_server_drain(server, (uint32_t)host->drain_ms);
	waiting = NULL;
	for (struct task *next; task != NULL; task = next) {
		next = task->next;
		if (task->is_held)
			answer(task->exchange, "held", 4);
		else
			http_resume(task->exchange);
	}
	host->notifies++;
}

static void
on_tick(void *context, struct http_server *server)
{
	struct host *const host = context;

	(void)server;
	cr_expect(pthread_equal(pthread_self(), host->loop) != 0);
	for (int ms = host->tick_sleep_ms; ms > 0; ms--)
		usleep(1000);
	host->ticks++;
}

static void *
run(void *host_)
{
	struct host *const host = host_;

	host->loop = pthread_self();
	host->result = http_server_run(host->server, NULL);
	return NULL;
}

/* Without an address, the server takes over @listening. */
static void
begin(struct host *host, const struct http_options *options, const struct http_handler *handler,
      const char *where, int listening)
{
	char address[64];

	cr_assert(eq(int, http_server_open(options, handler, &host->server, NULL), REPRISE_OK));
	cr_assert(eq(int,
		     where == NULL ? http_server_adopt(host->server, listening, NULL)
				   : http_server_listen(host->server, where, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, http_server_address(host->server, 0, address, sizeof(address)),
		     REPRISE_OK));
	snprintf(host->port, sizeof(host->port), "%.7s", strrchr(address, ':') + 1);
	host->block = http_block_new((struct http_text){ "block", 5 });
	cr_assert(eq(int, pthread_create(&host->thread, NULL, run, host), 0));
}

static struct host *
start(const struct http_options *options, const char *where, int listening)
{
	struct host *const host = calloc(1, sizeof(*host));
	const struct http_handler handler = { .context = host,
					      .on_request = on_request,
					      .on_body = on_body,
					      .on_body_end = on_body_end,
					      .on_drain = on_drain,
					      .on_shutdown = on_shutdown,
					      .on_close = on_close,
					      .on_notify = on_notify,
					      .on_tick = on_tick };

	cr_assert(host != NULL);
	begin(host, options, &handler, where, listening);
	return host;
}

struct host *
host_start(const struct http_options *options)
{
	return start(options, "127.0.0.1:0", -1);
}

void
ignore_request(void *context, struct http_exchange *exchange, const struct http_head *head)
{
	(void)context;
	(void)exchange;
	(void)head;
}

void
ignore_tick(void *context, struct http_server *server)
{
	(void)context;
	(void)server;
}

void
host_begin(struct host *host, const struct http_options *options,
	   const struct http_handler *handler)
{
	begin(host, options, handler, "127.0.0.1:0", -1);
}

void
host_allow_descriptors(void)
{
	struct rlimit files = { 0 };

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

struct host *
host_adopting(int listening)
{
	return start(NULL, NULL, listening);
}

void
host_drain(struct host *host, int ms)
{
	host->drain_ms = ms;
	cr_assert(eq(int, http_server_notify(host->server), REPRISE_OK));
}

void
host_join(struct host *host)
{
	pthread_join(host->thread, NULL);
	cr_assert(eq(int, host->result, REPRISE_OK));
	http_block_release(host->block);
	http_server_close(host->server);
	cr_assert(eq(int, host->closes, host->requests));
	free(host);
}

void
host_stop(struct host *host)
{
	host_drain(host, 1);
	host_join(host);
}

void
host_release(struct host *host)
{
	const int before = host->notifies;

	cr_assert(eq(int, http_server_notify(host->server), REPRISE_OK));
	while (host->notifies == before)
		usleep(200);
}

struct http_stats
host_stats(struct host *host)
{
	/* Between two rounds of the loop; each counter is a word of its own. */
	host_release(host);
	return http_server_stats(host->server);
}

bool
has_connections(struct host *host, int connections)
{
	return host_stats(host).connections == (uint64_t)connections;
}

bool
has_requests(struct host *host, int requests)
{
	return host->requests == requests;
}

bool
has_shutdowns(struct host *host, int shutdowns)
{
	return host->shutdowns == shutdowns;
}

bool
has_closes(struct host *host, int closes)
{
	return host->closes == closes;
}

void
wait_until(bool (*holds)(struct host *host, int value), struct host *host, int value)
{
	for (int i = 0; i < 10000; i++) {
		if (holds(host, value))
			return;
		usleep(1000);
	}
	cr_fatal("did not come to %d within 10 s", value);
}

int
client_open(struct host *host)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons((uint16_t)atoi(host->port)),
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert(fd >= 0);
	cr_assert(eq(int, connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0));
	return fd;
}

void
client_send(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left != 0) {
		const ssize_t some = send(fd, text, left, MSG_NOSIGNAL);

		if (some <= 0)
			return;
		text += some;
		left -= (size_t)some;
	}
}

const char *
client_read(int fd, const char *until)
{
	static char *bytes;
	static size_t room;
	size_t size = 0;

	for (;;) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		ssize_t some;

		if (room - size < 65536) {
			room = 2 * room + 131072;
			bytes = realloc(bytes, room);
			cr_assert(bytes != NULL);
		}
		bytes[size] = '\0';
		if (until != NULL && size >= strlen(until) &&
		    memmem(bytes, size, until, strlen(until)) != NULL)
			return bytes;
		if (poll(&ready, 1, READ_MS) <= 0)
			cr_fatal("nothing more within 10 s, behind: %s", bytes);
		some = recv(fd, bytes + size, 65535, 0);
		if (some <= 0)
			return bytes;
		/* The tests compare texts. */
		for (ssize_t i = 0; i < some; i++)
			if (bytes[size + (size_t)i] == '\0')
				bytes[size + (size_t)i] = '.';
		size += (size_t)some;
	}
}

const char *
client_ask(struct host *host, const char *request)
{
	const int fd = client_open(host);
	const char *text;

	client_send(fd, request);
	text = client_read(fd, NULL);
	close(fd);
	return text;
}

void
expect_begins(const char *text, const char *with)
{
	cr_assert(strncmp(text, with, strlen(with)) == 0, "%.200s", text);
}

void
expect_has(const char *text, const char *piece)
{
	cr_assert(strstr(text, piece) != NULL, "no %s in %.300s", piece, text);
}

int
count_of(const char *text, const char *piece)
{
	int count = 0;

	for (; (text = strstr(text, piece)) != NULL; text += strlen(piece))
		count++;
	return count;
}
