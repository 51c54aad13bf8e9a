/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/numbers.h"

enum {
	ERROR_SIZE_LEAST = offsetof(struct reprise_error, os_error), /* room for the status */
	ERROR_SIZE_MOST = 4096,                                      /* of any later version */
};

static reprise_status
fill(struct reprise_error *error, struct reprise_error *filled)
{
	if (error != NULL) {
		REPRISE_REQUIRE(
			error->size >= ERROR_SIZE_LEAST && error->size <= ERROR_SIZE_MOST,
			"the size of a struct reprise_error is not sizeof(struct reprise_error)");
		filled->size = error->size;
		const size_t both = least(error->size, sizeof(*filled));

		memcpy(error, filled, both);
		memset((unsigned char *)error + both, 0, filled->size - both);
	}
	return filled->status;
}

reprise_status
error_copy(struct reprise_error *error, const struct reprise_error *from)
{
	struct reprise_error filled = *from;

	return fill(error, &filled);
}

static void
copy_text(char *to, size_t to_bytes, const char *from)
{
	const size_t bytes = strnlen(from, to_bytes - 1);

	memcpy(to, from, bytes);
	to[bytes] = '\0';
}

reprise_status
error_plain(struct reprise_error *error, reprise_status status)
{
	return fill(error, &(struct reprise_error){ .status = status });
}

reprise_status
error_invalid(struct reprise_error *error, const char *what)
{
	struct reprise_error filled = { .status = REPRISE_E_INVALID };

	copy_text(filled.what, sizeof(filled.what), what);
	return fill(error, &filled);
}

reprise_status
error_size(struct reprise_error *error, const char *what, const void *given, size_t known_size)
{
	struct reprise_error filled = { .status = REPRISE_E_INVALID };
	size_t size;

	memcpy(&size, given, sizeof(size));
	copy_text(filled.what, sizeof(filled.what), what);
	snprintf(filled.detail, sizeof(filled.detail),
		 size > known_size ? "size is %zu: more than %zu, and unknown fields are set"
				   : "size is %zu: must be %zu, sizeof the struct",
		 size, known_size);
	return fill(error, &filled);
}

reprise_status
error_full(struct reprise_error *error, const char *bound)
{
	struct reprise_error filled = { .status = REPRISE_E_FULL };

	copy_text(filled.what, sizeof(filled.what), bound);
	return fill(error, &filled);
}

reprise_status
error_system(struct reprise_error *error, const char *what, int os_error)
{
	struct reprise_error filled = { .status = REPRISE_E_SYSTEM, .os_error = os_error };

	copy_text(filled.what, sizeof(filled.what), what);
	return fill(error, &filled);
}

reprise_status
error_malformed(struct reprise_error *error, size_t byte)
{
	return fill(error,
		    &(struct reprise_error){ .status = REPRISE_E_MALFORMED_CURSOR, .byte = byte });
}

reprise_status
error_wrong_session(struct reprise_error *error, const char *expected_id, const char *actual_id)
{
	struct reprise_error filled = { .status = REPRISE_E_WRONG_SESSION };

	copy_text(filled.expected_id, sizeof(filled.expected_id), expected_id);
	copy_text(filled.actual_id, sizeof(filled.actual_id), actual_id);
	return fill(error, &filled);
}

reprise_status
error_conflict(struct reprise_error *error, uint64_t expected, uint64_t actual)
{
	return error_conflict_detailed(error, expected, actual, "");
}

reprise_status
error_conflict_detailed(struct reprise_error *error, uint64_t expected, uint64_t actual,
			const char *detail)
{
	struct reprise_error filled = { .status = REPRISE_E_CONFLICT,
					.expected = expected,
					.actual = actual };

	copy_text(filled.detail, sizeof(filled.detail), detail);
	return fill(error, &filled);
}

reprise_status
error_detailed(struct reprise_error *error, reprise_status status, const char *what,
	       const char *detail)
{
	struct reprise_error filled = { .status = status };

	if (what != NULL)
		copy_text(filled.what, sizeof(filled.what), what);
	if (detail != NULL)
		copy_text(filled.detail, sizeof(filled.detail), detail);
	return fill(error, &filled);
}
