/* SPDX-License-Identifier: MIT */
#ifndef ORACLE_PROGRAM_H
#define ORACLE_PROGRAM_H

/*
 * A program: how two stores are opened, then a list of calls with small operands. Its bytes are the
 * same as itself, so that whatever bytes there are, they are a program.
 */

#include <stddef.h>
#include <stdint.h>

#define PROGRAM_CALLS(X)   \
	X(OPEN)            \
	X(CLOSE_WRITER)    \
	X(END)             \
	X(APPEND)          \
	X(APPENDV)         \
	X(BATCH)           \
	X(APPEND_ONCE)     \
	X(RESERVE)         \
	X(PUBLISH)         \
	X(ABORT)           \
	X(TRIM_SESSION)    \
	X(TRIM_TO)         \
	X(INVALIDATE)      \
	X(INVALIDATE_ALL)  \
	X(EXPIRE)          \
	X(CREATE)          \
	X(STAMP)           \
	X(CURRENT)         \
	X(EARLIEST)        \
	X(SESSION_CURSOR)  \
	X(TWEAK)           \
	X(TEXT)            \
	X(BAD_TEXT)        \
	X(FOR_SESSION)     \
	X(SUBSCRIBE)       \
	X(REPLAY)          \
	X(RESUME)          \
	X(SNAPSHOT)        \
	X(CLOSE)           \
	X(NEXT)            \
	X(NEXT_BATCH)      \
	X(NEXT_INTO)       \
	X(WAIT)            \
	X(FD)              \
	X(POLL)            \
	X(NOTIFY)          \
	X(CALLED)          \
	X(INTERRUPT)       \
	X(GROUP_OPEN)      \
	X(GROUP_CLOSE)     \
	X(GROUP_ADD)       \
	X(GROUP_REMOVE)    \
	X(GROUP_NEXT)      \
	X(GROUP_POLL)      \
	X(GROUP_WAIT)      \
	X(GROUP_INTERRUPT) \
	X(GROUP_STATS)     \
	X(SUB_CURSOR)      \
	X(SUB_STATS)       \
	X(GAP_CURSOR)      \
	X(SESSION_STATS)   \
	X(LIST)            \
	X(STORE_STATS)     \
	X(STORE_CLOSE)     \
	X(BAD)

enum call_name {
#define PROGRAM_CALL_ENUM(name) CALL_##name,
	PROGRAM_CALLS(PROGRAM_CALL_ENUM)
#undef PROGRAM_CALL_ENUM
	CALLS_COUNT,
};

enum {
	PROGRAM_CONFIG_BYTES = 8,
	PROGRAM_CALL_BYTES = 5,
	PROGRAM_CALLS_MAX = 4096,
	PROGRAM_BYTES_MAX = PROGRAM_CONFIG_BYTES + PROGRAM_CALLS_MAX * PROGRAM_CALL_BYTES,
};

struct call {
	uint8_t name, a, b, c, d;
};

struct program {
	uint8_t config[PROGRAM_CONFIG_BYTES];
	size_t calls_count;
	struct call calls[PROGRAM_CALLS_MAX];
};

/* Reads the program that the bytes stand for; calls beyond the most are left out. */
void program_read(struct program *program, const uint8_t *bytes, size_t bytes_count);
size_t program_write(const struct program *program, uint8_t bytes[PROGRAM_BYTES_MAX]);

/* A random one; the same for the same seed. */
void program_generate(struct program *program, uint64_t seed, size_t calls_count);

#endif /* ORACLE_PROGRAM_H */
