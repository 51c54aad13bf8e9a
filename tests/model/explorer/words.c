/* SPDX-License-Identifier: MIT */
#include "words.h"

#include <string.h>

enum {
	STORES_MAX = 1 << 16,
	HASH_SLOTS = 4 * WORDS_MAX,
};

struct word words[WORDS_MAX];
unsigned int words_count;
struct store stores[STORES_MAX];
static int stores_count;
static int slots[HASH_SLOTS]; /* index + 1 */
static uint64_t execution, growth;

void
words_begin(void)
{
	execution++;
	stores_count = 0;
}

void
memory_grow(void)
{
	growth++;
}

uint64_t
memory_growth(void)
{
	return growth;
}

/* Where a word is; what finds it again is a number. */
void *
word_place(uintptr_t at)
{
	return (void *)at; /* NOLINT(performance-no-int-to-ptr): of the program that is explored */
}

uint64_t
word_plain(uintptr_t at, unsigned int bytes)
{
	uint64_t value = 0;

	memcpy(&value, word_place(at), bytes);
	return value;
}

int
store_add(uint64_t value, uint32_t time, int before, int after)
{
	if (stores_count == STORES_MAX)
		search_limit("more stores than the explorer keeps");
	stores[stores_count] =
		(struct store){ .value = value, .time = time, .before = before, .after = after };
	if (before >= 0)
		stores[before].after = stores_count;
	if (after >= 0)
		stores[after].before = stores_count;
	return stores_count++;
}

struct word *
word_find(uintptr_t at, unsigned int bytes)
{
	unsigned int slot = (unsigned int)((at * UINT64_C(0x9e3779b97f4a7c15)) >> 40) % HASH_SLOTS;

	for (; slots[slot] != 0; slot = (slot + 1) % HASH_SLOTS) {
		struct word *const word = &words[slots[slot] - 1];

		if (word->at == at) {
			if (word->bytes != bytes)
				search_limit("a word of two sizes");
			return word;
		}
	}
	if (words_count == WORDS_MAX)
		search_limit("more words than the explorer keeps");
	words[words_count] = (struct word){ .at = at, .bytes = bytes };
	slots[slot] = (int)++words_count;
	return &words[words_count - 1];
}

bool
word_is_shared(const struct word *word)
{
	return word->is_changed && (word->touched & (word->touched - 1)) != 0;
}

struct word *
word_touch(const volatile void *address, unsigned int bytes, bool changes)
{
	struct word *const word = word_find((uintptr_t)address, bytes);
	const bool was_shared = word_is_shared(word);

	if (word->execution != execution) {
		word->execution = execution;
		word->first = word->newest =
			store_add(word_plain(word->at, bytes), TIME_STEP, -1, -1);
	}
	if (schedule_threads_alive() > 1) {
		word->touched |= 1U << current;
		word->is_changed |= changes;
	}
	if (word_is_shared(word) && !was_shared)
		growth++;
	return word;
}

bool
memory_is_shared(const volatile void *at)
{
	return word_is_shared(word_touch(at, 1, true));
}

unsigned int
word_index(const struct word *word)
{
	return (unsigned int)(word - words);
}
