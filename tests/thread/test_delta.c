/* SPDX-License-Identifier: MIT */
/* B01 ids, B04 what a delta is. */
#include <stdio.h>

#include <reprise/thread_load.h>

#include "support.h"
#include "thread/delta.h"
#include "thread/run.h"
#include "thread/uid.h"

SUITE(delta);

static struct reprise_bytes
bytes_of(const char *text)
{
	return (struct reprise_bytes){ text, strlen(text) };
}

static void
expect_refused(const char *text, const char *detail)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct delta delta;

	cr_assert(eq(int, delta_read(bytes_of(text), "delta", &delta, &error), REPRISE_E_INVALID),
		  "%s", text);
	cr_assert(eq(str, error.what, (char *)"delta"));
	cr_assert(eq(str, error.detail, (char *)detail), "of %s", text);
	delta_free(&delta);
}

#define NAME   "\"delta_id\":\"d\",\"created_at\":7"
#define RUN    "\"run_id\":\"r\""
#define REASON "\"reason\":\"UserMessage\""

Test(delta, B04_a_delta_needs_no_more_than_a_run_and_a_reason)
{
	struct delta delta;

	cr_assert(eq(int, delta_read(bytes_of("{" RUN "," REASON "}"), "delta", &delta, NULL),
		     REPRISE_OK));
	cr_assert(not(delta.has_id));
	cr_assert(not(delta.is_run_finished));
	cr_assert(eq(sz, json_array_size(delta.messages), 0));
	cr_assert(eq(sz, json_array_size(delta.patches), 0));
	delta_free(&delta);
	cr_assert(eq(int,
		     delta_read(bytes_of("{" NAME "," RUN ",\"reason\":\"RunFinished\"}"), "delta",
				&delta, NULL),
		     REPRISE_OK));
	cr_assert(delta.has_id);
	cr_assert(delta.is_run_finished);
	cr_assert(eq(str, delta.id, (char *)"d"));
	cr_assert(eq(u64, delta.created_ms, 7));
	delta_free(&delta);
	expect_no_leaks();
}

Test(delta, B04_null_in_an_optional_member_is_the_same_as_none)
{
	struct delta delta;

	cr_assert(
		eq(int,
		   delta_read(bytes_of("{" RUN "," REASON
				       ",\"delta_id\":null,\"created_at\":null,\"snapshot\":null,"
				       "\"parent_run_id\":null,\"run_meta\":null,\"actions\":null,"
				       "\"messages\":[{\"id\":null},{\"id\":null}]}"),
			      "delta", &delta, NULL),
		   REPRISE_OK));
	cr_assert(eq(ptr, delta.snapshot, NULL));
	cr_assert(not(delta.has_id));
	delta_free(&delta);
	expect_no_leaks();
}

Test(delta, B04_members_of_a_wrong_type_are_named)
{
	expect_refused("{" REASON "}", "run_id: must be a string");
	expect_refused("{" RUN "}", "reason: must be a string");
	expect_refused("{\"run_id\":1.5," REASON "}", "run_id: must be a string");
	expect_refused(
		"{" RUN ",\"reason\":\"Other\"}",
		"reason: must be UserMessage, AssistantTurnCommitted, ToolResultsCommitted or "
		"RunFinished");
	expect_refused(
		"{" RUN ",\"reason\":\"UserMessage\\u0000\"}",
		"reason: must be UserMessage, AssistantTurnCommitted, ToolResultsCommitted or "
		"RunFinished");
	expect_refused("{" RUN ",\"reason\":1}", "reason: must be a string");
	expect_refused("{" RUN "," REASON ",\"parent_run_id\":1}",
		       "parent_run_id: must be a string");
	expect_refused("{" RUN "," REASON ",\"actions\":{}}", "actions: must be an array");
	expect_refused("{" RUN "," REASON ",\"messages\":{}}", "messages: must be an array");
	expect_refused("{" RUN "," REASON ",\"messages\":null}", "messages: must be an array");
	expect_refused("{" RUN "," REASON ",\"patches\":1}", "patches: must be an array");
	expect_refused("{" RUN "," REASON ",\"messages\":[{},1]}",
		       "messages[1]: must be an object");
	expect_refused("{" RUN "," REASON ",\"messages\":[{},{},{},{\"id\":3}]}",
		       "messages[3].id: must be a string");
	expect_refused("{" RUN "," REASON ",\"messages\":[{\"id\":3.5}]}",
		       "messages[0].id: must be a string");
	expect_no_leaks();
}

