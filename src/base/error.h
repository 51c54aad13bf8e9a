/* SPDX-License-Identifier: MIT */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stddef.h>

#include <reprise/base.h>

/*
 * Each fills @error, if there is one, and answers the status, so that a failing call can say
 * `return error_invalid(error, "events_max");`. They write as much as the caller's size holds. A
 * size that no version of the struct has aborts (rule P12).
 */
reprise_status error_plain(struct reprise_error *error, reprise_status status);
reprise_status error_invalid(struct reprise_error *error, const char *what);
/*
 * The struct @given begins with a size that this library, which knows @known_size, cannot honour.
 */
reprise_status error_size(struct reprise_error *error, const char *what, const void *given,
			  size_t known_size);
reprise_status error_full(struct reprise_error *error, const char *bound);
reprise_status error_system(struct reprise_error *error, const char *what, int os_error);
reprise_status error_malformed(struct reprise_error *error, size_t byte);
reprise_status error_wrong_session(struct reprise_error *error, const char *expected_id,
				   const char *actual_id);
reprise_status error_conflict(struct reprise_error *error, uint64_t expected, uint64_t actual);
/* The same, with @detail in words. */
reprise_status error_conflict_detailed(struct reprise_error *error, uint64_t expected,
				       uint64_t actual, const char *detail);
/* As @from, which is whole. */
reprise_status error_copy(struct reprise_error *error, const struct reprise_error *from);
/* @what may be NULL, and @detail too, which is cut to what there is room for. */
reprise_status error_detailed(struct reprise_error *error, reprise_status status, const char *what,
			      const char *detail);

#endif /* BASE_ERROR_H */
