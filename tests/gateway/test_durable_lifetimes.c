/* SPDX-License-Identifier: MIT */
/* V76: lifetimes of durable streams. The clocks of the program are moved, so that nothing waits. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <reprise/session.h>

#include "durable_client.h"
#include "log_sqlite/scratch.h"

TestSuite(durable_lifetimes, .fini = scratch_remove, .timeout = 60);

#define SECOND INT64_C(1000000000)
#define TTL    TEXT "Stream-TTL: 100\r\n"

/* Until the log has dropped the stream: for 10 s. */
static void
await_removal(struct place *place, const char *id)
{
	for (int i = 0; i < 1000 && events_in_log(place, id) != 0; i++)
		usleep(10000);
	cr_assert(eq(u64, events_in_log(place, id), 0));
}

/* Until the gateway has closed its writer: for 10 s. */
static void
await_no_writer(struct place *place, const char *id)
{
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;

	stats.has_writer = 1;
	for (int i = 0; i < 10000 && stats.has_writer; i++) {
		cr_assert(eq(int, reprise_session_stats(place->store, id, &stats), REPRISE_OK));
		usleep(1000);
	}
	cr_assert(eq(int, stats.has_writer, 0));
}

Test(durable_lifetimes, V76_reads_and_appends_renew_a_lifetime_and_HEAD_does_not)
{
	struct place *const place = place_with_log();
	struct reply reply;

	create_stream(place, "read", TTL, "x");
	create_stream(place, "appended", TTL, "x");
	create_stream(place, "looked-at", TTL, "x");
	for (int i = 0; i < 3; i++) {
		step_all_clocks(45 * SECOND);
		expect_status(place, "GET", "read", 200);
		send_text(place, "appended", "y");
		reply = on_stream(place, "HEAD", "looked-at", NULL, NULL);
		cr_assert(eq(int, reply.status, i < 2 ? 200 : 404));
	}
	expect_status(place, "GET", "looked-at", 404);
	expect_content(place, "appended", "xyyy");
	place_close(place);
}

Test(durable_lifetimes, V76_a_stream_whose_lifetime_is_over_is_removed)
{
	struct place *const place = place_with_log();
	struct reply reply;

	create_stream(place, "s", TTL, "x");
	create_stream(place, "other", TEXT, "x");
	step_all_clocks(101 * SECOND);
	reply = on_stream(place, "POST", "s", TEXT, "y");
	expect_error(&reply, 404, "unknown_stream");
	expect_status(place, "DELETE", "s", 404);
	await_removal(place, "s");
	create_stream(place, "s", TEXT, "new");
	expect_content(place, "s", "new");
	expect_content(place, "other", "x");
	place_close(place);
}

/* Also if the errand did not come before. */
Test(durable_lifetimes, V76_an_expired_stream_makes_room_for_a_new_one)
{
	struct place *const place = place_with_log();

	for (int i = 0; i < 3; i++) {
		create_stream(place, "s", i == 1 ? TTL "Stream-Closed: true\r\n" : TTL, "x");
		expect_content(place, "s", "x");
		step_all_clocks(101 * SECOND);
	}
	place_close(place);
}

Test(durable_lifetimes, V76_a_time_of_expiry_holds_whatever_is_read)
{
	struct place *const place = place_with_log();
	struct timespec now;
	char fields[128], text[40];
	struct tm date;

	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += 100;
	gmtime_r(&now.tv_sec, &date);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &date);
	snprintf(fields, sizeof(fields), TEXT "Stream-Expires-At: %s\r\n", text);
	create_stream(place, "s", fields, "x");
	step_all_clocks(60 * SECOND);
	expect_status(place, "GET", "s", 200);
	place_restart(place);
	expect_status(place, "GET", "s", 200);
	step_all_clocks(45 * SECOND);
	expect_status(place, "GET", "s", 404);
	place_restart(place);
	expect_status(place, "GET", "s", 404);
	place_close(place);
}

/* At most a quarter of the TTL more. */
Test(durable_lifetimes, V76_a_restart_keeps_what_is_left)
{
	struct place *const place = place_with_log();

	create_stream(place, "s", TTL, "x");
	create_stream(place, "renewed", TTL, "x");
	step_all_clocks(60 * SECOND);
	expect_status(place, "GET", "renewed", 200);
	step_all_clocks(20 * SECOND);
	expect_status(place, "GET", "renewed", 200); /* not recorded: a quarter has not passed */
	place_restart(place);
	expect_status(place, "HEAD", "s", 200);
	step_all_clocks(19 * SECOND);
	expect_status(place, "HEAD", "s", 200);
	step_all_clocks(28 * SECOND);
	expect_status(place, "HEAD", "s", 404);
	place_restart(place);
	step_all_clocks(52 * SECOND); /* 99 behind the last read */
	expect_status(place, "HEAD", "renewed", 200);
	step_all_clocks(20 * SECOND);
	expect_status(place, "HEAD", "renewed", 404);
	place_close(place);
}

