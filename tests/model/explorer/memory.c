/* SPDX-License-Identifier: MIT */

/*
 * The possible answers of a load. Each word keeps all stores of this execution in its modification
 * order; each thread has a view: per word, the oldest store that it may still see. Views travel
 * with stores: from a release to an acquire, over fences, along read-modify-writes. Threads' steps
 * are in the order in which the explorer runs them, so that a load answers what was stored before.
 *
 * seq_cst is a view of its own: a fence takes it and adds to it; a store adds its word, a load
 * takes its word. That is no more than C11 says; of a mixture of both it says less than some
 * machines do, which errs on the safe side.
 */

#include <stdlib.h>
#include <string.h>

#include "words.h"

enum {
	SENT_MAX = 1 << 24, /* entries of all views that travel with stores */
};

static uint32_t sent_views[SENT_MAX];
static uint32_t sent_count;

/*
 * The views of a thread: seen (now), to be taken at an acquire fence, given at its release fence.
 */
static struct views {
	struct view now, acquired, released;
	struct view light; /* now, at its last light fence */
} views[THREADS_MAX];

static struct view ordered;            /* of seq_cst */
static struct view heavy[THREADS_MAX]; /* of the kernel's barriers, as each thread has run them */

static void
join(struct view *to, const uint32_t *from, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (to->of[i] < from[i])
			to->of[i] = from[i];
}

static void
join_view(struct view *to, const struct view *from)
{
	join(to, from->of, words_count);
}

static void
copy_view(struct view *to, const struct view *from)
{
	memcpy(to->of, from->of, words_count * sizeof(to->of[0]));
}

void
memory_begin(void)
{
	words_begin();
	sent_count = 0;
	memset(ordered.of, 0, sizeof(ordered.of[0]) * words_count);
	for (int i = 0; i < THREADS_MAX; i++)
		memset(heavy[i].of, 0, sizeof(heavy[i].of[0]) * words_count);
	for (int i = 0; i < THREADS_MAX; i++) {
		struct view *const all[] = { &views[i].now, &views[i].acquired, &views[i].released,
					     &views[i].light };

		for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
			memset(all[k]->of, 0, sizeof(all[k]->of[0]) * words_count);
	}
}

void
memory_begin_thread(int thread, int parent)
{
	copy_view(&views[thread].now, &views[parent].now);
	copy_view(&views[thread].acquired, &views[parent].now);
}

void
memory_join_thread(int thread)
{
	memory_take_view(&views[thread].now);
}

void
memory_give_view(struct view *view)
{
	copy_view(view, &views[current].now);
}

void
memory_take_view(const struct view *view)
{
	join_view(&views[current].now, view);
	join_view(&views[current].acquired, view);
}

static bool
is_acquire(int order)
{
	return order == EXPLORER_ACQUIRE || order == EXPLORER_ACQ_REL ||
	       order == EXPLORER_SEQ_CST || order == EXPLORER_CONSUME;
}

static bool
is_release(int order)
{
	return order == EXPLORER_RELEASE || order == EXPLORER_ACQ_REL || order == EXPLORER_SEQ_CST;
}

/* --- what is seen ----------------------------------------------------------------------------- */

/* The oldest store that the current thread may see, by its time. */
static uint32_t
bound(const struct word *word, int order)
{
	const unsigned int i = word_index(word);
	const uint32_t now = views[current].now.of[i];

	return order == EXPLORER_SEQ_CST && ordered.of[i] > now ? ordered.of[i] : now;
}

static void
see(const struct word *word, const struct store *store, int order)
{
	struct views *const mine = &views[current];
	const unsigned int i = word_index(word);

	if (mine->now.of[i] < store->time)
		mine->now.of[i] = store->time;
	if (mine->acquired.of[i] < store->time)
		mine->acquired.of[i] = store->time;
	if (store->sent != NULL) {
		join(&mine->acquired, store->sent, store->sent_words);
		if (is_acquire(order))
			join(&mine->now, store->sent, store->sent_words);
	}
}

/* The view that travels with a store that the current thread makes now, and what it replaced. */
static void
send(const struct word *word, struct store *store, int order, const struct store *replaced)
{
	struct views *const mine = &views[current];
	const unsigned int i = word_index(word);

	if (mine->now.of[i] < store->time)
		mine->now.of[i] = store->time;
	if (mine->acquired.of[i] < store->time)
		mine->acquired.of[i] = store->time;
	if (order == EXPLORER_SEQ_CST && ordered.of[i] < store->time)
		ordered.of[i] = store->time;
	if (sent_count + WORDS_MAX > SENT_MAX)
		search_limit("more views than the explorer keeps");
	struct view *const sent = (struct view *)(void *)&sent_views[sent_count];

	copy_view(sent, is_release(order) ? &mine->now : &mine->released);
	if (sent->of[i] < store->time)
		sent->of[i] = store->time;
	if (replaced != NULL && replaced->sent != NULL)
		join(sent, replaced->sent, replaced->sent_words);
	store->sent = sent->of;
	store->sent_words = words_count;
	sent_count += words_count;
	/* For who looks without the explorer, when nobody else runs. */
	if (store->after < 0)
		memcpy(word_place(word->at), &store->value, word->bytes);
}

