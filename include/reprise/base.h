/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_BASE_H
#define REPRISE_BASE_H

/*
 * reprise/base.h - statuses, bytes, error details, allocator hooks, the version
 *
 * What every other header stands on. Three kinds of trouble are never mixed:
 *
 *   outcomes          normal alternatives (an event, nothing new, a gap, the end): an enum
 *                     of their own that a caller switches over;
 *   operating errors  a reprise_status, 0 or negative; outputs are untouched on failure, and
 *                     details go into an optional struct reprise_error;
 *   programmer errors assertions, which stay on in release builds and abort: NULL where a function
 *                     says "asserted", a handle that was closed, two threads at once on a handle
 *                     that is one thread's at a time. One line on standard error says what was
 *                     wrong, with the expression, file and line.
 *
 * Structs named ..._options, ..._stats and struct reprise_error start with a size: set it to
 * sizeof the struct. A program built against an older header keeps working with a newer
 * library. A size of options or statistics that the library cannot honour is REPRISE_E_INVALID, and
 * `what` names the struct. A struct reprise_error gets what it has room for; one without room for a status, whose size
 * was not set, is a programmer error, which a call that fails reports.
 *
 * Cancellation. Calls that wait for as long as their caller says are cancellation points, before and
 * during the wait: reprise_wait, reprise_session_wait_room, reprise_recorder_flush. A thread that is
 * cancelled there has let go of all that the call held; its handles stay open, for another thread
 * to use or close. No other call ends its thread: a cancellation that is pending waits until the call
 * has returned, which for calls on a log takes up to the log's deadline. Threads must not be cancelled
 * asynchronously (PTHREAD_CANCEL_ASYNCHRONOUS) inside the library. Callbacks and visitors are called
 * with cancellation disabled.
 *
 * Threads of the library are called reprise-relay, reprise-read and reprise-write, and those of a writer over
 * NATS (jetstream.h) reprise-acks, reprise-done and, with libnats' own, reprise-nats. They block all signals, are of SCHED_OTHER, may run on the processors that the process had when the library was
 * loaded, and have 2 MiB of stack. No descriptor of the library is 0, 1 or 2.
 *
 * Sizes are in bytes, counts in events, times in nanoseconds; each name says which.
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define REPRISE_API      __attribute__((visibility("default")))
#define REPRISE_MUST_USE __attribute__((warn_unused_result))
#else
#define REPRISE_API
#define REPRISE_MUST_USE
#endif

/* Around declarations. A function may have the name of a struct, of which g++ -Wshadow warns. */
#ifdef __cplusplus
#define REPRISE_BEGIN_DECLARATIONS \
	extern "C" {               \
	_Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wshadow\"")
#define REPRISE_END_DECLARATIONS      \
	_Pragma("GCC diagnostic pop") \
	}
#else
#define REPRISE_BEGIN_DECLARATIONS
#define REPRISE_END_DECLARATIONS
#endif

#ifdef __cplusplus
template <typename type>
inline type
reprise_init()
{
	type value = type();

	value.size = sizeof(type);
	return value;
}
#endif

REPRISE_BEGIN_DECLARATIONS

/* An event's place in its session: 1, 2, 3, with no holes. 0 stands before the first. */
typedef uint64_t reprise_position;

/* Bytes somewhere: (pointer, size). The pointer may be NULL when size is 0. */
struct reprise_bytes {
	const void *data;
	size_t size;
};

/* The bytes of a NUL-terminated string, without the NUL. */
static inline struct reprise_bytes
reprise_bytes_from_string(const char *string)
{
	const struct reprise_bytes bytes = { string, strlen(string) };

	return bytes;
}

/* Every operating status of every call, in one table: X(name, value, sentence). */
#define REPRISE_STATUS_TABLE(X)                                              \
	X(OK, 0, "done")                                                     \
	X(E_INVALID, -1, "an argument or option is out of its range")        \
	X(E_MALFORMED_CURSOR, -2, "the text is not a cursor")                \
	X(E_WRONG_SESSION, -3, "the cursor belongs to another session")      \
	X(E_TOO_LARGE, -4, "larger than what can ever be held")              \
	X(E_CLOSED, -5, "the session has ended, or its window is void")      \
	X(E_BUSY, -6, "somebody else holds it")                              \
	X(E_FULL, -7, "there is no room and nothing may be displaced")       \
	X(E_NO_MEMORY, -8, "memory could not be had")                        \
	X(E_TIMEOUT, -9, "the time is up")                                   \
	X(E_INTERRUPTED, -10, "another thread interrupted the wait")         \
	X(E_NOT_FOUND, -11, "there is no such thing")                        \
	X(E_EXISTS, -12, "it is there already")                              \
	X(E_CONFLICT, -13, "not at the expected version")                    \
	X(E_STALE, -14, "the state is out of date; recover first")           \
	X(E_EXPIRED, -15, "too old to be accepted")                          \
	X(E_ABORTED, -16, "given up because an earlier one failed")          \
	X(E_CORRUPT, -17, "stored bytes are damaged")                        \
	X(E_VERSION, -18, "written by another version")                      \
	X(E_IO, -19, "reading or writing failed")                            \
	X(E_FORKED, -20, "this process is a fork of the one that opened it") \
	X(E_SYSTEM, -21, "the operating system refused a call")

