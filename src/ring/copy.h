/* SPDX-License-Identifier: MIT */
#ifndef RING_COPY_H
#define RING_COPY_H

/*
 * How payload bytes move: byte-wise atomic copies. A subscription may copy what the writer is
 * overwriting; it finds out afterwards and throws the bytes away, but the copy itself must not be
 * a data race. C11 has no such copy (C++ has P1478), so there are two spellings:
 *
 *   production           memcpy, whose vector loads and stores tear at worst between bytes. At
 *                        most 4 KiB a call, since glibc switches to non-temporal stores for large
 *                        sizes, and those are ordered differently. A compiler barrier keeps the
 *                        subscription's copy before it validates.
 *   REPRISE_WORD_COPY    relaxed 8-byte atomics, which ThreadSanitizer and model checkers see.
 */

#include <string.h>
#include <sys/uio.h>

#include "base/assert.h"
#include "base/atomic.h"
#include "base/numbers.h"

#if defined(__SANITIZE_THREAD__)
#define REPRISE_WORD_COPY 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define REPRISE_WORD_COPY 1
#endif
#endif

enum {
	COPY_BYTES_MAX = 4096, /* in one call of memcpy */
	COPY_SMALL_MAX = 64,   /* by copy_small */
	COPY_SOON_MIN = 512,   /* below that, no line is asked for ahead of time */
};

/*
 * An event may be written in place (ring_reserve), by plain stores of the host's, which are a race
 * by the letter. Where the tools would see it, the host gets this much memory beside the arena, and
 * the payload is copied when it is published.
 */
#ifdef REPRISE_WORD_COPY
#define SCRATCH_BYTES(arena_bytes) (arena_bytes)
#else
#define SCRATCH_BYTES(arena_bytes) UINT64_C(0)
#endif

#ifdef REPRISE_WORD_COPY

/*
 * Bytes gathered into words, which are stored as they fill up. Shifts do it, since a checker may
 * follow no memory that is written by bytes and read by words.
 */
struct word_writer {
	atomic_u64 *to;
	uint64_t word;
	size_t count;
};

static inline void
word_flush(struct word_writer *writer)
{
	store_relaxed(writer->to, writer->word);
	writer->to++;
	writer->word = 0;
	writer->count = 0;
}

static inline void
word_write(struct word_writer *writer, const unsigned char *from, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		writer->word |= (uint64_t)from[i] << (8 * writer->count++);
		if (writer->count == 8)
			word_flush(writer);
	}
}

static inline void
copy_parts_in(unsigned char *to, const struct iovec *parts, size_t parts_count)
{
	struct word_writer writer = { .to = (atomic_u64 *)(void *)to };

	for (size_t i = 0; i < parts_count; i++)
		word_write(&writer, parts[i].iov_base, parts[i].iov_len);
	if (writer.count > 0)
		word_flush(&writer);
}

static inline void
copy_in(unsigned char *to, const void *from, size_t bytes)
{
	struct word_writer writer = { .to = (atomic_u64 *)(void *)to };

	word_write(&writer, from, bytes);
	if (writer.count > 0)
		word_flush(&writer);
}

/* At most COPY_BYTES_MAX. */
static inline void
copy_piece(unsigned char *to, const void *from, size_t bytes)
{
	copy_in(to, from, bytes);
}

/* At most COPY_SMALL_MAX. */
static inline void
copy_small(unsigned char *to, const void *from, size_t bytes)
{
	copy_in(to, from, bytes);
}

static inline void
copy_in_soon(unsigned char *to, size_t bytes)
{
	(void)to;
	(void)bytes;
}

static inline void
copy_out_soon(const unsigned char *from, size_t bytes)
{
	(void)from;
	(void)bytes;
}

/* @bytes is a multiple of 8. */
static inline void
copy_out(unsigned char *to, unsigned char *from, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += 8) {
		const uint64_t word = load_relaxed((atomic_u64 *)(void *)(from + at));

		for (unsigned int i = 0; i < 8; i++)
			to[at + i] = (unsigned char)(word >> (8 * i));
	}
}