/* --- steps ------------------------------------------------------------------------------------ */

static const char *
order_name(int order)
{
	static const char *const names[] = { "relaxed", "consume", "acquire",
					     "release", "acq_rel", "seq_cst" };

	return names[order];
}

void
explorer_init(volatile void *at, unsigned int bytes, uint64_t value)
{
	struct word *const word = word_touch(at, bytes, false);
	/* After all that was there, should the memory have been another word before. */
	const uint32_t time = stores[word->newest].time + TIME_STEP;

	memcpy(word_place(word->at), &value, bytes);
	word->first = word->newest = store_add(word_plain(word->at, bytes), time, -1, -1);
}

uint64_t
memory_load(const volatile void *at, unsigned int bytes, int order)
{
	struct word *const word = word_touch(at, bytes, false);
	unsigned int count = 1, pick = 0;
	int found;

	if (word->first == word->newest) /* perhaps not stored by an atomic at all */
		stores[word->first].value = word_plain(word->at, bytes);
	const uint32_t oldest = bound(word, order);

	for (int i = word->newest; stores[i].time > oldest && stores[i].before >= 0;
	     i = stores[i].before)
		count++;
	if (count > 1)
		pick = schedule_choose(count);
	for (found = word->newest; pick > 0; pick--)
		found = stores[found].before;
	see(word, &stores[found], order);
	if (is_tracing)
		search_trace("load %s w%u+%#lx = %#lx%s", order_name(order), word_index(word),
			     (unsigned long)(word->at & 0xfff), (unsigned long)stores[found].value,
			     found == word->newest ? "" : " (older)");
	return stores[found].value;
}

uint64_t
explorer_load(const volatile void *at, unsigned int bytes, int order)
{
	schedule_point(word_is_shared(word_touch(at, bytes, false)));
	return memory_load(at, bytes, order);
}

void
explorer_store(volatile void *at, unsigned int bytes, uint64_t value, int order)
{
	struct word *const word = word_touch(at, bytes, true);
	unsigned int count = 1, pick = 0;
	int before;

	schedule_point(word_is_shared(word));
	const uint32_t oldest = bound(word, order);

	/* After any store that it has not seen, unless a read-modify-write is glued to that. */
	for (int i = word->newest; stores[i].time > oldest && stores[i].before >= 0;
	     i = stores[i].before)
		count += !stores[i].is_glued;
	if (count > 1)
		pick = schedule_choose(count);
	for (before = word->newest; pick > 0; before = stores[before].before)
		pick -= !stores[before].is_glued;

	const int after = stores[before].after;
	const uint32_t time = after < 0 ? stores[before].time + TIME_STEP
					: (stores[before].time + stores[after].time) / 2;

	if (time == stores[before].time || time >= TIME_END)
		search_limit("no room between two stores");
	const int made = store_add(value, time, before, after);

	if (after < 0)
		word->newest = made;
	send(word, &stores[made], order, NULL);
	if (is_tracing)
		search_trace("store %s w%u+%#lx = %#lx%s", order_name(order), word_index(word),
			     (unsigned long)(word->at & 0xfff), (unsigned long)value,
			     after < 0 ? "" : " (before a newer one)");
}

static uint64_t
changed(uint64_t value, enum explorer_change change, uint64_t operand)
{
	switch (change) {
	case EXPLORER_EXCHANGE:
		return operand;
	case EXPLORER_ADD:
		return value + operand;
	case EXPLORER_SUB:
		return value - operand;
	case EXPLORER_OR:
		return value | operand;
	case EXPLORER_AND:
		return value & operand;
	}
	abort();
}

/* Whether a read-modify-write may replace @store: no other has. */
static bool
is_free(const struct store *store)
{
	return store->after < 0 || !stores[store->after].is_glued;
}

/* Puts the value of a read-modify-write right after what it replaces. */
static void
replace(struct word *word, int found, uint64_t value, int order)
{
	const int after = stores[found].after;
	const uint32_t time = after < 0 ? stores[found].time + TIME_STEP
					: (stores[found].time + stores[after].time) / 2;
	const uint64_t mask = word->bytes == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * word->bytes) - 1;

	if (time == stores[found].time || time >= TIME_END)
		search_limit("no room between two stores");
	const int made = store_add(value & mask, time, found, after);

	stores[made].is_glued = true;
	if (after < 0)
		word->newest = made;
	send(word, &stores[made], order, &stores[found]);
}

