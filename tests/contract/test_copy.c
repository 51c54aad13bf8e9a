/* SPDX-License-Identifier: MIT */
/* L52: a key's entries are copied to a new key. */
#include "contract.h"

static const struct reprise_log_key copy = { "t", "copy" };
static const struct reprise_log_key before_k = { "t", "a copy" };

static reprise_status
fork_to(struct reprise_log *log, const struct reprise_log_key *to, reprise_ordinal through,
	struct reprise_error *error)
{
	*error = (struct reprise_error){ .size = sizeof(*error) };
	return reprise_log_fork(log, &k, to, through, error);
}

static void
fork_well(struct reprise_log *log, const struct reprise_log_key *to, reprise_ordinal through)
{
	struct reprise_error error;

	cr_assert(eq(int, fork_to(log, to, through, &error), REPRISE_OK), "%s: %s", error.what,
		  error.detail);
}

static void
expect_good(struct reprise_log *log, const struct reprise_log_key *key)
{
	struct reprise_log_report report = { .size = sizeof(report) };

	cr_assert(eq(int, reprise_log_verify(log, key, &report, NULL), REPRISE_OK));
	cr_assert(eq(u64, report.faults, 0), "%s at %llu", report.what,
		  (unsigned long long)report.at);
}

static reprise_status
archive(struct reprise_log *log, reprise_ordinal watermark)
{
	return reprise_log_archive_before(log, &k, watermark, NULL, NULL);
}

Test(contract, L52_a_copy_has_the_same_ordinals_and_goes_its_own_way)
{
	struct reprise_log *log = contract_open();

	append_count(log, &k, 2500);
	fork_well(log, &copy, 2100);
	fork_well(log, &before_k, 2500);
	expect_all(log, &copy, 0, 1, 2100);
	expect_all(log, &before_k, 0, 1, 2500);
	cr_assert(eq(u64, append_count(log, &copy, 3), 2103));
	cr_assert(eq(u64, append_count(log, &k, 1), 2501));
	close_log(log);
	log = contract_open();
	expect_all(log, &copy, 0, 1, 2103);
	expect_all(log, &k, 0, 1, 2501);
	for (size_t i = 0; i < 3; i++)
		expect_good(log, (const struct reprise_log_key *[]){ &k, &copy, &before_k }[i]);
	close_log(log);
}

Test(contract, L52_a_copy_of_no_entries_takes_the_first)
{
	struct reprise_log *const log = contract_open();

	append_count(log, &k, 5);
	fork_well(log, &copy, 0);
	cr_assert(eq(u64, stats_of(log, &copy).head, 0));
	expect_good(log, &copy);
	cr_assert(eq(u64, append_count(log, &copy, 2), 2));
	expect_all(log, &copy, 0, 1, 2);
	expect_good(log, &copy);
	close_log(log);
}

Test(contract, L52_entries_are_copied_as_they_are)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_new_entry entries[] = { event_of(7, REPRISE_EVENT_COMMIT),
						   event_of(3, 0), entry_of("payload") };
	struct reprise_log_page *page = NULL;
	size_t count = 0;

	entries[0].time_ns = 41;
	entries[2].kind = 9;
	entries[2].flags = 0x0100;
	cr_assert(eq(int, reprise_log_append(log, &k, NULL, entries, 3, NULL, NULL), REPRISE_OK));
	fork_well(log, &copy, 3);
	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_log_load_after(log, &copy, 0, 9, 0, page, NULL), REPRISE_OK));
	const struct reprise_log_entry *const found = reprise_log_page_entries(page, &count);

	cr_assert(eq(sz, count, 3));
	cr_assert(eq(u64, found[0].time_ns, 41));
	cr_assert(eq(u64, found[0].revision, 7));
	cr_assert(eq(u16, found[0].flags, REPRISE_EVENT_COMMIT));
	cr_assert(eq(u64, found[1].revision, 3));
	cr_assert(eq(u16, found[2].kind, 9));
	cr_assert(eq(u16, found[2].flags, 0x0100));
	cr_assert(eq(sz, found[2].payload.size, 7));
	cr_assert(eq(int, memcmp(found[2].payload.data, "payload", 7), 0));
	reprise_log_page_close(page);
	close_log(log);
}

