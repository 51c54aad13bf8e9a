/* SPDX-License-Identifier: MIT */
#ifndef MODEL_RECORDER_WORLD_H
#define MODEL_RECORDER_WORLD_H

/*
 * A recorder as small as it can be, beside the sessions of world.h. The writing thread and what
 * calls it are the recorder's own sources: record.c, park.c, settle.c, flush.c, follow.c. The rest
 * is here: a batch of one write, and a log that is two numbers a session.
 */

#include "recorder/recorder.h"
#include "world.h"

enum {
	SESSIONS = WORLD_SESSIONS_MAX,
};

extern struct reprise_recorder recorder;
extern struct recording recordings[SESSIONS];

/* After world_open: the first @count sessions are attached. Their ids are "s" and "t". */
void recorder_world_open(enum log_level level, unsigned int count);

/* Up to which position the log has come. */
uint64_t recorder_world_log(unsigned int session, reprise_durability durability);

/* Ends and joins the writing thread. */
void recorder_world_stop(pthread_t writing);

#endif /* MODEL_RECORDER_WORLD_H */
