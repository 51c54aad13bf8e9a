/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_DURABLE_READ_H
#define GATEWAY_DURABLE_READ_H

/*
 * A GET of a durable stream, as the files durable_*.c see the request. A GET goes through:
 *
 *    looking   the state of the stream is asked for
 *    finding   the life of the offset is asked for
 *    reading   a subscription of recorded events gives what the answer needs
 *    over      the answer is whole, or the client is gone
 *
 * A catch-up answer has the events up to an end that is fixed before the first byte, so that the
 * head can have the next offset. A long-poll waits for the first event, and becomes a catch-up. An
 * answer of SSE goes on.
 */

#include <stdbool.h>
#include <stdint.h>

#include <reprise/gap.h>

#include "gateway/clients.h"
#include "gateway/durable.h"
#include "gateway/durable_from.h"
#include "gateway/json.h"
#include "gateway/watch.h"

enum {
	DURABLE_POSITIONS_MAX = 65536,    /* of one catch-up answer */
	DURABLE_PIECE_BYTES = 64 << 10,   /* encoded at a time; smaller answers are sent whole */
	DURABLE_LOG_WAIT_MS = 10000,      /* without an event from the log */
	DURABLE_TAKES_PER_TURN = 1 << 10, /* events in one turn of the loop */
};

enum durable_mode {
	DURABLE_CATCH_UP,
	DURABLE_LONG_POLL,
	DURABLE_SSE,
};

struct durable_read {
	struct request *request;
	struct durable_look look;
	struct durable_from from;
	struct watch watch;
	struct session_clients *clients; /* of SSE */
	struct clients_link link;
	struct durable_read *next, *previous; /* of the gateway's reads */
	enum durable_mode mode;
	enum durable_start start;
	bool is_head;      /* the method is HEAD */
	bool is_looking;   /* look.found is to come */
	bool is_finding;   /* from.found is to come */
	bool is_linked;    /* a member of the gateway's reads */
	bool is_begun;     /* the head of a stream was sent */
	bool is_suspended; /* the client takes nothing: there is no subscription */
	bool is_over;
	bool is_json;      /* the type: an answer is an array */
	bool is_text;      /* the type: SSE has the payloads as they are; else base64 */
	bool is_waiting;   /* a long-poll that has no event yet */
	char *none_match;  /* the value of If-None-Match; NULL: none */
	uint64_t until_ns; /* a deadline: of a long-poll, or of the log's next event */

	reprise_position asked;    /* of START_AFTER */
	reprise_position first;    /* of the stream, as state.h has it */
	reprise_position tail;     /* of the last look */
	reprise_position begin;    /* events behind here, */
	reprise_position end;      /* up to here */
	bool is_up_to_date;        /* nothing newer than `end` is recorded */
	bool is_closed;            /* and nothing will be */
	reprise_position position; /* of the last event that was taken */
	reprise_position earliest; /* behind a loss */

	bool was_closed; /* as the first look said */
	bool has_ended;  /* the session ended, and no data has come since */

	/* Catch-up: */
	struct buffer body;    /* before the head is sent */
	struct http_text rest; /* of an event; borrowed from the subscription, or `kept` */
	char *kept;            /* while the read is suspended */
	uint64_t moved_ns;     /* bytes were written last, or taken */
	uint64_t values;       /* events so far */

	/* SSE: */
	bool has_data_due;     /* the last data event has no control event yet */
	bool was_up_to_date;   /* as the last control event said */
	uint64_t recycled_ns;  /* when the answer ends, so that the client comes again */
	bool has_array;        /* the piece has begun an array */
	uint64_t cursor;       /* the last streamCursor; 0: none */
	uint64_t healed_bytes; /* that the subscription has read from the log */
	uint64_t sent_ns;
};

/* The answer to one call of durable_take. */
enum durable_taken {
	DURABLE_TAKEN_DATA,    /* an event of data: the payload is borrowed until the next call */
	DURABLE_TAKEN_CONTROL, /* an event that no client gets */
	DURABLE_TAKEN_NOTHING, /* nothing now: the watch is called when there is more */
	DURABLE_TAKEN_LOSS,    /* events are not kept any more: `earliest` is behind them */
	DURABLE_TAKEN_OTHER,   /* the stream was deleted, or created anew */
};

/* durable_take.c */

