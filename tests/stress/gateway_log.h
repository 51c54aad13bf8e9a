/* SPDX-License-Identifier: MIT */
#ifndef STRESS_GATEWAY_LOG_H
#define STRESS_GATEWAY_LOG_H

/* With a log for its argument the program of gateway.c has a recorder with a SQLite log. */

#include <reprise/gateway.h>

/* Once, before the first round. */
void gateway_log_use(void);
bool gateway_log_is_used(void);

/* Of a round: nothing without the log. */
void gateway_log_attach(struct reprise_store *store);
void gateway_log_detach(void);
void gateway_log_set(struct reprise_gateway_options *options);

#endif /* STRESS_GATEWAY_LOG_H */
