/* SPDX-License-Identifier: MIT */
/* C13 verify. */
#include "contract.h"

/*
 * Two lives, a gap: events 1-10, gap 11-20, events 21-30 of life 1, which is clean; events 31-40
 * of life 2.
 */
static struct reprise_log *
log_with_lives(void)
{
	struct reprise_log *const log = contract_open();

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 10), REPRISE_OK));
	cr_assert(eq(int, record_gap(log, 1, 11, 20), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 21, 30), REPRISE_OK));
	cr_assert(eq(int, close_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, open_life(log, 2), REPRISE_OK));
	cr_assert(eq(int, record(log, 2, 31, 40), REPRISE_OK));
	return log;
}

Test(contract, C13_a_whole_log_has_no_faults)
{
	struct reprise_log *const log = log_with_lives();
	struct reprise_log_report report = { .size = sizeof(report) };

	cr_assert(eq(int, reprise_log_verify(log, &k, &report, NULL), REPRISE_OK));
	cr_assert(eq(u64, report.events, 30));
	cr_assert(eq(u64, report.gaps, 1));
	cr_assert(eq(u64, report.lost, 10));
	cr_assert(eq(u64, report.faults, 0));
	cr_assert(eq(str, report.what, ""));
	cr_assert(eq(int, reprise_log_archive_before(log, &k, 15, NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_log_verify(log, &k, &report, NULL), REPRISE_OK));
	cr_assert(eq(u64, report.events, 20));
	cr_assert(eq(u64, report.lost, 5));
	cr_assert(eq(u64, report.faults, 0));
	close_log(log);
}

Test(contract, C13_it_goes_through_any_number_of_rows)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_report report = { .size = sizeof(report) };

	append_count(log, &k, 3000);
	cr_assert(eq(int, reprise_log_verify(log, &k, &report, NULL), REPRISE_OK));
	cr_assert(eq(u64, report.events, 3000));
	cr_assert(eq(u64, report.faults, 0));
	contract_do_damage(CONTRACT_PAYLOAD, 2500);
	contract_do_damage(CONTRACT_PAYLOAD, 2800);
	cr_assert(eq(int, reprise_log_verify(log, &k, &report, NULL), REPRISE_OK));
	cr_assert(eq(u64, report.faults, 2));
	cr_assert(eq(u64, report.at, 2500));
	close_log(log);
}

struct fault {
	enum contract_damage damage;
	uint64_t number;
	const char *what;
	reprise_ordinal at;
};

static void
expect_found(const struct fault *fault)
{
	struct reprise_log *const log = log_with_lives();

	struct reprise_log_report report = { .size = sizeof(report) };

	expect_fault(log, "", 0);
	contract_do_damage(fault->damage, fault->number);
	cr_assert(eq(int, reprise_log_verify(log, &k, &report, NULL), REPRISE_OK));
	cr_assert(ge(u64, report.faults, 1));
	/* Damage with a right checksum is found by impossible values. */
	seal(log);
	expect_fault(log, fault->what, fault->at);
	close_log(log);
}

Test(contract, C13_finds_another_payload)
{
	expect_found(&(struct fault){ CONTRACT_PAYLOAD, 25, "a row has a wrong checksum", 25 });
}

Test(contract, C13_finds_another_time)
{
	expect_found(&(struct fault){ CONTRACT_TIME, 20, "a row has a wrong checksum", 20 });
}

Test(contract, C13_finds_a_hole)
{
	expect_found(&(struct fault){ CONTRACT_ROW_GONE, 25, "a row is missing", 25 });
}

Test(contract, C13_finds_a_hole_where_a_gap_was)
{
	expect_found(&(struct fault){ CONTRACT_ROW_GONE, 20, "a row is missing", 11 });
}

Test(contract, C13_finds_a_hole_at_the_beginning)
{
	expect_found(&(struct fault){ CONTRACT_ROW_GONE, 1, "a row is missing", 1 });
}

Test(contract, C13_finds_a_hole_at_the_end)
{
	expect_found(&(struct fault){ CONTRACT_ROW_GONE, 40, "a row is missing", 40 });
}

