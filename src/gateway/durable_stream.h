/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_DURABLE_STREAM_H
#define GATEWAY_DURABLE_STREAM_H

/*
 * The streams whose state is in memory, as the files of durable.h see them. The state is exact
 * while the session's window is in this store: every append of a client goes through here, and
 * events of the runtime are data. Without a window each look asks the log whether the state is
 * still right.
 */

#include <sys/queue.h>

#include <reprise/log.h>

#include "gateway/append.h"
#include "gateway/durable.h"

/* The log's knowledge of a stream. */
struct durable_loaded {
	reprise_position known; /* given: if the log has no event behind, the state is left out */
	bool is_known;          /* nothing new, and no state */
	bool has_ended;         /* the session has ended, with: */
	int32_t end_status;
	reprise_position kept; /* as in struct durable_stream */
	struct durable_state state;
};

struct durable_stream {
	struct reprise_gateway *gateway;
	char session_id[REPRISE_SESSION_ID_BYTES_MAX + 1];
	struct durable_stream *next;        /* in the table's row */
	TAILQ_ENTRY(durable_stream) used;   /* the one unused for longest first */
	uint32_t references;                /* looks, and appends of the gateway itself */
	TAILQ_HEAD(, durable_look) waiting; /* looks that wait for the state or the lock */

	struct durable_state state;
	uint64_t version; /* of the state that was read: a stream of the name has its own */
	bool is_loaded;   /* `state` is the stream's */
	bool is_loading;  /* a worker reads the state */
	bool is_locked;   /* a look with is_exclusive holds the stream */
	bool is_unlocked; /* looks wait, and the loop is to find them */
	TAILQ_ENTRY(durable_stream) unlocked; /* while is_unlocked */
	bool is_removing;                     /* appends are refused: the stream is being deleted */
	bool was_lost; /* an append could not be added to the state for want of memory */
	reprise_position closed_at;      /* the event that closed the stream */
	reprise_position appended;       /* the last event that the gateway appended */
	int32_t end_status;              /* of the session's end */
	struct reprise_incarnation life; /* the window's whose events are in the state; 0: none */
	uint64_t deadline_ns;            /* CLOCK_MONOTONIC; 0: the stream does not expire */
	reprise_position kept;           /* the log has the state up to here as a blob, too */
	bool is_keeping;                 /* a worker writes the blob */
	uint64_t keep_ns;                /* no blob is written before */
	struct job *removal;             /* waits for the blob that is being written; NULL: none */
	uint64_t changed_ns;             /* when the state changed last */
	uint64_t errand_ns;              /* no errand for the stream begins before */
	bool has_checked_forks;          /* the forks of a stream that is gone exist */

	/* The worker's while is_loading: */
	struct job job;
	struct durable_loaded loaded;
};

/* durable_table.c */

/* NULL: not in the table. */
struct durable_stream *durable_find_stream(struct reprise_gateway *gateway, const char *session_id);
/* The stream is deleted: the state is read again by the next look. */
void durable_forget(struct durable_stream *stream);

/* durable_window.c */

/* Adds what an append has put into the window. */
void durable_apply(struct durable_stream *stream, reprise_position position, uint16_t kind,
		   struct reprise_bytes payload);
/* The state is the log's: the window, if there is one, goes on from there. */
void durable_adopt_window(struct durable_stream *stream);
/*
 * An append is to be made, or judged: adds events of the runtime to the state. False: the log may
 * have events that the state has not, and the next look reads the state again.
 */
bool durable_meet_window(struct durable_stream *stream);
/* Whether a look can use the state. Without the window of the state the log knows alone. */
bool durable_is_current(struct durable_stream *stream);
/*
 * Whether the next control event is to hold the whole state. A state with many producers is
 * written less often, and not at all if a part of the window has no room for the state: the log is
 * then read from the stream's beginning.
 */