typedef enum reprise_status {
#define REPRISE_STATUS_ENUM(name, value, sentence) REPRISE_##name = (value),
	REPRISE_STATUS_TABLE(REPRISE_STATUS_ENUM)
#undef REPRISE_STATUS_ENUM
} reprise_status;

enum {
	REPRISE_SESSION_ID_BYTES_MAX = 128,
	REPRISE_ERROR_WHAT_BYTES = 64,
	REPRISE_ERROR_DETAIL_BYTES = 160,
};

/*
 * The value of a sized struct before its fields are set: its size, and 0 elsewhere, which is the default of an option.
 * Each struct has a macro of its own for it:
 *
 *    struct reprise_store_options options = REPRISE_STORE_OPTIONS_INIT;
 */
#ifdef __cplusplus
#define REPRISE_INIT(type) ::reprise_init<type>()
#else
#define REPRISE_INIT(type)           \
	{                            \
		.size = sizeof(type) \
	}
#endif

/* In an option: no limit, where the option allows it. */
#define REPRISE_NO_LIMIT UINT64_MAX

/*
 * What a status cannot say. Optional everywhere; written only when the call fails, and then
 * whole: what does not apply is 0 or "".
 */
struct reprise_error {
	size_t size; /* sizeof(struct reprise_error), set by the caller */
	reprise_status status;
	int os_error;  /* errno of the call that failed (E_SYSTEM, ...) */
	uint64_t byte; /* E_MALFORMED_CURSOR: the first byte that is wrong */
	char what
		[REPRISE_ERROR_WHAT_BYTES]; /* E_INVALID: the argument or option; E_FULL: the bound */
	char expected_id[REPRISE_SESSION_ID_BYTES_MAX + 1]; /* E_WRONG_SESSION: asked for */
	char actual_id[REPRISE_SESSION_ID_BYTES_MAX + 1];   /* E_WRONG_SESSION: the cursor's */
	uint64_t expected;                       /* E_CONFLICT: the head that was asked for */
	uint64_t actual;                         /* E_CONFLICT: the one that there is */
	char detail[REPRISE_ERROR_DETAIL_BYTES]; /* the database's own words */
};
#define REPRISE_ERROR_INIT REPRISE_INIT(struct reprise_error)

/*
 * Where a store takes its memory. The functions may be called from any thread and must not
 * call the library. Either pair may be NULL: then the library's own is used.
 *
 * allocate/release  Control memory: at most a few KiB each. allocate returns memory aligned to
 *                   @alignment (a power of two, at most 64), or NULL; release gets the same size.
 *                   (The session table's own buckets come from liburcu, which uses malloc, and ends the
 *                   process where another thread takes what malloc has just said to have.)
 * map/unmap         Windows, staging and sessions, in large pieces of private anonymous memory, aligned to
 *                   a page, or NULL; as mmap gives it, inherited by forks. The library gives pages back
 *                   with madvise(2) in between, and unmaps only whole pieces.
 */
struct reprise_allocator {
	void *context;
	void *(*allocate)(void *context, size_t size, size_t alignment);
	void (*release)(void *context, void *memory, size_t size);
	void *(*map)(void *context, size_t size);
	void (*unmap)(void *context, void *memory, size_t size);
};

/*
 * reprise_status_name - the constant's name, such as "REPRISE_E_BUSY"
 * reprise_status_text - one sentence for people
 *
 * @status  Any value.
 *
 * Threads   Any.
 * Progress  Wait-free.
 * Ordering  None.
 * Returns   A static string; for a value that is no status, "unknown status".
 */
REPRISE_API const char *reprise_status_name(reprise_status status);
REPRISE_API const char *reprise_status_text(reprise_status status);

/*
 * reprise_version - the library's version, such as "0.1.0" (semantic versioning)
 *
 * Threads   Any.
 * Progress  Wait-free.
 * Ordering  None.
 * Returns   A static string.
 */
REPRISE_API const char *reprise_version(void);

REPRISE_END_DECLARATIONS
#endif /* REPRISE_BASE_H */
