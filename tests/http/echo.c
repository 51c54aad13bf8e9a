/* SPDX-License-Identifier: MIT */
/*
 * The least program on the room http: GET answers "OK", POST and PUT the body that they got. Usage:
 * echo [ADDRESS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/http.h"

/* The request's body so far: what http_exchange_context points to. */
struct body {
	size_t size;
	char data[1 << 20]; /* as large as the server's limit */
};

static void
on_request(void *context, struct http_exchange *exchange, const struct http_head *head)
{
	static const struct http_field_out type = { "Content-Type", "text/plain" };
	static const struct http_field_out allow = { "Allow", "GET, HEAD, POST, PUT, OPTIONS" };

	(void)context;
	if (head->method == HTTP_METHOD_OPTIONS)
		http_respond(exchange, 204, &allow, 1, (struct http_text){ "", 0 });
	else if (head->method == HTTP_METHOD_DELETE)
		http_respond(exchange, 405, &allow, 1, (struct http_text){ "", 0 });
	else if (head->method == HTTP_METHOD_GET || head->method == HTTP_METHOD_HEAD)
		http_respond(exchange, 200, &type, 1, (struct http_text){ "OK", 2 });
	else
		http_exchange_set_context(exchange, calloc(1, sizeof(struct body)));
}

static void
on_body(void *context, struct http_exchange *exchange, struct http_text piece)
{
	struct body *const body = http_exchange_context(exchange);

	(void)context;
	if (body != NULL)
		memcpy(body->data + body->size, piece.data, piece.size);
	if (body != NULL)
		body->size += piece.size;
}

static void
on_body_end(void *context, struct http_exchange *exchange)
{
	const struct body *const body = http_exchange_context(exchange);

	(void)context;
	if (body == NULL)
		http_abort(exchange);
	else
		http_respond(exchange, 200, NULL, 0, (struct http_text){ body->data, body->size });
}

static void
on_close(void *context, struct http_exchange *exchange)
{
	(void)context;
	free(http_exchange_context(exchange));
}

int
main(int argc, char **argv)
{
	const struct http_handler handler = { .on_request = on_request,
					      .on_body = on_body,
					      .on_body_end = on_body_end,
					      .on_close = on_close };
	struct reprise_error error = REPRISE_ERROR_INIT;
	struct http_server *server;
	char address[80];

	if (http_server_open(NULL, &handler, &server, &error) != REPRISE_OK ||
	    http_server_listen(server, argc > 1 ? argv[1] : "127.0.0.1:0", &error) != REPRISE_OK ||
	    http_server_address(server, 0, address, sizeof(address)) != REPRISE_OK) {
		fprintf(stderr, "echo: %s %s\n", reprise_status_text(error.status), error.what);
		return 1;
	}
	printf("%s\n", address);
	fflush(stdout);
	return http_server_run(server, NULL) != REPRISE_OK;
}
