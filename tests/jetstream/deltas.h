/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_DELTAS_H
#define JETSTREAM_DELTAS_H

/* Deltas by their numbers, appends of them, and what must be in a document afterwards. */

#include <pthread.h>
#include <stdbool.h>

#include <reprise/jetstream_upkeep.h>

/*
 * In each test, before its first delta and before its first fork: the time at which all of
 * them are created.
 */
void deltas_begin(void);
uint64_t deltas_time_ms(void);

struct reprise_bytes text_bytes(const char *text);

/*
 * Asserts that; in a child of the test, whose assertions nobody would see, the child ends with
 * status 9 instead.
 */
void must(reprise_status status, const char *what, const struct reprise_error *error);

/*
 * The delta of that number, of id "d<number>" and with a message "m<number>", the same in each call
 * and in each process of a test; in one of a few buffers of the thread.
 */
struct reprise_bytes delta(unsigned int number);
/* The same, of reason RunFinished. */
struct reprise_bytes finish(unsigned int number);
/* A delta of that id and reason, and of a message of that text. */
struct reprise_bytes delta_named(const char *delta_id, const char *reason, const char *message);

/* Appends it to "t". */
reprise_status append(struct reprise_jetstream *writer, unsigned int number,
		      struct reprise_jetstream_appended *ret_appended, struct reprise_error *error);
/* It must be taken as new; the version. */
uint64_t append_new(struct reprise_jetstream *writer, unsigned int number);
void append_range(struct reprise_jetstream *writer, unsigned int first, unsigned int last);
/* Appends to "t", or to a document of any id, what must be taken as new. */
struct reprise_jetstream_appended append_to(struct reprise_jetstream *writer, const char *id,
					    struct reprise_bytes bytes);
/*
 * Again and again, with the same id, until it is taken; false: after a minute, or another status
 * than E_IO and such.
 */
bool append_at_last(struct reprise_jetstream *writer, const char *id, struct reprise_bytes bytes,
		    struct reprise_jetstream_appended *ret_appended);

/* It must succeed. */
struct reprise_jetstream_flushed flush(struct reprise_jetstream *writer, const char *id);
/* Again and again until it succeeds. */
struct reprise_jetstream_flushed flush_at_last(struct reprise_jetstream *writer, const char *id);
struct reprise_jetstream_recovered recover(struct reprise_jetstream *writer);
struct reprise_jetstream_stats stats_of(struct reprise_jetstream *writer);

void create(struct reprise_thread_store *store, const char *id);
/* Without the document: UINT64_MAX. */
uint64_t version_of(struct reprise_thread_store *store, const char *id);
/* Its text; one of two buffers, borrowed until the second call after it. */
const char *text_of(struct reprise_thread_store *store, const char *id);
const char *uid_of(struct reprise_thread_store *store, const char *id);

/*
 * The document has the messages m1 to m<count>, each once and no others, and its version
 * is the count.
 */
void expect_books(struct reprise_thread_store *store, const char *id, unsigned int count);
/* It has the message of that number so many times. */
void expect_message(struct reprise_thread_store *store, const char *id, unsigned int number,
		    unsigned int times);

/* The completions that were told. */
enum {
	TOLD_MAX = 4096
};

struct told {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned int count;
	reprise_status statuses[TOLD_MAX];
	uint64_t versions[TOLD_MAX];
	unsigned int numbers[TOLD_MAX]; /* of the deltas; 0 on failure */
};

void told_begin(struct told *told);
void told_end(struct told *told);
/* A completion with a told as its context. */
void told_add(void *context, reprise_status status,
	      const struct reprise_jetstream_appended *appended, const struct reprise_error *error);
/* Until so many have come. */
void told_wait(struct told *told, unsigned int count);

#endif /* JETSTREAM_DELTAS_H */