/* Of payloads with more bytes than a page has, one above a page and one without any. */
Test(contract, L52_payloads_of_every_size_are_copied)
{
	enum {
		LARGE = 3 << 20
	};
	static char large[LARGE];
	struct reprise_log *const log = contract_open();
	const struct reprise_log_new_entry entries[] = {
		{ .payload = { large, LARGE } },
		{ .payload = { NULL, 0 } },
		{ .payload = { large, 700000 } },
		{ .payload = { large, 700000 } },
	};
	struct reprise_log_page *page = NULL;
	size_t count = 0;

	memset(large, 'x', LARGE);
	cr_assert(eq(int, reprise_log_append(log, &k, NULL, entries, 4, NULL, NULL), REPRISE_OK));
	fork_well(log, &copy, 4);
	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	cr_assert(
		eq(int, reprise_log_load_after(log, &copy, 0, 9, 8 << 20, page, NULL), REPRISE_OK));
	const struct reprise_log_entry *const found = reprise_log_page_entries(page, &count);

	cr_assert(eq(sz, count, 4));
	for (size_t i = 0; i < 4; i++) {
		cr_assert(eq(sz, found[i].payload.size, entries[i].payload.size));
		if (found[i].payload.size != 0)
			cr_assert(eq(int,
				     memcmp(found[i].payload.data, large, found[i].payload.size),
				     0));
	}
	expect_good(log, &copy);
	reprise_log_page_close(page);
	close_log(log);
}

