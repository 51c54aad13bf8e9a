/* SPDX-License-Identifier: MIT */
#ifndef TOOL_DURABLE_H
#define TOOL_DURABLE_H

/* A store with a log in a file: what the demo's runtimes append is recorded there. */

#include <stdbool.h>

#include <reprise/log.h>
#include <reprise/recorder.h>
#include <reprise/session.h>
#include <reprise/store.h>

struct durable {
	struct reprise_log *log;
	struct reprise_store *store;
	struct reprise_recorder *recorder;
};

/*
 * No append displaces what is not recorded: it waits instead. @linger_ns: 0 is the recorder's own. False, and it has
 * said why on stderr, if it cannot be opened.
 */
bool durable_open(struct durable *durable, const char *file, uint64_t events_max,
		  uint64_t bytes_max, uint64_t linger_ns);

/* Once all is recorded. False, and it has said why, if not all is, or anything is still open. */
bool durable_close(struct durable *durable);

/* A writer, and the newest position before it. False, and it has said why, if it cannot be. */
bool durable_write(struct durable *durable, const char *session_id,
		   struct reprise_writer **ret_writer, reprise_position *ret_before);

/*
 * What is in the log of a session that is closed: that it is whole, and of which ordinals. False, and it has said
 * why, if it is not, or its last life is in another state.
 */
bool durable_check(const char *file, const char *session_id, reprise_life_state state,
		   reprise_ordinal *ret_head);

#endif /* TOOL_DURABLE_H */
