/* SPDX-License-Identifier: MIT */
/*
 * The checksums of everything that is stored. Each begins with that of the key, so that a row which
 * comes to stand under another key is found; then the table, but for rows and archive, whose
 * checksums were there before the others; then every number as 64 bits.
 */
#include "log/row.h"

#include <endian.h>
#include <string.h>

#include "base/crc32c.h"

/* The least significant byte first. */
static unsigned char *
put_number(unsigned char *at, uint64_t value)
{
	const uint64_t ordered = htole64(value);

	memcpy(at, &ordered, sizeof(ordered));
	return at + sizeof(ordered);
}

/* Their size comes first, so that no two keys have the same bytes. */
static uint32_t
sized_bytes(uint32_t crc, const void *data, size_t bytes)
{
	unsigned char size[sizeof(uint64_t)];

	(void)put_number(size, bytes);
	return crc32c(crc32c(crc, size, sizeof(size)), data, bytes);
}

static uint32_t
sized_text(uint32_t crc, const char *text)
{
	return sized_bytes(crc, text, strlen(text));
}

uint32_t
log_key_checksum(const char *tenant, const char *thread)
{
	return sized_text(sized_text(0, tenant), thread);
}

/* Logs hold these numbers: a number never changes, and a new constant gets a new number. */
_Static_assert(REPRISE_LOG_GAP_NONE == 0 && REPRISE_LOG_GAP_OVERRUN == 1 &&
		       REPRISE_LOG_GAP_TOO_LARGE == 2,
	       "the numbers of stored reasons");
_Static_assert(REPRISE_LIFE_OPEN == 1 && REPRISE_LIFE_CLEAN == 2 && REPRISE_LIFE_CRASHED == 3 &&
		       REPRISE_LIFE_INVALIDATED == 4,
	       "the numbers of stored states");

#define CASE(constant, value, name, sentence) case value:

bool
row_is_reason(uint64_t reason)
{
	switch (reason) {
		REPRISE_LOG_GAP_REASON_TABLE(CASE)
		return true;
	default:
		return false;
	}
}

bool
row_is_state(uint64_t state)
{
	switch (state) {
		REPRISE_LIFE_STATE_TABLE(CASE)
		return true;
	default:
		return false;
	}
}

uint32_t
row_checksum(uint32_t key_checksum, const struct log_row *row)
{
	unsigned char numbers[9 * sizeof(uint64_t)], *at = numbers;

	at = put_number(at, row->first);
	at = put_number(at, row->last);
	at = put_number(at, row->revision);
	at = put_number(at, row->time_ns);
	at = put_number(at, row->type);
	at = put_number(at, row->kind);
	at = put_number(at, row->flags);
	at = put_number(at, row->reason);
	(void)put_number(at, row->payload.size);
	return crc32c(crc32c(key_checksum, numbers, sizeof(numbers)), row->payload.data,
		      row->payload.size);
}

uint32_t
log_row_checksum(const char *tenant, const char *thread, const struct log_row *row)
{
	return row_checksum(log_key_checksum(tenant, thread), row);
}

const char *
row_fault(uint32_t key_checksum, const struct log_row *row)
{
	if (row->fault != NULL)
		return row->fault;
	if (row_checksum(key_checksum, row) != row->checksum)
		return "a row has a wrong checksum";
	if (row->type != REPRISE_LOG_EVENT && row->type != REPRISE_LOG_GAP)
		return "a row has an unknown type";
	if (row->first == 0 || row->first > row->last)
		return "a row has impossible ordinals";
	if (row->type == REPRISE_LOG_EVENT && row->first != row->last)
		return "a row has impossible ordinals";
	if (row->type == REPRISE_LOG_EVENT ? row->reason != REPRISE_LOG_GAP_NONE
					   : !row_is_reason(row->reason))
		return "a gap has an unknown reason";
	return NULL;
}

/* Which table it is of. */
enum {
	TABLE_HEADS = 1,
	TABLE_LIVES,
	TABLE_MARKS,
	TABLE_BLOBS,
};

