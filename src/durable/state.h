/* SPDX-License-Identifier: MIT */
#ifndef DURABLE_STATE_H
#define DURABLE_STATE_H

/*
 * The state of a durable stream, and the control events that carry the state.
 *
 * A stream is a session. Events of data have any kind but DURABLE_KIND. Events of DURABLE_KIND are
 * control events, and no client of the stream gets them. A control event is a list of changes, and
 * stands before the data of the same batch: data and state are recorded together, or neither is.
 * The state is the sum of all changes; a change that holds a whole state replaces the sum so far,
 * so that a stream is opened from its last events.
 *
 *    position   1         2     3     4         5       6
 *    event      [create]  data  data  [number]  data    [close]
 *
 * The functions know no clock, no log and no HTTP.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/base.h>
#include <reprise/cursor.h>

#include "durable/fields.h"

enum {
	DURABLE_KIND = 65535,
	DURABLE_FORKS_MAX = 4096,      /* of one stream */
	DURABLE_PRODUCERS_MAX = 65536, /* of one stream */
};

struct durable_producer {
	char *id;
	uint64_t epoch;
	uint64_t number;       /* the last accepted; Producer-Seq */
	reprise_position last; /* the last event of the batch: a duplicate waits for its record */
};

/* The settings that create a stream; equal settings make a second PUT succeed. */
struct durable_settings {
	char type[DURABLE_TYPE_BYTES_MAX + 1];      /* for comparison, see durable_type_parse */
	char type_sent[DURABLE_TYPE_BYTES_MAX + 1]; /* as sent by the client, for answers */
	bool has_ttl, has_expiry;
	bool is_created_closed;
	uint64_t ttl_s;
	uint64_t expires_ns; /* since 1970 */

	/* A fork: */
	char source[REPRISE_SESSION_ID_BYTES_MAX + 1]; /* "": no fork */
	bool has_fork_offset;
	reprise_position fork_offset; /* resolved: what is copied */
	uint64_t fork_sub_offset;     /* bytes or JSON values of the next event; 0: none */
};

struct durable_state {
	struct durable_settings settings;
	bool is_created;            /* a change CREATE of this session id was applied */
	bool is_copy;               /* of another session: a fork whose own change is missing */
	bool is_closed;             /* takes no further data */
	bool is_gone;               /* deleted, and kept for the forks */
	reprise_position first;     /* of the CREATE: data begin behind; of a fork: its source's */
	reprise_position last_data; /* the newest event of data; 0: none */
	reprise_position through;   /* all events up to here are in the state */
	reprise_position snapshot;  /* the last event that holds a whole state */
	uint64_t renewed_ns;        /* since 1970: the TTL counts from here */
	char order[DURABLE_ORDER_BYTES_MAX + 1]; /* the last Stream-Seq; "": none */

	/* The closing batch of a producer. "": closed by none. */
	char closing_id[DURABLE_NAME_BYTES_MAX + 1];
	uint64_t closing_epoch, closing_number;

	struct durable_producer *producers; /* ascending by id */
	size_t producers_count, producers_room;
	char **forks; /* session ids of streams that were forked off, ascending */
	size_t forks_count, forks_room;
};

void durable_state_init(struct durable_state *state);
void durable_state_free(struct durable_state *state);

enum durable_applied {
	DURABLE_APPLIED,
	DURABLE_MALFORMED, /* not a control event of this version; the state may be half changed */
	DURABLE_NO_MEMORY, /* the state may be half changed */
};

/*
 * Adds an event to the state: of data if @kind is not DURABLE_KIND. Positions ascend; events that
 * are left out (gaps) just move `through`. @session_id is the session that is read: a CREATE of
 * another session is a copy's, see durable_state.is_created.
 */
enum durable_applied durable_state_apply(struct durable_state *state, const char *session_id,
					 reprise_position position, uint16_t kind,
					 const void *payload, size_t size);

/* Bytes of a control event that is being written. */
struct durable_change {
	unsigned char *data;
	size_t size, room;
	bool failed; /* no memory, or a field beyond its bounds: everything behind is left out */
};

void durable_change_free(struct durable_change *change);

/*
 * Each adds one change. Changes take effect in their order: a snapshot of the state before a batch
 * stands before the changes of the batch.
 */
void durable_change_create(struct durable_change *change, const char *session_id,
			   const struct durable_settings *settings, uint64_t now_ns);
void durable_change_number(struct durable_change *change, const char *producer, uint64_t epoch,
			   uint64_t number, uint64_t events_count);
void durable_change_order(struct durable_change *change, const char *order);
/* @producer NULL: the client that closed has no producer id. */
void durable_change_close(struct durable_change *change, const char *producer, uint64_t epoch,
			  uint64_t number);
void durable_change_renew(struct durable_change *change, uint64_t now_ns);
void durable_change_add_fork(struct durable_change *change, const char *session_id);
void durable_change_remove_fork(struct durable_change *change, const char *session_id);
void durable_change_gone(struct durable_change *change);
/* The whole state, with `first` and `last_data`. */
void durable_change_snapshot(struct durable_change *change, const char *session_id,
			     const struct durable_state *state);

/* The wishes of a POST. */
struct durable_request {
	bool has_producer;
	const char *producer;
	uint64_t epoch, number;
	const char *order; /* NULL: no Stream-Seq */
	const char *type;  /* for comparison; NULL: a close without data */
	bool has_data, closes;
};

enum durable_verdict {
	DURABLE_ACCEPT,
	DURABLE_DUPLICATE,      /* of a producer: accepted before */
	DURABLE_CLOSED_ALREADY, /* a close without data of a closed stream: done before */
	DURABLE_REFUSE_CLOSED,
	DURABLE_REFUSE_TYPE,
	DURABLE_REFUSE_ORDER,
	DURABLE_REFUSE_EPOCH, /* stale: *ret_producer has the present epoch */
	/* A new epoch, or a new producer (*ret_producer is NULL), begins at 0. */
	DURABLE_REFUSE_BEGINNING,
	DURABLE_REFUSE_GAP,       /* *ret_producer has the last number */
	DURABLE_REFUSE_PRODUCERS, /* too many */
};

/* Judges a POST. *ret_producer: of the request's producer, or NULL. */
enum durable_verdict durable_state_judge(const struct durable_state *state,
					 const struct durable_request *request,
					 const struct durable_producer **ret_producer);

/*
 * Whether a PUT with the settings @b finds the stream of the settings @a. A fork offset that the
 * PUT leaves out is not compared.
 */
bool durable_settings_are_equal(const struct durable_settings *a, const struct durable_settings *b);

#endif /* DURABLE_STATE_H */