Test(contract, C13_finds_rows_that_overlap)
{
	struct reprise_log *const log = log_with_lives();
	struct reprise_log_report report = { .size = sizeof(report) };

	contract_do_damage(CONTRACT_ROW_LONGER, 20);
	cr_assert(eq(int, reprise_log_verify(log, &k, &report, NULL), REPRISE_OK));
	cr_assert(eq(u64, report.at, 20));
	cr_assert(eq(u64, report.faults, 2), "another checksum, and two rows of one ordinal");
	close_log(log);
}

Test(contract, C13_finds_a_row_in_anothers_place)
{
	struct reprise_log *const log = log_with_lives();

	contract_do_damage(CONTRACT_ROW_ELSEWHERE, 40);
	contract_do_damage(CONTRACT_HEAD, 41);
	seal(log);
	expect_fault(log, "a row has a wrong checksum", 41);
	close_log(log);
}

Test(contract, C13_finds_rows_beyond_the_head)
{
	expect_found(&(struct fault){ CONTRACT_HEAD, 15, "a row lies beyond the head", 20 });
}

Test(contract, C13_finds_a_head_beyond_the_rows)
{
	expect_found(&(struct fault){ CONTRACT_HEAD, 41, "a row is missing", 41 });
}

Test(contract, C13_finds_a_watermark_beyond_the_head)
{
	expect_found(&(struct fault){ CONTRACT_WATERMARK, 41, "a head has impossible numbers", 0 });
}

Test(contract, C13_finds_an_end_beyond_the_head)
{
	expect_found(&(struct fault){ CONTRACT_END, 41, "the end lies beyond the head", 41 });
}

Test(contract, C13_finds_a_revision_above_the_greatest)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_new_entry entries[] = { event_of(5, 0), event_of(7, 0) };

	cr_assert(eq(int, reprise_log_append(log, &k, NULL, entries, 2, NULL, NULL), REPRISE_OK));
	expect_fault(log, "", 0);
	contract_do_damage(CONTRACT_REVISION_MAX, 6);
	expect_fault(log, "a head has a wrong checksum", 0);
	seal(log);
	expect_fault(log, "a revision is above the greatest one of the head", 2);
	close_log(log);
}

Test(contract, C13_finds_a_life_that_is_missing)
{
	expect_found(&(struct fault){ CONTRACT_LIFE_GONE, 1, "a life is missing", 31 });
}

Test(contract, C13_finds_that_the_last_life_is_missing)
{
	struct reprise_log *const log = log_with_lives();
	struct reprise_log_report report = { .size = sizeof(report) };

	contract_do_damage(CONTRACT_LIFE_GONE, 2);
	cr_assert(eq(int, reprise_log_verify(log, &k, &report, NULL), REPRISE_OK));
	cr_assert(ge(u64, report.faults, 1));
	close_log(log);
}

Test(contract, C13_finds_lives_that_do_not_meet)
{
	expect_found(&(struct fault){ CONTRACT_LIFE_FIRST, 2,
				      "a life begins where the one before did not end", 32 });
}

Test(contract, C13_finds_a_life_that_ends_too_early)
{
	expect_found(&(struct fault){ CONTRACT_LIFE_END, 1,
				      "a life begins where the one before did not end", 31 });
}

Test(contract, C13_finds_a_state_that_is_none)
{
	expect_found(
		&(struct fault){ CONTRACT_LIFE_STATE, 2, "a life has an impossible state", 0 });
}

Test(contract, C13_finds_a_life_that_is_open_before_another)
{
	expect_found(&(struct fault){ CONTRACT_LIFE_OPEN, 1, "a life has an impossible state", 1 });
}