uint32_t
log_head_checksum(uint32_t key_checksum, const struct log_head *head)
{
	unsigned char numbers[15 * sizeof(uint64_t)], *at = numbers;

	at = put_number(at, TABLE_HEADS);
	at = put_number(at, (uint64_t)head->id);
	at = put_number(at, head->kind);
	at = put_number(at, head->has_ended);
	at = put_number(at, (uint64_t)head->end_status);
	at = put_number(at, head->end_ordinal);
	at = put_number(at, head->head);
	at = put_number(at, head->watermark);
	at = put_number(at, head->revision_max);
	at = put_number(at, head->moved.revision);
	at = put_number(at, head->moved.ordinal);
	at = put_number(at, head->life.number);
	/* Heads of logs that knew no leases have none, and their checksums are as they were. */
	if (head->lease_ns != 0 || head->lease_end_ns != 0) {
		at = put_number(at, head->lease_ns);
		at = put_number(at, head->lease_end_ns);
	}
	/*
	 * Heads without blobs likewise. How many numbers there are tells which of the two
	 * are among them.
	 */
	if (head->blobs != 0)
		at = put_number(at, head->blobs);
	return crc32c(key_checksum, numbers, (size_t)(at - numbers));
}

uint32_t
log_life_checksum(uint32_t key_checksum, const struct reprise_life *life)
{
	unsigned char numbers[5 * sizeof(uint64_t)], *at = numbers;

	at = put_number(at, TABLE_LIVES);
	at = put_number(at, life->number);
	at = put_number(at, life->first);
	at = put_number(at, life->end);
	(void)put_number(at, (uint64_t)life->state);
	return crc32c(crc32c(key_checksum, numbers, sizeof(numbers)), &life->incarnation,
		      sizeof(life->incarnation));
}

uint32_t
log_mark_checksum(uint32_t key_checksum, enum log_mark_type type, const struct log_mark *mark)
{
	unsigned char numbers[4 * sizeof(uint64_t)], *at = numbers;

	at = put_number(at, TABLE_MARKS);
	at = put_number(at, type);
	at = put_number(at, mark->revision);
	(void)put_number(at, mark->ordinal);
	return crc32c(key_checksum, numbers, sizeof(numbers));
}

uint32_t
log_blob_checksum(uint32_t key_checksum, const struct log_blob *blob)
{
	unsigned char table[sizeof(uint64_t)];

	(void)put_number(table, TABLE_BLOBS);
	return sized_bytes(sized_text(crc32c(key_checksum, table, sizeof(table)), blob->name),
			   blob->bytes.data, blob->bytes.size);
}

/*
 * As a head is created, before the first write to its key: there is nothing that a checksum
 * would be of.
 */
static bool
head_is_blank(const struct log_head *head)
{
	return head->kind == 0 && head->checksum == 0 && head->head == 0 && head->watermark == 0 &&
	       head->revision_max == 0 && head->moved.ordinal == 0 && head->life.number == 0 &&
	       head->lease_ns == 0 && head->lease_end_ns == 0 && head->blobs == 0 &&
	       !head->has_ended;
}

const char *
head_fault(const struct log_head *head)
{
	if (head->fault != NULL)
		return head->fault;
	if (head->id == 0 || head_is_blank(head))
		return NULL;
	if (log_head_checksum(head->key_checksum, head) != head->checksum)
		return "a head has a wrong checksum";
	if (head->kind == 0 || head->kind > REPRISE_LOG_RING || head->watermark > head->head ||
	    head->moved.ordinal > head->watermark)
		return "a head has impossible numbers";
	if (head->life.number == 0)
		return NULL;
	return life_fault(head->key_checksum,
			  &(struct log_life){ head->life, head->life_checksum });
}

const char *
life_fault(uint32_t key_checksum, const struct log_life *life)
{
	const reprise_life_state state = life->life.state;

	if (log_life_checksum(key_checksum, &life->life) != life->checksum)
		return "a life has a wrong checksum";
	if (life->life.number == 0)
		return "a life has an impossible number";
	if (!row_is_state(state))
		return "a life has an impossible state";
	return NULL;
}

const char *
mark_fault(uint32_t key_checksum, enum log_mark_type type, const struct log_mark *mark)
{
	if (log_mark_checksum(key_checksum, type, mark) == mark->checksum)
		return NULL;
	return type == LOG_MARK_RISE ? "a rise has a wrong checksum"
				     : "a commit has a wrong checksum";
}

const char *
blob_fault(uint32_t key_checksum, const struct log_blob *blob)
{
	if (blob->fault != NULL)
		return blob->fault;
	return log_blob_checksum(key_checksum, blob) == blob->checksum
		       ? NULL
		       : "a blob has a wrong checksum";
}
