/* SPDX-License-Identifier: MIT */
#ifndef STRESS_ONWARD_H
#define STRESS_ONWARD_H

/*
 * Whether continuous subscriptions run with a log beside the store (onward_log.c) or without
 * (onward_plain.c).
 */

#include <stdbool.h>

#include <reprise/reprise.h>

extern const bool onward_has_log;

void onward_attach(struct reprise_store *store);
void onward_detach(void);

#endif /* STRESS_ONWARD_H */
