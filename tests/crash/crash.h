/* SPDX-License-Identifier: MIT */
#ifndef CRASH_CRASH_H
#define CRASH_CRASH_H

/*
 * A runtime is killed, again and again, and its promises are held against its log. The parent opens
 * nothing: it starts the runtime and the check as children, and keeps the runtime's promises in
 * memory that they share. A promise is either in this memory whole or not at all, whenever the
 * runtime dies.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <reprise/log_upkeep.h>
#include <reprise/recorder.h>
#include <reprise/reprise.h>

enum {
	CRASH_SESSIONS = 4, /* the odd ones refuse rather than lose */
	CRASH_HOSTS = 2,    /* of each session: a live one, and one that sees what is recorded */
	CRASH_PAYLOAD_MAX = 2048,
	CRASH_ORDINALS_MAX = 1 << 20,
	CRASH_ROUNDS_OF_A_LOG = 25,
	CRASH_BATCH_MAX = 8,
	CRASH_ENDS = 0x8000, /* in the kind of each event of a batch with the session's end */
	CRASH_END_STATUS = 6,
};

/* Says what, and ends the process with 1. */
_Noreturn void crash_die(const char *file, int line, const char *what);

#define CHECK(condition) ((condition) ? (void)0 : crash_die(__FILE__, __LINE__, #condition))
#define CHECK_OK(call)   crash_check_ok(__FILE__, __LINE__, #call, call)
void crash_check_ok(const char *file, int line, const char *what, reprise_status status);

/* Something that is told as a whole: the current half is the one that `turn` names. */
struct crash_place {
	struct reprise_cursor cursor;
	uint32_t checksum; /* of the payload at the cursor's position; 0: not known */
};

struct crash_told {
	atomic_uint turn; /* 0: nothing was told; else which half */
	struct crash_place halves[2];
};

struct crash_session {
	atomic_ullong newest;       /* appended */
	struct crash_told promised; /* recorded as it was asked for, up to that position */
	struct crash_told hosts[CRASH_HOSTS];
	/* By ordinal, as of the last check: the payload's checksum, or 1 in a gap. */
	uint64_t checked;
	uint32_t checksums[CRASH_ORDINALS_MAX];
};

struct crash {
	bool is_postgres;
	char where[1024]; /* a path, or a schema */
	uint64_t seed, round;
	reprise_durability durability;
	bool is_limited; /* no transaction has room for more than a batch */
	atomic_bool is_up, is_to_close, has_closed;
	atomic_ullong appended, healed, diverged, restarts, gaps, batches, ends;
	struct crash_session sessions[CRASH_SESSIONS];
};

uint64_t crash_random(uint64_t *state);
void crash_nap(uint64_t nanoseconds);

/* The id of a session. */
const char *crash_id(unsigned int session);

/*
 * Fills in the event at @position: it names its session, its life and its place. Answers its size.
 */
size_t crash_payload(unsigned int session, uint64_t life, reprise_position position, uint64_t seed,
		     unsigned char payload[CRASH_PAYLOAD_MAX]);

/* Dies unless the bytes are whole and of that place; answers their checksum, which is above 1. */
uint32_t crash_verify(unsigned int session, reprise_position position, struct reprise_bytes bytes,
		      uint64_t *ret_life);

/* The kind of the event @i of a batch of @count: it names both. */
uint16_t crash_kind(size_t i, size_t count);

void crash_tell(struct crash_told *told, const struct reprise_cursor *cursor, uint32_t checksum);
/* NULL if nothing was told. */
const struct crash_place *crash_place(const struct crash_told *told);

/* A connection to the log, and what stands on it. */
struct crash_runtime {
	struct reprise_log *log;
	struct reprise_store *store;
	struct reprise_recorder *recorder;
};

/*
 * Waits until the server has finished its work for a killed process: the server may commit without
 * the process.
 */
void crash_await_gone(const struct crash *crash);

struct reprise_log *crash_log(const struct crash *crash);
struct crash_runtime crash_open(const struct crash *crash);
/* Everything must be recorded. */
void crash_close(struct crash_runtime *runtime);

/* The children. */
_Noreturn void crash_run(struct crash *crash);
_Noreturn void crash_check(struct crash *crash);

#endif /* CRASH_CRASH_H */
