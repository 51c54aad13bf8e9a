/* SPDX-License-Identifier: MIT */
/*
 * Every allocation of a writer's life fails once: first each of the calling thread, which are
 * ours, the NATS library's, jansson's and SQLite's; then each of ours in any thread. (The NATS
 * library, in threads of its own, does not survive all of its own.) It is said, nothing hangs,
 * and the same deltas, given again by their ids, are applied once. malloc is this program's own,
 * so no sanitizer.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <reprise/jetstream_upkeep.h>
#include <reprise/thread_sqlite.h>

/* The names of glibc: NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

enum {
	DELTAS = 4,
	CALLS = 11,
	TRIES = 100
};

static atomic_long left; /* allocations; 0 and below: none fails */
static atomic_bool is_any_thread;
static _Thread_local bool is_calling;

/* The program's own code, with the library in it: a name of the linker's. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
extern const char __executable_start, etext;

static bool
is_ours(const void *caller)
{
	return (uintptr_t)caller >= (uintptr_t)&__executable_start &&
	       (uintptr_t)caller < (uintptr_t)&etext;
}

static bool
fails(const void *caller)
{
	if (atomic_load(&left) <= 0)
		return false;
	if (atomic_load(&is_any_thread) ? !is_ours(caller) : !is_calling)
		return false;
	if (atomic_fetch_sub(&left, 1) != 1)
		return false;
	errno = ENOMEM;
	return true;
}

/* To be seen by the libraries, they are exported. */
REPRISE_API void *
malloc(size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

REPRISE_API void *
calloc(size_t count, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

REPRISE_API void *
realloc(void *block, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(block, size);
}

static struct reprise_thread_store *store;
static struct reprise_jetstream_options options;
static uint64_t created_at;
static char id[32];

static struct reprise_bytes
delta(unsigned int number, bool is_last)
{
	static char texts[DELTAS + 1][256];
	char *const text = texts[number];
	const int size =
		snprintf(text, sizeof(texts[0]),
			 "{\"delta_id\":\"d%u\",\"created_at\":%" PRIu64
			 ",\"run_id\":\"r\",\"reason\":\"%s\",\"messages\":"
			 "[{\"id\":\"m%u\",\"n\":1.50}]}",
			 number, created_at, is_last ? "RunFinished" : "UserMessage", number);

	return (struct reprise_bytes){ text, (size_t)size };
}

/* The first few. */
static int32_t
see_some(const struct reprise_jetstream_dead *dead, void *context)
{
	unsigned int *const seen = context;

	(void)dead;
	return ++*seen < 3;
}

/* Everything once; each call's status. */
static struct reprise_jetstream *
use(reprise_status statuses[CALLS])
{
	const struct reprise_bytes document = { "{\"a\":1.5}", 9 };
	struct reprise_jetstream *writer = NULL;
	unsigned int seen = 0;
	int n = 0;

	memset(statuses, 0, sizeof(*statuses) * CALLS);
	statuses[n++] = reprise_jetstream_open(store, &options, &writer, NULL);
	if (writer == NULL)
		return NULL;
	statuses[n++] = reprise_jetstream_append(writer, id, NULL, delta(1, false), NULL, NULL);
	statuses[n++] =
		reprise_jetstream_append_async(writer, id, delta(2, false), NULL, NULL, NULL);
	statuses[n++] = reprise_jetstream_flush(writer, id, NULL, NULL);
	statuses[n++] = reprise_jetstream_append(writer, id, NULL, delta(3, false), NULL, NULL);
	statuses[n++] = reprise_jetstream_append(writer, id, NULL, delta(DELTAS, true), NULL, NULL);
	statuses[n++] = reprise_jetstream_recover(writer, NULL, NULL);
	statuses[n++] = reprise_jetstream_each_dead(writer, 0, see_some, &seen, NULL);
	statuses[n++] = reprise_jetstream_save(writer, "other", NULL, document, 0, NULL, NULL);
	statuses[n++] = reprise_jetstream_delete(writer, "other", NULL);
	return writer;
}

/* With the same ids, until all is taken. */
static bool
repeat(struct reprise_jetstream *writer)
{
	for (unsigned int i = 1; i <= DELTAS; i++) {
		reprise_status status = REPRISE_E_IO;

		for (int j = 0; j < TRIES && status != REPRISE_OK; j++)
			status = reprise_jetstream_append(writer, id, NULL, delta(i, i == DELTAS),
							  NULL, NULL);
		if (status != REPRISE_OK) {
			printf("again: %s\n", reprise_status_name(status));
			return false;
		}
	}
	reprise_status status = REPRISE_E_IO;

	for (int j = 0; j < TRIES && status != REPRISE_OK; j++)
		status = reprise_jetstream_flush(writer, id, NULL, NULL);
	return status == REPRISE_OK;
}

/* Each message once, and no version too many. */
static bool
is_right(void)
{
	struct reprise_thread_messages messages = { .size = sizeof(messages) };
	const struct reprise_thread_range range = { .size = sizeof(range), .limit = 100 };
	struct reprise_thread_page *page = NULL;
	bool is_good = reprise_thread_page_open(&page) == REPRISE_OK;

	is_good = is_good &&
		  reprise_thread_messages(store, id, &range, page, &messages, NULL) == REPRISE_OK;
	is_good = is_good && messages.total == DELTAS && messages.version == DELTAS;
	if (!is_good)
		printf("%s: %" PRIu64 " messages, version %" PRIu64 "\n", id, messages.total,
		       messages.version);
	reprise_thread_page_close(page);
	return is_good;
}

/* Whether a refused allocation may end a call so; with @is_any one of another thread's, too. */
static bool
is_allowed(reprise_status status, bool is_any)
{
	if (status == REPRISE_OK || status == REPRISE_E_NO_MEMORY)
		return true;
	return is_any ? status == REPRISE_E_IO || status == REPRISE_E_TIMEOUT ||
				status == REPRISE_E_ABORTED || status == REPRISE_E_SYSTEM
		      : status == REPRISE_E_ABORTED;
}

static bool
create(void)
{
	static unsigned int next;
	const struct reprise_bytes none = { NULL, 0 };

	snprintf(id, sizeof(id), "t%u", next++);
	return reprise_thread_create(store, id, none, NULL, NULL) == REPRISE_OK;
}

/* Whether the calls told no other failure than they may. */
static bool
has_told(const reprise_status statuses[CALLS], long number, bool is_any)
{
	bool is_good = true;

	for (int i = 0; i < CALLS; i++) {
		if (is_allowed(statuses[i], is_any))
			continue;
		printf("allocation %ld%s: call %d: %s\n", number, is_any ? " of any thread" : "", i,
		       reprise_status_name(statuses[i]));
		is_good = false;
	}
	return is_good;
}

/* False: the deltas are not there once each. */
static bool
run(struct reprise_jetstream *patient, long number, bool is_any, bool *ret_is_over,
    bool *ret_has_told)
{
	reprise_status statuses[CALLS];

	if (!create())
		return false;
	atomic_store(&is_any_thread, is_any);
	is_calling = true;
	atomic_store(&left, number);
	struct reprise_jetstream *const writer = use(statuses);

	*ret_is_over = atomic_exchange(&left, 0) > 0;
	is_calling = false;
	*ret_has_told = has_told(statuses, number, is_any);
	/* The same writer works again. */
	const bool is_good = repeat(writer == NULL ? patient : writer) && is_right();

	reprise_jetstream_close(writer);
	return is_good && reprise_jetstream_delete(patient, id, NULL) == REPRISE_OK;
}

static bool
run_all(struct reprise_jetstream *patient, bool is_any)
{
	const char *const whose = is_any ? " of any thread" : "";
	long failed = 0;
	bool is_good = true;
	bool is_over = false;

	for (long number = 1; !is_over; number += 1 + number / (is_any ? 20 : 60)) {
		bool has_told = false;

		if (!run(patient, number, is_any, &is_over, &has_told)) {
			printf("allocation %ld%s\n", number, whose);
			return false;
		}
		is_good = is_good && has_told;
		failed += !is_over;
	}
	printf("%ld allocations%s failed, one at a time\n", failed, whose);
	return is_good && failed > 50;
}

static bool
open_store(const char *path)
{
	const struct reprise_thread_sqlite_options of_store = {
		.size = sizeof(of_store),
		.deadline_ns = 60 * UINT64_C(1000000000),
		.durability = REPRISE_WRITTEN,
	};

	return reprise_thread_sqlite_open(path, &of_store, &store, NULL) == REPRISE_OK;
}

int
main(void)
{
	char folder[1024], path[1100], command[1100];
	const char *const above = getenv("TMPDIR");
	struct reprise_jetstream *patient = NULL;

	options.size = sizeof(options);
	options.servers = getenv("REPRISE_TEST_NATS");
	options.deadline_ns = UINT64_C(500000000);
	if (options.servers == NULL)
		return 77;
	created_at = (uint64_t)time(NULL) * 1000;
	snprintf(folder, sizeof(folder), "%s/reprise-XXXXXX", above != NULL ? above : "/tmp");
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/threads", folder);
	bool is_good = open_store(path);

	is_good = is_good && reprise_jetstream_open(store, &options, &patient, NULL) == REPRISE_OK;
	if (is_good) {
		is_good = run_all(patient, false);
		is_good = run_all(patient, true) && is_good;
	}
	reprise_jetstream_close(patient);
	reprise_thread_store_close(store);
	snprintf(command, sizeof(command), "rm -rf \"%s\"", folder);
	/* NOLINTNEXTLINE(cert-env33-c): the folder's name is ours */
	if (system(command) != 0)
		is_good = false;
	return is_good ? 0 : 1;
}
