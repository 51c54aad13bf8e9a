/* SPDX-License-Identifier: MIT */
/* Recovery (D06), and a worker that is killed at every boundary (D05). */
#include "conversations.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	LONG = 2500, /* events: more than two pages */
	STEPS = 3,
	MESSAGES = 2,
	ALL_STEPS = MESSAGES * STEPS,
	/* A receipt, a start, the steps and an end of each message. */
	APPENDS = MESSAGES * (STEPS + 3),
};

Test(contract, D06_a_stream_that_does_not_exist_recovers_as_an_empty_one)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = recovered(log);

	cr_assert(eq(u64, reprise_conversation_expected_sequence(conversation), 0));
	expect_decision(conversation, "m", REPRISE_DECISION_START, 0);
	reprise_conversation_close(conversation);
	close_log(log);
}

static bool
count_message(const struct reprise_message_info *info, void *context)
{
	uint64_t *const count = context;
	char id[16];

	snprintf(id, sizeof(id), "m%04llu", (unsigned long long)*count);
	cr_assert(eq(str, (char *)info->id, id));
	++*count;
	return *count < LONG / 2;
}

Test(contract, D06_recovery_reads_all_pages_in_order_and_appends_nothing)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *conversation = new_conversation(log);
	uint64_t count = 0;

	for (int i = 0; i < LONG / 2; i++) {
		char id[16];

		snprintf(id, sizeof(id), "m%04d", i);
		cr_assert(eq(int,
			     reprise_conversation_record_message_received(conversation, id,
									  (uint64_t)i, NULL),
			     REPRISE_OK));
		complete(conversation, id, 0, id);
	}
	reprise_conversation_close(conversation);
	conversation = recovered(log);
	cr_assert(eq(u64, reprise_conversation_expected_sequence(conversation), LONG));
	cr_assert(eq(u64, head_of(log, &k), LONG));
	reprise_conversation_each(conversation, count_message, &count);
	cr_assert(eq(u64, count, LONG / 2));
	expect_output(conversation, "m1249", 0, "m1249");
	reprise_conversation_close(conversation);
	close_log(log);
}

Test(contract, D06_what_is_forgotten_stays_forgotten)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = new_conversation(log);
	struct reprise_message_info info = { .size = sizeof(info) };

	cr_assert(eq(int,
		     reprise_conversation_record_message_received(conversation, "old", 10, NULL),
		     REPRISE_OK));
	finish(conversation, "old");
	cr_assert(eq(int,
		     reprise_conversation_record_message_received(conversation, "new", 20, NULL),
		     REPRISE_OK));
	finish(conversation, "new");
	cr_assert(eq(u64, reprise_conversation_forget(conversation, 20), 1));
	for (int i = 0; i < 2; i++) {
		cr_assert(eq(int, reprise_conversation_find(conversation, "old", &info),
			     REPRISE_E_NOT_FOUND));
		cr_assert(
			eq(int, reprise_conversation_find(conversation, "new", &info), REPRISE_OK));
		cr_assert(eq(int, reprise_conversation_recover(conversation, NULL), REPRISE_OK));
	}
	reprise_conversation_close(conversation);
	close_log(log);
}

/* Recovery fails, names the ordinal, and leaves the instance as it was. */
static void
expect_corrupt(struct reprise_conversation *conversation, const char *ordinal)
{
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_conversation_recover(conversation, &error), REPRISE_E_CORRUPT));
	if (ordinal != NULL) {
		cr_assert(eq(str, error.what, (char *)ordinal));
		cr_assert(ne(str, error.detail, ""));
	}
	cr_assert(eq(u64, reprise_conversation_expected_sequence(conversation), 2));
	expect_decision(conversation, "m", REPRISE_DECISION_RESUME_FROM, 1);
}

/* An instance that knows two events. */
static struct reprise_conversation *
begun(struct reprise_log *log)
{
	struct reprise_conversation *const conversation = new_conversation(log);

	expect_decision(conversation, "m", REPRISE_DECISION_START, 0);
	complete(conversation, "m", 0, "output");
	return conversation;
}

Test(contract, D06_an_entry_that_is_no_event_is_corrupt)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = begun(log);
	const struct reprise_log_new_entry entry = entry_of("LCE1");

	cr_assert(eq(int, reprise_log_append(log, &k, NULL, &entry, 1, NULL, NULL), REPRISE_OK));
	expect_corrupt(conversation, "ordinal 3");
	reprise_conversation_close(conversation);
	close_log(log);
}

Test(contract, D06_an_event_that_is_archived_is_corrupt)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = begun(log);

	cr_assert(eq(int, reprise_log_archive_before(log, &k, 1, NULL, NULL), REPRISE_OK));
	expect_corrupt(conversation, "ordinal 1");
	reprise_conversation_close(conversation);
	close_log(log);
}

Test(contract, D06_a_damaged_row_is_corrupt)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = begun(log);

	contract_do_damage(CONTRACT_PAYLOAD, 2);
	expect_corrupt(conversation, NULL);
	reprise_conversation_close(conversation);
	reprise_log_close(log);
}

