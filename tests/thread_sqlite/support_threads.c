/* SPDX-License-Identifier: MIT */
#include "support_threads.h"

#include <stdio.h>
#include <time.h>

TestSuite(thread_sqlite, .timeout = 120, .fini = scratch_remove);

struct reprise_bytes
text_bytes(const char *text)
{
	return (struct reprise_bytes){ text, strlen(text) };
}

struct reprise_thread_sqlite_options
default_options(void)
{
	return (struct reprise_thread_sqlite_options){
		.size = sizeof(struct reprise_thread_sqlite_options), .deadline_ns = 60 * one_second
	};
}

reprise_status
open_status(const char *path, const struct reprise_thread_sqlite_options *options,
	    struct reprise_error *error)
{
	struct reprise_thread_store *store = NULL;
	const reprise_status status = reprise_thread_sqlite_open(path, options, &store, error);

	reprise_thread_store_close(store);
	return status;
}

struct reprise_thread_store *
open_at(const char *path)
{
	const struct reprise_thread_sqlite_options options = default_options();
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_thread_store *store = NULL;

	cr_assert(eq(int, reprise_thread_sqlite_open(path, &options, &store, &error), REPRISE_OK),
		  "%s: %s", error.what, error.detail);
	return store;
}

struct reprise_bytes
delta_text(unsigned int number)
{
	static char text[256];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(text, sizeof(text),
		 "{\"delta_id\":\"d%u\",\"created_at\":%lld,\"run_id\":\"r\","
		 "\"reason\":\"UserMessage\",\"messages\":[{\"id\":\"m%u\",\"n\":1.50}]}",
		 number, (long long)now.tv_sec * 1000, number);
	return text_bytes(text);
}

reprise_status
append_number(struct reprise_thread_store *store, unsigned int number, struct reprise_error *error)
{
	return reprise_thread_append(store, "t", NULL, delta_text(number), NULL, error);
}

uint64_t
version_of_t(struct reprise_thread_store *store)
{
	struct reprise_thread_document document = { .size = sizeof(document) };
	struct reprise_thread_page *page = NULL;

	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_thread_load(store, "t", page, &document, NULL), REPRISE_OK));
	reprise_thread_page_close(page);
	return document.version;
}

char *
beside(const char *path, const char *suffix)
{
	static char names[4][1400];
	static int next;
	char *const name = names[next++ % 4];

	snprintf(name, sizeof(names[0]), "%s%s", path, suffix);
	return name;
}
