/* SPDX-License-Identifier: MIT */
#ifndef LOG_ROW_H
#define LOG_ROW_H

#include "log/adapter.h"

/* What is wrong with a row for itself, or NULL. */
const char *row_fault(const struct reprise_log_key *key, const struct log_row *row);

#endif /* LOG_ROW_H */
