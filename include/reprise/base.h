/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_BASE_H
#define REPRISE_BASE_H

/*
 * reprise/base.h - statuses, byte ranges, error details, allocator hooks, the version
 *
 * Every other header includes this one. The library keeps three kinds of results apart:
 *
 *   outcomes           Normal alternatives: an event, nothing new, a gap, the end. Each function
 *                      with several outcomes returns an enum for the caller to switch over.
 *   operating errors   A reprise_status: 0 or negative. On failure the output parameters stay
 *                      untouched, unless a call says otherwise. An optional struct reprise_error
 *                      gets the details.
 *   programmer errors  Assertions. They stay on in release builds and abort the process. Examples:
 *                      NULL where a function says "asserted", a closed handle, or two threads in a
 *                      handle reserved for one thread at a time. Before the abort, one line on
 *                      standard error has the mistake, the failed expression, the file and the
 *                      line.
 *
 * Structs named ..._options and ..._stats, struct reprise_error and some other structs begin with a
 * size. The caller sets the size to sizeof the struct. A program built against an older header
 * keeps working with a newer library. If the size of such a struct is wrong, or an option unknown
 * to this library is not 0, the call returns REPRISE_E_INVALID, and `what` names the struct. Only
 * struct reprise_error differs: the library fills the struct as far as the size allows, and a size
 * without room for a status, or above 4,096, is a programmer error. Only a failing call detects
 * this error.
 *
 * Cancellation. Four calls are cancellation points, before and during their wait: reprise_wait,
 * reprise_group_wait, reprise_writer_wait_room and reprise_recorder_flush. A thread cancelled there
 * has released everything held by the call. The handles stay open, and another thread may use or
 * close them. Every other call defers a pending cancellation until the call has returned. Calls on
 * a log may take up to the log's deadline to return. A thread with asynchronous cancellation
 * enabled (PTHREAD_CANCEL_ASYNCHRONOUS) must not call the library. The library calls callbacks and
 * visitors with cancellation disabled.
 *
 * Threads. A store has the thread reprise-relay, a recorder (recorder.h) the threads reprise-read
 * and reprise-write, a writer over NATS (jetstream.h) the threads reprise-acks and reprise-done.
 * These threads have 2 MiB of stack, block every signal, and run under SCHED_OTHER on the
 * processors available to the process when the library was loaded. The threads of libnats are named
 * reprise-nats, and differ only in their stack: the system's default. No file descriptor of the
 * library is 0, 1 or 2.
 *
 * Sizes are in bytes, counts in events, times in nanoseconds. Each name says the unit.
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

/*
 * These macros enclose declarations. g++ -Wshadow warns about a function with the name of a struct,
 * so the macros turn this warning off.
 */
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

/* The position of an event in its session: 1, 2, 3, without holes. 0 is before the first event. */
typedef uint64_t reprise_position;

/* A range of bytes. The pointer may be NULL if the size is 0. */
struct reprise_bytes {
	const void *data;
	size_t size;
};

/* Returns the bytes of a NUL-terminated string, without the NUL. */
static inline struct reprise_bytes
reprise_bytes_from_string(const char *string)
{
	const struct reprise_bytes bytes = { string, strlen(string) };

	return bytes;
}

/*
 * A table of the constants of an enum. X gets the constant and its value; other columns differ from
 * table to table. REPRISE_ENUMERATOR as X makes the enum.
 */
#define REPRISE_ENUMERATOR(constant, value, ...) constant = (value),

/* Every operating status of every call, in one table: X(name, value, sentence). */
#define REPRISE_STATUS_TABLE(X)                                                      \
	X(OK, 0, "done")                                                             \
	X(E_INVALID, -1, "an argument or an option is invalid")                      \
	X(E_MALFORMED_CURSOR, -2, "the text is not a cursor")                        \
	X(E_WRONG_SESSION, -3, "the cursor belongs to another session")              \
	X(E_TOO_LARGE, -4, "an argument is larger than the limit")                   \
	X(E_CLOSED, -5, "the session has ended, or its window takes no more events") \
	X(E_BUSY, -6, "another thread, handle or process uses the object")           \
	X(E_FULL, -7, "a limit is reached, and nothing may be displaced")            \
	X(E_NO_MEMORY, -8, "out of memory")                                          \
	X(E_TIMEOUT, -9, "the deadline has passed")                                  \
	X(E_INTERRUPTED, -10, "another thread interrupted the wait")                 \
	X(E_NOT_FOUND, -11, "not found")                                             \
	X(E_EXISTS, -12, "already exists")                                           \
	X(E_CONFLICT, -13, "the head or version is not the expected one")            \
	X(E_STALE, -14, "the state is out of date; recover first")                   \
	X(E_EXPIRED, -15, "the data is too old, or already archived")                \
	X(E_ABORTED, -16, "abandoned because an earlier operation failed")           \
	X(E_CORRUPT, -17, "the stored data is damaged")                              \
	X(E_VERSION, -18, "an incompatible version has written the data")            \
	X(E_IO, -19, "reading or writing failed")                                    \
	X(E_FORKED, -20, "the handle is from before a fork; open a new handle")      \
	X(E_SYSTEM, -21, "the operating system refused a call")