/* Any number of bytes; of the last word those that follow stay where they are. */
static inline void
copy_payload_out(unsigned char *to, unsigned char *from, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += 8) {
		const uint64_t word = load_relaxed((atomic_u64 *)(void *)(from + at));

		for (size_t i = 0; i < 8 && at + i < bytes; i++)
			to[at + i] = (unsigned char)(word >> (8 * i));
	}
}

/* Whether both have the same bytes. */
static inline bool
copy_is_same(unsigned char *in_ring, const void *bytes, size_t count)
{
	const unsigned char *const other = bytes;

	for (size_t at = 0; at < count; at += 8) {
		const uint64_t word = load_relaxed((atomic_u64 *)(void *)(in_ring + at));

		for (size_t i = 0; i < 8 && at + i < count; i++)
			if (other[at + i] != (unsigned char)(word >> (8 * i)))
				return false;
	}
	return true;
}

#else

/* At most COPY_BYTES_MAX. */
static inline void
copy_piece(unsigned char *to, const void *from, size_t bytes)
{
	/* gcc would make "rep movsq" of a size that it knows bounds of: three times slower. */
	__asm__("" : "+r"(bytes));
	memcpy(to, from, bytes);
}

/* @bytes >= @block: whole blocks, the last of which ends where the bytes end, and may overlap. */
#define COPY_ENDS(to, from, bytes, block)                                            \
	do {                                                                         \
		memcpy(to, from, block);                                             \
		memcpy((to) + (bytes) - (block), (from) + (bytes) - (block), block); \
	} while (0)

/*
 * At most COPY_SMALL_MAX. Moves of known sizes, so that a copy of so little calls nothing, and
 * keeps nothing across a call.
 */
static ALWAYS_INLINE void
copy_small(unsigned char *to, const void *from, size_t bytes)
{
	const unsigned char *const at = from;

	if (bytes > 32)
		COPY_ENDS(to, at, bytes, 32);
	else if (bytes >= 16)
		COPY_ENDS(to, at, bytes, 16);
	else if (bytes >= 8)
		COPY_ENDS(to, at, bytes, 8);
	else if (bytes >= 4)
		COPY_ENDS(to, at, bytes, 4);
	else
		for (size_t i = 0; i < bytes; i++)
			to[i] = at[i];
}

/*
 * About so much is copied to here the next time: the lines are asked for now, as the writer's own.
 * A large copy waits for the lines above all; for a small copy the request is not worth the
 * instructions.
 */
static inline void
copy_in_soon(unsigned char *to, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += CACHE_LINE_BYTES)
#if defined(__x86_64__)
		__asm__ volatile("prefetchw %0" : : "m"(to[at]));
#else
		__builtin_prefetch(to + at, 1);
#endif
}

/*
 * So much is copied from here the next time: the lines come while what was copied before
 * is handed out.
 */
static inline void
copy_out_soon(const unsigned char *from, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += CACHE_LINE_BYTES)
		__builtin_prefetch(from + at);
}

static inline void
copy_in(unsigned char *to, const void *from, size_t bytes)
{
	const unsigned char *at = from;

	while (bytes > 0) {
		const size_t piece = least(bytes, COPY_BYTES_MAX);

		copy_piece(to, at, piece);
		to += piece;
		at += piece;
		bytes -= piece;
	}
}

static inline void
copy_parts_in(unsigned char *to, const struct iovec *parts, size_t parts_count)
{
	for (size_t i = 0; i < parts_count; i++) {
		copy_in(to, parts[i].iov_base, parts[i].iov_len);
		to += parts[i].iov_len;
	}
}

/* @bytes is a multiple of 8. */
static inline void
copy_out(unsigned char *to, unsigned char *from, size_t bytes)
{
	copy_in(to, from, bytes);
	fence_compiler();
}

/* Any number of bytes. */
static ALWAYS_INLINE void
copy_payload_out(unsigned char *to, unsigned char *from, size_t bytes)
{
	if (bytes <= COPY_SMALL_MAX)
		copy_small(to, from, bytes);
	else
		copy_in(to, from, bytes);
	fence_compiler();
}

/* Whether both have the same bytes. */
static inline bool
copy_is_same(unsigned char *in_ring, const void *bytes, size_t count)
{
	return count == 0 || memcmp(in_ring, bytes, count) == 0;
}

#endif /* REPRISE_WORD_COPY */

#endif /* RING_COPY_H */
