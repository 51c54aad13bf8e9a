/* SPDX-License-Identifier: MIT */
/* L58: a recorder keeps a log in a PostgreSQL database within limits. */
#include <unistd.h>

#include <reprise/log_upkeep.h>
#include <reprise/recorder.h>

#include "server.h"

SUITE(retain);

enum {
	INTERVAL_NS = 10000000,
};

/* The statistics once the log has been pruned up to @watermark. */
static struct reprise_recorder_stats
await_watermark(struct reprise_recorder *recorder, struct reprise_log *log, uint64_t watermark)
{
	const struct reprise_log_key key = { "default", "s" };
	struct reprise_recorder_stats stats = { .size = sizeof(stats) };
	struct reprise_log_stats kept = { .size = sizeof(kept) };
	uint64_t rounds = UINT64_MAX;

	/* And two more rounds, which leave the rest. */
	for (int i = 0; i < 40000; i++) {
		cr_assert(eq(int, reprise_recorder_stats(recorder, &stats), REPRISE_OK));
		cr_assert(eq(int, reprise_log_stats(log, &key, &kept, NULL), REPRISE_OK));
		if (kept.watermark >= watermark && rounds == UINT64_MAX)
			rounds = stats.prunes;
		if (rounds != UINT64_MAX && stats.prunes >= rounds + 2)
			break;
		usleep(1000);
	}
	cr_assert(eq(u64, kept.watermark, watermark));
	return stats;
}

static void
record_until(struct reprise_recorder *recorder, struct reprise_writer *writer,
	     reprise_position *newest, reprise_position until)
{
	while (*newest < until) {
		(void)append_text(writer, "event");
		++*newest;
	}
	cr_assert(eq(int, reprise_recorder_flush(recorder, "s", REPRISE_SYNCED, 30 * one_second),
		     REPRISE_OK));
}

Test(retain, L58_the_log_is_kept_within_limits_also_after_a_server_was_away)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "retained");
	const struct reprise_log_retention retention = { .size = sizeof(retention),
							 .entries_max = 100,
							 .tenant_bytes_max = 200 };
	const struct reprise_recorder_options keeping = { .size = sizeof(keeping),
							  .retry_ns_max = 50000000,
							  .retention = &retention,
							  .prune_interval_ns = INTERVAL_NS };
	struct reprise_log *const log = opened(&options);
	struct reprise_store *const store = store_plain();
	struct reprise_recorder *recorder = NULL;
	struct reprise_writer *writer = NULL;
	reprise_position newest = 0;

	cr_assert(
		eq(int, reprise_recorder_open(store, log, &keeping, &recorder, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_open(store, "s", NULL, &writer, NULL), REPRISE_OK));
	record_until(recorder, writer, &newest, 1500);
	/* 40 of 5 bytes. */
	struct reprise_recorder_stats stats = await_watermark(recorder, log, 1460);

	cr_assert(eq(u64, stats.pruned, 1460));
	cr_assert(eq(u64, stats.pruned_rows, 1460));
	control("--kill");
	for (int i = 0; stats.prune_failures == 0 && i < 40000; i++) {
		cr_assert(eq(int, reprise_recorder_stats(recorder, &stats), REPRISE_OK));
		usleep(1000);
	}
	cr_assert(eq(int, stats.prune_failure, REPRISE_E_IO));
	cr_assert(ne(str, (char *)stats.prune_text, ""));
	control("--start");
	record_until(recorder, writer, &newest, 1510);
	stats = await_watermark(recorder, log, 1470);
	cr_assert(eq(int, stats.prune_last, REPRISE_OK));
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_recorder_close(recorder), REPRISE_OK));
	cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	reprise_log_close(log);
	expect_no_leaks();
}
