/* SPDX-License-Identifier: MIT */
#ifndef TOOL_TOP_TAKE_H
#define TOOL_TOP_TAKE_H

/* Takes a sample of a gateway: GET /v1/sessions in pages, then GET /metrics. */

#include "tool/address.h"
#include "tool/client.h"
#include "tool/top_table.h"

enum {
	TOP_SESSIONS_MAX = 100000, /* of a sample: each page costs the gateway a look at all */
	TOP_SILENT_MS = 5000,      /* without a byte: there is no answer */
	TOP_FAULT_ROOM = 384,
};

enum top_result {
	TOP_TAKEN,
	TOP_NO_ANSWER, /* for now: a later sample may succeed */
	TOP_REFUSED,   /* for good: such as a token that is not permitted */
	TOP_STOPPED,   /* by goes_on */
};

struct top_source {
	struct client *client;
	struct address address;
	bool skips_metrics;             /* the token does not permit /metrics */
	bool (*goes_on)(void *context); /* asked at least every 100 ms */
	void *context;
};

/*
 * @ret_sample is set on TOP_TAKEN: owned. @ret_fault has the words for TOP_NO_ANSWER and
 * TOP_REFUSED.
 */
enum top_result top_take(struct top_source *source, struct top_sample **ret_sample,
			 char ret_fault[TOP_FAULT_ROOM]);

/*
 * How long to rest behind a sample: at least as long as the sample took, so that half of a worker
 * of the gateway is free.
 */
uint64_t top_rest_ms(uint64_t interval_ms, uint64_t took_ms, enum top_result result);

/* CLOCK_MONOTONIC */
uint64_t top_now_ns(void);

/* Reads the text of /metrics into the summary. */
void top_take_metrics(const char *text, struct top_summary *summary);

/*
 * Reads a page of GET /v1/sessions. @ret_after is owned; NULL: the last page. False: no such page.
 */
bool top_take_page(const char *text, size_t text_bytes, struct top_sample *sample,
		   uint64_t taken_ns, char **ret_after);

#endif /* TOOL_TOP_TAKE_H */
