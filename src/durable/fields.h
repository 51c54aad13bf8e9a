/* SPDX-License-Identifier: MIT */
#ifndef DURABLE_FIELDS_H
#define DURABLE_FIELDS_H

/*
 * The texts of the Durable Streams protocol: offsets, lifetimes, types, producers and cursors. All
 * functions are pure. Nothing is guessed: a text that is not exactly of its form is refused.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/base.h>

enum {
	DURABLE_OFFSET_BYTES = 34,     /* 16 digits, '_', 16 digits, NUL */
	DURABLE_TIME_BYTES = 32,       /* a time of RFC 3339, NUL */
	DURABLE_TYPE_BYTES_MAX = 127,  /* of a content type, without the NUL */
	DURABLE_NAME_BYTES_MAX = 128,  /* of a producer's id, without the NUL */
	DURABLE_ORDER_BYTES_MAX = 256, /* of a Stream-Seq, without the NUL */
};

/* The greatest epoch and number of a producer: 2^53 - 1. */
#define DURABLE_NUMBER_MAX ((UINT64_C(1) << 53) - 1)
/* The greatest position that an offset can hold: sixteen digits. */
#define DURABLE_POSITION_MAX UINT64_C(9999999999999998)

/* Where a GET begins. */
enum durable_start {
	DURABLE_START_OLDEST, /* "-1", and sixteen zeros twice */
	DURABLE_START_NOW,    /* "now" */
	DURABLE_START_AFTER,  /* behind a position */
};

/* 16 zeros, '_', the position in 16 digits. */
void durable_offset_format(reprise_position position, char text[DURABLE_OFFSET_BYTES]);
/* False: not an offset. *ret_position is set with START_AFTER, and 0 otherwise. */
bool durable_offset_parse(const char *text, size_t size, enum durable_start *ret_start,
			  reprise_position *ret_position);

/* A TTL in seconds: decimal, without sign, leading zeros, or anything else. */
bool durable_ttl_parse(const char *text, size_t size, uint64_t *ret_seconds);
/*
 * A time of RFC 3339 with its zone, in nanoseconds since 1970; before 1970 is 0, and what the type
 * cannot hold (after July 2554) is UINT64_MAX.
 */
bool durable_time_parse(const char *text, size_t size, uint64_t *ret_unix_ns);
/* In UTC, with milliseconds: 2026-01-31T09:05:07.250Z. */
void durable_time_format(uint64_t unix_ns, char text[DURABLE_TIME_BYTES]);

/* An epoch or a number of a producer: 0 to DURABLE_NUMBER_MAX, decimal digits alone. */
bool durable_number_parse(const char *text, size_t size, uint64_t *ret_number);

/*
 * A content type: the media type and its parameters. *ret_type is the type for comparison: the
 * media type in small letters, without the parameters, NUL-terminated. False: not a media type, or
 * too long.
 */
bool durable_type_parse(const char *text, size_t size, char ret_type[DURABLE_TYPE_BYTES_MAX + 1]);
bool durable_type_is_json(const char *type);
/* Whether events of the type go into an SSE stream as text; all other types are base64. */
bool durable_type_is_text(const char *type);

/*
 * The cursor of a live answer: the number of the 20 s interval of @unix_s since 2024-10-09; a
 * client that sent the same number, or a greater one, gets a greater one. @sent may be NULL, and is
 * left out if malformed; @random is any number.
 */
uint64_t durable_cursor(uint64_t unix_s, const char *sent, uint64_t random);

#endif /* DURABLE_FIELDS_H */
