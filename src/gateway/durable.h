/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_DURABLE_H
#define GATEWAY_DURABLE_H

/*
 * Durable streams: the protocol of that name, under /v1/stream/{id}. A stream is a session over the
 * log, whose control events (durable/state.h) hold the type, the lifetime and the producers. An
 * offset is a position.
 *
 *    durable_table.c    streams whose state is in memory; durable_window.c, durable_load.c
 *    durable_create.c   PUT            durable_read.c       GET, HEAD
 *    durable_append.c   POST           durable_long_poll.c  GET with live=long-poll
 *    durable_remove.c   DELETE         durable_sse.c        GET with live=sse
 *    durable_fork.c     PUT of a fork, and what forks mean for a DELETE
 */

#include <stdbool.h>
#include <stdint.h>

#include <sys/queue.h>

#include <reprise/cursor.h>

#include "durable/state.h"
#include "gateway/request.h"
#include "gateway/work.h"

struct durable_stream; /* durable_stream.h */

enum {
	DURABLE_ROWS = 1024
};

/* All streams whose state is in memory. */
struct durable_table {
	struct durable_stream *rows[DURABLE_ROWS];
	uint64_t count;
	uint64_t looked_ns;
	uint32_t errands;                  /* under way (durable_errand.c) */
	uint32_t keeping;                  /* blobs of states that workers write (durable_keep.c) */
	TAILQ_HEAD(, durable_stream) used; /* the one unused for longest first */
	TAILQ_HEAD(, durable_stream) unlocked; /* whose looks are to be found */
};

void durable_open(struct durable_table *table);
/* From on_notify: the looks that waited for a lock are found. */
void durable_serve(struct reprise_gateway *gateway);
void durable_tick(struct reprise_gateway *gateway);
/* Behind the close of the server. */
void durable_close(struct reprise_gateway *gateway);

/*
 * A request's question for a stream's state. The state is read from the log if needed; then `found`
 * is called, on the loop, at once or later, unless the request is answered already: the stream does
 * not exist or has expired (404), is kept for its forks alone (410), or the log failed (503).
 */
struct durable_look {
	struct request *request; /* held until `found` */
	bool renews;             /* a GET: the TTL counts from now on */
	bool takes_any;          /* `found` is called for what is 404 and 410 otherwise, too */
	bool is_exclusive;       /* no other look is found until durable_let_go */
	void (*found)(struct durable_look *look);
	/* NULL: the request is refused. Called in place of `found`. */
	void (*failed)(struct durable_look *look, enum error_code code, reprise_status status,
		       const struct reprise_error *error);

	/* Found: */
	struct durable_stream *stream;     /* held until durable_let_go */
	const struct durable_state *state; /* of the stream; appended, and maybe not recorded yet */
	reprise_position tail;             /* the newest recorded event of data; `first` if none */
	bool is_closed;                    /* nothing comes behind `tail`, and the log has that */
	uint64_t version; /* of forks, which use positions of a name again: one stream's alone */

	bool is_locking;                 /* is_exclusive, and found */
	TAILQ_ENTRY(durable_look) entry; /* while the look waits */
};

/* @session_id: the request's, or a stream that the request names. */
void durable_look(struct durable_look *look, const char *session_id);
/* @look->stream may be NULL. */
void durable_let_go(struct durable_look *look);

/* The time to live that is left, in whole seconds rounded up. False: no TTL. */
bool durable_ttl_left(const struct durable_look *look, uint64_t *ret_seconds);
/* Of a stream with a TTL: a live answer renews the lifetime while it lasts. */
void durable_renew(const struct durable_look *look);

/* Whether the name is the gateway's own: no request writes to the session. */
bool durable_is_reserved(const char *session_id);

/* Fields of an answer beside those of every response. Texts are borrowed until the answer. */
enum {
	DURABLE_FIELDS_MAX = 12
};

struct durable_fields {
	struct http_field_out array[DURABLE_FIELDS_MAX];
	size_t count;
	char offset[DURABLE_OFFSET_BYTES];
	char texts[4][64]; /* room for numbers */
	size_t texts_count;
};

void durable_add(struct durable_fields *fields, const char *name, const char *value);
void durable_add_number(struct durable_fields *fields, const char *name, uint64_t value);
/* Stream-Next-Offset */
void durable_add_offset(struct durable_fields *fields, reprise_position position);

/*
 * request_answer and request_stream with fields. Without a field Cache-Control among them an answer
 * has no-store.
 */
void durable_answer(struct request *request, int status, const struct durable_fields *fields,
		    struct http_text body);
bool durable_stream(struct request *request, int status, const struct durable_fields *fields);
/* An error with fields, such as Stream-Closed. */
void durable_refuse(struct request *request, enum error_code code, const char *detail,
		    const struct durable_fields *fields);

#endif /* GATEWAY_DURABLE_H */