Test(delta, B05_a_delta_has_an_id_and_a_time_or_neither)
{
	char text[512], id[256];

	expect_refused(
		"{" RUN "," REASON ",\"delta_id\":\"d\"}",
		"created_at: is missing: a delta has both delta_id and created_at, or neither");
	expect_refused(
		"{" RUN "," REASON ",\"created_at\":7}",
		"delta_id: is missing: a delta has both delta_id and created_at, or neither");
	expect_refused("{" RUN "," REASON ",\"delta_id\":7,\"created_at\":7}",
		       "delta_id: must be a string");
	expect_refused("{" RUN "," REASON ",\"delta_id\":\"d\",\"created_at\":\"7\"}",
		       "created_at: must be an integer: milliseconds since 1970");
	expect_refused("{" RUN "," REASON ",\"delta_id\":\"d\",\"created_at\":-7}",
		       "created_at: must be an integer: milliseconds since 1970");
	expect_refused("{" RUN "," REASON ",\"delta_id\":\"d\",\"created_at\":7e3}",
		       "created_at: must be an integer: milliseconds since 1970");
	expect_refused("{" RUN "," REASON ",\"delta_id\":\"\",\"created_at\":7}",
		       "delta_id: must be 1 to 128 bytes without control characters");
	expect_refused("{" RUN "," REASON ",\"delta_id\":\"a\\nb\",\"created_at\":7}",
		       "delta_id: must be 1 to 128 bytes without control characters");
	expect_refused("{" RUN "," REASON ",\"delta_id\":\"a\\u0000b\",\"created_at\":7}",
		       "delta_id: must be 1 to 128 bytes without control characters");
	memset(id, 'd', sizeof(id));
	snprintf(text, sizeof(text),
		 "{" RUN "," REASON ",\"delta_id\":\"%.129s\",\"created_at\":7}", id);
	expect_refused(text, "delta_id: must be 1 to 128 bytes without control characters");
	expect_no_leaks();
}

static struct delta
sealed(const char *text)
{
	struct delta delta;

	cr_assert(eq(int, delta_read(bytes_of(text), "delta", &delta, NULL), REPRISE_OK));
	cr_assert(eq(int, delta_seal(&delta, "delta", NULL), REPRISE_OK));
	return delta;
}

Test(delta, B05_the_digest_is_of_the_canonical_form)
{
	struct delta one = sealed("{" NAME "," RUN "," REASON ",\"x\":1.50}");
	struct delta same = sealed(" {\"x\" :1.50," REASON ",\n" RUN "," NAME "}");
	struct delta other = sealed("{" NAME "," RUN "," REASON ",\"x\":1.5}");

	cr_assert(eq(int, memcmp(one.digest, same.digest, sizeof(one.digest)), 0));
	cr_assert(ne(int, memcmp(one.digest, other.digest, sizeof(one.digest)), 0));
	/* Digests are stored: another library has to compute the same ones. */
	static const unsigned char expected[] = { 0xcf, 0x1b, 0x1c, 0xf3, 0xa3, 0x7d, 0x4e, 0x03,
						  0x9a, 0xc0, 0x87, 0xfb, 0xea, 0x77, 0x6d, 0x0f };

	cr_assert(eq(int, memcmp(one.digest, expected, sizeof(expected)), 0), "%02x %02x .. %02x",
		  one.digest[0], one.digest[1], one.digest[15]);
	delta_free(&one);
	delta_free(&same);
	delta_free(&other);
	expect_no_leaks();
}

