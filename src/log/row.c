/* SPDX-License-Identifier: MIT */
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

/* Its size comes first, so that no two keys have the same bytes. */
static uint32_t
sized_text(uint32_t crc, const char *text)
{
	unsigned char size[sizeof(uint64_t)];
	const size_t bytes = strlen(text);

	(void)put_number(size, bytes);
	return crc32c(crc32c(crc, size, sizeof(size)), text, bytes);
}

uint32_t
row_key_checksum(const char *tenant, const char *thread)
{
	return sized_text(sized_text(0, tenant), thread);
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
	return row_checksum(row_key_checksum(tenant, thread), row);
}

const char *
row_fault(uint32_t key_checksum, const struct log_row *row)
{
	if (row_checksum(key_checksum, row) != row->checksum)
		return "a row's checksum";
	if (row->type != REPRISE_LOG_EVENT && row->type != REPRISE_LOG_GAP)
		return "a row's type";
	if (row->first == 0 || row->first > row->last)
		return "a row's ordinals";
	if (row->type == REPRISE_LOG_EVENT && row->first != row->last)
		return "a row's ordinals";
	return NULL;
}
