/* SPDX-License-Identifier: MIT */
#ifndef EXPLORER_WORDS_H
#define EXPLORER_WORDS_H

/* The words that threads share, and what was stored in them in this execution. */

#include "inside.h"

enum {
	TIME_STEP = 1 << 12, /* leaves room for stores that come between two others */
	TIME_END = 1 << 30,
};

/* One store: its place in the word's modification order, and the view that travels with it. */
struct store {
	uint64_t value;
	uint32_t time;
	uint32_t sent_words;
	const uint32_t *sent;
	int before, after; /* in the same word; -1 at the ends */
	bool is_glued;     /* a read-modify-write: nothing comes between it and the store before */
};

/* The word itself: address and who uses it stay the same over all executions. */
struct word {
	uintptr_t at;
	unsigned int bytes;
	unsigned int touched; /* by which threads, one bit each, while there was more than one */
	bool is_changed;      /* and whether it was stored to meanwhile */
	uint64_t execution;   /* for which the following holds */
	int first, newest;
};

extern struct word words[WORDS_MAX];
extern unsigned int words_count;
extern struct store stores[];

/* A new execution. Words stay known, their stores are forgotten. */
void words_begin(void);

/* The word of that address; and the same, for a step of the current thread. */
struct word *word_find(uintptr_t at, unsigned int bytes);
struct word *word_touch(const volatile void *address, unsigned int bytes, bool changes);

/* Whether several threads use it, and it changes. */
bool word_is_shared(const struct word *word);

/* Its place in a view. */
unsigned int word_index(const struct word *word);

/* The content of memory there, and the place of the word. */
uint64_t word_plain(uintptr_t at, unsigned int bytes);
void *word_place(uintptr_t at);

/* Another store of a word, between two of it; or -1, where there is none. Answers which. */
int store_add(uint64_t value, uint32_t time, int before, int after);

#endif /* EXPLORER_WORDS_H */
