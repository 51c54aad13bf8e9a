/* SPDX-License-Identifier: MIT */
#ifndef STRESS_STRESS_H
#define STRESS_STRESS_H

/*
 * The common part of the stress programs. They are plain programs, since Criterion does not start
 * under ThreadSanitizer. Their events verify themselves; their books must balance exactly; a thread
 * that is never woken is found by an alarm, since no wait of theirs has a time-out.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <reprise/reprise.h>

enum {
	STRESS_PAYLOAD_MAX = 4096,
	STRESS_SECONDS = 2, /* by default; the first argument says otherwise */
};

/* Says what, and ends the process with 1. */
_Noreturn void stress_die(const char *file, int line, const char *what);

#define CHECK(condition) ((condition) ? (void)0 : stress_die(__FILE__, __LINE__, #condition))
#define CHECK_OK(call)   CHECK((call) == REPRISE_OK)

/* Reads the arguments, sets the alarm. 0 seconds: one short round, for valgrind and the hurried. */
void stress_begin(int argc, char **argv);

/* Whether the time is up. */
bool stress_is_over(void);

/* How much of @work a round does: all of it, or a twentieth when it is to be short. */
uint64_t stress_work(uint64_t work);

/* The kernel refuses membarrier from now on, to this thread and those that it starts. */
void stress_refuse_membarrier(void);

/*
 * With "fence" for its first argument the program begins again, without that argument and with
 * membarrier refused, since liburcu asks for it before main. Answers whether it is refused.
 */
bool stress_fence(int *argc, char **argv);

/* Fills @payload as the event of @position has it; answers its size. */
size_t stress_payload(reprise_position position, unsigned char payload[STRESS_PAYLOAD_MAX]);

/* Dies unless @event is the event of its position. */
void stress_verify(const struct reprise_event *event);

/* Sizes of stress_payload are at most this from now on. */
void stress_limit_payload(size_t bytes_max);

struct reprise_store *stress_store(uint64_t events_max, uint64_t bytes_max);
struct reprise_store *stress_store_that_wakes(reprise_wake wake, uint64_t tick_ns,
					      uint64_t events_max, uint64_t bytes_max);
struct reprise_writer *stress_writer(struct reprise_store *store, const char *id);
reprise_position stress_append(struct reprise_writer *writer, reprise_position next);

/* A subscription's books. */
struct stress_books {
	reprise_position seen; /* the last position, delivered or lost */
	uint64_t delivered, lost, gaps, gap_longest;
	bool is_ended;
	int32_t end_status;
};

/* Takes one outcome and checks that it follows from the one before. */
reprise_outcome stress_take(struct reprise_subscription *subscription, struct stress_books *books);

/* Takes everything to the end; sleeps when there is nothing, or yields if it polls. */
void stress_follow(struct reprise_subscription *subscription, struct stress_books *books,
		   bool polls);

/* delivered + lost must be @appended. */
void stress_balance(const struct stress_books *books, uint64_t appended);
void stress_report(const char *who, const struct stress_books *books);

struct reprise_cursor stress_cursor(struct reprise_store *store, const char *id);
struct reprise_subscription *stress_subscribe(struct reprise_store *store,
					      const struct reprise_cursor *cursor,
					      uint64_t spin_ns);

unsigned int stress_random(unsigned int *state);

/*
 * For who waits until others have done something that an append wakes them for. Yields; and
 * dies when all of them sleep, at one look after the other: they pass on what there is to do in
 * a few steps, so it was lost on the way, even if the relay's tick would find it later. (Not
 * where the relay defers.)
 */
struct stress_patience {
	unsigned int yields, nights;
};

void stress_yield(struct stress_patience *patience);

/* So that the relay of @store sleeps for a second at a time, and hides less. */
void stress_stop_clock(struct reprise_store *store);

/* Whether the thread with this name, or every thread but the caller if it is NULL, sleeps. */
bool stress_sleeps(const char *name);

/* For a random while that is shorter than a system call. */
void stress_dawdle(unsigned int *random);

/* For a random while: mostly as short, sometimes longer than it takes to fall asleep. */
void stress_linger(unsigned int *random);

#endif /* STRESS_STRESS_H */