Test(contract, D06_a_tail_that_is_cut_off_is_corrupt)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = begun(log);

	contract_do_damage(CONTRACT_ROW_GONE, 2);
	expect_corrupt(conversation, NULL);
	reprise_conversation_close(conversation);
	reprise_log_close(log);
}

/* --- a worker that is killed ------------------------------------------------------------------- */

/* 0: go on; 1: killed before the append that is counted down to, 2: after it. */
static int kill_when;
static int kill_countdown;

static void
die_at(int when)
{
	if (kill_when == when && kill_countdown-- == 0)
		raise(SIGKILL);
}

/* The linker's names (--wrap): NOLINTBEGIN(bugprone-reserved-identifier,cert-*) */
reprise_status __real_reprise_log_append(struct reprise_log *log, const struct reprise_log_key *key,
					 const reprise_ordinal *expected_head,
					 const struct reprise_log_new_entry *entries,
					 size_t entries_count, reprise_ordinal *ret_head,
					 struct reprise_error *error);
reprise_status __wrap_reprise_log_append(struct reprise_log *log, const struct reprise_log_key *key,
					 const reprise_ordinal *expected_head,
					 const struct reprise_log_new_entry *entries,
					 size_t entries_count, reprise_ordinal *ret_head,
					 struct reprise_error *error);

reprise_status
__wrap_reprise_log_append(struct reprise_log *log, const struct reprise_log_key *key,
			  const reprise_ordinal *expected_head,
			  const struct reprise_log_new_entry *entries, size_t entries_count,
			  reprise_ordinal *ret_head, struct reprise_error *error)
{
	die_at(1);
	const reprise_status status = __real_reprise_log_append(log, key, expected_head, entries,
								entries_count, ret_head, error);

	die_at(2);
	return status;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-*) */

/* Every message is delivered twice. Answers how many steps it has done, or -1. */
static int
work(struct reprise_conversation *conversation)
{
	int done = 0;

	for (int i = 0; i < 2 * MESSAGES; i++) {
		const char *const id = i % MESSAGES == 0 ? "m0" : "m1";
		struct reprise_decision decision;

		if (reprise_conversation_receive_message(conversation, id, 7, &decision, NULL) !=
		    REPRISE_OK)
			return -1;
		if (decision.type == REPRISE_DECISION_SKIP)
			continue;
		if (reprise_conversation_record_processing_started(conversation, id, NULL) !=
		    REPRISE_OK)
			return -1;
		for (uint32_t step = decision.step; step < STEPS; step++, done++)
			if (reprise_conversation_record_step_completed(
				    conversation, id, step, (struct reprise_bytes){ "x", 1 },
				    NULL) != REPRISE_OK)
				return -1;
		if (reprise_conversation_record_processing_finished(conversation, id, NULL) !=
		    REPRISE_OK)
			return -1;
	}
	return done;
}

/* In a child. */
static void
work_until_killed(int when, int countdown)
{
	const pid_t child = fork();
	int status = 0;

	cr_assert(ge(int, child, 0));
	if (child == 0) {
		struct reprise_conversation *conversation = NULL;
		struct reprise_log *const log = contract_open();

		kill_when = when;
		kill_countdown = countdown;
		if (reprise_conversation_new(log, &k, &conversation, NULL) == REPRISE_OK &&
		    reprise_conversation_recover(conversation, NULL) == REPRISE_OK)
			(void)work(conversation);
		_exit(1);
	}
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	const bool was_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;

	cr_assert(was_killed, "%d %d: %d", when, countdown, status);
}

/* Each step stands in the log once, whatever came in between. */
static void
expect_each_step_once(struct reprise_log *log)
{
	struct reprise_log_page *page = NULL;
	size_t count = 0, steps = 0, ends = 0;

	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_log_load_after(log, &k, 0, 1000, 0, page, NULL), REPRISE_OK));
	const struct reprise_log_entry *const entries = reprise_log_page_entries(page, &count);

	for (size_t i = 0; i < count; i++) {
		steps += entries[i].kind == 3;
		ends += entries[i].kind == 4;
	}
	cr_assert(eq(sz, steps, ALL_STEPS));
	cr_assert(eq(sz, ends, MESSAGES));
	reprise_log_page_close(page);
}

Test(contract, D05_a_worker_that_is_killed_at_any_append_goes_on_at_the_right_step)
{
	for (int when = 1; when <= 2; when++)
		for (int countdown = 0; countdown < APPENDS; countdown++) {
			contract_tear_down();
			contract_set_up();
			work_until_killed(when, countdown);
			struct reprise_log *const log = contract_open();
			struct reprise_conversation *const conversation = recovered(log);

			cr_assert(ge(int, work(conversation), 0));
			expect_each_step_once(log);
			cr_assert(eq(int, work(conversation), 0));
			reprise_conversation_close(conversation);
			close_log(log);
		}
}