/*
 * Chooses a store that the current thread may see and that a compare-exchange may find: with
 * @expected, one that differs or is free.
 */
static int
choose_store(const struct word *word, int order, const uint64_t *expected)
{
	const uint32_t oldest = bound(word, order);
	int candidates[64];
	unsigned int count = 1;

	candidates[0] = word->newest; /* which is always free */
	for (int i = stores[word->newest].before; i >= 0 && stores[i].time >= oldest && count < 64;
	     i = stores[i].before)
		if (is_free(&stores[i]) || (expected != NULL && stores[i].value != *expected))
			candidates[count++] = i;
	return candidates[count > 1 ? schedule_choose(count) : 0];
}

uint64_t
explorer_change(volatile void *at, unsigned int bytes, enum explorer_change change,
		uint64_t operand, int order)
{
	struct word *const word = word_touch(at, bytes, true);

	schedule_point(word_is_shared(word));
	const int found = choose_store(word, order, NULL);
	const uint64_t value = stores[found].value;

	see(word, &stores[found], order);
	replace(word, found, changed(value, change, operand), order);
	if (is_tracing)
		search_trace("change %s w%u+%#lx: %#lx to %#lx", order_name(order),
			     word_index(word), (unsigned long)(word->at & 0xfff),
			     (unsigned long)value, (unsigned long)changed(value, change, operand));
	return value;
}

bool
explorer_compare_exchange(volatile void *at, unsigned int bytes, void *expected, uint64_t desired,
			  int success, int failure)
{
	struct word *const word = word_touch(at, bytes, true);

	schedule_point(word_is_shared(word));
	const uint64_t wanted = word_plain((uintptr_t)expected, bytes);
	const int found = choose_store(word, success, &wanted);
	const bool is_equal = stores[found].value == wanted;

	see(word, &stores[found], is_equal ? success : failure);
	if (is_equal)
		replace(word, found, desired, success);
	else
		memcpy(expected, &stores[found].value, bytes);
	if (is_tracing)
		search_trace("compare-exchange w%u+%#lx: found %#lx, %s %#lx", word_index(word),
			     (unsigned long)(word->at & 0xfff), (unsigned long)stores[found].value,
			     is_equal ? "stored" : "not", (unsigned long)desired);
	return is_equal;
}

void
explorer_fence(int order)
{
	struct views *const mine = &views[current];

	if (order == EXPLORER_SEQ_CST)
		schedule_point(schedule_threads_alive() > 1);
	if (is_acquire(order))
		join_view(&mine->now, &mine->acquired);
	if (order == EXPLORER_SEQ_CST) {
		join_view(&mine->now, &ordered);
		join_view(&mine->acquired, &ordered);
		join_view(&ordered, &mine->now);
	}
	if (is_release(order))
		copy_view(&mine->released, &mine->now);
	if (is_tracing)
		search_trace("fence %s", order_name(order));
}

/*
 * A light fence: free by itself, and ordered with the kernel's barriers, each of which comes before
 * or after it. A thread without one is promised nothing, since its compiler may have moved what
 * stands before and behind.
 */
static bool is_heavy_used;

void
explorer_signal_fence(void)
{
	struct views *const mine = &views[current];

	schedule_point(is_heavy_used && schedule_threads_alive() > 1);
	join_view(&mine->now, &heavy[current]);
	join_view(&mine->acquired, &heavy[current]);
	copy_view(&mine->light, &mine->now);
	if (is_tracing)
		search_trace("light fence");
}

void
memory_heavy_fence(void)
{
	if (!is_heavy_used)
		memory_grow();
	is_heavy_used = true;
	explorer_fence(EXPLORER_SEQ_CST);
	static struct view before[THREADS_MAX],
		seen[THREADS_MAX]; /* others may make one meanwhile */
	const int me = current;

	copy_view(&before[me], &views[me].now);
	copy_view(&seen[me], &views[me].now);

	for (int i = 0; i < THREADS_MAX; i++) {
		if (i == me)
			continue;
		if (i < (int)schedule_threads_alive())
			schedule_point(true);
		join_view(&seen[me], &views[i].light);
		join_view(&heavy[i], &before[me]);
	}
	join_view(&views[me].now, &seen[me]);
	join_view(&views[me].acquired, &seen[me]);
	explorer_fence(EXPLORER_SEQ_CST);
}

uint32_t
memory_seen(const volatile void *at, unsigned int bytes)
{
	return views[current].now.of[word_index(word_find((uintptr_t)at, bytes))];
}

void
memory_see(const volatile void *at, unsigned int bytes, uint32_t upto)
{
	const unsigned int i = word_index(word_find((uintptr_t)at, bytes));

	if (views[current].now.of[i] < upto)
		views[current].now.of[i] = upto;
}
