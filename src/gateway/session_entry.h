/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_SESSION_ENTRY_H
#define GATEWAY_SESSION_ENTRY_H

/*
 * The entry of a session: in the list of sessions, and of one session alone. The
 * window and the log are asked on a worker, the clients on the loop.
 */

#include <stdbool.h>
#include <stdint.h>

#include <reprise/log.h>
#include <reprise/session.h>

#include "gateway/json.h"

struct reprise_gateway;

struct session_entry {
	char id[REPRISE_SESSION_ID_BYTES_MAX + 1];
	bool has_window, has_writer, has_ended;
	int32_t end_status;
	reprise_position oldest, newest, recorded;
	uint64_t retained, events_max, bytes_max; /* of the window */
	uint64_t subscriptions;
	struct reprise_incarnation life; /* all zero: none is known */
};

void session_entry_take_window(struct session_entry *entry,
			       const struct reprise_session_stats *stats);
/*
 * On a worker. E_NOT_FOUND: the log has no such session. A session whose last life is void was
 * deleted or invalidated, and a DIRECT key is a conversation, for example: neither is a session.
 */
reprise_status session_entry_find_life(const char *id, struct reprise_log *log, const char *tenant,
				       struct reprise_error *error);
/* On a worker, behind the window. E_NOT_FOUND: the log has no such session. */
reprise_status session_entry_ask_log(struct session_entry *entry, struct reprise_log *log,
				     const char *tenant, struct reprise_error *error);
/* On the loop: writes the entry, with the clients of the gateway. */
void session_entry_write(const struct session_entry *entry, struct reprise_gateway *gateway,
			 struct buffer *body);

#endif /* GATEWAY_SESSION_ENTRY_H */
