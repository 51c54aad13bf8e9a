/* SPDX-License-Identifier: MIT */
#ifndef LOG_ROW_H
#define LOG_ROW_H

#include "log/adapter.h"

/* A row's checksum is that of its key, continued. */
uint32_t row_key_checksum(const char *tenant, const char *thread);
uint32_t row_checksum(uint32_t key_checksum, const struct log_row *row);

/* What is wrong with a row for itself, or NULL. */
const char *row_fault(uint32_t key_checksum, const struct log_row *row);

#endif /* LOG_ROW_H */