Test(delta, B05_a_delta_without_an_id_gets_random_bits_and_the_time)
{
	struct reprise_thread_page *page = NULL;
	struct thread_delta_facts one, two;
	const struct reprise_bytes text = bytes_of("{" RUN "," REASON "}");

	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, thread_read_delta(text, "delta", 5, page, &one, NULL), REPRISE_OK));
	cr_assert(eq(int, thread_read_delta(text, "delta", 5, page, &two, NULL), REPRISE_OK));
	cr_assert(eq(sz, strlen(one.id), 32));
	cr_assert(ne(str, one.id, two.id));
	cr_assert(eq(u64, two.created_ms, 5));
	cr_assert(ne(ptr, memmem(two.json.data, two.json.size, two.id, 32), NULL));
	cr_assert(
		eq(int, thread_read_delta(text, "delta", 0, page, &two, NULL), REPRISE_E_INVALID));
	reprise_thread_page_close(page);
	expect_no_leaks();
}

static void
expect_bad_id(const char *id, const char *detail)
{
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, id_check(id, &error), REPRISE_E_INVALID), "%s", id);
	cr_assert(eq(str, error.what, (char *)"id"));
	cr_assert(eq(str, error.detail, (char *)detail));
}

Test(delta, B01_a_bad_id_is_refused_with_its_byte)
{
	char id[REPRISE_THREAD_ID_BYTES_MAX + 2] = { 0 };

	cr_assert(eq(int, id_check("chat-7", NULL), REPRISE_OK));
	cr_assert(eq(int, id_check("\xc3\xa9", NULL), REPRISE_OK));
	memset(id, 'i', REPRISE_THREAD_ID_BYTES_MAX);
	cr_assert(eq(int, id_check(id, NULL), REPRISE_OK));
	id[REPRISE_THREAD_ID_BYTES_MAX] = 'i';
	expect_bad_id(id, "must be 1 to 128 bytes");
	expect_bad_id("", "must be 1 to 128 bytes");
	expect_bad_id("..", "byte 0 must not be '.'");
	expect_bad_id("a.b", "byte 1 must not be '.'");
	expect_bad_id("ab/c", "byte 2 must not be '/'");
	expect_bad_id("ab\\c", "byte 2 must not be '\\'");
	expect_bad_id("a*", "byte 1 must not be '*'");
	expect_bad_id(">", "byte 0 must not be '>'");
	expect_bad_id("a b", "byte 1 must not be 0x20");
	expect_bad_id("a\n", "byte 1 must not be 0x0a");
	expect_bad_id("a\x7f", "byte 1 must not be 0x7f");
	expect_bad_id("abc\xff", "byte 3 must not be 0xff");
	expect_bad_id("abc\xc2\x85", "byte 3 must not be 0xc2");
	cr_assert(eq(int, id_check(NULL, NULL), REPRISE_E_INVALID));
}

Test(delta, B01_a_uid_has_32_digits)
{
	struct thread_uid uid, again;
	char text[REPRISE_THREAD_UID_BYTES];

	cr_assert(eq(int, uid_draw(&uid, NULL), REPRISE_OK));
	uid_format(&uid, text);
	cr_assert(eq(sz, strlen(text), 32));
	cr_assert(uid_parse(text, &again));
	cr_assert(uid_is_same(&uid, &again));
	cr_assert(not(uid_parse("", &again)));
	cr_assert(not(uid_parse("0123456789abcdef0123456789abcdeF", &again)));
	cr_assert(not(uid_parse("0123456789abcdef0123456789abcde", &again)));
	cr_assert(not(uid_parse("0123456789abcdef0123456789abcdef0", &again)));
	cr_assert(not(uid_parse("0123456789abcdef0123456789abcde ", &again)));
}
