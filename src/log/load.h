/* SPDX-License-Identifier: MIT */
#ifndef LOG_LOAD_H
#define LOG_LOAD_H

#include "log/page.h"

/*
 * Fills @page, which is empty, with the checked rows after @after, in either transaction: at most
 * @limit rows, and no more once the payloads have @bytes_limit bytes (0: 1 MiB). @after is not
 * below the watermark, and is below the head. The entries do not say of which life they are.
 */
reprise_status load_rows(struct reprise_log *log, const struct log_head *head,
			 reprise_ordinal after, uint64_t limit, uint64_t bytes_limit,
			 struct reprise_log_page *page, struct reprise_error *error);

#endif /* LOG_LOAD_H */
