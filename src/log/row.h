/* SPDX-License-Identifier: MIT */
#ifndef LOG_ROW_H
#define LOG_ROW_H

/* Stored rows against their checksums and their ranges: each *_fault is NULL or names the fault. */

#include <stdbool.h>

#include "log/adapter.h"

/* Whether an enum of the public headers has a stored number (rule L21). */
bool row_is_reason(uint64_t reason);
bool row_is_state(uint64_t state);

uint32_t row_checksum(uint32_t key_checksum, const struct log_row *row);
const char *row_fault(uint32_t key_checksum, const struct log_row *row);

/* The head with its last life; head->key_checksum is set. */
const char *head_fault(const struct log_head *head);
const char *life_fault(uint32_t key_checksum, const struct log_life *life);
const char *blob_fault(uint32_t key_checksum, const struct log_blob *blob);
const char *mark_fault(uint32_t key_checksum, enum log_mark_type type, const struct log_mark *mark);

#endif /* LOG_ROW_H */
