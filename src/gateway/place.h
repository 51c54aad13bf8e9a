/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_PLACE_H
#define GATEWAY_PLACE_H

/*
 * The place in a session where a stream or a page begins. A store without a log answers at once;
 * with a log a worker may have to ask the log.
 */

#include <stdbool.h>

#include <reprise/cursor.h>

#include "gateway/request.h"
#include "gateway/work.h"

enum place_at {
	PLACE_OLDEST,   /* before the oldest event that is left, in the window or the log */
	PLACE_NEWEST,   /* behind the newest event */
	PLACE_CURSOR,   /* where the client left off */
	PLACE_REVISION, /* before the first event that is newer than a revision */
	PLACE_POSITION, /* behind a position, in the life that has the position */
};

struct place {
	enum place_at at;
	bool has_cursor;              /* the client has one */
	bool is_beginning;            /* OLDEST counts events that are lost, too: for a gap */
	bool has_revision;            /* the client has a durable state: */
	uint64_t revision;            /* at this revision */
	reprise_position position;    /* given for PLACE_POSITION */
	bool is_recorded_only;        /* `newest` counts recorded events alone */
	struct reprise_cursor cursor; /* given for PLACE_CURSOR; found otherwise */

	/* Found: */
	/* The session has a window or a life in the log, or the log knows of a cursor's session. */
	bool is_known;
	bool has_window;
	bool has_ended;                  /* behind `newest` comes the end */
	bool has_unrecorded;             /* behind `newest` are events that the log lacks */
	reprise_position newest;         /* at the moment of the answer, 0: none, */
	struct reprise_incarnation life; /* in this life; all zero: none */
	struct job job;
	struct request *request;
	void (*found)(struct place *place); /* job.status and job.error say what failed */
};

/*
 * Reads the place from the query and the field Last-Event-ID. False: the request was refused. The
 * parameter `at` of the query is not read here.
 */
bool place_parse(struct place *place, struct request *request, const struct http_head *head);

/* Calls `found`, at once or later, on the loop. The request is held until then. */
void place_find(struct place *place);

/*
 * Of a place that was found: whether the session has ended, and nothing but the end is left for a
 * client that begins here. A client that names no place is taken for one that needs nothing.
 */
bool place_is_at_end(const struct place *place);

#endif /* GATEWAY_PLACE_H */