bool durable_snapshot_is_due(const struct durable_stream *stream);
/* Whether the log has what the gateway has appended. */
bool durable_is_recorded(const struct durable_stream *stream);
/* Sets the newest recorded event of data of what is found. */
void durable_judge_tail(struct durable_look *look);
/* Takes what a worker has loaded. */
void durable_take_loaded(struct durable_stream *stream);
/* The offset of the stream's end, with events that are not recorded yet. */
reprise_position durable_end(const struct durable_stream *stream);

/* durable_life.c */

/* Wall time, in nanoseconds since 1970. */
uint64_t durable_now(void);
/* The TTL counts from now on. */
void durable_begin_lifetime(struct durable_stream *stream);
/* The state was read from the log: the TTL has counted meanwhile. */
void durable_resume_lifetime(struct durable_stream *stream);
/* Whether the log's record of the last renewal is old. */
bool durable_renewal_is_due(const struct durable_stream *stream);
bool durable_has_expired(const struct durable_stream *stream);

/* durable_load.c */

/*
 * On a worker. The members of @loaded are set; what its state had is freed. E_CORRUPT: a control
 * event is malformed.
 */
reprise_status durable_load(struct reprise_gateway *gateway, const char *session_id,
			    struct reprise_log *log, struct durable_loaded *loaded,
			    struct reprise_error *error);

/* durable_keep.c */

/* Writes the state to its second place if that is due. False: it is not. */
bool durable_keep(struct durable_stream *stream);
/* On a worker: the stream is deleted, or another one takes its name. */
reprise_status durable_forget_kept(struct reprise_gateway *gateway, const char *session_id,
				   struct reprise_log *log, struct reprise_error *error);
/* On a worker: the last event of the state that was kept; 0: none. */
reprise_position durable_kept_through(struct reprise_gateway *gateway, const char *session_id,
				      struct reprise_log *log, struct reprise_log_page *page);
/* On a worker: the state that was kept. MALFORMED: none. @state is fresh, and the caller's. */
enum durable_applied durable_read_kept(struct reprise_gateway *gateway, const char *session_id,
				       struct reprise_log *log, struct reprise_log_page *page,
				       reprise_position head, struct durable_state *state);

/* durable_control.c */

/*
 * Appends a control event. `done` is called when the event is recorded, or has failed; the change
 * moves into the call. A stream that does not exist, or is being deleted, gets none.
 */
struct durable_control {
	struct durable_change change;
	bool is_ended;    /* the stream was closed before, or is to be */
	bool keeps_alive; /* fails if the stream is kept for its forks alone */
	bool is_done;     /* the result */
	void (*done)(struct durable_control *control);
};

/* Frees nothing: @control lives until `done`. */
void durable_write(struct durable_stream *stream, struct durable_control *control);

/* durable_remove.c */

struct durable_removal {
	struct durable_look look; /* given: found, with is_exclusive */
	void (*done)(struct durable_removal *removal);
	bool is_done; /* the result; if not: */
	enum error_code code;
	reprise_status status;
	struct reprise_error error;

	struct job job;
	char source[REPRISE_SESSION_ID_BYTES_MAX + 1];
	struct durable_control control;
};

/* Deletes the stream, or keeps it for its forks; removes the stream from its source's forks. */
void durable_remove(struct durable_removal *removal);
/* The removal is over: lets go of the stream, and calls `done`. */
void durable_finish_removal(struct durable_removal *removal, bool is_done, enum error_code code);

/* durable_errand.c */

/*
 * Begins what is due without a client: a stream whose lifetime is over is removed; a stream that is
 * gone forgets forks that do not exist, and goes with the last fork. False: nothing is due.
 */
bool durable_begin_errand(struct durable_stream *stream);
/* The source of a deleted fork forgets the fork; the removal of the fork is over then. */
void durable_lose_fork(struct reprise_gateway *gateway, const char *source, const char *fork,
		       struct durable_removal *waiter);

#endif /* GATEWAY_DURABLE_STREAM_H */
