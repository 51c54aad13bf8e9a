/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_DURABLE_BATCH_H
#define GATEWAY_DURABLE_BATCH_H

/*
 * The events of a POST or PUT: a control event, if the state changes, and the data behind. The
 * client of such a request is answered once the whole batch is recorded.
 */

#include <stdbool.h>

#include "gateway/durable_stream.h"

struct durable_batch {
	struct append *append;
	struct durable_change change; /* the control event; empty: none */
	struct http_text prefix;      /* of the data, before the body; empty: none */
	bool is_json;                 /* the body is one JSON value, or an array of them */
	bool allows_empty;            /* an empty array is no data, rather than refused */
};

/* Reads a field that comes once. False: it comes twice. *ret_text is NULL without the field. */
bool durable_field(const struct http_head *head, const char *name, struct http_text *ret_text);
/* The field Stream-Closed: "true", whatever its letters. */
bool durable_field_is_true(const struct http_head *head, const char *name);

/*
 * Cuts the body, and sets append->events. A change is in front. ERROR_BAD_BODY, ERROR_EMPTY_BODY,
 * ERROR_TOO_LARGE, ERROR_NO_MEMORY with words, and false: nothing is set.
 */
bool durable_batch_cut(struct durable_batch *batch, enum error_code *ret_code,
		       const char **ret_words);
/* Adds the events of an append to the state. */
void durable_batch_apply(struct durable_stream *stream, const struct append *append);
void durable_batch_free(struct durable_batch *batch);

#endif /* GATEWAY_DURABLE_BATCH_H */
