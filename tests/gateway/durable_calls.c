/* SPDX-License-Identifier: MIT */
#include "durable_calls.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <reprise/log_upkeep.h>

static const char *
target_of(const char *id, const char *query)
{
	static char target[1024];

	snprintf(target, sizeof(target), STREAM "%s%s", id, query);
	return target;
}

void
put_stream(struct place *place, const char *id, const char *fields, const char *body)
{
	const struct reply reply =
		ask(place, "PUT", target_of(id, ""), fields, body == NULL ? "" : body);

	cr_assert(eq(int, reply.status, 201), "%s%s", reply.head, reply.body);
}

void
post_stream(struct place *place, const char *id, const char *fields, const char *body)
{
	const struct reply reply = ask(place, "POST", target_of(id, ""), fields, body);

	cr_assert(eq(int, reply.status, 204), "%s%s", reply.head, reply.body);
}

void
post_bytes(struct place *place, const char *id, const void *bytes, size_t size)
{
	const struct reply reply = ask_bytes(place, target_of(id, ""), BYTES_TYPE, bytes, size);

	cr_assert(eq(int, reply.status, 204), "%s%s", reply.head, reply.body);
}

void
close_stream(struct place *place, const char *id)
{
	post_stream(place, id, "Stream-Closed: true\r\n", NULL);
}

void
remove_stream(struct place *place, const char *id)
{
	const struct reply reply = ask(place, "DELETE", target_of(id, ""), NULL, NULL);

	cr_assert(eq(int, reply.status, 204), "%s%s", reply.head, reply.body);
}

struct reply
get_stream(struct place *place, const char *id, const char *query, int status)
{
	const struct reply reply = ask(place, "GET", target_of(id, query), NULL, NULL);

	cr_assert(eq(int, reply.status, status), "%s%s", reply.head, reply.body);
	return reply;
}

const char *
offset_text(uint64_t position)
{
	static char texts[3][40];
	static int used;
	char *const text = texts[used++ % 3];

	snprintf(text, sizeof(texts[0]), "0000000000000000_%016" PRIu64, position);
	return text;
}

void
expect_field(const struct reply *reply, const char *name, const char *value)
{
	const char *const found = reply_field(reply, name);

	if (value == NULL)
		cr_assert(found == NULL, "%s: %s", name, found);
	else
		cr_assert(found != NULL && strcmp(found, value) == 0, "%s is not %s: %s", name,
			  value, reply->head);
}

void
expect_next(const struct reply *reply, uint64_t position)
{
	expect_field(reply, "Stream-Next-Offset", offset_text(position));
}

void
expect_body(const struct reply *reply, const char *body)
{
	cr_assert(eq(str, (char *)reply->body, (char *)body));
	cr_assert(eq(sz, reply->body_size, strlen(body)));
}

void
archive_stream(struct place *place, const char *id, uint64_t through)
{
	struct reprise_log *const log = place_connect_log(place);
	const struct reprise_log_key key = { "default", id };
	struct reprise_error error = REPRISE_ERROR_INIT;

	cr_assert(eq(int, reprise_log_archive_before(log, &key, through, NULL, &error), REPRISE_OK),
		  "%s", error.what);
	reprise_log_close(log);
}

void
await_requests(struct place *place, uint64_t count)
{
	for (int i = 0; i < 10000 && place_stats(place).requests != count; i++)
		usleep(1000);
	cr_assert(eq(u64, place_stats(place).requests, count));
}
