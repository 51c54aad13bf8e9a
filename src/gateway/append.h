/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_APPEND_H
#define GATEWAY_APPEND_H

/*
 * An append is what a request adds to a session: a batch of events, a batch and the session's end,
 * or the end alone. An append waits for up to three things, one after the other:
 *
 *    body ──► the session's writer ──► append ──► recorded ──► answer
 *              (opened by a job)
 *
 * A client that goes away takes the append along, unless a worker has the append.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <reprise/session.h>
#include <reprise/writer.h>

#include "gateway/gateway.h"
#include "gateway/json.h"
#include "gateway/request.h"

enum append_stage {
	APPEND_BODY,       /* the body is coming */
	APPEND_QUEUED,     /* the session's writer is being opened */
	APPEND_WORKING,    /* a worker has the append */
	APPEND_UNRECORDED, /* appended, and not recorded yet */
	APPEND_ANSWERED,
};

struct append {
	struct request *request;
	struct open_writer *writer; /* of QUEUED, WORKING and UNRECORDED */
	enum append_stage stage;
	TAILQ_ENTRY(append) in_session; /* of QUEUED and UNRECORDED */
	TAILQ_ENTRY(append) in_gateway; /* of UNRECORDED */
	uint64_t deadline_ns;           /* to be recorded */
	struct buffer body;
	struct reprise_new_event *events;
	size_t events_count; /* 0: the end alone */
	uint16_t kind;
	bool is_json;     /* the body is one JSON text */
	bool is_lines;    /* each line of the body is a JSON text */
	bool is_commit;   /* the last event has the flag */
	bool has_end;     /* the session ends with this append */
	bool waits;       /* the answer waits until all is recorded */
	bool was_closed;  /* the writer was closed under the append once */
	bool is_recorded; /* what the answer says */
	bool creates;     /* a session that does not exist is created; only with `calls` */
	bool reopens;     /* a session that has ended goes on; only with `calls` and `has_end` */
	const struct append_calls *calls; /* NULL: the route's own answer */
	void *owner;                      /* of `calls` */
	int32_t end_status;
	uint64_t revision;
	reprise_position first, last;
	char cursor[REPRISE_CURSOR_TEXT_BYTES_MAX];
};

/* The next step of an append behind its preparation. */
enum append_prepared {
	APPEND_GO,       /* `events` and `has_end` are set */
	APPEND_WAIT,     /* nothing is appended: done when `last` is recorded */
	APPEND_FINISHED, /* the append was answered or refused */
};

/* The calls of an append whose owner is not the route of events. All are made on the loop. */
struct append_calls {
	/* The writer is open and nothing can come between: sets the events. May be called again. */
	enum append_prepared (*prepare)(struct append *append);
	/* The events `first` to `last` are in the window. */
	void (*appended)(struct append *append);
	/* The answer, in place of the route's: the last call. @is_done: recorded, if `waits`. */
	void (*finish)(struct append *append, bool is_done, enum error_code code,
		       const char *detail);
};

/* A session that clients append to. Everything is the loop's, but what the job says. */
struct open_writer {
	struct reprise_gateway *gateway;
	char session_id[REPRISE_SESSION_ID_BYTES_MAX + 1];
	struct reprise_writer *writer; /* NULL: none */
	bool is_opening, is_abandoned;
	uint32_t working; /* appends that workers have */
	uint64_t used_ns;
	struct open_writer *next;      /* in the table's row */
	TAILQ_ENTRY(open_writer) idle; /* while `writer` is open */
	TAILQ_HEAD(append_list, append) queued;
	struct append_list unrecorded; /* ascending by `last` */

	/* Recorded events; opened by the first append that waits. */
	struct watch watch;
	struct reprise_incarnation life; /* of the watch */
	reprise_position through;        /* recorded, as far as the watch has read */

