/* SPDX-License-Identifier: MIT */
#ifndef TOOL_THREAD_BOOKS_H
#define TOOL_THREAD_BOOKS_H

/* Compares the deltas of a document in the store with the appended runs. */

#include <reprise/base.h>

#include "tool/thread_run.h"

enum {
	THREAD_BOOKS_MAX = 3,
};

struct thread_book {
	const char *document;
	uint32_t deltas, sent, acknowledged, retried, refused; /* sums over the runs */
	uint32_t applied;                                      /* different deltas in the store */
	uint32_t lost;                                         /* acknowledged but not applied */
	uint32_t twice;                                        /* repetitions of applied deltas */
	uint32_t foreign; /* deltas in the store that belong to no run */
	uint32_t holes;   /* versions with no delta, or with two deltas */
	uint64_t version;
	bool is_equal; /* to a direct writer's document with the same deltas in the same order */
};

/*
 * Reads the document from the store in the file @store, and writes the document again with
 * reprise_thread_append, to the file @direct. On a failure stderr has the reason.
 */
reprise_status thread_book_fill(struct thread_book *book, const char *document,
				const struct thread_run *runs, size_t runs_count, const char *store,
				const char *direct);

/*
 * Prints a column for each book, and the numbers of kills. If the run was interrupted, @is_over is
 * false: acknowledged deltas that are not applied are still in the buffer, and not lost.
 */
void thread_books_print(bool is_over, const struct thread_book *books, size_t books_count,
			uint32_t server_kills, uint32_t writer_kills, uint32_t recovered);

/* The fault in the counts, or NULL. */
const char *thread_book_fault(const struct thread_book *book);

#endif /* TOOL_THREAD_BOOKS_H */
