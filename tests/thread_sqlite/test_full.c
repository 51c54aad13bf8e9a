/* SPDX-License-Identifier: MIT */
/*
 * A disk without room: each system call on a file is refused in turn, and what was
 * acknowledged is there.
 */
#include "support_threads.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "refused_io.h"

enum {
	MESSAGE_BYTES = 66000, /* so that the text is put anew behind the first append */
	APPENDS = 2,
	TEXT_BYTES = MESSAGE_BYTES + 256,
};

struct scene {
	char *path;
	char deltas[APPENDS][TEXT_BYTES];
	int acknowledged; /* so many appends */
	reprise_status status;
};

/* One large delta, and one small one, always with the same times. */
static void
write_deltas(struct scene *scene)
{
	const struct reprise_bytes small = delta_text(2);
	const int at =
		snprintf(scene->deltas[0], TEXT_BYTES,
			 "{\"delta_id\":\"d1\",\"created_at\":%.13s,\"run_id\":\"r\","
			 "\"reason\":\"UserMessage\",\"messages\":[{\"id\":\"m1\",\"text\":\"",
			 strstr(small.data, "created_at") + strlen("created_at\":"));

	memset(scene->deltas[0] + at, 'x', MESSAGE_BYTES);
	memcpy(scene->deltas[0] + at + MESSAGE_BYTES, "\"}]}", sizeof("\"}]}"));
	memcpy(scene->deltas[1], small.data, small.size + 1);
}

static void
open_and_append(void *argument)
{
	struct scene *const scene = argument;
	struct reprise_thread_store *store = NULL;

	scene->acknowledged = 0;
	scene->status = reprise_thread_sqlite_open(scene->path, NULL, &store, NULL);
	for (int i = 0; i < APPENDS && scene->status == REPRISE_OK; i++) {
		scene->status = reprise_thread_append(store, "t", NULL,
						      text_bytes(scene->deltas[i]), NULL, NULL);
		scene->acknowledged += scene->status == REPRISE_OK;
	}
	reprise_thread_store_close(store);
}

static size_t
messages_of_t(struct reprise_thread_store *store)
{
	struct reprise_thread_messages messages = { .size = sizeof(messages) };
	const struct reprise_thread_range range = { .size = sizeof(range), .limit = 1 };
	struct reprise_thread_page *page = NULL;

	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_thread_messages(store, "t", &range, page, &messages, NULL),
		     REPRISE_OK));
	reprise_thread_page_close(page);
	return messages.total;
}

/* False: fewer system calls are made. */
static bool
refuse_and_append_again(struct scene *scene, int number, int *failed)
{
	char name[32];

	snprintf(name, sizeof(name), "threads-%d", number);
	scene->path = scratch_path(name);
	struct reprise_thread_store *store = open_at(scene->path);

	cr_assert(eq(int, reprise_thread_create(store, "t", text_bytes("{}"), NULL, NULL),
		     REPRISE_OK));
	reprise_thread_store_close(store);
	const bool has_come = refused_io_run(number, ENOSPC, open_and_append, scene);

	/* SQLite takes a file that cannot be read for a damaged one. */
	cr_assert(scene->status == REPRISE_OK || scene->status == REPRISE_E_IO ||
			  scene->status == REPRISE_E_CORRUPT,
		  "system call %d: %s", number, reprise_status_name(scene->status));
	*failed += scene->status != REPRISE_OK;
	const uint64_t acknowledged = (uint64_t)scene->acknowledged;

	store = open_at(scene->path);
	cr_assert(ge(u64, version_of_t(store), acknowledged), "system call %d", number);
	cr_assert(eq(sz, messages_of_t(store), (size_t)version_of_t(store)));
	reprise_thread_store_close(store);
	/* There is room again: each delta counts once. */
	open_and_append(scene);
	cr_assert(eq(int, scene->status, REPRISE_OK), "system call %d", number);
	store = open_at(scene->path);
	cr_assert(eq(u64, version_of_t(store), APPENDS), "system call %d", number);
	cr_assert(eq(sz, messages_of_t(store), APPENDS), "system call %d", number);
	reprise_thread_store_close(store);
	scratch_remove();
	return has_come;
}

Test(thread_sqlite, B05_a_disk_that_is_full_loses_no_delta_and_takes_none_twice)
{
	struct scene *const scene = calloc(1, sizeof(*scene));
	int number = 1, failed = 0;

	write_deltas(scene);
	while (refuse_and_append_again(scene, number, &failed))
		number++;
	cr_assert(gt(int, number, 100));
	cr_assert(gt(int, failed, 20));
	free(scene);
	expect_no_leaks();
}
