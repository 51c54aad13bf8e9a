/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_SIZED_STRUCT_H
#define SUPPORT_SIZED_STRUCT_H

/*
 * The sizes that a call must accept and refuse in a struct that begins with a size (rule X16). An
 * older program has the first released size; a newer program has a larger size than the library.
 */

#include <stdalign.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <reprise/base.h>

#include "base/sizes.h"

enum {
	SIZED_ROOM = 5000,
	SIZED_MOST = 4096,
	SIZED_TAIL = 24,
	SIZED_PATTERN = 0x5a,
};

/* The room of a struct of any size up to SIZED_ROOM. */
struct sized_room {
	alignas(16) unsigned char bytes[SIZED_ROOM];
};

/* Makes one call with the struct. A refused call must have no effect: the function checks this. */
typedef reprise_status (*sized_call)(void *sized, void *context);

static inline void
sized_set(struct sized_room *room, size_t size)
{
	memcpy(room->bytes, &size, sizeof(size));
}

static inline bool
sized_is(const struct sized_room *room, size_t from, size_t to, unsigned char byte)
{
	for (size_t i = from; i < to; i++)
		if (room->bytes[i] != byte)
			return false;
	return true;
}

/* @given: options that the call accepts, @size_now bytes. */
static inline void
expect_sizes_read(const char *name, const void *given, size_t size_now, size_t size_min,
		  sized_call call, void *context)
{
	static const size_t size_fields = sizeof(size_t);
	static struct sized_room room, before;
	const struct {
		size_t size;
		bool is_tail_set;
		reprise_status status;
	} cases[] = {
		{ 0, false, REPRISE_E_INVALID },
		{ size_min - 1, false, REPRISE_E_INVALID },
		{ size_min, false, REPRISE_OK },
		{ size_now, false, REPRISE_OK },
		{ size_now + SIZED_TAIL, false, REPRISE_OK },
		{ size_now + SIZED_TAIL, true, REPRISE_E_INVALID },
		{ SIZED_MOST, false, REPRISE_OK },
		{ SIZED_MOST + 1, false, REPRISE_E_INVALID },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&room, 0, sizeof(room));
		memcpy(room.bytes + size_fields, (const unsigned char *)given + size_fields,
		       size_now - size_fields);
		if (cases[i].is_tail_set)
			room.bytes[cases[i].size - 1] = 1;
		sized_set(&room, cases[i].size);
		/* An older program has something else behind the struct. */
		if (cases[i].status == REPRISE_OK)
			memset(room.bytes + cases[i].size, SIZED_PATTERN,
			       SIZED_ROOM - cases[i].size);
		before = room;
		cr_assert(eq(int, call(room.bytes, context), cases[i].status), "%s: size %zu", name,
			  cases[i].size);
		cr_assert(memcmp(room.bytes, before.bytes, SIZED_ROOM) == 0, "%s: changed", name);
	}
}

/* The call writes @size_now bytes. */
static inline void
expect_sizes_written(const char *name, size_t size_now, size_t size_min, sized_call call,
		     void *context)
{
	static struct sized_room room;
	const size_t bad[] = { 0, size_min - 1, SIZED_MOST + 1 };
	const size_t good[] = { size_min, size_now, size_now + SIZED_TAIL, SIZED_MOST };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&room, SIZED_PATTERN, sizeof(room));
		sized_set(&room, bad[i]);
		cr_assert(eq(int, call(room.bytes, context), REPRISE_E_INVALID), "%s: size %zu",
			  name, bad[i]);
		cr_assert(sized_is(&room, sizeof(size_t), SIZED_ROOM, SIZED_PATTERN), "%s: changed",
			  name);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		size_t size;

		memset(&room, SIZED_PATTERN, sizeof(room));
		sized_set(&room, good[i]);
		cr_assert(eq(int, call(room.bytes, context), REPRISE_OK), "%s: size %zu", name,
			  good[i]);
		memcpy(&size, room.bytes, sizeof(size));
		cr_assert(eq(sz, size, good[i]));
		cr_assert(not(sized_is(&room, sizeof(size_t), size_min, SIZED_PATTERN)),
			  "%s: size %zu: nothing was written", name, good[i]);
		if (good[i] > size_now)
			cr_assert(sized_is(&room, size_now, good[i], 0), "%s: size %zu: unknown",
				  name, good[i]);
		cr_assert(sized_is(&room, good[i], SIZED_ROOM, SIZED_PATTERN),
			  "%s: size %zu: written beyond", name, good[i]);
	}
}

#define EXPECT_SIZES_READ(type, given, call, context) \
	expect_sizes_read(#type, given, sizeof(struct type), SIZE_MIN(type), call, context)
#define EXPECT_SIZES_WRITTEN(type, call, context) \
	expect_sizes_written(#type, sizeof(struct type), SIZE_MIN(type), call, context)

#endif /* SUPPORT_SIZED_STRUCT_H */