Test(contract, L52_revisions_and_commits_are_found_as_of_the_last_ordinal)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_new_entry entries[] = {
		event_of(1, REPRISE_EVENT_COMMIT), event_of(5, 0),
		event_of(2, REPRISE_EVENT_COMMIT), event_of(4, 0), event_of(9, REPRISE_EVENT_COMMIT)
	};
	reprise_ordinal position = 0;
	bool has = true;

	cr_assert(eq(int, reprise_log_append(log, &k, NULL, entries, 5, NULL, NULL), REPRISE_OK));
	fork_well(log, &copy, 4);
	cr_assert(eq(u64, stats_of(log, &copy).revision_max, 5));
	cr_assert(eq(int, reprise_log_position_for_revision(log, &copy, 1, &position, NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, position, 1));
	cr_assert(eq(int, reprise_log_position_for_revision(log, &copy, 5, &position, NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, position, 4));
	/* The later COMMIT of the source does not hide the one that the copy has. */
	cr_assert(eq(int, reprise_log_has_commit(log, &copy, 0, 2, &has, NULL), REPRISE_OK));
	cr_assert(has);
	cr_assert(eq(int, reprise_log_has_commit(log, &copy, 0, 3, &has, NULL), REPRISE_OK));
	cr_assert(not(has));
	expect_good(log, &copy);
	close_log(log);
}

Test(contract, L52_a_copy_has_the_watermark_and_no_archived_entry)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_new_entry entries[100];
	reprise_ordinal position = 77;

	for (uint64_t i = 0; i < 100; i++)
		entries[i] = event_of(i + 1, 0);
	cr_assert(eq(int, reprise_log_append(log, &k, NULL, entries, 100, NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, archive(log, 70), REPRISE_OK));
	for (size_t i = 0; i < 2; i++) {
		const struct reprise_log_key *const to = i == 0 ? &copy : &before_k;

		fork_well(log, to, 80);
		cr_assert(eq(u64, stats_of(log, to).watermark, 70));
		cr_assert(eq(u64, stats_of(log, to).head, 80));
		cr_assert(eq(u64, stats_of(log, to).revision_max, 80));
		cr_assert(eq(int, load_status(log, to, 0), REPRISE_OK));
		/* As if the archived rows were moved away (rule L23). */
		cr_assert(eq(int, reprise_log_position_for_revision(log, to, 69, &position, NULL),
			     REPRISE_OK));
		cr_assert(eq(u64, position, 0));
		cr_assert(eq(int, reprise_log_position_for_revision(log, to, 70, &position, NULL),
			     REPRISE_OK));
		cr_assert(eq(u64, position, 70));
		expect_good(log, to);
		cr_assert(eq(int, reprise_log_move_archived(log, &k, NULL, NULL), REPRISE_OK));
	}
	close_log(log);
}

Test(contract, L52_what_is_archived_cannot_be_the_last)
{
	struct reprise_log *const log = contract_open();
	struct reprise_error error;

	append_count(log, &k, 10);
	cr_assert(eq(int, archive(log, 5), REPRISE_OK));
	cr_assert(eq(int, fork_to(log, &copy, 4, &error), REPRISE_E_EXPIRED));
	cr_assert(eq(str, error.what, "through"));
	fork_well(log, &copy, 5);
	cr_assert(eq(u64, append_count(log, &copy, 1), 6));
	expect_all(log, &copy, 0, 6, 6);
	expect_good(log, &copy);
	close_log(log);
}

Test(contract, L52_the_last_life_of_a_copy_is_clean)
{
	struct reprise_log *const log = contract_open();
	struct reprise_life lives[4];
	const struct reprise_incarnation second = life_name(2);
	size_t count = 0;

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 4), REPRISE_OK));
	cr_assert(eq(int, open_life(log, 2), REPRISE_OK));
	cr_assert(eq(int, record(log, 2, 5, 9), REPRISE_OK));
	fork_well(log, &copy, 7);
	cr_assert(eq(int, reprise_log_lives(log, &copy, 0, lives, 4, &count, NULL), REPRISE_OK));
	cr_assert(eq(sz, count, 2));
	cr_assert(eq(int, lives[0].state, REPRISE_LIFE_CRASHED));
	cr_assert(eq(u64, lives[0].end, 4));
	cr_assert(eq(int, lives[1].state, REPRISE_LIFE_CLEAN));
	cr_assert(eq(u64, lives[1].first, 5));
	cr_assert(eq(u64, lives[1].end, 7));
	cr_assert(eq(int, memcmp(&lives[1].incarnation, &second, sizeof(second)), 0));
	expect_all(log, &copy, 0, 1, 7);
	expect_good(log, &copy);
	/* The source is as it was. */
	cr_assert(eq(int, stats_of(log, &k).life.state, REPRISE_LIFE_OPEN));
	cr_assert(eq(int, record(log, 2, 10, 11), REPRISE_OK));
	/* Another life goes on in the copy, and the source's recorder has no part in it. */
	struct log_write stray = { .type = LOG_GAP,
				   .thread = "copy",
				   .incarnation = second,
				   .first = 8,
				   .last = 8,
				   .reason = REPRISE_LOG_GAP_OVERRUN };
	struct log_write life = { .type = LOG_LIFE, .thread = "copy", .incarnation = life_name(3) };

	cr_assert(eq(int, write_one(log, &stray), REPRISE_E_CONFLICT));
	cr_assert(eq(int, write_one(log, &life), REPRISE_OK));
	cr_assert(eq(u64, life.life.first, 8));
	expect_good(log, &copy);
	close_log(log);
}

Test(contract, L52_lives_that_begin_after_the_last_ordinal_are_left_out)
{
	struct reprise_log *const log = contract_open();

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 4), REPRISE_OK));
	cr_assert(eq(int, open_life(log, 2), REPRISE_OK));
	fork_well(log, &copy, 4);
	cr_assert(eq(u64, stats_of(log, &copy).lives, 1));
	cr_assert(eq(int, stats_of(log, &copy).life.state, REPRISE_LIFE_CLEAN));
	expect_good(log, &copy);
	fork_well(log, &before_k, 0);
	cr_assert(eq(u64, stats_of(log, &before_k).lives, 1));
	cr_assert(eq(u64, stats_of(log, &before_k).life.end, 0));
	expect_good(log, &before_k);
	close_log(log);
}

