/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model.h"

/* A cursor's one text (contracts A02), bit by bit. */

uint32_t
model_check(const char *text, size_t bytes)
{
	uint32_t crc = UINT32_MAX;

	for (; bytes > 0; bytes--, text++) {
		crc ^= (unsigned char)*text;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc & 1) != 0 ? UINT32_C(0x82f63b78) : 0);
	}
	return ~crc;
}

size_t
model_format(const struct reprise_cursor *cursor, char text[REPRISE_CURSOR_TEXT_BYTES_MAX])
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";
	char head[128] = "rp1.", id[3 * REPRISE_SESSION_ID_BYTES_MAX + 1] = "";
	char all[sizeof(head) + sizeof(id)];
	char *at = head + strlen(head);

	for (size_t i = 0; i < 16; i++)
		at += sprintf(at, "%02x", cursor->incarnation.bytes[i]);
	sprintf(at, ".%" PRIu64 ".%" PRIu64 ".", cursor->revision, cursor->position);
	at = id;
	for (const char *from = cursor->session_id; *from != '\0'; from++)
		at += sprintf(at, strchr(plain, *from) != NULL ? "%c" : "~%02X",
			      (unsigned char)*from);
	snprintf(all, sizeof(all), "%s%s", head, id);
	return (size_t)snprintf(text, REPRISE_CURSOR_TEXT_BYTES_MAX, "%s%08" PRIx32 ".%s", head,
				model_check(all, strlen(all)), id);
}
