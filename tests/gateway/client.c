/* SPDX-License-Identifier: MIT */
#include "client.h"

/*
 * A connection has the bytes as they came, and a decoded body: of one reply, or of a stream so far.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	WAIT_MS = 10000,
	BLOCK_BYTES_MAX = 1 << 20,
};

struct bytes {
	char *data;
	size_t size, room;
};

enum framing {
	FRAMING_NONE,
	FRAMING_LENGTH,
	FRAMING_CHUNKS,
	FRAMING_CLOSE,
};

struct client {
	int fd;
	bool is_closed; /* by the gateway */
	bool is_head;   /* the request was HEAD */
	bool is_over;   /* the body is whole */
	enum framing framing;
	size_t left;       /* bytes of the length, or of the present chunk */
	struct bytes in;   /* not taken yet */
	struct bytes head; /* of the last reply */
	struct bytes body; /* decoded */
	size_t cut;        /* bytes of the body that blocks have taken */
	char *block;       /* the last block, cut into fields */
	char *raw;
};

static void
add(struct bytes *bytes, const char *data, size_t size)
{
	if (bytes->size + size + 1 > bytes->room) {
		bytes->room = 2 * (bytes->size + size) + 4096;
		bytes->data = realloc(bytes->data, bytes->room);
		cr_assert(bytes->data != NULL);
	}
	if (size != 0)
		memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
	bytes->data[bytes->size] = '\0';
}

static void
drop(struct bytes *bytes, size_t size)
{
	memmove(bytes->data, bytes->data + size, bytes->size - size + 1);
	bytes->size -= size;
}

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct client *
client_prepare(void)
{
	struct client *const client = calloc(1, sizeof(*client));
	const int one = 1;

	cr_assert(client != NULL);
	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert(ge(int, client->fd, 0));
	setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	add(&client->in, NULL, 0);
	add(&client->head, NULL, 0);
	add(&client->body, NULL, 0);
	return client;
}

void
client_connect(struct client *client, struct place *place)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(strrchr(place->address, ':') + 1)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	cr_assert(eq(int, connect(client->fd, (const struct sockaddr *)&address, sizeof(address)),
		     0));
}

struct client *
client_open(struct place *place)
{
	struct client *const client = client_prepare();

	client_connect(client, place);
	return client;
}

void
client_reset(struct client *client)
{
	const struct linger none = { .l_onoff = 1 };

	setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	client_close(client);
}

void
client_half_close(struct client *client)
{
	shutdown(client->fd, SHUT_WR);
}

void
client_close(struct client *client)
{
	if (client == NULL)
		return;
	close(client->fd);
	free(client->in.data);
	free(client->head.data);
	free(client->body.data);
	free(client->block);
	free(client->raw);
	free(client);
}

void
client_send_bytes(struct client *client, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size != 0) {
		const ssize_t some = send(client->fd, at, size, MSG_NOSIGNAL);

		if (some <= 0)
			return;
		at += some;
		size -= (size_t)some;
	}
}

void
client_send(struct client *client, const char *text)
{
	client_send_bytes(client, text, strlen(text));
}

static void
send_request(struct client *client, const char *method, const char *target, const char *fields,
	     const void *body, size_t body_size)
{
	char head[8192];
	int size;

	if (fields == NULL)
		fields = "";
	client->is_head = strcmp(method, "HEAD") == 0;
	if (body == NULL)
		size = snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n",
				method, target, fields);
	else
		size = snprintf(
			head, sizeof(head),
			"%s %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %zu\r\n\r\n",
			method, target, fields, body_size);
	cr_assert(lt(sz, (size_t)size, sizeof(head)));
	client_send_bytes(client, head, (size_t)size);
	if (body != NULL)
		client_send_bytes(client, body, body_size);
}

void
client_request(struct client *client, const char *method, const char *target, const char *fields,
	       const char *body)
{
	send_request(client, method, target, fields, body, body == NULL ? 0 : strlen(body));
}

bool
client_hears(struct client *client, int ms)
{
	struct pollfd ready = { .fd = client->fd, .events = POLLIN };

	return client->in.size != 0 || client->is_closed || poll(&ready, 1, ms) > 0;
}

/* Waits for more bytes. False: the connection is closed, or nothing came within @ms. */
static bool
fill(struct client *client, int ms)
{
	struct pollfd ready = { .fd = client->fd, .events = POLLIN };
	static char piece[65536];
	ssize_t some;

	if (client->is_closed || poll(&ready, 1, ms) <= 0)
		return false;
	some = recv(client->fd, piece, sizeof(piece), 0);
	if (some <= 0) {
		client->is_closed = true;
		return false;
	}
	add(&client->in, piece, (size_t)some);
	return true;
}

static void
must_fill(struct client *client)
{
	if (!fill(client, WAIT_MS) && !client->is_closed)
		cr_fatal("nothing more within 10 s, behind: %s", client->in.data);
}

