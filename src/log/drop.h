/* SPDX-License-Identifier: MIT */
#ifndef LOG_DROP_H
#define LOG_DROP_H

#include "log/adapter.h"

/*
 * The first transaction of a drop (contract L53): everything of the key is hidden, its blobs and
 * lives are gone. @ret_head is the key's head.
 */
reprise_status drop_hide(struct reprise_log *log, const struct reprise_log_key *key,
			 bool takes_open, uint64_t *ret_head, struct reprise_error *error);

#endif /* LOG_DROP_H */