Test(contract, C13_refuses_what_is_NULL)
{
	struct reprise_log *const log = log_with_lives();
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log_report report = { .size = 8 };

	cr_assert(eq(int, reprise_log_verify(NULL, &k, &report, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "log"));
	cr_assert(eq(int, reprise_log_verify(log, NULL, &report, &error), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_log_verify(log, &k, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "ret_report"));
	cr_assert(eq(int, reprise_log_verify(log, &k, &report, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "ret_report: size"));
	close_log(log);
}

/* A change of the key by another connection, before a look of a verify. */
static struct {
	struct log_adapter adapter; /* with look_after */
	const struct log_adapter *real;
	struct reprise_log *other;
	void (*change)(struct reprise_log *other);
	int looks_left; /* until then */
} meanwhile;

static reprise_status
look_after(struct reprise_log *log, const char *tenant, const char *thread,
	   struct log_head *ret_head, struct reprise_error *error)
{
	if (meanwhile.looks_left-- == 0)
		meanwhile.change(meanwhile.other);
	return meanwhile.real->look(log, tenant, thread, ret_head, error);
}

/* 2,500 entries: three pages of a verify. Each is a rise, some are commits. */
static void
append_rising(struct reprise_log *log, uint64_t revision)
{
	static struct reprise_log_new_entry entries[2500];

	for (size_t i = 0; i < 2500; i++)
		entries[i] = event_of(revision + i, i % 7 == 0 ? REPRISE_EVENT_COMMIT : 0);
	cr_assert(
		eq(int, reprise_log_append(log, &k, NULL, entries, 2500, NULL, NULL), REPRISE_OK));
}

static void
append_first(struct reprise_log *log)
{
	append_rising(log, 1);
}

/* A key of a runtime, of two lives. */
static void
record_lives(struct reprise_log *log)
{
	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 10), REPRISE_OK));
	cr_assert(eq(int, close_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, open_life(log, 2), REPRISE_OK));
	cr_assert(eq(int, record(log, 2, 11, 20), REPRISE_OK));
	cr_assert(eq(int, close_life(log, 2), REPRISE_OK));
}

static void
erase_it(struct reprise_log *other)
{
	cr_assert(eq(int, reprise_log_erase(other, &k, REPRISE_LOG_ERASE_NO_VACUUM, NULL, NULL),
		     REPRISE_OK));
}

static void
erase_and_write(struct reprise_log *other)
{
	erase_it(other);
	append_rising(other, 5000);
	append_rising(other, 9000);
}

static void
drop_it(struct reprise_log *other)
{
	cr_assert(eq(int, reprise_log_drop(other, &k, false, NULL, NULL), REPRISE_OK));
}

/* @change before the first look of a verify, then before the second, until there is none. */
static void
expect_no_fault_during(void (*fill)(struct reprise_log *log),
		       void (*change)(struct reprise_log *other))
{
	struct reprise_log *const log = contract_open();

	meanwhile.other = contract_open();
	meanwhile.change = change;
	meanwhile.real = log->adapter;
	meanwhile.adapter = *log->adapter;
	meanwhile.adapter.look = look_after;
	for (int looks = 0;; looks++) {
		struct reprise_log_report report = { .size = sizeof(report) };

		erase_it(meanwhile.other);
		fill(meanwhile.other);
		meanwhile.looks_left = looks;
		log->adapter = &meanwhile.adapter;
		const reprise_status status = reprise_log_verify(log, &k, &report, NULL);

		log->adapter = meanwhile.real;
		if (status != REPRISE_E_NOT_FOUND)
			cr_assert(eq(int, status, REPRISE_OK));
		cr_assert(eq(u64, report.faults, 0), "look %d: %s", looks, report.what);
		if (meanwhile.looks_left >= 0) {
			cr_assert(gt(int, looks, 4));
			break;
		}
	}
	reprise_log_close(meanwhile.other);
	close_log(log);
}

Test(contract, C13_a_key_that_is_erased_during_a_verify_has_no_fault)
{
	expect_no_fault_during(append_first, erase_it);
	expect_no_fault_during(record_lives, erase_it);
}

Test(contract, C13_a_key_that_is_erased_and_written_during_a_verify_has_no_fault)
{
	expect_no_fault_during(append_first, erase_and_write);
}

Test(contract, C13_a_key_that_is_dropped_during_a_verify_has_no_fault)
{
	expect_no_fault_during(append_first, drop_it);
	expect_no_fault_during(record_lives, drop_it);
}