/* The value of a field of @head, cut out into a static place. */
static const char *
field_of(const char *head, const char *name)
{
	static char value[1024];
	const size_t name_size = strlen(name);

	for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, name, name_size) == 0 && line[name_size] == ':') {
			line += name_size + 1;
			line += strspn(line, " \t");
			snprintf(value, sizeof(value), "%.*s", (int)strcspn(line, "\r"), line);
			return value;
		}
	}
	return NULL;
}

const char *
reply_field(const struct reply *reply, const char *name)
{
	return field_of(reply->head, name);
}

/* The status of the next head; 0: the connection was closed. */
static int
take_head(struct client *client)
{
	const char *end;
	const char *value;
	int status;

	while ((end = memmem(client->in.data, client->in.size, "\r\n\r\n", 4)) == NULL) {
		if (client->is_closed)
			return 0;
		must_fill(client);
	}
	client->head.size = 0;
	add(&client->head, client->in.data, (size_t)(end + 4 - client->in.data));
	drop(&client->in, client->head.size);
	cr_assert(eq(int, sscanf(client->head.data, "HTTP/1.1 %3d ", &status), 1), "%s",
		  client->head.data);
	client->framing = FRAMING_CLOSE;
	client->left = 0;
	if ((value = field_of(client->head.data, "Content-Length")) != NULL) {
		client->framing = FRAMING_LENGTH;
		client->left = strtoull(value, NULL, 10);
	} else if ((value = field_of(client->head.data, "Transfer-Encoding")) != NULL) {
		cr_assert(strcmp(value, "chunked") == 0, "%s", value);
		client->framing = FRAMING_CHUNKS;
	}
	if (client->is_head || status == 204 || status == 304)
		client->framing = FRAMING_NONE;
	return status;
}

static void
take_bytes(struct client *client, size_t most)
{
	const size_t size = client->in.size < most ? client->in.size : most;

	add(&client->body, client->in.data, size);
	drop(&client->in, size);
}

/* Takes a chunk's size, and the end of the chunk before. False: more bytes are needed. */
static bool
take_size(struct client *client)
{
	const char *end = strstr(client->in.data, "\r\n");

	if (end == client->in.data)
		end = strstr(end + 2, "\r\n");
	if (end == NULL)
		return false;
	client->left = strtoull(client->in.data, NULL, 16);
	drop(&client->in, (size_t)(end + 2 - client->in.data));
	if (client->left == 0) {
		while (client->in.size < 2 && !client->is_closed)
			must_fill(client);
		drop(&client->in, client->in.size < 2 ? client->in.size : 2);
		client->is_over = true;
	}
	return true;
}

/* Decodes what has come. True: something was taken, or the body is over. */
static bool
decode(struct client *client)
{
	const size_t before = client->body.size;

	if (client->framing == FRAMING_CHUNKS) {
		while (!client->is_over && client->in.size != 0) {
			if (client->left == 0 && !take_size(client))
				break;
			const size_t size = client->body.size;

			take_bytes(client, client->left);
			client->left -= client->body.size - size;
		}
	} else if (client->framing == FRAMING_LENGTH) {
		take_bytes(client, client->left);
		client->left -= client->body.size - before;
		client->is_over = client->left == 0;
	} else if (client->framing == FRAMING_CLOSE) {
		take_bytes(client, client->in.size);
		client->is_over = client->is_closed;
	} else {
		client->is_over = true;
	}
	return client->is_over || client->body.size != before;
}

void
client_take_little(struct client *client)
{
	const int bytes = 4096;

	cr_assert(eq(int, setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0));
}

struct reply
client_receive_cut(struct client *client, bool *ret_is_cut)
{
	struct reply reply = { 0 };

	client->body.size = 0;
	client->body.data[0] = '\0';
	client->is_over = false;
	do
		reply.status = take_head(client);
	while (reply.status != 0 && reply.status < 200);
	while (reply.status != 0) {
		decode(client);
		if (client->is_over || client->is_closed)
			break;
		must_fill(client);
	}
	*ret_is_cut = reply.status != 0 && !client->is_over;
	reply.head = client->head.data;
	reply.body = client->body.data;
	reply.body_size = client->body.size;
	return reply;
}

struct reply
client_receive(struct client *client)
{
	bool is_cut;
	const struct reply reply = client_receive_cut(client, &is_cut);

	if (is_cut)
		cr_fatal("the body was cut off: %s%s", reply.head, reply.body);
	return reply;
}

static struct client *asking;

/* The static client is closed by the next call; its last memory is the process's. */
static struct reply
ask_on(struct place *place, const char *method, const char *target, const char *fields,
       const void *body, size_t body_size)
{
	client_close(asking);
	asking = client_open(place);
	send_request(asking, method, target, fields, body, body_size);
	return client_receive(asking);
}

struct reply
ask(struct place *place, const char *method, const char *target, const char *fields,
    const char *body)
{
	return ask_on(place, method, target, fields, body, body == NULL ? 0 : strlen(body));
}

struct reply
ask_bytes(struct place *place, const char *target, const char *fields, const void *body,
	  size_t body_size)
{
	return ask_on(place, "POST", target, fields, body, body_size);
}

