/* SPDX-License-Identifier: MIT */
#include "durable_client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	HEAD_BYTES = 1024,
};

struct durable_client *
durable_client_open(uint16_t port)
{
	struct durable_client *const client = harness_allocate(1, sizeof(*client));

	client->port = port;
	client->fd = client_connect(port);
	if (client->fd < 0)
		harness_die("a client of durable streams cannot connect");
	return client;
}

void
durable_client_close(struct durable_client *client)
{
	close(client->fd);
	free(client);
}

static void
send_all(const struct durable_client *client, const char *text, size_t size)
{
	while (size > 0) {
		const ssize_t sent = send(client->fd, text, size, MSG_NOSIGNAL);

		if (sent <= 0)
			harness_die("the server has closed a client's connection");
		text += sent;
		size -= (size_t)sent;
	}
}

void
durable_client_send(struct durable_client *client, const char *method, const char *target,
		    const char *fields, const char *body, size_t size)
{
	char head[HEAD_BYTES];
	const int used = snprintf(head, sizeof(head),
				  "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
				  "Content-Length: %zu\r\n%s\r\n",
				  method, target, client->port, size, fields);

	if (used <= 0 || (size_t)used >= sizeof(head))
		harness_die("a request is too long");
	send_all(client, head, (size_t)used);
	send_all(client, body, size);
}

/* --- answers ---------------------------------------------------------------------------------- */

/* More bytes behind those that are not used yet. */
static void
refill(struct durable_client *client)
{
	if (client->begin > 0) {
		memmove(client->room, client->room + client->begin, client->end - client->begin);
		client->end -= client->begin;
		client->begin = 0;
	}
	const ssize_t size =
		recv(client->fd, client->room + client->end, DURABLE_ROOM - client->end, 0);

	if (size <= 0)
		harness_die("an answer of a durable stream breaks off");
	client->end += (size_t)size;
}

/* The size of the bytes up to @mark and with it, which are there then. */
static size_t
await_mark(struct durable_client *client, const char *mark)
{
	const size_t mark_bytes = strlen(mark);

	for (;;) {
		char *const begin = client->room + client->begin;
		const char *const found =
			memmem(begin, client->end - client->begin, mark, mark_bytes);

		if (found != NULL)
			return (size_t)(found - begin) + mark_bytes;
		if (client->end - client->begin == DURABLE_ROOM)
			harness_die("a head of an answer is too long");
		refill(client);
	}
}

/* The value of a field of the head, or NULL. @name begins with CRLF and ends with a colon. */
static const char *
find_field(const char *head, const char *name)
{
	const char *const found = strcasestr(head, name);

	return found == NULL ? NULL : found + strlen(name) + strspn(found + strlen(name), " ");
}

static void
take_head(struct durable_client *client)
{
	const size_t size = await_mark(client, "\r\n\r\n");
	char *const head = client->room + client->begin;
	const char *length, *offset;

	head[size - 1] = '\0';
	length = find_field(head, "\r\nContent-Length:");
	offset = find_field(head, "\r\nStream-Next-Offset:");
	client->status = atoi(head + strlen("HTTP/1.1 "));
	client->is_chunked = find_field(head, "\r\nTransfer-Encoding:") != NULL;
	/* A file has no offset, and is whole. */
	client->is_up_to_date =
		offset == NULL || find_field(head, "\r\nStream-Up-To-Date:") != NULL;
	client->length = length == NULL ? 0 : strtoull(length, NULL, 10);
	snprintf(client->offset, sizeof(client->offset), "%.*s",
		 offset == NULL ? 0 : (int)strcspn(offset, "\r"), offset == NULL ? "" : offset);
	client->begin += size;
}

static void
count_event(struct durable_books *books)
{
	books->delivered++;
	if (books->number < books->next) {
		books->doubled++;
		return;
	}
	books->lost += books->number - books->next;
	books->next = books->number + 1;
}

static void
count_bytes(struct durable_books *books, const char *text, size_t size)
{
	const char *const end = text + size;

	books->bytes += size;
	while (text < end) {
		if (books->digits == 0) {
			text = memchr(text, EVENT_MARK, (size_t)(end - text));
			if (text == NULL)
				return;
			text++;
			books->digits = EVENT_DIGITS;
			books->number = 0;
			continue;
		}
		books->number = books->number * 10 + (uint64_t)(*text++ - '0');
		if (--books->digits == 0)
			count_event(books);
	}
}

static void
take_bytes(struct durable_client *client, uint64_t size, struct durable_books *books, FILE *copy)
{
	while (size > 0) {
		if (client->begin == client->end)
			refill(client);
		const char *const text = client->room + client->begin;
		uint64_t part = client->end - client->begin;

		part = part < size ? part : size;
		if (books != NULL)
			count_bytes(books, text, part);
		if (copy != NULL && fwrite(text, 1, part, copy) != part)
			harness_die("a copy of a stream cannot be written");
		client->begin += part;
		size -= part;
	}
}

static void
take_chunks(struct durable_client *client, struct durable_books *books, FILE *copy)
{
	for (;;) {
		const size_t line = await_mark(client, "\r\n");
		const uint64_t size = strtoull(client->room + client->begin, NULL, 16);

		client->begin += line;
		take_bytes(client, size, books, copy);
		client->begin += await_mark(client, "\r\n");
		if (size == 0)
			return;
	}
}

void
durable_client_take(struct durable_client *client, struct durable_books *books, FILE *copy)
{
	take_head(client);
	if (client->is_chunked)
		take_chunks(client, books, copy);
	else
		take_bytes(client, client->length, books, copy);
}

void
durable_client_read(struct durable_client *client, const char *target, struct durable_books *books,
		    FILE *copy)
{
	char from[TARGET_BYTES + DURABLE_TEXT_BYTES];

	snprintf(from, sizeof(from), "%s?offset=-1", target);
	do {
		durable_client_send(client, "GET", from, "", "", 0);
		durable_client_take(client, books, copy);
		if (client->status != 200)
			harness_die("a stream cannot be read");
		snprintf(from, sizeof(from), "%s?offset=%s", target, client->offset);
	} while (!client->is_up_to_date && !harness_is_interrupted());
}
