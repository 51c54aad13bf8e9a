/* SPDX-License-Identifier: MIT */
#include <reprise/lag.h>

#include "ring/ring.h"
#include "support.h"

/* How far a subscription is behind, and its headroom, against a count by hand: contract A28. */

TestSuite(lag, .timeout = 60);

enum {
	ARENA_BYTES = 1024, /* begins at offset 0 */
	EVENTS_MAX = 18,
	EVENTS_MOST = 4096,
	HEADER_BYTES = 40,
};

/* A window by hand: where each record begins, and where the next one would. */
struct sheet {
	struct reprise_store *store;
	struct reprise_writer *writer;
	uint64_t begins[EVENTS_MOST];
	uint64_t head, newest;
	uint64_t random;
	uint64_t payload_bytes; /* of an event: less */
};

static uint64_t
draw(struct sheet *sheet, uint64_t below)
{
	sheet->random = sheet->random * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (sheet->random >> 33) % below;
}

static struct sheet
open_sheet(uint64_t seed)
{
	const struct reprise_session_options options = { .size = sizeof(options),
							 .events_max = EVENTS_MAX,
							 .bytes_max = ARENA_BYTES };
	struct sheet sheet = { .store = store_plain(), .random = seed };

	cr_assert(eq(int, reprise_writer_open(sheet.store, "s", &options, &sheet.writer, NULL),
		     REPRISE_OK));
	return sheet;
}

static void
close_sheet(struct sheet *sheet)
{
	reprise_writer_close(sheet->writer);
	cr_assert(eq(int, reprise_store_close(sheet->store), REPRISE_OK));
}

static void
append(struct sheet *sheet, size_t payload_bytes)
{
	static const unsigned char payload[ARENA_BYTES];
	const uint64_t bytes = HEADER_BYTES + (payload_bytes + 7) / 8 * 8;
	const uint64_t left = ARENA_BYTES - sheet->head % ARENA_BYTES;

	cr_assert(eq(int,
		     reprise_append(sheet->writer, 0, 0, 0,
				    (struct reprise_bytes){ payload, payload_bytes }, NULL),
		     REPRISE_OK));
	if (bytes > left)
		sheet->head += left;
	sheet->begins[++sheet->newest] = sheet->head;
	sheet->head += bytes;
	cr_assert(eq(u64, stats_of_s(sheet->store).newest, sheet->newest));
}

static struct reprise_subscription *
subscribe(struct sheet *sheet, reprise_position position, bool is_replay, uint64_t staging_bytes)
{
	const struct reprise_subscription_options options = { .size = sizeof(options),
							      .staging_bytes = staging_bytes };
	struct reprise_subscription *subscription = NULL;
	struct reprise_cursor cursor;

	cr_assert(
		eq(int, reprise_session_current_cursor(sheet->store, "s", 0, &cursor), REPRISE_OK));
	cursor.position = position;
	cr_assert(eq(int,
		     (is_replay ? reprise_replay_after : reprise_subscribe_after)(
			     sheet->store, &cursor, &options, &subscription, NULL),
		     REPRISE_OK));
	return subscription;
}

static struct reprise_subscription_lag
lag_of(const struct reprise_subscription *subscription)
{
	struct reprise_subscription_lag lag = REPRISE_SUBSCRIPTION_LAG_INIT;

	cr_assert(eq(int, reprise_subscription_lag(subscription, &lag), REPRISE_OK));
	return lag;
}

static void
expect_behind(const struct sheet *sheet, const struct reprise_subscription_lag *lag,
	      reprise_position position, reprise_position last)
{
	const reprise_position oldest = stats_of_s(sheet->store).oldest;
	const reprise_position from = oldest > position ? oldest : position + 1;
	const uint64_t end = last == sheet->newest ? sheet->head : sheet->begins[last + 1];

	cr_assert(eq(i32, lag->is_known, 1));
	cr_assert(eq(u64, lag->behind_events, last - position));
	/* Bytes skipped at the arena's end belong to the record after them. */
	if (last == sheet->newest)
		cr_assert(eq(u64, lag->behind_bytes, from > last ? 0 : end - sheet->begins[from]));
	else
		cr_assert(le(u64, lag->behind_bytes, from > last ? 0 : end - sheet->begins[from]));
}

