/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_SUPPORT_H
#define SUPPORT_SUPPORT_H

/* The common part of the tests: states described in words, and the outcomes expected of them. */

#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <reprise/reprise.h>

#define SUITE(name) TestSuite(name, .timeout = 60)

/*
 * Under AddressSanitizer, fails the test if memory has leaked. It must be called in the test
 * itself: a failure that a teardown finds counts for nothing. close_store calls it.
 */
void expect_no_leaks(void);

/* A store with a host-kept clock at 1 h, whose sessions have these bounds (0: default). */
struct reprise_store *store_with(uint64_t events_max, uint64_t bytes_max, uint64_t age_ns_max);
struct reprise_store *store_plain(void);
void close_store(struct reprise_store *store);

/* "s" opened for writing. */
struct reprise_writer *writer_of(struct reprise_store *store);

/* Appends @text and answers its position. */
reprise_position append_text(struct reprise_writer *writer, const char *text);
reprise_position append_event(struct reprise_writer *writer, uint64_t revision, uint16_t kind,
			      uint16_t flags, const char *text);
/* Events with their own position as payload, until the newest is @newest. */
void append_until(struct reprise_writer *writer, reprise_position newest);

/* A cursor of the window of "s" at a position. */
struct reprise_cursor cursor_at(struct reprise_store *store, reprise_position position);
struct reprise_cursor cursor_at_revision(struct reprise_store *store, reprise_position position,
					 uint64_t revision);

struct reprise_subscription *subscribed_after(struct reprise_store *store,
					      reprise_position position);
struct reprise_subscription *resubscribed(struct reprise_store *store,
					  const struct reprise_cursor *cursor);

/* Expects the answer of the next call of reprise_next. */
void expect_event(struct reprise_subscription *subscription, reprise_position position);
void expect_text(struct reprise_subscription *subscription, const char *text);
void expect_events(struct reprise_subscription *subscription, reprise_position first,
		   reprise_position last);
void expect_empty(struct reprise_subscription *subscription);
struct reprise_gap expect_trimmed(struct reprise_subscription *subscription,
				  reprise_gap_detail detail, reprise_position first,
				  reprise_position last);
struct reprise_gap expect_unavailable(struct reprise_subscription *subscription,
				      reprise_gap_detail detail);
void expect_ended(struct reprise_subscription *subscription, reprise_end_cause cause,
		  int32_t status);

struct reprise_session_stats stats_of_s(struct reprise_store *store);

/* The kernel refuses membarrier from now on, to this thread and those that it starts. */
void refuse_membarrier(void);

/* The text of a file of the folder tests/, to be freed. */
char *fixture_text(const char *name);

static const uint64_t one_second = UINT64_C(1000000000);
static const uint64_t one_hour = 3600 * UINT64_C(1000000000);

/*
 * AddressSanitizer does not follow a thread that is cancelled inside other functions, and
 * reports their frames.
 */
#if defined(__SANITIZE_ADDRESS__)
#define IS_UNWINDING_UNKNOWN true
#else
#define IS_UNWINDING_UNKNOWN false
#endif

/*
 * The locks of AddressSanitizer's allocator may be another thread's at a fork, for ever
 * in the child.
 */
#if defined(__SANITIZE_ADDRESS__)
#define IS_ALLOCATOR_LOCKED true
#else
#define IS_ALLOCATOR_LOCKED false
#endif

#endif /* SUPPORT_SUPPORT_H */
