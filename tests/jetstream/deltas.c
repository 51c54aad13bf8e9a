/* SPDX-License-Identifier: MIT */
#include "deltas.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "support.h"

enum {
	PATIENCE_S = 60,
	BUFFERS = 8,
};

static uint64_t created_ms;
static pid_t test_process;

static uint64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void
deltas_begin(void)
{
	created_ms = now_ms();
	test_process = getpid();
}

void
must(reprise_status status, const char *what, const struct reprise_error *error)
{
	if (status != REPRISE_OK && getpid() != test_process) {
		fprintf(stderr, "in a child: %s: %s: %s: %s\n", what, reprise_status_name(status),
			error->what, error->detail);
		_exit(9);
	}
	cr_assert(eq(int, status, REPRISE_OK), "%s: %s: %s: %s", what, reprise_status_name(status),
		  error->what, error->detail);
}

uint64_t
deltas_time_ms(void)
{
	return created_ms;
}

struct reprise_bytes
text_bytes(const char *text)
{
	return (struct reprise_bytes){ text, strlen(text) };
}

struct reprise_bytes
delta_named(const char *delta_id, const char *reason, const char *message)
{
	static _Thread_local char texts[BUFFERS][512];
	static _Thread_local unsigned int next;
	char *const text = texts[next++ % BUFFERS];

	snprintf(text, sizeof(texts[0]),
		 "{\"delta_id\":\"%s\",\"created_at\":%" PRIu64
		 ",\"run_id\":\"r\",\"reason\":\"%s\",\"messages\":[{\"id\":\"%s\",\"n\":1.50}]}",
		 delta_id, created_ms, reason, message);
	return text_bytes(text);
}

static struct reprise_bytes
numbered(unsigned int number, const char *reason)
{
	char delta_id[16], message[16];

	snprintf(delta_id, sizeof(delta_id), "d%u", number);
	snprintf(message, sizeof(message), "m%u", number);
	return delta_named(delta_id, reason, message);
}

struct reprise_bytes
delta(unsigned int number)
{
	return numbered(number, "UserMessage");
}

struct reprise_bytes
finish(unsigned int number)
{
	return numbered(number, "RunFinished");
}

reprise_status
append(struct reprise_jetstream *writer, unsigned int number,
       struct reprise_jetstream_appended *ret_appended, struct reprise_error *error)
{
	return reprise_jetstream_append(writer, "t", NULL, delta(number), ret_appended, error);
}

struct reprise_jetstream_appended
append_to(struct reprise_jetstream *writer, const char *id, struct reprise_bytes bytes)
{
	struct reprise_jetstream_appended appended = { .size = sizeof(appended) };
	struct reprise_error error = { .size = sizeof(error) };
	const reprise_status status =
		reprise_jetstream_append(writer, id, NULL, bytes, &appended, &error);

	cr_assert(eq(int, status, REPRISE_OK), "%s: %s: %s", reprise_status_name(status),
		  error.what, error.detail);
	cr_assert(eq(int, appended.is_repeated, 0));
	return appended;
}

uint64_t
append_new(struct reprise_jetstream *writer, unsigned int number)
{
	return append_to(writer, "t", delta(number)).version;
}

void
append_range(struct reprise_jetstream *writer, unsigned int first, unsigned int last)
{
	for (unsigned int i = first; i <= last; i++)
		append_new(writer, i);
}

static void
wait_a_little(void)
{
	const struct timespec pause = { 0, 100000000 };

	nanosleep(&pause, NULL);
}

static time_t
monotonic_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* Whether the failure may be over after a while. */
static bool
is_passing(reprise_status status)
{
	return status == REPRISE_E_IO || status == REPRISE_E_TIMEOUT ||
	       status == REPRISE_E_CONFLICT || status == REPRISE_E_ABORTED;
}

bool
append_at_last(struct reprise_jetstream *writer, const char *id, struct reprise_bytes bytes,
	       struct reprise_jetstream_appended *ret_appended)
{
	struct reprise_jetstream_appended appended = { .size = sizeof(appended) };
	struct reprise_error error = { .size = sizeof(error) };
	const time_t end = monotonic_s() + PATIENCE_S;
	reprise_status status = REPRISE_E_IO;

	for (int i = 0; is_passing(status) && monotonic_s() < end; i++) {
		if (i > 0)
			wait_a_little();
		status = reprise_jetstream_append(writer, id, NULL, bytes, &appended, &error);
	}
	if (status != REPRISE_OK)
		fprintf(stderr, "an append in vain: %s: %s: %s\n", reprise_status_name(status),
			error.what, error.detail);
	if (ret_appended != NULL)
		*ret_appended = appended;
	return status == REPRISE_OK;
}

struct reprise_jetstream_flushed
flush(struct reprise_jetstream *writer, const char *id)
{
	struct reprise_jetstream_flushed flushed = { .size = sizeof(flushed) };
	struct reprise_error error = { .size = sizeof(error) };
	const reprise_status status = reprise_jetstream_flush(writer, id, &flushed, &error);

	cr_assert(eq(int, status, REPRISE_OK), "%s: %s: %s", reprise_status_name(status),
		  error.what, error.detail);
	return flushed;
}

