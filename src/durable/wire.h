/* SPDX-License-Identifier: MIT */
#ifndef DURABLE_WIRE_H
#define DURABLE_WIRE_H

/*
 * The bytes of a control event: the version, then changes. A change is a tag, the length of its
 * fields, and the fields. Numbers are LEB128 in their shortest form; a text is its length and its
 * bytes, without a NUL. Everything has one encoding.
 *
 *    change         fields
 *    CREATE         session id, settings, time
 *    NUMBER         producer, epoch, number, count of the batch's events of data
 *    ORDER          order
 *    CLOSE          producer or "", epoch, number
 *    RENEW          time
 *    ADD_FORK       session id
 *    REMOVE_FORK    session id
 *    GONE
 *    SNAPSHOT       session id, settings, time, flags, first, last_data, order, producer or "",
 *                   epoch, number; count of producers, each with id, epoch, number, last; count of
 *                   forks, each a session id
 *
 *    settings       flags, type, type as sent, [TTL], [expiry], source or "", [fork's offset and
 *                   sub-offset]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WIRE_VERSION = 1,
	WIRE_NUMBER_BYTES_MAX = 10,
};

enum wire_tag {
	WIRE_CREATE = 1,
	WIRE_NUMBER,
	WIRE_ORDER,
	WIRE_CLOSE,
	WIRE_RENEW,
	WIRE_ADD_FORK,
	WIRE_REMOVE_FORK,
	WIRE_GONE,
	WIRE_SNAPSHOT,
	WIRE_TAGS_END,
};

enum {
	WIRE_HAS_TTL = 1 << 0,
	WIRE_HAS_EXPIRY = 1 << 1,
	WIRE_IS_CREATED_CLOSED = 1 << 2,
	WIRE_HAS_FORK_OFFSET = 1 << 3,
	WIRE_SETTINGS_FLAGS = (1 << 4) - 1,

	WIRE_IS_CREATED = 1 << 0,
	WIRE_IS_CLOSED = 1 << 1,
	WIRE_IS_GONE = 1 << 2,
	WIRE_STATE_FLAGS = (1 << 3) - 1,
};

/*
 * Bytes that are being read. A field that does not fit sets `failed` and takes all that is left; a
 * failed read answers 0, or an empty text.
 */
struct wire {
	const unsigned char *at, *end;
	bool failed;
};

void wire_fail(struct wire *wire);
uint64_t wire_number(struct wire *wire, uint64_t max);
/* @bytes_min to @bytes_max bytes and a NUL. */
void wire_text(struct wire *wire, size_t bytes_min, size_t bytes_max, char *ret_text);
/* The fields of a change: as many bytes as the length in front says. */
struct wire wire_part(struct wire *wire);
/* Whether everything was read, and nothing is left. */
bool wire_is_whole(const struct wire *wire);

#endif /* DURABLE_WIRE_H */