/* Appends until the next event is displaced: not sooner than told, and not later. */
static void
expect_displaced(struct sheet *sheet, const struct reprise_subscription_lag *lag,
		 reprise_position needed)
{
	const uint64_t head = sheet->head, newest = sheet->newest;
	bool is_retained = true;

	while (is_retained) {
		append(sheet, draw(sheet, sheet->payload_bytes));
		is_retained = stats_of_s(sheet->store).oldest <= needed;
		const bool is_told = sheet->newest - newest <= lag->headroom_events &&
				     sheet->head - head <= lag->headroom_bytes;

		cr_assert(is_retained || !is_told);
		/* The arena's end may be skipped before an event that is still to come. */
		cr_assert(is_told || !is_retained ||
			  (needed > newest && sheet->begins[needed] > head));
	}
}

Test(lag, A28_headroom_is_exact_wherever_a_subscription_stands)
{
	struct sheet sheet = open_sheet(11);
	uint64_t by_count = 0, by_bytes = 0;

	while (sheet.newest + 200 < EVENTS_MOST) {
		sheet.payload_bytes = draw(&sheet, 2) == 0 ? 9 : 200;
		for (uint64_t i = draw(&sheet, 40); i > 0; i--)
			append(&sheet, draw(&sheet, sheet.payload_bytes));
		const reprise_position oldest = stats_of_s(sheet.store).oldest;
		const reprise_position position =
			oldest - 1 + draw(&sheet, sheet.newest + 2 - oldest);
		struct reprise_subscription *const subscription =
			subscribe(&sheet, position, false, 0);
		const struct reprise_subscription_lag lag = lag_of(subscription);
		const uint64_t newest = sheet.newest;

		expect_behind(&sheet, &lag, position, sheet.newest);
		expect_displaced(&sheet, &lag, position + 1);
		by_count += sheet.newest - newest > lag.headroom_events;
		by_bytes += sheet.newest - newest <= lag.headroom_events;
		const struct reprise_subscription_lag late = lag_of(subscription);

		expect_behind(&sheet, &late, position, sheet.newest);
		cr_assert(eq(u64, late.headroom_events, 0));
		cr_assert(eq(u64, late.headroom_bytes, 0));
		reprise_subscription_close(subscription);
	}
	cr_assert(gt(u64, by_count, 10));
	cr_assert(gt(u64, by_bytes, 10));
	close_sheet(&sheet);
	expect_no_leaks();
}

Test(lag, A28_what_a_subscription_has_copied_cannot_be_displaced)
{
	struct sheet sheet = open_sheet(5);
	struct reprise_event event;
	struct reprise_gap gap;

	for (int i = 0; i < 10; i++)
		append(&sheet, 8);
	/* One stretch is all that there is; or an event alone. */
	struct reprise_subscription *const all = subscribe(&sheet, 0, false, 4096);
	struct reprise_subscription *const one = subscribe(&sheet, 0, false, 64);

	cr_assert(eq(int, reprise_next(all, &event, &gap, NULL), REPRISE_NEXT_EVENT));
	cr_assert(eq(int, reprise_next(one, &event, &gap, NULL), REPRISE_NEXT_EVENT));
	struct reprise_subscription_lag lag = lag_of(all);

	expect_behind(&sheet, &lag, 1, 10);
	cr_assert(eq(u64, lag.headroom_events, EVENTS_MAX));
	cr_assert(eq(u64, lag.headroom_bytes, ARENA_BYTES));
	lag = lag_of(one);
	expect_behind(&sheet, &lag, 1, 10);
	cr_assert(eq(u64, lag.headroom_events, EVENTS_MAX - 9));
	cr_assert(eq(u64, lag.headroom_bytes, ARENA_BYTES - 9 * 48));
	for (int i = 0; i < EVENTS_MAX; i++)
		append(&sheet, 8);
	for (reprise_position position = 2; position <= 11; position++) {
		cr_assert(eq(int, reprise_next(all, &event, &gap, NULL), REPRISE_NEXT_EVENT));
		cr_assert(eq(u64, event.position, position));
	}
	cr_assert(eq(int, reprise_next(one, &event, &gap, NULL), REPRISE_NEXT_GAP));
	reprise_subscription_close(all);
	reprise_subscription_close(one);
	close_sheet(&sheet);
	expect_no_leaks();
}

