/* SPDX-License-Identifier: MIT */
#ifndef TOOL_SERVE_SIGNALS_H
#define TOOL_SERVE_SIGNALS_H

/*
 * The signals of a program that runs a gateway. SIGTERM and SIGINT stop the gateway, the first one
 * within a time, a second one at once. SIGHUP has the tokens and the certificate read again.
 */

#include <stdint.h>

#include "tool/serve_manager.h"

struct reprise_gateway;

/*
 * From here on the calling thread takes the signals for @gateway. Other threads of the program must
 * block the signals. @manager is borrowed; NULL: none.
 */
void serve_signals_catch(struct reprise_gateway *gateway, uint32_t drain_ms,
			 const struct serve_manager *manager);

/*
 * The gateway may be closed. Further signals do nothing: the program is about to end, and records
 * the remaining events.
 */
void serve_signals_release(void);

/* Blocks the signals in the calling thread. */
void serve_signals_block(void);

#endif /* TOOL_SERVE_SIGNALS_H */