enum durable_taken durable_take(struct durable_read *read, struct http_text *ret_payload);
/* Whether every recorded event was taken. */
bool durable_is_at_tail(const struct durable_read *read);
/* Nothing comes behind the events that were taken. */
bool durable_is_at_close(const struct durable_read *read);

/* durable_head.c */

/* The fields of a GET that found the stream; @etag has room for the ETag, and lives as @fields. */
enum {
	DURABLE_ETAG_BYTES = 3 * REPRISE_SESSION_ID_BYTES_MAX + 64
};
void durable_head_of_read(const struct durable_read *read, struct durable_fields *fields,
			  char etag[DURABLE_ETAG_BYTES]);
void durable_head_of_stream(const struct durable_read *read, struct durable_fields *fields,
			    char etag[DURABLE_ETAG_BYTES]);
/* Whether the client has the answer already. */
bool durable_is_known(const struct durable_read *read);
/* Whether a value of If-None-Match has the tag. */
bool durable_etag_matches(const char *value, const char *etag);
/* The cursor for an answer now. */
uint64_t durable_new_cursor(const struct durable_read *read);

/* durable_stage.c */

/* Fixes `begin` and `end` from a look. False: the request was refused. */
bool durable_fix_range(struct durable_read *read);
/* `end` alone: of an answer that has begun at `position`. */
void durable_fix_end(struct durable_read *read);
/* Asks for the state, or once more: @found is called, or the request is refused. */
void durable_look_first(struct durable_read *read, void (*found)(struct durable_look *look));
void durable_look_again(struct durable_read *read, void (*found)(struct durable_look *look));
/* Behind `found`: false, the client is gone. */
bool durable_take_look(struct durable_read *read);
/* Finds the life of `position`: @found is called. */
void durable_find(struct durable_read *read, void (*found)(struct durable_from *from));
/*
 * Behind `found`: opens the subscription, so that @ready is called. False: the request was refused
 * or cut, or the client is gone.
 */
bool durable_watch(struct durable_read *read, void (*ready)(struct watch *watch));
/* 410, before the head was sent. */
void durable_refuse_expired(struct durable_read *read, reprise_position earliest);
/* Events were dropped as a whole, or the stream is another one: the state says what to answer. */
void durable_judge_other(struct durable_read *read);
/* The answer is whole, or was refused: nothing more is read. */
void durable_end_read(struct durable_read *read);
/* Cuts the connection in the middle of the answer. */
void durable_cut_read(struct durable_read *read);
struct durable_read *durable_read_of_look(struct durable_look *look);
struct durable_read *durable_read_of_from(struct durable_from *from);
struct durable_read *durable_read_of_watch(struct watch *watch);
/* Ends an answer that has begun: SSE in order, and a catch-up, which promised more, by a cut. */
void durable_break_read(struct durable_read *read);
/* Sets the deadline, in milliseconds from now. */
void durable_set_deadline(struct durable_read *read, uint64_t ms);
/* The same for the log: twice the time that an append waits for it. */
void durable_wait_for_log(struct durable_read *read);

/* durable_read.c: from on_tick: deadlines, heartbeats, lifetimes. */
void durable_reads_tick(struct reprise_gateway *gateway);

/* durable_suspend.c */

/* From a tick: gives up the subscription of a client that has taken nothing for a while. */
void durable_suspend(struct durable_read *read);
/* Gives up a subscription that has read the log, and has everything. */
void durable_suspend_healed(struct durable_read *read);
/* Behind durable_find: opens the subscription again, and calls @ready. */
void durable_reopen(struct durable_read *read, void (*ready)(struct watch *watch));

/* durable_catch_up.c */
void durable_catch_up(struct durable_read *read);    /* answers `begin` to `end` */
void durable_catch_up_go(struct durable_read *read); /* the same; the watch is open */
/* The first event of an answer: keeps the payload until durable_catch_up_begin. */
void durable_catch_up_take(struct durable_read *read, struct http_text payload);
void durable_catch_up_begin(struct durable_read *read);
void durable_catch_up_tick(struct durable_read *read); /* is the log waited for too long? */

/* durable_long_poll.c */
void durable_long_poll(struct durable_read *read);
void durable_long_poll_tick(struct durable_read *read);
void durable_long_poll_shutdown(struct durable_read *read);

/* durable_sse.c */
void durable_sse(struct durable_read *read);
void durable_sse_go(struct durable_read *read);
void durable_sse_tick(struct durable_read *read);
void durable_sse_shutdown(struct durable_read *read);

#endif /* GATEWAY_DURABLE_READ_H */