Test(lag, A28_a_replay_is_behind_its_own_end_alone)
{
	struct sheet sheet = open_sheet(3);
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;

	for (int i = 0; i < 5; i++)
		append(&sheet, 8);
	struct reprise_subscription *const replay = subscribe(&sheet, 2, true, 0);

	for (int i = 0; i < 5; i++)
		append(&sheet, 8);
	struct reprise_subscription_lag lag = lag_of(replay);

	expect_behind(&sheet, &lag, 2, 5);
	cr_assert(eq(u64, lag.behind_bytes, UINT64_C(3) * 48));
	for (int i = 0; i < 3; i++)
		cr_assert(eq(int, reprise_next(replay, &event, &gap, &end), REPRISE_NEXT_EVENT));
	lag = lag_of(replay);
	cr_assert(eq(i32, lag.is_known, 1));
	cr_assert(eq(u64, lag.behind_events, 0));
	cr_assert(eq(u64, lag.behind_bytes, 0));
	cr_assert(eq(int, reprise_next(replay, &event, &gap, &end), REPRISE_NEXT_ENDED));
	lag = lag_of(replay);
	cr_assert(eq(i32, lag.is_known, 0));
	cr_assert(eq(u64, lag.headroom_events, 0));
	reprise_subscription_close(replay);
	close_sheet(&sheet);
	expect_no_leaks();
}

Test(lag, A28_nothing_is_known_outside_of_a_window)
{
	struct sheet sheet = open_sheet(3);
	struct reprise_subscription *subscription = NULL;
	struct reprise_cursor cursor;
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;

	for (int i = 0; i < 5; i++)
		append(&sheet, 8);
	cr_assert(
		eq(int, reprise_session_current_cursor(sheet.store, "s", 0, &cursor), REPRISE_OK));
	/* Another session, another life, a position that is not appended yet. */
	struct reprise_cursor bad[3] = { cursor, cursor, cursor };

	strcpy(bad[0].session_id, "t");
	bad[1].incarnation.bytes[0] ^= 1;
	bad[2].position = 6;
	for (int i = 0; i < 3; i++) {
		cr_assert(
			eq(int,
			   reprise_subscribe_after(sheet.store, &bad[i], NULL, &subscription, NULL),
			   REPRISE_OK));
		cr_assert(eq(i32, lag_of(subscription).is_known, 0));
		cr_assert(
			eq(int, reprise_next(subscription, &event, &gap, &end), REPRISE_NEXT_GAP));
		cr_assert(eq(i32, lag_of(subscription).is_known, 0));
		reprise_subscription_close(subscription);
	}
	cr_assert(eq(int, reprise_subscribe_after(sheet.store, &cursor, NULL, &subscription, NULL),
		     REPRISE_OK));
	cr_assert(eq(i32, lag_of(subscription).is_known, 1));
	cr_assert(eq(int, reprise_writer_end(sheet.writer, 0), REPRISE_OK));
	cr_assert(eq(i32, lag_of(subscription).is_known, 1));
	cr_assert(eq(int, reprise_session_invalidate(sheet.store, "s"), REPRISE_OK));
	cr_assert(eq(i32, lag_of(subscription).is_known, 0));
	reprise_subscription_close(subscription);
	close_sheet(&sheet);
	expect_no_leaks();
}

/* Appends as if another thread did so behind each look at the ring. */
static struct reprise_writer *appends_behind_looks;

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
struct look __real_ring_look(struct ring *ring);
struct look __wrap_ring_look(struct ring *ring);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

struct look
__wrap_ring_look(struct ring *ring)
{
	const struct look look = __real_ring_look(ring);
	struct reprise_writer *const writer = appends_behind_looks;

	appends_behind_looks = NULL; /* an append looks, too */
	if (writer != NULL)
		append_text(writer, "x");
	appends_behind_looks = writer;
	return look;
}

Test(lag, A28_all_fields_are_of_one_moment_while_events_are_appended)
{
	struct sheet sheet = open_sheet(1);
	struct reprise_subscription *const subscription = subscribed_after(sheet.store, 0);
	struct reprise_subscription_lag lag = { .size = sizeof(lag) };

	for (int events = 1; events < 5; events++) {
		appends_behind_looks = sheet.writer;
		cr_assert(eq(int, reprise_subscription_lag(subscription, &lag), REPRISE_OK));
		appends_behind_looks = NULL;
		cr_assert(eq(u64, lag.behind_events + lag.headroom_events, EVENTS_MAX));
		cr_assert(eq(u64, lag.behind_bytes + lag.headroom_bytes, ARENA_BYTES));
	}
	reprise_subscription_close(subscription);
	close_sheet(&sheet);
}