typedef enum reprise_status {
#define REPRISE_STATUS_ENUM(name, value, sentence) REPRISE_##name = (value),
	REPRISE_STATUS_TABLE(REPRISE_STATUS_ENUM)
#undef REPRISE_STATUS_ENUM
} reprise_status;

/*
 * The durability of an event or of a write, in one table: X(constant, value, name, sentence). Each
 * level includes the levels before. An option of an adapter or of a recorder takes REPRISE_WRITTEN
 * or REPRISE_SYNCED; 0 in an option is REPRISE_SYNCED. Newer events no longer displace an event of
 * the level REPRISE_ENQUEUED, unless the log refuses the session for a while (rule F36).
 */
#define REPRISE_DURABILITY_TABLE(X)                                                     \
	X(REPRISE_ENQUEUED, 0, "enqueued", "copied out of the ring")                    \
	X(REPRISE_WRITTEN, 1, "written", "committed: survives the end of this process") \
	X(REPRISE_SYNCED, 2, "synced", "on disk: survives the failure of the machine")

typedef enum reprise_durability {
	REPRISE_DURABILITY_TABLE(REPRISE_ENUMERATOR)
} reprise_durability;

enum {
	REPRISE_SESSION_ID_BYTES_MAX = 128,
	REPRISE_ERROR_WHAT_BYTES = 64,
	REPRISE_ERROR_DETAIL_BYTES = 160,
};

/*
 * The initial value of a sized struct: the size is set, and every other field is 0. In an option, 0
 * selects the default. Each sized struct has a macro of its own:
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

/* The value of an option without a limit, where the option allows no limit. */
#define REPRISE_NO_LIMIT UINT64_MAX

/*
 * Details of a failed call. The struct is optional in every call. Only a failing call writes to the
 * struct, and then sets every field: to 0 or "" if the field does not apply.
 */
struct reprise_error {
	size_t size; /* sizeof(struct reprise_error), set by the caller */
	reprise_status status;
	int os_error;  /* E_SYSTEM: errno of the failed system call */
	uint64_t byte; /* E_MALFORMED_CURSOR: offset of the first wrong byte */

	/*
	 * E_INVALID: the argument or option. E_FULL: the exceeded bound. Other statuses: as
	 * documented.
	 */
	char what[REPRISE_ERROR_WHAT_BYTES];
	char expected_id[REPRISE_SESSION_ID_BYTES_MAX + 1]; /* E_WRONG_SESSION: expected */
	char actual_id[REPRISE_SESSION_ID_BYTES_MAX + 1];   /* E_WRONG_SESSION: the cursor's */
	uint64_t expected; /* E_CONFLICT: the expected head or version */
	uint64_t actual;   /* E_CONFLICT: the actual head or version */

	/* Explains the failure in the words of the database, the server or the library. */
	char detail[REPRISE_ERROR_DETAIL_BYTES];
};
#define REPRISE_ERROR_INIT REPRISE_INIT(struct reprise_error)

/*
 * Functions that provide the memory of a store. The library calls the functions from any thread.
 * The functions must not call the library. Either pair may be NULL: the library then uses its own
 * pair.
 *
 * allocate/release  Control memory, at most a few KiB in each call. allocate returns memory aligned
 *                   to @alignment (a power of two, at most 64), or NULL. release gets the same
 *                   size. Exception: liburcu allocates the buckets of the session table with
 *                   malloc, and ends the process if malloc fails. The library probes malloc first,
 *                   but another thread can take the probed memory in between.
 * map/unmap         Memory of windows, staging buffers and sessions, in large pieces. map returns
 *                   private anonymous memory as mmap does, aligned to a page and inherited by
 *                   forks, or NULL. The library returns single pages to the system with madvise(2),
 *                   and unmaps only whole pieces.
 */
struct reprise_allocator {
	void *context;
	void *(*allocate)(void *context, size_t size, size_t alignment);
	void (*release)(void *context, void *memory, size_t size);
	void *(*map)(void *context, size_t size);
	void (*unmap)(void *context, void *memory, size_t size);
};

/*
 * reprise_status_name - returns the constant's name, such as "REPRISE_E_BUSY"
 * reprise_status_text - returns one sentence for people
 *
 * @status  Any value.
 *
 * Threads   Any.
 * Progress  Wait-free.
 * Ordering  None.
 * Returns   A static string. For an unknown value: "unknown status".
 */
REPRISE_API const char *reprise_status_name(reprise_status status);
REPRISE_API const char *reprise_status_text(reprise_status status);

/*
 * reprise_durability_name - returns a short name, such as "synced"
 * reprise_durability_text - returns a sentence for people
 *
 * @durability  Any value.
 *
 * Threads   Any, also in a signal handler.
 * Progress  Wait-free.
 * Ordering  None.
 * Returns   A static string, as in REPRISE_DURABILITY_TABLE. For an unknown value: "unknown".
 *           (rule X15)
 */
REPRISE_API const char *reprise_durability_name(reprise_durability durability);
REPRISE_API const char *reprise_durability_text(reprise_durability durability);

/*
 * reprise_version - returns the library's version, such as "0.1.0" (semantic versioning)
 *
 * Threads   Any.
 * Progress  Wait-free.
 * Ordering  None.
 * Returns   A static string.
 */
REPRISE_API const char *reprise_version(void);

REPRISE_END_DECLARATIONS
#endif /* REPRISE_BASE_H */
