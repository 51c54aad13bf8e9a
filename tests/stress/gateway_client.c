/* SPDX-License-Identifier: MIT */
#include "gateway_client.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stress.h"

bool
client_open(struct client *client, uint16_t port, int receive_bytes)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons(port),
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	client->size = client->used = 0;
	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(client->fd >= 0);
	if (receive_bytes != 0)
		CHECK(setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes,
				 sizeof(receive_bytes)) == 0);
	if (connect(client->fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return true;
	client_close(client);
	return false;
}

void
client_close(struct client *client)
{
	if (client->fd >= 0)
		CHECK(close(client->fd) == 0);
	client->fd = -1;
}

bool
client_send(struct client *client, const char *text, size_t size)
{
	ssize_t sent;

	for (; size > 0; text += sent, size -= (size_t)sent) {
		sent = send(client->fd, text, size, MSG_NOSIGNAL);
		if (sent <= 0) {
			client_close(client);
			return false;
		}
	}
	return true;
}

/* More bytes behind the ones that are there. */
static bool
fill(struct client *client)
{
	ssize_t taken;

	memmove(client->bytes, client->bytes + client->used, client->size - client->used);
	client->size -= client->used;
	client->used = 0;
	CHECK(client->size < sizeof(client->bytes) - 1);
	taken = recv(client->fd, client->bytes + client->size,
		     sizeof(client->bytes) - 1 - client->size, 0);
	if (taken > 0) {
		client->size += (size_t)taken;
		return true;
	}
	client_close(client);
	return false;
}

/* Takes a text up to the end that is given; the text is cut there. */
static bool
take(struct client *client, const char *end, char **ret_text)
{
	const size_t end_bytes = strlen(end);
	char *found;

	while ((found = memmem(client->bytes + client->used, client->size - client->used, end,
			       end_bytes)) == NULL)
		if (!fill(client))
			return false;
	*ret_text = client->bytes + client->used;
	*found = '\0';
	client->used = (size_t)(found - client->bytes) + end_bytes;
	return true;
}

bool
client_status(struct client *client, int *ret_status, size_t *ret_body_bytes)
{
	const char *length;
	char *head;

	if (!take(client, "\r\n\r\n", &head))
		return false;
	CHECK(strncmp(head, "HTTP/1.1 ", 9) == 0 && isdigit(head[9]));
	*ret_status = atoi(head + 9);
	length = strcasestr(head, "\r\nContent-Length: ");
	*ret_body_bytes = length == NULL ? 0 : strtoul(length + 18, NULL, 10);
	return true;
}

bool
client_body(struct client *client, size_t body_bytes, const char **ret_body)
{
	CHECK(body_bytes < sizeof(client->bytes) - 1);
	while (client->size - client->used < body_bytes)
		if (!fill(client))
			return false;
	/* A response is asked for behind the one before alone, so nothing follows. */
	CHECK(client->size - client->used == body_bytes);
	client->bytes[client->size] = '\0';
	*ret_body = client->bytes + client->used;
	client->used = client->size;
	return true;
}

/* The fields of a block come once each, and have a space behind the colon. */
static bool
take_field(char *line, const char *name, const char **ret_value)
{
	const size_t name_bytes = strlen(name);

	if (strncmp(line, name, name_bytes) != 0)
		return false;
	CHECK((*ret_value)[0] == '\0');
	*ret_value = line + name_bytes;
	return true;
}

bool
client_block(struct client *client, struct block *ret_block)
{
	char *text, *line, *rest = NULL;

	*ret_block = (struct block){ "", "", "" };
	while (ret_block->data[0] == '\0') {
		/* A comment has no empty line behind itself. */
		while (client->size > client->used && client->bytes[client->used] == ':')
			if (!take(client, "\n", &text))
				return false;
		if (client->size == client->used) {
			if (!fill(client))
				return false;
			continue;
		}
		if (!take(client, "\n\n", &text))
			return false;
		for (line = strtok_r(text, "\n", &rest); line != NULL;
		     line = strtok_r(NULL, "\n", &rest))
			CHECK(take_field(line, "event: ", &ret_block->event) ||
			      take_field(line, "data: ", &ret_block->data) ||
			      take_field(line, "id: ", &ret_block->id) ||
			      strncmp(line, "retry: ", 7) == 0);
	}
	return true;
}

bool
client_number(const char *json, const char *name, uint64_t *ret_number)
{
	const char *found;
	char member[32];
	char *end;

	snprintf(member, sizeof(member), "\"%s\":", name);
	found = strstr(json, member);
	CHECK(found != NULL);
	found += strlen(member);
	if (strncmp(found, "null", 4) == 0)
		return false;
	*ret_number = strtoull(found, &end, 10);
	CHECK(end != found);
	return true;
}
