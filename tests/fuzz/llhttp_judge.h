/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_LLHTTP_JUDGE_H
#define FUZZ_LLHTTP_JUDGE_H

/*
 * The verdict of llhttp, the parser of Node, on one request: in a separate file, because the names
 * are like ours.
 */

#include <stdbool.h>
#include <stddef.h>

struct llhttp_verdict {
	bool is_refused;
	bool is_whole; /* the request ends at the last byte, and not before */
	const char *reason;
	size_t body_size;
	char body[1 << 16];
};

bool llhttp_is_here(void);

/* At most 64 KiB. */
void llhttp_judge(const char *bytes, size_t bytes_count, struct llhttp_verdict *ret_verdict);

#endif /* FUZZ_LLHTTP_JUDGE_H */
