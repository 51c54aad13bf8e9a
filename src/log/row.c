/* SPDX-License-Identifier: MIT */
#include "log/row.h"

#include <string.h>

#include "base/crc32c.h"

/* The least significant byte first. */
static uint32_t
number(uint32_t crc, uint64_t value)
{
	unsigned char bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(value >> (8 * i));
	return crc32c(crc, bytes, sizeof(bytes));
}

/* Its size comes first, so that no two keys have the same bytes. */
static uint32_t
sized_bytes(uint32_t crc, const void *data, size_t bytes)
{
	return crc32c(number(crc, bytes), data, bytes);
}

uint32_t
log_row_checksum(const char *tenant, const char *thread, const struct log_row *row)
{
	uint32_t crc = sized_bytes(0, tenant, strlen(tenant));

	crc = sized_bytes(crc, thread, strlen(thread));
	crc = number(crc, row->first);
	crc = number(crc, row->last);
	crc = number(crc, row->revision);
	crc = number(crc, row->time_ns);
	crc = number(crc, row->type);
	crc = number(crc, row->kind);
	crc = number(crc, row->flags);
	crc = number(crc, row->reason);
	return sized_bytes(crc, row->payload.data, row->payload.size);
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
