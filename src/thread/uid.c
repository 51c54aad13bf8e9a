/* SPDX-License-Identifier: MIT */
#include "thread/uid.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/random.h"
#include "base/utf8.h"

static const char digits[] = "0123456789abcdef";

reprise_status
uid_draw(struct thread_uid *ret_uid, struct reprise_error *error)
{
	if (!random_bytes(ret_uid->bytes, sizeof(ret_uid->bytes)))
		return error_system(error, "getrandom", errno);
	return REPRISE_OK;
}

void
uid_format(const struct thread_uid *uid, char ret_text[static REPRISE_THREAD_UID_BYTES])
{
	for (size_t i = 0; i < THREAD_UID_BYTES; i++) {
		ret_text[2 * i] = digits[uid->bytes[i] >> 4];
		ret_text[2 * i + 1] = digits[uid->bytes[i] & 15];
	}
	ret_text[REPRISE_THREAD_UID_BYTES - 1] = '\0';
}

bool
uid_parse(const char *text, struct thread_uid *ret_uid)
{
	struct thread_uid uid;

	if (strnlen(text, REPRISE_THREAD_UID_BYTES) != REPRISE_THREAD_UID_BYTES - 1)
		return false;
	for (size_t i = 0; i < THREAD_UID_BYTES; i++) {
		const char *const high = strchr(digits, text[2 * i]);
		const char *const low = strchr(digits, text[2 * i + 1]);

		if (high == NULL || low == NULL)
			return false;
		uid.bytes[i] = (unsigned char)((high - digits) << 4 | (low - digits));
	}
	*ret_uid = uid;
	return true;
}

bool
uid_is_same(const struct thread_uid *a, const struct thread_uid *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static reprise_status
refuse_byte(const char *id, size_t at, struct reprise_error *error)
{
	const unsigned char byte = (unsigned char)id[at];
	char detail[REPRISE_ERROR_DETAIL_BYTES];

	if (byte > ' ' && byte < 0x7f)
		snprintf(detail, sizeof(detail), "byte %zu must not be '%c'", at, byte);
	else
		snprintf(detail, sizeof(detail), "byte %zu must not be 0x%02x", at, byte);
	return error_detailed(error, REPRISE_E_INVALID, "id", detail);
}

reprise_status
id_check(const char *id, struct reprise_error *error)
{
	if (id == NULL)
		return error_invalid(error, "id");
	const size_t size = strnlen(id, THREAD_ID_ROOM);

	if (size == 0 || size == THREAD_ID_ROOM)
		return error_detailed(error, REPRISE_E_INVALID, "id", "must be 1 to 128 bytes");
	const size_t good = strcspn(id, "/\\.*> ");
	const size_t text = utf8_text_prefix(id, size);
	const size_t at = good < text ? good : text;

	return at == size ? REPRISE_OK : refuse_byte(id, at, error);
}
