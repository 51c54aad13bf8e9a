/* SPDX-License-Identifier: MIT */
/* No memory to be had, by us or by jansson: it is said, and nothing leaks. */
#include <stdlib.h>

#include <jansson.h>
#include <reprise/thread_load.h>

#include "refusal.h"
#include "support.h"
#include "thread/run.h"

SUITE(memory);

static struct reprise_bytes
bytes_of(const char *text)
{
	return (struct reprise_bytes){ text, strlen(text) };
}

/* jansson's allocations are counted with ours. */
static void *
allocate(size_t size)
{
	return malloc(size);
}

/* The document as it was the first time: nothing of it is dropped. */
static struct {
	char text[2048];
	size_t size;
} applied;

#define LONG "k012345678901234567890123456789012345678901234567890123456789"

static reprise_status
use(void)
{
	/*
	 * A key for which the written text's room grows: jansson does not ask whether a
	 * key was written.
	 */
	static const char document[] = "{\"" LONG LONG LONG LONG LONG LONG LONG LONG LONG LONG
				       "\":0,\"a\":1.5,\"messages\":[{\"id\":\"a\"},{}],"
				       "\"state\":[1e2,123456789012345678]}";
	/* Tokens of 15 and more bytes: jansson's buffer grows. */
	static const char delta[] =
		"{\"run_id\":\"r\",\"reason\":\"AssistantTurnCommitted\",\"twelve_bytes_\":"
		"\"thirteen_byte\","
		"\"long\":"
		"\"0123456789012345678901234567890123456789012345678901234567890123456789\","
		"\"snapshot\":2.5,\"patches\":[1,2,3],"
		"\"messages\":[{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"c\\u0001\"}]}";
	const struct reprise_bytes deltas[] = { bytes_of(delta), bytes_of(delta) };
	struct reprise_thread_page *page = NULL;
	struct thread_delta_facts facts;
	struct reprise_bytes json;
	reprise_status status = reprise_thread_page_open(&page);

	if (status == REPRISE_OK)
		status = thread_read_delta(deltas[0], "delta", 7, page, &facts, NULL);
	if (status == REPRISE_OK)
		status = thread_apply_deltas(bytes_of(document), deltas, 2, page, &json, NULL);
	if (status == REPRISE_OK && applied.size == 0) {
		cr_assert(lt(sz, json.size, sizeof(applied.text)));
		memcpy(applied.text, json.data, json.size);
		applied.size = json.size;
	}
	if (status == REPRISE_OK)
		cr_assert(json.size == applied.size &&
			  memcmp(json.data, applied.text, json.size) == 0);
	reprise_thread_page_close(page);
	return status;
}

Test(memory, B04_each_allocation_may_be_refused)
{
	int number = 1;

	json_set_alloc_funcs(allocate, free);
	cr_assert(eq(int, use(), REPRISE_OK)); /* what is allocated once */
	for (bool is_over = false; !is_over; number++) {
		refusal_begin(number);
		const reprise_status status = use();

		is_over = !refusal_end();
		/* A text is parsed again if the first parse fails, and memory may be there then. */
		if (status != REPRISE_OK)
			cr_assert(eq(int, status, REPRISE_E_NO_MEMORY), "allocation %d", number);
	}
	cr_assert(gt(int, number, 100));
	expect_no_leaks();
}
