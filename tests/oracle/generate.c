/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "program.h"

/*
 * Random programs. Calls by chance alone would mostly find a dead window or a cursor of nothing, so
 * some come as phrases, as a host would make them, and what names a session or a cursor mostly
 * names one that was used before. Each program has its own favourites.
 */

struct maker {
	struct program *program;
	uint64_t random;
	size_t calls_max;
	unsigned int chosen[CALLS_COUNT], sum;
	uint8_t ids;    /* a mask: few sessions, or all of both stores */
	uint8_t cursor; /* the one that was made last */
};

/* splitmix64 */
static uint64_t
random_next(struct maker *maker)
{
	uint64_t number = maker->random += UINT64_C(0x9e3779b97f4a7c15);

	number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
	return number ^ number >> 31;
}

static uint8_t
dice(struct maker *maker)
{
	return (uint8_t)random_next(maker);
}

/* How often each call comes; 0 is 1. */
static const uint8_t weights[CALLS_COUNT] = {
	[CALL_OPEN] = 30,
	[CALL_CLOSE_WRITER] = 4,
	[CALL_END] = 2,
	[CALL_APPEND] = 200,
	[CALL_APPENDV] = 40,
	[CALL_BATCH] = 60,
	[CALL_APPEND_ONCE] = 60,
	[CALL_RESERVE] = 20,
	[CALL_PUBLISH] = 30,
	[CALL_ABORT] = 8,
	[CALL_TRIM_SESSION] = 8,
	[CALL_TRIM_TO] = 16,
	[CALL_STAMP] = 16,
	[CALL_CREATE] = 12,
	[CALL_LIST] = 6,
	[CALL_CURRENT] = 20,
	[CALL_EARLIEST] = 20,
	[CALL_SESSION_CURSOR] = 20,
	[CALL_TWEAK] = 8,
	[CALL_TEXT] = 6,
	[CALL_BAD_TEXT] = 6,
	[CALL_FOR_SESSION] = 3,
	[CALL_SUBSCRIBE] = 40,
	[CALL_REPLAY] = 12,
	[CALL_RESUME] = 16,
	[CALL_SNAPSHOT] = 16,
	[CALL_CLOSE] = 24,
	[CALL_NEXT] = 200,
	[CALL_NEXT_BATCH] = 50,
	[CALL_NEXT_INTO] = 50,
	[CALL_WAIT] = 40,
	[CALL_FD] = 20,
	[CALL_POLL] = 20,
	[CALL_NOTIFY] = 12,
	[CALL_CALLED] = 12,
	[CALL_INTERRUPT] = 3,
	[CALL_SUB_CURSOR] = 16,
	[CALL_SUB_STATS] = 8,
	[CALL_GAP_CURSOR] = 16,
	[CALL_SESSION_STATS] = 2,
	[CALL_BAD] = 6,
	[CALL_GROUP_ADD] = 20,
	[CALL_GROUP_REMOVE] = 4,
	[CALL_GROUP_NEXT] = 40,
	[CALL_GROUP_POLL] = 12,
	[CALL_GROUP_WAIT] = 12,
	[CALL_GROUP_INTERRUPT] = 2,
};

/*
 * Each program leaves out some calls and has more of others, so that they differ more
 * than by chance.
 */
static void
choose_weights(struct maker *maker)
{
	for (size_t i = 0; i < CALLS_COUNT; i++) {
		const uint8_t chance = dice(maker) % 8;

		maker->chosen[i] = weights[i] != 0 ? weights[i] : 1;
		if (chance == 0 && i != CALL_OPEN && i != CALL_APPEND && i != CALL_NEXT)
			maker->chosen[i] = 0;
		else if (chance == 1)
			maker->chosen[i] *= 3;
		maker->sum += maker->chosen[i];
	}
}

/* An operand that chance decides, here and not in the argument, whose order is the compiler's. */
#define ANY (-1)

static uint8_t
operand_of(struct maker *maker, int given)
{
	return given == ANY ? dice(maker) : (uint8_t)given;
}

static void
add(struct maker *maker, enum call_name name, int a, int b, int c, int d)
{
	struct program *const program = maker->program;
	struct call call = { .name = (uint8_t)name };

	call.a = operand_of(maker, a);
	call.b = operand_of(maker, b);
	call.c = operand_of(maker, c);
	call.d = operand_of(maker, d);
	if (program->calls_count < maker->calls_max)
		program->calls[program->calls_count++] = call;
}

