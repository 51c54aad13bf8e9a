/* SPDX-License-Identifier: MIT */
/* V11 and V45: events that are larger than what the server holds for a stream by default. */
#include <stdlib.h>

#include "client.h"
#include "log_sqlite/scratch.h"

TestSuite(large, .fini = scratch_remove, .timeout = 60);

#define JSON "Content-Type: application/json\r\n"

enum {
	LARGE = 5 << 20,
};

/* A JSON string of that many bytes, with a NUL. */
static char *
new_text(size_t size)
{
	char *const text = malloc(size + 1);

	cr_assert(text != NULL);
	memset(text, 'x', size);
	text[0] = '"';
	text[size - 1] = '"';
	text[size] = '\0';
	return text;
}

static void
check_large(struct place *place, size_t body_max)
{
	char *const text = new_text(LARGE), *const too_large = new_text(body_max + 1);
	struct client *const stream = stream_open(place, "/v1/sessions/s/events?wait=1", NULL);
	struct reply reply;
	struct block block;

	(void)stream_expect(stream, "hello");
	reply = ask(place, "POST", "/v1/sessions/s/events", JSON, text);
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	do
		cr_assert(stream_next(stream, 10000, &block));
	while (block.data == NULL || block.data[0] != '"');
	cr_assert(eq(sz, strlen(block.data), LARGE));
	cr_assert(memcmp(block.data, text, LARGE) == 0);
	reply = ask(place, "GET", "/v1/sessions/s/events?limit=1", NULL, NULL);
	cr_assert(eq(int, reply.status, 200));
	cr_assert(strstr(reply.body, text) != NULL);
	reply = ask(place, "POST", "/v1/sessions/s/events", JSON, too_large);
	cr_assert(eq(int, reply.status, 413), "%s", reply.body);
	client_close(stream);
	free(text);
	free(too_large);
}

Test(large, V45_an_event_of_any_size_is_streamed)
{
	const struct reprise_session_options session = { .size = sizeof(session),
							 .bytes_max = 16 << 20 };
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .body_bytes_max = 8 << 20 };
	struct place_setup setup = { .session = &session, .gateway = &options };
	struct place *place = place_open(&setup);

	check_large(place, options.body_bytes_max);
	place_close(place);
	setup.has_log = true;
	place = place_open(&setup);
	check_large(place, options.body_bytes_max);
	place_close(place);
}
