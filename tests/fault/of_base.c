/* SPDX-License-Identifier: MIT */
#include "scenario.h"

#include <string.h>

static reprise_status
status_name(struct world *world, struct reprise_error *error)
{
	(void)world, (void)error;
	CHECK(strcmp(reprise_status_name(REPRISE_E_SYSTEM), "REPRISE_E_SYSTEM") == 0);
	return REPRISE_OK;
}

static reprise_status
status_text(struct world *world, struct reprise_error *error)
{
	(void)world, (void)error;
	CHECK(strcmp(reprise_status_text(REPRISE_E_NO_MEMORY), "out of memory") == 0);
	return REPRISE_OK;
}

/* The scenarios of a pair of functions that name a constant. */
#define NAMES(type, constant, its_name, its_text)                                           \
	static reprise_status type##_name(struct world *world, struct reprise_error *error) \
	{                                                                                   \
		(void)world, (void)error;                                                   \
		CHECK(strcmp(reprise_##type##_name(constant), its_name) == 0);              \
		return REPRISE_OK;                                                          \
	}                                                                                   \
	static reprise_status type##_text(struct world *world, struct reprise_error *error) \
	{                                                                                   \
		(void)world, (void)error;                                                   \
		CHECK(strcmp(reprise_##type##_text(constant), its_text) == 0);              \
		return REPRISE_OK;                                                          \
	}

NAMES(durability, REPRISE_SYNCED, "synced", "on disk: survives the failure of the machine")
NAMES(gap_reason, REPRISE_GAP_TRIMMED, "trimmed",
      "lost_first to lost_last left the window; later events follow")
NAMES(gap_detail, REPRISE_GAP_AGE, "age", "the events were older than the age limit")
NAMES(outcome, REPRISE_NEXT_EMPTY, "empty", "nothing newer yet")
NAMES(end_cause, REPRISE_END_SESSION, "session", "the session ended")

#define NAMED(type)                                                                               \
	{ .function = "reprise_" #type "_name",                                                   \
	  .title = "of a value",                                                                  \
	  .call = type##_name,                                                                    \
	  .is_silent = true },                                                                    \
	{                                                                                         \
		.function = "reprise_" #type "_text", .title = "of a value", .call = type##_text, \
		.is_silent = true                                                                 \
	}

static reprise_status
version(struct world *world, struct reprise_error *error)
{
	(void)world, (void)error;
	CHECK(strchr(reprise_version(), '.') != NULL);
	return REPRISE_OK;
}

static void
have_text(struct world *world)
{
	world->beginning.revision = 7;
	strcpy(world->beginning.session_id, "t");
}

static reprise_status
format(struct world *world, struct reprise_error *error)
{
	return reprise_cursor_format(&world->beginning, world->out.text, sizeof(world->out.text),
				     &world->out.text_bytes, error);
}

static void
is_formatted(struct world *world)
{
	static const char prefix[] = "rp1.00000000000000000000000000000000.7.0.";

	CHECK(world->out.text_bytes == strlen(world->out.text));
	CHECK(strncmp(world->out.text, prefix, sizeof(prefix) - 1) == 0);
}

static reprise_status
parse(struct world *world, struct reprise_error *error)
{
	char text[REPRISE_CURSOR_TEXT_BYTES_MAX];
	size_t bytes = 0;

	CHECK_OK(reprise_cursor_format(&world->beginning, text, sizeof(text), &bytes, NULL));
	return reprise_cursor_parse(text, bytes, &world->out.cursor, error);
}

static void
is_parsed(struct world *world)
{
	CHECK(world->out.cursor.revision == 7);
	CHECK(strcmp(world->out.cursor.session_id, "t") == 0);
}

static reprise_status
for_session(struct world *world, struct reprise_error *error)
{
	return reprise_cursor_check_session(&world->beginning, "t", error);
}

const struct scenario scenarios_of_base[] = {
	{ .function = "reprise_status_name",
	  .title = "of a status",
	  .call = status_name,
	  .is_silent = true },
	{ .function = "reprise_status_text",
	  .title = "of a status",
	  .call = status_text,
	  .is_silent = true },
	NAMED(durability),
	NAMED(gap_reason),
	NAMED(gap_detail),
	NAMED(outcome),
	NAMED(end_cause),
	{ .function = "reprise_version", .title = "of it", .call = version, .is_silent = true },
	{ .function = "reprise_cursor_format",
	  .title = "of a cursor",
	  .prepare = have_text,
	  .call = format,
	  .verify = is_formatted,
	  .tells_error = true,
	  .is_silent = true },
	{ .function = "reprise_cursor_parse",
	  .title = "of a text",
	  .prepare = have_text,
	  .call = parse,
	  .verify = is_parsed,
	  .tells_error = true,
	  .is_silent = true },
	{ .function = "reprise_cursor_check_session",
	  .title = "of the right one",
	  .prepare = have_text,
	  .call = for_session,
	  .tells_error = true,
	  .is_silent = true },
	SCENARIOS_END,
};