static uint8_t
some_id(struct maker *maker)
{
	return dice(maker) & maker->ids;
}

/* The cursor that was made last, mostly. */
static uint8_t
some_cursor(struct maker *maker)
{
	return dice(maker) % 8 < 6 ? maker->cursor : dice(maker);
}

static uint8_t
new_cursor(struct maker *maker)
{
	return maker->cursor = dice(maker) % 6;
}

static void
add_one(struct maker *maker, enum call_name name)
{
	uint8_t a = dice(maker), b = dice(maker), c = dice(maker);

	if (name == CALL_OPEN || name == CALL_SNAPSHOT)
		b = some_id(maker);
	else if (name <= CALL_ABORT)
		a %= 2;
	else if (name <= CALL_EARLIEST || name == CALL_SESSION_STATS)
		a = some_id(maker);
	else if (name == CALL_TWEAK || name == CALL_TEXT || name == CALL_BAD_TEXT)
		a = some_cursor(maker);
	if (name >= CALL_SUBSCRIBE && name <= CALL_RESUME)
		b = some_cursor(maker);
	else if (name == CALL_CURRENT || name == CALL_EARLIEST || name == CALL_SESSION_CURSOR)
		c = new_cursor(maker);
	else if (name == CALL_SUB_CURSOR || name == CALL_GAP_CURSOR)
		b = new_cursor(maker);
	add(maker, name, a, b, c, ANY);
	if (name == CALL_RESERVE && dice(maker) % 4 != 0)
		add(maker, CALL_PUBLISH, a, ANY, ANY, ANY);
}

/* A host that goes away and comes back with what it has kept. */
static void
come_back(struct maker *maker, enum call_name kept)
{
	const uint8_t slot = dice(maker), cursor = new_cursor(maker);

	add(maker, kept, slot, cursor, ANY, 0);
	add(maker, CALL_CLOSE, slot, 0, 0, 0);
	if (dice(maker) % 2 == 0)
		add(maker, CALL_TEXT, cursor, 2, 0, cursor);
	add(maker, (enum call_name)(CALL_SUBSCRIBE + dice(maker) % 3), slot, cursor, ANY, ANY);
}

/* A session whose life ends, in some way, and begins again. */
static void
live_again(struct maker *maker)
{
	static const uint8_t ends[] = { CALL_END, CALL_INVALIDATE, CALL_END, CALL_EXPIRE };
	const uint8_t id = some_id(maker), writer = dice(maker) % 2, cursor = new_cursor(maker);

	add_one(maker, (enum call_name)ends[dice(maker) % 4]);
	add(maker, CALL_CLOSE_WRITER, writer, 0, 0, 0);
	add(maker, CALL_OPEN, writer, id, ANY, ANY);
	if (dice(maker) % 4 == 0)
		return;
	add(maker, dice(maker) % 2 == 0 ? CALL_EARLIEST : CALL_CURRENT, id, ANY, cursor, 0);
	if (dice(maker) % 4 == 0)
		add(maker, CALL_TWEAK, cursor, 0, 3, 0); /* one position less */
	add(maker, CALL_SUBSCRIBE, ANY, cursor, ANY, 0);
}

/* Everybody leaves, and time passes. */
static void
be_idle(struct maker *maker)
{
	const uint8_t id = some_id(maker), cursor = new_cursor(maker);

	for (uint8_t i = 0; i < 6; i++)
		add(maker, i < 2 ? CALL_CLOSE_WRITER : CALL_CLOSE, i, 0, 0, 0);
	for (uint8_t i = dice(maker) % 3; i > 0; i--)
		add(maker, CALL_STAMP, id, ANY, 0, 0);
	if (dice(maker) % 2 == 0)
		add(maker, CALL_EXPIRE, id, 0, 0, 0);
	else
		add(maker, CALL_CREATE, id, 0, ANY, ANY);
	add(maker, CALL_EARLIEST, id, 0, cursor, 0);
	add(maker, CALL_OPEN, 0, id, ANY, ANY);
}

/* A cursor of this life, from before it. */
static void
look_back(struct maker *maker)
{
	const uint8_t cursor = new_cursor(maker), id = some_id(maker);

	if (dice(maker) % 2 == 0)
		add(maker, CALL_CREATE, id, 0, ANY, ANY);
	add(maker, CALL_EARLIEST, id, ANY, cursor, 0);
	add(maker, CALL_TWEAK, cursor, 0, ANY, 0);
	add(maker, (enum call_name)(CALL_SUBSCRIBE + dice(maker) % 3), ANY, cursor, ANY, ANY);
}