	/* The opening, the worker's while is_opening. */
	struct job job;
	bool creates;   /* a session that does not exist is created */
	bool reopens;   /* a session that has ended is opened for the appends that say so, alone */
	bool was_ended; /* the session had ended, with end_status, and was opened */
	enum opening {
		OPENING_OPENED,
		OPENING_ENDED,   /* the session has ended: end_status, ended */
		OPENING_UNKNOWN, /* there is no such session */
		OPENING_FULL,    /* no further session may be created */
		OPENING_FAILED,  /* job.status says why */
	} opening;
	int32_t end_status;
	struct reprise_cursor ended; /* the cursor at the end */
	struct reprise_writer *opened;
};

/* append.c */

/* Of a route's `begin`: NULL without memory, and the request is answered then. */
struct append *append_new(struct request *request);
/* The body is checked: carries the append out. */
void append_start(struct append *append);
/* The session's writer is open: appends, and answers or waits. */
void append_carry_out(struct append *append);
/* The opening of the writer has failed. */
void append_fail(struct append *append, struct open_writer *writer);
/* Takes the append out of the lists that the append is in. */
void append_take_out(struct append *append);
/* The calls of the routes. */
void append_body(struct request *request, struct http_text piece);
void append_close(struct request *request);
void append_release(struct request *request);

/* answer.c */

/* The cursor of the answer: at the position `last`. */
void append_find_cursor(struct append *append);
/* Answers, and takes the append out of every list. */
void append_answer(struct append *append);
void append_refuse(struct append *append, enum error_code code, const char *detail);
/* The same for a call of the library that failed. */
void append_refuse_failed(struct append *append, enum error_code code, reprise_status status,
			  const struct reprise_error *error);
/* The same with the events' positions as the detail: they are in the window. */
void append_refuse_appended(struct append *append, enum error_code code);

/* writers.c */

/* NULL without memory. */
struct open_writer *writers_get(struct reprise_gateway *gateway, const char *session_id);
/* Has append_carry_out called when the writer is open, or append_fail. */
void writers_queue(struct open_writer *writer, struct append *append);
/* An append uses the handle now. */
void writers_use(struct open_writer *writer);
/* The window is gone, or the session has ended: the handle is of no use. */
void writers_drop_handle(struct open_writer *writer);
/* Frees the entry if nothing needs it. */
void writers_let_go(struct open_writer *writer);
/* The session may have been invalidated: a handle that is of no use is closed. */
void writers_check(struct reprise_gateway *gateway, const char *session_id);

/* Whether too much work is waiting to take more. */
bool writers_is_overloaded(const struct reprise_gateway *gateway);

/* opening.c */

/* On a worker; without a log on the loop: opens the session's writer, or says why not. */
void opening_run(struct job *job, struct reprise_log *log);

/* recorded.c */

/* Whether the log has everything up to the position, as far as the gateway knows. */
bool recorded_has(const struct open_writer *writer, reprise_position position);
/*
 * Opens the watch of the session's present life, unless the watch is open. E_CLOSED: the session
 * has no window.
 */
reprise_status recorded_watch(struct open_writer *writer);
/* Has the append wait until `last` is recorded. */
void recorded_wait(struct append *append);
/* No further event will be recorded: the appends that wait are refused with the code. */
void recorded_fail(struct open_writer *writer, enum error_code code);
/* Reads what the watch has. */
void recorded_read(struct watch *watch);
void recorded_tick(struct reprise_gateway *gateway);

/* post.c */

enum body_type {
	BODY_BYTES, /* any type that is not known; none, too */
	BODY_JSON,
	BODY_NDJSON,
	BODY_FORM,
};

/* Reads what wait= says. False: the request is refused. */
bool append_read_wait(struct append *append);
/* A status of the session's end: a decimal number of 32 bits with its sign. */
bool append_parse_status(struct http_text text, int32_t *ret_status);
/* Reads the body's fields. False: the request is refused. */
bool append_read_type(struct append *append, const struct http_head *head,
		      enum body_type *ret_type);

/* end.c */

/*
 * The session has ended already: answers an end with the same status, refuses others. The entry of
 * the session may be gone then.
 */
void end_again(struct append *append, int32_t end_status, const struct reprise_cursor *cursor);
/* The end is told: answers when the log has the end. */
void end_wait(struct append *append);

#endif /* GATEWAY_APPEND_H */