Test(durable_lifetimes, V76_a_step_of_the_wall_clock_neither_ends_nor_keeps_a_stream)
{
	struct place *const place = place_with_log();

	create_stream(place, "s", TTL, "x");
	step_wall_clock(100000 * SECOND);
	expect_status(place, "GET", "s", 200);
	create_stream(place, "t", TTL, "x");
	step_wall_clock(-200000 * SECOND);
	expect_status(place, "HEAD", "t", 200);
	step_all_clocks(99 * SECOND);
	expect_status(place, "HEAD", "s", 200);
	expect_status(place, "HEAD", "t", 200);
	step_all_clocks(2 * SECOND);
	expect_status(place, "HEAD", "s", 404);
	expect_status(place, "HEAD", "t", 404);
	place_close(place);
}

/* A record of the future means that the wall clock was set back. */
Test(durable_lifetimes, V76_behind_a_restart_a_clock_that_was_set_back_gives_the_whole_lifetime)
{
	struct place *const place = place_with_log();

	create_stream(place, "s", TTL, "x");
	step_wall_clock(-100000 * SECOND);
	place_restart(place);
	expect_status(place, "HEAD", "s", 200);
	step_all_clocks(99 * SECOND);
	expect_status(place, "HEAD", "s", 200);
	step_all_clocks(30 * SECOND);
	expect_status(place, "HEAD", "s", 404);
	place_close(place);
}

Test(durable_lifetimes, V76_any_lifetime_of_64_bits_is_kept)
{
	static const char *const seconds[] = { "18446744073709551615", "55340232223", "73786976294",
					       "4611686018", "4611686019" };
	struct place *const place = place_with_log();
	char fields[80], id[8];
	struct reply reply;

	for (int i = 0; i < 5; i++) {
		snprintf(fields, sizeof(fields), TEXT "Stream-TTL: %s\r\n", seconds[i]);
		snprintf(id, sizeof(id), "s%d", i);
		create_stream(place, id, fields, "x");
	}
	for (int i = 0; i < 10; i++) {
		if (i == 5) {
			step_all_clocks(SECOND);
			place_restart(place);
		}
		snprintf(id, sizeof(id), "s%d", i % 5);
		reply = on_stream(place, "HEAD", id, NULL, NULL);
		cr_assert(eq(int, reply.status, 200), "%s", id);
		expect_field(&reply, "Stream-TTL", seconds[i % 5]);
		expect_content(place, id, "x");
	}
	place_close(place);
}

/* The read that could not be recorded is not the last one. */
Test(durable_lifetimes, V76_a_renewal_that_failed_is_recorded_later)
{
	static const struct reprise_recorder_options impatient = { .size = sizeof(impatient),
								   .retry_ns_max = 20000000,
								   .deadline_ns = 300000000 };
	static const struct reprise_gateway_options options = { .size = sizeof(options),
								.writer_idle_ms = 1,
								.recorded_wait_ms = 300 };
	const struct place_setup setup = { .has_log = true,
					   .recorder = &impatient,
					   .gateway = &options };
	struct place *const place = place_open(&setup);
	struct place_blockade *blockade;

	create_stream(place, "s", TTL, "x");
	expect_status(place, "GET", "s", 200);
	await_no_writer(place, "s");
	blockade = place_block_log(place);
	step_all_clocks(90 * SECOND);
	expect_status(place, "GET", "s", 200);
	for (int i = 0; i < 1000 && place_stats(place).jobs == 0; i++)
		usleep(1000);
	for (int i = 0; i < 10000 && place_stats(place).jobs != 0; i++)
		usleep(1000);
	place_unblock_log(blockade);
	expect_status(place, "GET", "s", 200);
	for (int i = 0; i < 1000 && events_in_log(place, "s") < 3; i++)
		usleep(10000);
	cr_assert(eq(u64, events_in_log(place, "s"), 3));
	place_restart(place);
	step_all_clocks(99 * SECOND);
	expect_status(place, "GET", "s", 200);
	place_close(place);
}