/*
 * A host that goes on by itself, from before a session is there or from within a life, over an end.
 */
static void
go_on(struct maker *maker)
{
	static const uint8_t ends[] = { CALL_END, CALL_END, CALL_INVALIDATE };
	const uint8_t id = some_id(maker), slot = dice(maker), writer = dice(maker) % 2;
	const uint8_t cursor = new_cursor(maker), turns = dice(maker) % 4;

	if (dice(maker) % 2 == 0)
		add(maker, CALL_TWEAK, cursor, 4, id % 4, ANY);
	else
		add(maker, CALL_EARLIEST, id, 0, cursor, 0);
	add(maker, dice(maker) % 4 == 0 ? CALL_RESUME : CALL_SUBSCRIBE, slot, cursor,
	    64 + dice(maker) % 64, ANY);
	if (dice(maker) % 2 == 0)
		add(maker, dice(maker) % 2 == 0 ? CALL_FD : CALL_NOTIFY, slot, 1, 0, 0);
	for (uint8_t i = 0; i < turns; i++) {
		add(maker, CALL_NEXT, slot, ANY, 0, 0);
		add(maker, CALL_OPEN, writer, id, ANY, ANY);
		add(maker, CALL_APPEND, writer, ANY, ANY, ANY);
		add(maker, dice(maker) % 2 == 0 ? CALL_POLL : CALL_CALLED, slot, 0, 0, 0);
		if (dice(maker) % 4 != 0)
			add(maker, CALL_NEXT, slot, 3, 0, 0);
		add(maker, (enum call_name)ends[dice(maker) % 3], writer, 0, 0, 0);
		if (dice(maker) % 4 != 0)
			add(maker, CALL_NEXT, slot, 3, 0, 0);
		add(maker, CALL_CLOSE_WRITER, writer, 0, 0, 0);
		if (dice(maker) % 8 == 0)
			add(maker, CALL_INVALIDATE, id, 0, 0, 0);
	}
}

static void
grow_old(struct maker *maker)
{
	const uint8_t id = some_id(maker);

	add(maker, CALL_STAMP, id, 1 + dice(maker) % 5, 0, 0);
	add_one(maker, dice(maker) % 2 == 0 ? CALL_TRIM_SESSION : CALL_REPLAY);
}

static void
begin(struct maker *maker)
{
	for (uint8_t id = 0; id < 4; id++) {
		if ((id & maker->ids) != id)
			continue;
		add(maker, CALL_OPEN, id, id, dice(maker) % 128, 0);
		add(maker, CALL_EARLIEST, id, 0, id, 0);
		add(maker, CALL_SUBSCRIBE, id, id, dice(maker) % 240, 0);
	}
}

void
program_generate(struct program *program, uint64_t seed, size_t calls_count)
{
	static const uint8_t ids[] = { 0x00, 0x00, 0x01, 0x03, 0x0f };
	struct maker maker = { .program = program, .random = seed, .calls_max = calls_count };

	memset(program, 0, sizeof(*program));
	choose_weights(&maker);
	maker.ids = ids[dice(&maker) % sizeof(ids)];
	for (size_t i = 0; i < PROGRAM_CONFIG_BYTES; i++)
		program->config[i] = dice(&maker);
	begin(&maker);
	while (program->calls_count < calls_count) {
		uint64_t chance = random_next(&maker) % maker.sum;
		unsigned int name = 0;

		switch (dice(&maker)) {
		case 0:
		case 1:
		case 2:
		case 3:
			come_back(&maker, CALL_SUB_CURSOR);
			break;
		case 4:
		case 5:
			come_back(&maker, CALL_GAP_CURSOR);
			break;
		case 6:
			live_again(&maker);
			break;
		case 7:
			look_back(&maker);
			break;
		case 8:
			be_idle(&maker);
			break;
		case 9:
		case 10:
			grow_old(&maker);
			break;
		case 11:
		case 12:
			go_on(&maker);
			break;
		default:
			while (chance >= maker.chosen[name])
				chance -= maker.chosen[name++];
			add_one(&maker, (enum call_name)name);
			break;
		}
	}
}