struct reprise_jetstream_flushed
flush_at_last(struct reprise_jetstream *writer, const char *id)
{
	struct reprise_jetstream_flushed flushed = { .size = sizeof(flushed) };
	struct reprise_error error = { .size = sizeof(error) };
	const time_t end = monotonic_s() + PATIENCE_S;
	reprise_status status = REPRISE_E_IO;

	for (int i = 0; is_passing(status) && monotonic_s() < end; i++) {
		if (i > 0)
			wait_a_little();
		status = reprise_jetstream_flush(writer, id, &flushed, &error);
	}
	cr_assert(eq(int, status, REPRISE_OK), "%s: %s: %s", reprise_status_name(status),
		  error.what, error.detail);
	return flushed;
}

struct reprise_jetstream_recovered
recover(struct reprise_jetstream *writer)
{
	struct reprise_jetstream_recovered recovered = { .size = sizeof(recovered) };
	struct reprise_error error = { .size = sizeof(error) };

	must(reprise_jetstream_recover(writer, &recovered, &error), "recover", &error);
	return recovered;
}

struct reprise_jetstream_stats
stats_of(struct reprise_jetstream *writer)
{
	struct reprise_jetstream_stats stats = { .size = sizeof(stats) };

	cr_assert(eq(int, reprise_jetstream_stats(writer, &stats), REPRISE_OK));
	return stats;
}

void
create(struct reprise_thread_store *store, const char *id)
{
	cr_assert(
		eq(int, reprise_thread_create(store, id, text_bytes(""), NULL, NULL), REPRISE_OK));
}

static const char *
loaded(struct reprise_thread_store *store, const char *id, uint64_t *ret_version, char *ret_uid)
{
	static char *texts[2];
	static unsigned int next;
	struct reprise_thread_document document = { .size = sizeof(document) };
	struct reprise_thread_page *page = NULL;
	char **const text = &texts[next++ % 2];

	free(*text);
	*text = NULL;
	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	const reprise_status status = reprise_thread_load(store, id, page, &document, NULL);

	cr_assert(status == REPRISE_OK || status == REPRISE_E_NOT_FOUND);
	*ret_version = UINT64_MAX;
	if (status == REPRISE_OK) {
		*ret_version = document.version;
		memcpy(ret_uid, document.uid, sizeof(document.uid));
		*text = strndup(document.json.data, document.json.size);
	}
	reprise_thread_page_close(page);
	return *text;
}

uint64_t
version_of(struct reprise_thread_store *store, const char *id)
{
	char uid[REPRISE_THREAD_UID_BYTES];
	uint64_t version;

	(void)loaded(store, id, &version, uid);
	return version;
}

const char *
text_of(struct reprise_thread_store *store, const char *id)
{
	char uid[REPRISE_THREAD_UID_BYTES];
	uint64_t version;
	const char *const text = loaded(store, id, &version, uid);

	cr_assert(ne(ptr, (void *)text, NULL));
	return text;
}

const char *
uid_of(struct reprise_thread_store *store, const char *id)
{
	static char uids[4][REPRISE_THREAD_UID_BYTES];
	static unsigned int next;
	char *const uid = uids[next++ % 4];
	uint64_t version;

	(void)loaded(store, id, &version, uid);
	cr_assert(ne(u64, version, UINT64_MAX));
	return uid;
}

static unsigned int
times_of(const char *text, const char *words)
{
	unsigned int times = 0;

	for (const char *at = strstr(text, words); at != NULL; at = strstr(at + 1, words))
		times++;
	return times;
}

void
expect_message(struct reprise_thread_store *store, const char *id, unsigned int number,
	       unsigned int times)
{
	char message[32];

	snprintf(message, sizeof(message), "\"id\":\"m%u\"", number);
	cr_assert(eq(uint, times_of(text_of(store, id), message), times), "%s", message);
}

void
expect_books(struct reprise_thread_store *store, const char *id, unsigned int count)
{
	const char *const text = text_of(store, id);
	char message[32];

	cr_assert(eq(u64, version_of(store, id), count));
	for (unsigned int i = 1; i <= count; i++) {
		snprintf(message, sizeof(message), "\"id\":\"m%u\"", i);
		cr_assert(eq(uint, times_of(text, message), 1), "%s", message);
	}
	cr_assert(eq(uint, times_of(text, "\"id\":\"m"), count));
}

void
told_begin(struct told *told)
{
	memset(told, 0, sizeof(*told));
	pthread_mutex_init(&told->lock, NULL);
	pthread_cond_init(&told->changed, NULL);
}

void
told_end(struct told *told)
{
	pthread_cond_destroy(&told->changed);
	pthread_mutex_destroy(&told->lock);
}

void
told_add(void *context, reprise_status status, const struct reprise_jetstream_appended *appended,
	 const struct reprise_error *error)
{
	struct told *const told = context;

	(void)error;
	pthread_mutex_lock(&told->lock);
	if (told->count < TOLD_MAX) {
		told->statuses[told->count] = status;
		if (appended != NULL) {
			told->versions[told->count] = appended->version;
			told->numbers[told->count] =
				(unsigned int)strtoul(appended->delta_id + 1, NULL, 10);
		}
	}
	told->count++;
	pthread_cond_broadcast(&told->changed);
	pthread_mutex_unlock(&told->lock);
}

void
told_wait(struct told *told, unsigned int count)
{
	pthread_mutex_lock(&told->lock);
	while (told->count < count)
		pthread_cond_wait(&told->changed, &told->lock);
	pthread_mutex_unlock(&told->lock);
}
