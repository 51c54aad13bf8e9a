/* SPDX-License-Identifier: MIT */
#ifndef CONVERSATION_FIELDS_H
#define CONVERSATION_FIELDS_H

/*
 * The fields that events and snapshots consist of, without padding: numbers of 8, 32 and 64
 * bits, big-endian; bytes, a 64-bit number of them first (rule D02). Each fields_take_* answers
 * false and takes nothing where too few bytes are left. Each fields_put_* answers the address
 * behind the field.
 */

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <reprise/base.h>

enum {
	FIELD_BYTES_U8 = 1,
	FIELD_BYTES_U32 = 4,
	FIELD_BYTES_U64 = 8,
};

/* The bytes that are not taken yet. */
struct fields {
	const unsigned char *at;
	size_t left;
};

static inline struct fields
fields_of(struct reprise_bytes from)
{
	return (struct fields){ from.data, from.size };
}

static inline bool
fields_take(struct fields *fields, void *to, size_t bytes)
{
	if (fields->left < bytes)
		return false;
	memcpy(to, fields->at, bytes);
	fields->at += bytes;
	fields->left -= bytes;
	return true;
}

static inline bool
fields_take_u8(struct fields *fields, uint8_t *ret_number)
{
	return fields_take(fields, ret_number, FIELD_BYTES_U8);
}

static inline bool
fields_take_u32(struct fields *fields, uint32_t *ret_number)
{
	if (!fields_take(fields, ret_number, FIELD_BYTES_U32))
		return false;
	*ret_number = be32toh(*ret_number);
	return true;
}

static inline bool
fields_take_u64(struct fields *fields, uint64_t *ret_number)
{
	if (!fields_take(fields, ret_number, FIELD_BYTES_U64))
		return false;
	*ret_number = be64toh(*ret_number);
	return true;
}

/* Borrowed from the bytes that the fields are in. */
static inline bool
fields_take_bytes(struct fields *fields, struct reprise_bytes *ret_bytes)
{
	struct fields after = *fields;
	uint64_t size;

	if (!fields_take_u64(&after, &size) || size > after.left)
		return false;
	*ret_bytes = (struct reprise_bytes){ after.at, (size_t)size };
	after.at += (size_t)size;
	after.left -= (size_t)size;
	*fields = after;
	return true;
}

static inline unsigned char *
fields_put(unsigned char *at, const void *from, size_t bytes)
{
	if (bytes != 0)
		memcpy(at, from, bytes);
	return at + bytes;
}

static inline unsigned char *
fields_put_u8(unsigned char *at, uint8_t number)
{
	return fields_put(at, &number, FIELD_BYTES_U8);
}

static inline unsigned char *
fields_put_u32(unsigned char *at, uint32_t number)
{
	const uint32_t ordered = htobe32(number);

	return fields_put(at, &ordered, FIELD_BYTES_U32);
}

static inline unsigned char *
fields_put_u64(unsigned char *at, uint64_t number)
{
	const uint64_t ordered = htobe64(number);

	return fields_put(at, &ordered, FIELD_BYTES_U64);
}

static inline unsigned char *
fields_put_bytes(unsigned char *at, struct reprise_bytes bytes)
{
	return fields_put(fields_put_u64(at, bytes.size), bytes.data, bytes.size);
}

#endif /* CONVERSATION_FIELDS_H */
