/* SPDX-License-Identifier: MIT */
#ifndef STRESS_DURABLE_H
#define STRESS_DURABLE_H

/*
 * The recorder under load: writers that flood small windows, hosts that heal, by all three doors.
 */

#include <semaphore.h>

#include <reprise/log_sqlite.h>
#include <reprise/log_upkeep.h>
#include <reprise/recorder.h>

#include "stress.h"

enum {
	DURABLE_SESSIONS = 4, /* that have writers all the time */
	DURABLE_GUESTS = 12,  /* that come and go, in fewer places */
	DURABLE_FINAL = 7,    /* the status that a session ends with for good */
	DURABLE_KINDS = 4,
};

struct durable {
	struct reprise_log *log;
	struct reprise_store *store;
	struct reprise_recorder *recorder;
	atomic_bool is_over;  /* writers end their sessions for good */
	atomic_bool is_quiet; /* nothing is declared void any more */
	atomic_ulong appended, opened, refused;
};

extern struct durable durable;

void durable_nap(long microseconds);
void durable_name(char name[16], const char *stem, unsigned int number);

/* Threads: the writer of session number @argument; one of all guests. */
void *durable_write_session(void *argument);
void *durable_write_guests(void *argument);

/* The three doors, and none that is asked for: polling with short waits. */
enum door {
	DOOR_WAIT,
	DOOR_FD,
	DOOR_CALL,
	DOORS,
};

/* One subscription and its books: each outcome is checked as it comes. */
struct host {
	struct reprise_subscription *subscription;
	enum door door;
	int fd;
	sem_t called;
	struct reprise_cursor at; /* where it began, then where it is */
	reprise_position began;
	uint64_t delivered, lost, restarts, filtered;
	bool is_filtering;
	bool is_unavailable;
	bool is_ended;
	struct reprise_end end;
	struct reprise_cursor next; /* after a gap UNAVAILABLE */
};

enum host_kind {
	HOST_LIVE,
	HOST_RECORDED,
	HOST_FILTERING,
	HOST_REPLAY,
	HOST_KINDS,
};

void host_open(struct host *host, const struct reprise_cursor *cursor, enum host_kind kind,
	       enum door door);

/* Takes what there is, at most @most outcomes; false when it is over. */
bool host_take(struct host *host, uint64_t most);

/* Sleeps at its door; -1: until it is rung. */
void host_sleep(struct host *host, int timeout_ms);

/* Closes it; its books must balance. */
void host_close(struct host *host);

#endif /* STRESS_DURABLE_H */
