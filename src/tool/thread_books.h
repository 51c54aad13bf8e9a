/* SPDX-License-Identifier: MIT */
#ifndef TOOL_THREAD_BOOKS_H
#define TOOL_THREAD_BOOKS_H

/* The deltas that the store has of a document in the end, held against the runs that were appended. */

#include <reprise/base.h>

#include "tool/thread_run.h"

enum {
	THREAD_BOOKS_MAX = 3,
};

struct thread_book {
	const char *document;
	uint32_t deltas, sent, acknowledged, retried, refused; /* the sums of its runs */
	uint32_t applied; /* different deltas that the store keeps */
	uint32_t lost;    /* acknowledged, and not applied */
	uint32_t twice;   /* applied once more */
	uint32_t foreign; /* applied, and of no run */
	uint32_t holes;   /* versions that no delta has, or that two have */
	uint64_t version;
	bool is_equal; /* to the document that a direct writer makes of the same deltas in the same order */
};

/*
 * Reads the document from the store in the file @store, and makes it again in the file @direct with
 * reprise_thread_append. On a failure the function has named the fault on stderr.
 */
reprise_status thread_book_fill(struct thread_book *book, const char *document,
				const struct thread_run *runs, size_t runs_count, const char *store,
				const char *direct);

/*
 * Prints a column for each book, and the numbers of kills. Unless the run @is_over, acknowledged deltas that are not applied are
 * buffered still, and are not called lost.
 */
void thread_books_print(bool is_over, const struct thread_book *books, size_t books_count,
			uint32_t server_kills, uint32_t writer_kills, uint32_t recovered);

/* Why the books are not as they should be; or NULL. */
const char *thread_book_fault(const struct thread_book *book);

#endif /* TOOL_THREAD_BOOKS_H */