struct reply
post(struct place *place, const char *session_id, const char *json)
{
	char target[512];
	struct reply reply;

	snprintf(target, sizeof(target), "/v1/sessions/%s/events", session_id);
	reply = ask(place, "POST", target, "Content-Type: application/json\r\n", json);
	cr_assert(eq(int, reply.status, 200), "%s%s", reply.head, reply.body);
	return reply;
}

static const char *
member(const char *body, const char *name)
{
	char key[128];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\":", name);
	at = strstr(body, key);
	cr_assert(at != NULL, "no %s in %s", name, body);
	return at + strlen(key);
}

uint64_t
json_number(const char *body, const char *name)
{
	const char *const at = member(body, name);

	cr_assert(strspn(at, "0123456789") != 0, "%s", at);
	return strtoull(at, NULL, 10);
}

const char *
json_text(const char *body, const char *name)
{
	static char text[4096];
	const char *const at = member(body, name);

	cr_assert(at[0] == '"', "%s", at);
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(at + 1, "\""), at + 1);
	return text;
}

void
expect_error(const struct reply *reply, int status, const char *code)
{
	cr_assert(eq(int, reply->status, status), "%s%s", reply->head, reply->body);
	cr_assert(eq(str, (char *)json_text(reply->body, "code"), (char *)code));
}

static void
begin(struct client *client, const char *method, const char *target, const char *fields,
      const char *body)
{
	const char *type;
	int status;

	client_request(client, method, target, fields, body);
	status = take_head(client);
	cr_assert(eq(int, status, 200), "%s%s", client->head.data, client->in.data);
	type = field_of(client->head.data, "Content-Type");
	cr_assert(type != NULL && strncmp(type, "text/event-stream", 17) == 0, "%s",
		  client->head.data);
}

void
stream_begin(struct client *client, const char *target, const char *fields)
{
	begin(client, "GET", target, fields, NULL);
}

struct client *
stream_open(struct place *place, const char *target, const char *fields)
{
	return stream_ask(place, "GET", target, fields, NULL);
}

struct client *
stream_ask(struct place *place, const char *method, const char *target, const char *fields,
	   const char *body)
{
	struct client *const client = client_open(place);

	begin(client, method, target, fields, body);
	return client;
}

/* The place of a field's value, if the value belongs to that field. */
static const char **
place_of(struct block *block, const char *line, size_t name_size)
{
	static const char *const names[] = { "event", "data", "id", "retry" };
	const char **const values[] = { &block->event, &block->data, &block->id, &block->retry };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == name_size && memcmp(line, names[i], name_size) == 0)
			return values[i];
	cr_fatal("a field that is none: %s", line);
}

/* Takes one line, which ends with a NUL. The data of several lines is joined in place. */
static void
take_line(struct block *block, char *line)
{
	const size_t name_size = strcspn(line, ":");
	const size_t order_size = strlen(block->order);
	char *value = line + name_size;
	const char **place;

	if (order_size + 1 < sizeof(block->order))
		block->order[order_size] = line[0];
	if (*value == ':')
		value++;
	if (name_size == 0) {
		if (block->comment == NULL)
			block->comment = value;
		return;
	}
	if (*value == ' ')
		value++;
	place = place_of(block, line, name_size);
	if (*place != NULL && place == &block->data) {
		char *const end = (char *)*place + strlen(*place);

		end[0] = '\n';
		memmove(end + 1, value, strlen(value) + 1);
		return;
	}
	cr_assert(place[0] == NULL, "a field twice: %s", line);
	*place = value;
}

static bool
cut_block(struct client *client, struct block *ret_block)
{
	const char *const begin = client->body.data + client->cut;
	const char *const end = memmem(begin, client->body.size - client->cut, "\n\n", 2);
	char *line;

	if (end == NULL)
		return false;
	free(client->block);
	free(client->raw);
	client->raw = strndup(begin, (size_t)(end + 2 - begin));
	client->block = strndup(begin, (size_t)(end - begin));
	cr_assert(client->raw != NULL && client->block != NULL);
	client->cut += (size_t)(end + 2 - begin);
	*ret_block = (struct block){ .raw = client->raw };
	line = client->block;
	for (char *next; line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		take_line(ret_block, line);
	}
	return true;
}

bool
stream_next(struct client *client, int ms, struct block *ret_block)
{
	const int64_t end = now_ms() + ms;

	for (;;) {
		int64_t left = end - now_ms();

		if (cut_block(client, ret_block))
			return true;
		if (client->cut > BLOCK_BYTES_MAX) {
			drop(&client->body, client->cut);
			client->cut = 0;
		}
		if (decode(client) && !client->is_over)
			continue;
		if (client->is_over)
			return cut_block(client, ret_block);
		left = left < 0 ? 0 : left;
		if (!fill(client, (int)left))
			return false;
	}
}

struct block
stream_expect(struct client *client, const char *event)
{
	struct block block;

	do {
		if (!stream_next(client, WAIT_MS, &block))
			cr_fatal("no %s came", event);
	} while (strspn(block.order, ":") == strlen(block.order));
	cr_assert(eq(str, (char *)(block.event == NULL ? "message" : block.event), (char *)event),
		  "%s", block.raw);
	return block;
}

bool
stream_is_over(const struct client *client)
{
	return client->is_over;
}