Test(contract, L52_a_void_life_stays_void_in_a_copy)
{
	struct reprise_log *const log = contract_open();

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 4), REPRISE_OK));
	cr_assert(eq(int, void_life(log, 1), REPRISE_OK));
	fork_well(log, &copy, 3);
	cr_assert(eq(int, stats_of(log, &copy).life.state, REPRISE_LIFE_INVALIDATED));
	cr_assert(eq(u64, stats_of(log, &copy).life.end, 3));
	expect_good(log, &copy);
	close_log(log);
}

Test(contract, L52_more_lives_than_a_page_has_are_copied)
{
	struct reprise_log *const log = contract_open();

	for (unsigned char i = 1; i <= 130; i++) {
		cr_assert(eq(int, open_life(log, i), REPRISE_OK));
		cr_assert(eq(int, record(log, i, i, i), REPRISE_OK));
	}
	fork_well(log, &copy, 129);
	cr_assert(eq(u64, stats_of(log, &copy).lives, 129));
	expect_all(log, &copy, 0, 1, 129);
	expect_good(log, &copy);
	close_log(log);
}

Test(contract, L52_a_gap_ends_with_the_copy)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_page *page = NULL;
	size_t count = 0;

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 2), REPRISE_OK));
	cr_assert(eq(int, record_gap(log, 1, 3, 9), REPRISE_OK));
	cr_assert(eq(int, archive(log, 4), REPRISE_OK));
	fork_well(log, &copy, 6);
	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_log_load_after(log, &copy, 0, 9, 0, page, NULL), REPRISE_OK));
	const struct reprise_log_entry *const found = reprise_log_page_entries(page, &count);

	cr_assert(eq(sz, count, 1));
	cr_assert(eq(int, found[0].type, REPRISE_LOG_GAP));
	cr_assert(eq(u64, found[0].first, 5));
	cr_assert(eq(u64, found[0].last, 6));
	cr_assert(eq(int, found[0].reason, REPRISE_LOG_GAP_OVERRUN));
	expect_good(log, &copy);
	reprise_log_page_close(page);
	close_log(log);
}

Test(contract, L52_the_end_and_the_lease_are_not_copied)
{
	struct reprise_log *const log = contract_open();

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 4), REPRISE_OK));
	cr_assert(eq(int, end_session(log, 1, 4, -3), REPRISE_OK));
	struct log_write renew = { .type = LOG_RENEW,
				   .incarnation = life_name(1),
				   .lease_ns = UINT64_C(60000000000) };

	cr_assert(eq(int, write_one(log, &renew), REPRISE_OK));
	fork_well(log, &copy, 4);
	const struct reprise_log_stats stats = stats_of(log, &copy);

	cr_assert(eq(int, stats.has_ended, 0));
	cr_assert(eq(u64, stats.lease_left_ns, 0));
	cr_assert(eq(int, stats_of(log, &k).has_ended, 1));
	cr_assert(gt(u64, stats_of(log, &k).lease_left_ns, 0));
	close_log(log);
}

