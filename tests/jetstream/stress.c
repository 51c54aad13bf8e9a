/* SPDX-License-Identifier: MIT */
/*
 * Threads that append, send, flush, recover, save and ask at once, on a few documents, through two
 * writers: for ThreadSanitizer, and as books. Each message is there once at the end.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <reprise/jetstream_upkeep.h>
#include <reprise/thread_sqlite.h>

enum {
	DOCUMENTS = 3,
	WRITERS = 2,
	APPENDERS = 4,
	EACH = 60,
	TRIES = 200
};

static struct reprise_thread_store *stores[WRITERS];
static struct reprise_jetstream *writers[WRITERS];
static atomic_bool is_over;
static atomic_int wrong;
static atomic_uint told;
static uint64_t created_at;

static const char *
id_of(unsigned int number)
{
	static const char *const ids[DOCUMENTS] = { "a", "b", "c" };

	return ids[number % DOCUMENTS];
}

static void
complete(void *context, reprise_status status, const struct reprise_jetstream_appended *appended,
	 const struct reprise_error *error)
{
	struct reprise_jetstream_stats stats = { .size = sizeof(stats) };

	(void)appended, (void)error;
	if (reprise_jetstream_stats(context, &stats) != REPRISE_OK)
		atomic_fetch_add(&wrong, 1);
	if (status == REPRISE_OK)
		atomic_fetch_add(&told, 1);
}

static reprise_status
append_once(struct reprise_jetstream *writer, unsigned int number, bool is_async)
{
	char text[256];
	const bool is_last = !is_async && number % 20 == 0;
	const int size =
		snprintf(text, sizeof(text),
			 "{\"delta_id\":\"d%u\",\"created_at\":%" PRIu64
			 ",\"run_id\":\"r\",\"reason\":\"%s\","
			 "\"messages\":[{\"id\":\"m%u\"}]}",
			 number, created_at, is_last ? "RunFinished" : "UserMessage", number);
	const struct reprise_bytes delta = { text, (size_t)size };

	return is_async ? reprise_jetstream_append_async(writer, id_of(number), delta, complete,
							 writer, NULL)
			: reprise_jetstream_append(writer, id_of(number), NULL, delta, NULL, NULL);
}

/* Its share of the numbers; half of them without waiting. */
static void *
append_all(void *argument)
{
	const unsigned int share = *(const unsigned int *)argument;

	for (unsigned int i = 0; i < EACH; i++) {
		const unsigned int number = 1 + share * EACH + i;
		const bool is_async = i % 2 == 0 && number % 20 != 0;
		reprise_status status = REPRISE_E_CONFLICT;

		for (int j = 0; j < TRIES && status != REPRISE_OK; j++)
			status = append_once(writers[share % WRITERS], number, is_async);
		if (status != REPRISE_OK) {
			printf("append: %s\n", reprise_status_name(status));
			atomic_fetch_add(&wrong, 1);
		}
	}
	return NULL;
}

static void *
flush_all(void *argument)
{
	struct reprise_jetstream *const writer = argument;
	const struct timespec pause = { 0, 2000000 };

	for (unsigned int i = 0; !atomic_load(&is_over); i++) {
		const reprise_status status =
			i % 4 == 3 ? reprise_jetstream_recover(writer, NULL, NULL)
				   : reprise_jetstream_flush(writer, id_of(i), NULL, NULL);

		if (status != REPRISE_OK && status != REPRISE_E_CONFLICT) {
			printf("flush: %s\n", reprise_status_name(status));
			atomic_fetch_add(&wrong, 1);
		}
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void
run_threads(void)
{
	pthread_t appenders[APPENDERS], flushers[WRITERS];
	unsigned int shares[APPENDERS];

	for (unsigned int i = 0; i < WRITERS; i++)
		pthread_create(&flushers[i], NULL, flush_all, writers[i]);
	for (unsigned int i = 0; i < APPENDERS; i++) {
		shares[i] = i;
		pthread_create(&appenders[i], NULL, append_all, &shares[i]);
	}
	for (unsigned int i = 0; i < APPENDERS; i++)
		pthread_join(appenders[i], NULL);
	atomic_store(&is_over, true);
	for (unsigned int i = 0; i < WRITERS; i++)
		pthread_join(flushers[i], NULL);
}

static bool
open_all(const char *path)
{
	const struct reprise_thread_sqlite_options of_store = {
		.size = sizeof(of_store),
		.deadline_ns = 60 * UINT64_C(1000000000),
		.durability = REPRISE_WRITTEN,
	};
	const struct reprise_jetstream_options options = {
		.size = sizeof(options),
		.servers = getenv("REPRISE_TEST_NATS"),
		.deadline_ns = 30 * UINT64_C(1000000000),
		.window = 16,
	};
	const struct reprise_bytes none = { NULL, 0 };
	bool is_good = true;

	for (int i = 0; i < WRITERS && is_good; i++) {
		is_good =
			reprise_thread_sqlite_open(path, &of_store, &stores[i], NULL) == REPRISE_OK;
		is_good = is_good && reprise_jetstream_open(stores[i], &options, &writers[i],
							    NULL) == REPRISE_OK;
	}
	for (unsigned int i = 0; i < DOCUMENTS && is_good; i++)
		is_good =
			reprise_thread_create(stores[0], id_of(i), none, NULL, NULL) == REPRISE_OK;
	return is_good;
}

/* The versions and the messages of all documents are as many as the deltas. */
static bool
is_right(void)
{
	uint64_t versions = 0, messages_count = 0;
	struct reprise_thread_page *page = NULL;
	bool is_good = reprise_thread_page_open(&page) == REPRISE_OK;

	for (unsigned int i = 0; i < DOCUMENTS && is_good; i++) {
		struct reprise_thread_messages messages = { .size = sizeof(messages) };
		const struct reprise_thread_range range = { .size = sizeof(range), .limit = 1 };

		is_good = reprise_jetstream_flush(writers[i % WRITERS], id_of(i), NULL, NULL) ==
			  REPRISE_OK;
		is_good = is_good && reprise_thread_messages(stores[0], id_of(i), &range, page,
							     &messages, NULL) == REPRISE_OK;
		versions += messages.version;
		messages_count += messages.total;
	}
	reprise_thread_page_close(page);
	printf("%" PRIu64 " deltas, %" PRIu64 " messages, %u completions\n", versions,
	       messages_count, atomic_load(&told));
	const uint64_t all = (uint64_t)APPENDERS * EACH;

	return is_good && versions == all && messages_count == all;
}

int
main(void)
{
	char folder[1024], path[1100], command[1100];
	const char *const above = getenv("TMPDIR");

	if (getenv("REPRISE_TEST_NATS") == NULL)
		return 77;
	created_at = (uint64_t)time(NULL) * 1000;
	snprintf(folder, sizeof(folder), "%s/reprise-XXXXXX", above != NULL ? above : "/tmp");
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/threads", folder);
	bool is_good = open_all(path);

	if (is_good) {
		run_threads();
		is_good = is_right() && atomic_load(&wrong) == 0;
	}
	for (int i = 0; i < WRITERS; i++) {
		reprise_jetstream_close(writers[i]);
		reprise_thread_store_close(stores[i]);
	}
	snprintf(command, sizeof(command), "rm -rf \"%s\"", folder);
	/* NOLINTNEXTLINE(cert-env33-c): the folder's name is ours */
	if (system(command) != 0)
		is_good = false;
	return is_good ? 0 : 1;
}
