/* SPDX-License-Identifier: MIT */
#ifndef TESTS_GATEWAY_HEADS_H
#define TESTS_GATEWAY_HEADS_H

#include "http/parse.h"
#include "support.h"

/* The head of a request that the room http takes. The bytes stay the caller's. */
static inline struct http_head
head_of(const char *bytes)
{
	struct http_scan scan = { 0 };
	enum http_refusal refusal;
	struct http_head head;

	cr_assert(
		eq(int, (int)http_scan_head(&scan, bytes, strlen(bytes), &refusal), HTTP_COMPLETE));
	cr_assert(eq(int, (int)http_parse_head(bytes, scan.scanned, &head), HTTP_REFUSAL_NONE));
	return head;
}

#endif /* TESTS_GATEWAY_HEADS_H */