Test(contract, L52_blobs_are_not_copied_and_never_missed)
{
	struct reprise_log *const log = contract_open();
	struct reprise_error error;

	append_count(log, &k, 5);
	cr_assert(
		eq(int,
		   reprise_log_blob_put(log, &k, NULL, "b", (struct reprise_bytes){ "x", 1 }, NULL),
		   REPRISE_OK));
	fork_well(log, &copy, 5);
	expect_good(log, &copy);
	contract_do_damage(CONTRACT_WATERMARK, 2);
	seal(log);
	cr_assert(eq(int, fork_to(log, &before_k, 5, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "from"));
	cr_assert(eq(u64, head_of(log, &before_k), 0));
	close_log(log);
}

Test(contract, L52_a_target_that_was_written_to_is_left_alone)
{
	struct reprise_log *const log = contract_open();
	struct reprise_error error;

	append_count(log, &k, 5);
	append_count(log, &copy, 2);
	cr_assert(eq(int, fork_to(log, &copy, 5, &error), REPRISE_E_EXISTS));
	cr_assert(eq(str, error.what, "to"));
	expect_all(log, &copy, 0, 1, 2);
	/* A dropped one, too: its ordinals were given. */
	cr_assert(eq(int, reprise_log_drop(log, &copy, false, NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, fork_to(log, &copy, 5, &error), REPRISE_E_EXISTS));
	/* And once more to the same. */
	fork_well(log, &before_k, 5);
	cr_assert(eq(int, fork_to(log, &before_k, 5, &error), REPRISE_E_EXISTS));
	close_log(log);
}

Test(contract, L52_a_source_that_lacks_the_ordinal_is_told)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_error error;

	cr_assert(eq(int, fork_to(log, &copy, 0, &error), REPRISE_E_NOT_FOUND));
	cr_assert(eq(str, error.what, "from"));
	append_count(log, &k, 5);
	cr_assert(eq(int, fork_to(log, &copy, 6, &error), REPRISE_E_CONFLICT));
	cr_assert(eq(u64, error.expected, 6));
	cr_assert(eq(u64, error.actual, 5));
	cr_assert(eq(int, fork_to(log, &copy, UINT64_MAX, &error), REPRISE_E_CONFLICT));
	cr_assert(eq(int, reprise_log_stats(log, &copy, &stats, NULL), REPRISE_E_NOT_FOUND));
	close_log(log);
}

Test(contract, L52_a_damaged_entry_is_not_copied)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_error error;

	append_count(log, &k, 2000);
	contract_do_damage(CONTRACT_PAYLOAD, 1500);
	cr_assert(eq(int, fork_to(log, &copy, 2000, &error), REPRISE_E_CORRUPT));
	cr_assert(eq(str, error.what, "a row has a wrong checksum"));
	cr_assert(eq(int, reprise_log_stats(log, &copy, &stats, NULL), REPRISE_E_NOT_FOUND));
	fork_well(log, &copy, 1499);
	expect_all(log, &copy, 0, 1, 1499);
	contract_do_damage(CONTRACT_ROW_GONE, 1000);
	cr_assert(eq(int, fork_to(log, &before_k, 1200, &error), REPRISE_E_CORRUPT));
	cr_assert(eq(str, error.what, "a row is missing"));
	contract_do_damage(CONTRACT_HEAD, 1999);
	cr_assert(eq(int, fork_to(log, &before_k, 5, &error), REPRISE_E_CORRUPT));
	close_log(log);
}

Test(contract, L52_refuses_what_is_no_key)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_key bad = key_of("t", ""), other = key_of("u", "k"),
				     no_tenant = key_of(NULL, "x");
	struct reprise_error error = { .size = sizeof(error) };

	append_count(log, &k, 1);
	cr_assert(eq(int, reprise_log_fork(NULL, &k, &copy, 1, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "log"));
	cr_assert(eq(int, reprise_log_fork(log, NULL, &copy, 1, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "key"));
	cr_assert(eq(int, reprise_log_fork(log, &bad, &copy, 1, &error), REPRISE_E_INVALID));
	for (size_t i = 0; i < 5; i++) {
		const struct reprise_log_key *const to[] = { NULL, &bad, &other, &k, &no_tenant };

		cr_assert(eq(int, reprise_log_fork(log, &k, to[i], 1, &error), REPRISE_E_INVALID));
		cr_assert(eq(str, error.what, "to"), "target %zu", i);
	}
	expect_all(log, &k, 0, 1, 1);
	close_log(log);
}
