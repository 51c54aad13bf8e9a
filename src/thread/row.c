/* SPDX-License-Identifier: MIT */
#include "thread/row.h"

#include <endian.h>
#include <string.h>

#include "base/crc32c.h"

enum table {
	TABLE_HEADS = 1,
	TABLE_TEXTS,
	TABLE_DELTAS,
	TABLE_APPLIED,
	TABLE_KEEPING,
};

static uint32_t
add_number(uint32_t crc, uint64_t number)
{
	const uint64_t ordered = htole64(number);

	return crc32c(crc, &ordered, sizeof(ordered));
}

/* The size comes first, so that no two rows have the same bytes. */
static uint32_t
add_bytes(uint32_t crc, const void *data, size_t size)
{
	return crc32c(add_number(crc, size), data, size);
}

static uint32_t
begin(enum table table, const struct thread_uid *uid)
{
	return crc32c(add_number(0, (uint64_t)table), uid->bytes, sizeof(uid->bytes));
}

uint32_t
head_checksum(const struct thread_head *head)
{
	uint32_t crc = add_bytes(begin(TABLE_HEADS, &head->uid), head->id,
				 strnlen(head->id, THREAD_ID_ROOM));

	crc = add_number(crc, head->version);
	crc = add_number(crc, head->base);
	crc = add_number(crc, head->complete_after);
	crc = add_number(crc, head->text_bytes);
	crc = add_number(crc, head->delta_bytes);
	return add_number(crc, head->growth_bytes);
}

uint32_t
text_checksum(const struct thread_uid *uid, const struct thread_text *text)
{
	return add_bytes(add_number(begin(TABLE_TEXTS, uid), text->version), text->json.data,
			 text->json.size);
}

uint32_t
delta_checksum(const struct thread_uid *uid, const struct thread_delta *delta)
{
	uint32_t crc = add_number(begin(TABLE_DELTAS, uid), delta->version);

	crc = add_number(crc, delta->stored_ms);
	return add_bytes(crc, delta->json.data, delta->json.size);
}

uint32_t
applied_checksum(const struct thread_uid *uid, const char *delta_id,
		 const struct thread_applied *applied)
{
	uint32_t crc = add_bytes(begin(TABLE_APPLIED, uid), delta_id, strlen(delta_id));

	crc = add_number(crc, applied->version);
	crc = add_number(crc, applied->applied_ms);
	return crc32c(crc, applied->digest, sizeof(applied->digest));
}

uint32_t
keeping_checksum(const struct thread_keeping *keeping)
{
	return add_number(add_number(add_number(0, TABLE_KEEPING), keeping->horizon_ms),
			  keeping->floor_ms);
}

const char *
head_fault(const struct thread_head *head)
{
	if (head->fault != NULL)
		return head->fault;
	if (!head->exists)
		return NULL;
	if (head_checksum(head) != head->checksum)
		return "a head has a wrong checksum";
	if (head->complete_after > head->base || head->base > head->version)
		return "a head has impossible versions";
	return NULL;
}

const char *
text_fault(const struct thread_head *head, const struct thread_text *text)
{
	if (text->fault != NULL)
		return text->fault;
	if (text_checksum(&head->uid, text) != text->checksum)
		return "a text has a wrong checksum";
	if (text->version != head->base || text->json.size != head->text_bytes)
		return "a text does not belong to its head";
	return NULL;
}

const char *
delta_fault(const struct thread_uid *uid, const struct thread_delta *delta)
{
	if (delta->fault != NULL)
		return delta->fault;
	return delta_checksum(uid, delta) == delta->checksum ? NULL
							     : "a delta has a wrong checksum";
}

const char *
applied_fault(const struct thread_uid *uid, const char *delta_id,
	      const struct thread_applied *applied)
{
	if (applied->fault != NULL)
		return applied->fault;
	if (!applied->exists)
		return NULL;
	if (applied_checksum(uid, delta_id, applied) != applied->checksum)
		return "a remembered id has a wrong checksum";
	return applied->version != 0 ? NULL : "a remembered id has an impossible version";
}
