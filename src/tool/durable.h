/* SPDX-License-Identifier: MIT */
#ifndef TOOL_DURABLE_H
#define TOOL_DURABLE_H

/* A store with a log in a file, for the events of the demo. */

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
 * An append waits rather than displace an event without a record. @linger_ns 0 selects the
 * recorder's default. False: the log cannot be opened, and stderr has the reason.
 */
bool durable_open(struct durable *durable, const char *file, uint64_t events_max,
		  uint64_t bytes_max, uint64_t linger_ns);

/*
 * Records every event, and closes the store and the log. False: an event was not recorded or a
 * handle is still open, and stderr has the reason.
 */
bool durable_close(struct durable *durable);

/* Opens a writer, and sets the newest position before. False: stderr has the reason. */
bool durable_write(struct durable *durable, const char *session_id,
		   struct reprise_writer **ret_writer, reprise_position *ret_before);

/*
 * Verifies the log of a closed session, and sets the last ordinal. False: the log has a fault, or
 * the last life is not in @state, and stderr has the reason.
 */
bool durable_check(const char *file, const char *session_id, reprise_life_state state,
		   reprise_ordinal *ret_head);

#endif /* TOOL_DURABLE_H */
