/* SPDX-License-Identifier: MIT */
#include <reprise/recorder.h>

#include "server.h"

/*
 * Subscriptions that go on by themselves, and snapshots, over a PostgreSQL log: rules S08 and S09.
 */

SUITE(continuous);

/* A runtime, whose log is in a schema of the test. */
struct runtime {
	struct reprise_log *log;
	struct reprise_store *store;
	struct reprise_recorder *recorder;
};

static struct runtime
begun(const char *schema)
{
	const struct reprise_log_postgres_options options = options_of(NULL, schema);
	struct runtime runtime = { .log = opened(&options), .store = store_plain() };

	cr_assert(
		eq(int,
		   reprise_recorder_open(runtime.store, runtime.log, NULL, &runtime.recorder, NULL),
		   REPRISE_OK));
	return runtime;
}

static void
end(struct runtime *runtime)
{
	cr_assert(eq(int, reprise_recorder_close(runtime->recorder), REPRISE_OK));
	cr_assert(eq(int, reprise_store_close(runtime->store), REPRISE_OK));
	reprise_log_close(runtime->log);
}

/* Five events of "s" whose revisions are their positions. */
static struct reprise_writer *
lived(struct runtime *runtime, reprise_position newest)
{
	struct reprise_writer *writer = NULL;

	cr_assert(
		eq(int, reprise_writer_open(runtime->store, "s", NULL, &writer, NULL), REPRISE_OK));
	for (reprise_position position = newest - 4; position <= newest; position++)
		cr_assert(eq(u64, append_event(writer, position, 0, 0, "x"), position));
	return writer;
}

static struct reprise_gap
awaited_gap(struct reprise_subscription *subscription, reprise_gap_detail detail)
{
	struct reprise_event event = { 0 };
	struct reprise_gap gap = { 0 };

	cr_assert(eq(int, reprise_wait(subscription, 30 * one_second), REPRISE_OK));
	cr_assert(eq(int, reprise_next(subscription, &event, &gap, NULL), REPRISE_NEXT_GAP),
		  "event %d", (int)event.position);
	cr_assert(eq(int, gap.detail, detail));
	return gap;
}

static void
await_events(struct reprise_subscription *subscription, reprise_position first,
	     reprise_position last)
{
	for (reprise_position position = first; position <= last; position++) {
		struct reprise_event event = { 0 };
		struct reprise_gap gap = { 0 };

		cr_assert(eq(int, reprise_wait(subscription, 30 * one_second), REPRISE_OK));
		cr_assert(
			eq(int, reprise_next(subscription, &event, &gap, NULL), REPRISE_NEXT_EVENT),
			"gap %d before %d", (int)gap.detail, (int)position);
		cr_assert(eq(u64, event.position, position));
	}
}

/* In the runtime that writes, and in one that reads beside it. */
Test(continuous, S08_a_subscription_goes_from_life_to_life_in_two_runtimes)
{
	const struct reprise_subscription_options options = { .size = sizeof(options),
							      .is_continuous = 1 };
	const struct reprise_cursor nothing = { .session_id = "s" };
	struct runtime writing = begun("lives"), reading = begun("lives");
	struct runtime *const of[2] = { &writing, &reading };
	struct reprise_subscription *both[2] = { NULL, NULL };

	for (int i = 0; i < 2; i++) {
		cr_assert(eq(
			int,
			reprise_subscribe_after(of[i]->store, &nothing, &options, &both[i], NULL),
			REPRISE_OK));
		expect_empty(both[i]);
	}
	for (int32_t life = 1; life <= 4; life++) {
		const reprise_position newest = (reprise_position)life * 5;
		struct reprise_writer *const writer = lived(&writing, newest);

		cr_assert(eq(int,
			     reprise_recorder_flush(writing.recorder, "s", REPRISE_WRITTEN,
						    30 * one_second),
			     REPRISE_OK));
		for (int i = 0; i < 2; i++)
			await_events(both[i], newest - 4, newest);
		/* The first one becomes void. */
		if (life == 1)
			cr_assert(eq(int, reprise_session_invalidate(writing.store, "s"),
				     REPRISE_OK));
		else
			cr_assert(eq(int, reprise_writer_end(writer, life), REPRISE_OK));
		reprise_writer_close(writer);
		for (int i = 0; i < 2 && life != 1; i++)
			cr_assert(eq(i32, awaited_gap(both[i], REPRISE_GAP_LIFE_ENDED).end_status,
				     life));
		for (int i = 0; i < 2 && life == 1; i++)
			cr_assert(eq(int, awaited_gap(both[i], REPRISE_GAP_INVALIDATED).reason,
				     REPRISE_GAP_UNAVAILABLE));
	}
	for (int i = 0; i < 2; i++)
		reprise_subscription_close(both[i]);
	end(&reading);
	end(&writing);
	expect_no_leaks();
}

Test(continuous, S09_a_snapshot_is_placed_by_the_log)
{
	struct runtime writing = begun("snapshot");
	struct reprise_subscription *subscription = NULL;

	cr_assert(eq(int, reprise_resume_snapshot(writing.store, "s", 7, NULL, &subscription, NULL),
		     REPRISE_OK));
	(void)awaited_gap(subscription, REPRISE_GAP_UNKNOWN_SESSION);
	reprise_subscription_close(subscription);
	for (reprise_position newest = 5; newest <= 15; newest += 5) {
		struct reprise_writer *const writer = lived(&writing, newest);

		cr_assert(eq(int, reprise_writer_end(writer, 1), REPRISE_OK));
		reprise_writer_close(writer);
	}
	cr_assert(eq(int, reprise_resume_snapshot(writing.store, "s", 7, NULL, &subscription, NULL),
		     REPRISE_OK));
	await_events(subscription, 8, 15);
	reprise_subscription_close(subscription);
	end(&writing);
	expect_no_leaks();
}
