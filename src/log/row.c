/* SPDX-License-Identifier: MIT */
#include "log/row.h"

#include <string.h>

#include "base/crc32c.h"

/* The least significant byte first. */
static unsigned char *
put_number(unsigned char *at, uint64_t value)
{
	for (size_t i = 0; i < sizeof(value); i++)
		*at++ = (unsigned char)(value >> (8 * i));
	return at;
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
log_row_checksum(const char *tenant, const char *thread, const struct log_row *row)
{
	unsigned char numbers[9 * sizeof(uint64_t)], *at = numbers;
	uint32_t crc = sized_text(sized_text(0, tenant), thread);

	at = put_number(at, row->first);
	at = put_number(at, row->last);
	at = put_number(at, row->revision);
	at = put_number(at, row->time_ns);
	at = put_number(at, row->type);
	at = put_number(at, row->kind);
	at = put_number(at, row->flags);
	at = put_number(at, row->reason);
	at = put_number(at, row->payload.size);
	crc = crc32c(crc, numbers, (size_t)(at - numbers));
	return crc32c(crc, row->payload.data, row->payload.size);
}

const char *
row_fault(const struct reprise_log_key *key, const struct log_row *row)
{
	if (log_row_checksum(key->tenant, key->thread, row) != row->checksum)
		return "a row's checksum";
	if (row->type != REPRISE_LOG_EVENT && row->type != REPRISE_LOG_GAP)
		return "a row's type";
	if (row->first == 0 || row->first > row->last)
		return "a row's ordinals";
	if (row->type == REPRISE_LOG_EVENT && row->first != row->last)
		return "a row's ordinals";
	return NULL;
}
