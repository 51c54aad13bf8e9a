/* SPDX-License-Identifier: MIT */
/*
 * Calls of a conversation that get no memory, whose system calls are refused (D05), and that are
 * made by a thread whose cancellation is pending (P06).
 */
#include "support_sqlite.h"

#include <reprise/conversation_upkeep.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "cancelled.h"
#include "refusal.h"
#include "refused_io.h"

/* How far a use has come: events that were acknowledged. */
struct progress {
	uint64_t events;
};

static reprise_status
record_all(struct reprise_conversation *conversation, struct progress *progress)
{
	struct reprise_decision decision;
	reprise_status status =
		reprise_conversation_receive_message(conversation, "m", 1, &decision, NULL);

	progress->events = reprise_conversation_expected_sequence(conversation);
	if (status == REPRISE_OK)
		status = reprise_conversation_record_processing_started(conversation, "m", NULL);
	if (status == REPRISE_OK)
		status = reprise_conversation_record_step_completed(
			conversation, "m", 0, (struct reprise_bytes){ "one", 3 }, NULL);
	if (status == REPRISE_OK)
		status = reprise_conversation_record_error(conversation, "m", "broken", NULL);
	if (status == REPRISE_OK)
		status = reprise_conversation_record_processing_finished(conversation, "m", NULL);
	progress->events = reprise_conversation_expected_sequence(conversation);
	return status;
}

static reprise_status
read_back(struct reprise_conversation *conversation)
{
	struct reprise_log_page *page = NULL;
	struct reprise_bytes output;
	reprise_status status = reprise_log_page_open(&page);

	if (status == REPRISE_OK)
		status =
			reprise_conversation_step_output(conversation, "m", 0, page, &output, NULL);
	reprise_log_page_close(page);
	return status;
}

/* Each call once, as far as it goes. */
static reprise_status
use(struct reprise_log *log, struct progress *progress)
{
	struct reprise_conversation *conversation = NULL, *clone = NULL;
	reprise_status status = reprise_conversation_new(log, &k, NULL, &conversation, NULL);

	if (status != REPRISE_OK)
		return status;
	status = reprise_conversation_recover(conversation, NULL);
	if (status == REPRISE_OK)
		status = record_all(conversation, progress);
	if (status == REPRISE_OK)
		status = reprise_conversation_snapshot(conversation, NULL);
	if (status == REPRISE_OK)
		status = reprise_conversation_clone(conversation, &clone, NULL);
	if (status == REPRISE_OK)
		status = reprise_conversation_recover(clone, NULL);
	if (status == REPRISE_OK)
		status = read_back(conversation);
	if (status == REPRISE_OK)
		status = reprise_conversation_archive(conversation, NULL, NULL);
	reprise_conversation_close(clone);
	reprise_conversation_close(conversation);
	return status;
}

/* Each allocation in turn, until none is refused any more. */
Test(log_sqlite, D05_a_conversation_without_memory_is_told_and_has_appended_nothing)
{
	int refused = 0;

	for (int number = 1;; number++) {
		char name[32];
		struct progress progress = { 0 };

		snprintf(name, sizeof(name), "log-%d", number);
		char *const path = scratch_path(name);
		struct reprise_log *const log = open_at(path);

		refusal_begin(number);
		const reprise_status status = use(log, &progress);
		const bool is_over = !refusal_end();

		if (status != REPRISE_OK)
			cr_assert(eq(int, status, REPRISE_E_NO_MEMORY), "allocation %d", number);
		refused += status != REPRISE_OK;
		if (progress.events != 0)
			cr_assert(eq(u64, head_of_k(log), progress.events), "allocation %d",
				  number);
		/* The recorded events are good. */
		struct progress again = { 0 };

		cr_assert(eq(int, use(log, &again), REPRISE_OK), "allocation %d", number);
		reprise_log_close(log);
		scratch_remove();
		if (is_over)
			break;
	}
	cr_assert(gt(int, refused, 20));
	expect_no_leaks();
}

struct refused_use {
	const struct reprise_log_sqlite_options *options;
	struct progress progress;
	reprise_status status;
};

static void
open_and_use(void *argument)
{
	struct refused_use *const refused = argument;
	struct reprise_log *log = NULL;

	refused->status = reprise_log_sqlite_open(refused->options, &log, NULL);
	if (refused->status == REPRISE_OK)
		refused->status = use(log, &refused->progress);
	reprise_log_close(log);
}

/* False: fewer system calls are made. */
static bool
refuse_and_use_again(int number, int *failed)
{
	char name[32];
	struct progress again = { 0 };

	snprintf(name, sizeof(name), "log-%d", number);
	char *const path = scratch_path(name);
	const struct reprise_log_sqlite_options options = options_of(path);
	struct refused_use refused = { .options = &options };
	const bool has_come = refused_io_run(number, EIO, open_and_use, &refused);

	/* SQLite takes a file that cannot be read for a damaged one. */
	cr_assert(refused.status == REPRISE_OK || refused.status == REPRISE_E_IO ||
			  refused.status == REPRISE_E_CORRUPT,
		  "system call %d: %s", number, reprise_status_name(refused.status));
	*failed += refused.status != REPRISE_OK;
	struct reprise_log *const log = opened(&options);

	if (refused.progress.events != 0)
		cr_assert(ge(u64, head_of_k(log), refused.progress.events), "system call %d",
			  number);
	cr_assert(eq(int, use(log, &again), REPRISE_OK), "system call %d", number);
	reprise_log_close(log);
	scratch_remove();
	return has_come;
}

/* Each system call on a file in turn, SQLite's own too, until none is refused any more. */
Test(log_sqlite, D05_a_conversation_whose_system_calls_are_refused_has_what_it_acknowledged)
{
	int number = 1, failed = 0;

	while (refuse_and_use_again(number, &failed))
		number++;
	cr_assert(gt(int, number, 100));
	cr_assert(gt(int, failed, 20));
}

static bool
visit_message(const struct reprise_message_info *info, void *context)
{
	(void)info;
	(void)context;
	pthread_testcancel();
	return true;
}

static bool
visit_step(uint32_t step, void *context)
{
	(void)step;
	(void)context;
	pthread_testcancel();
	return true;
}

struct cancelled_use {
	struct reprise_log *log;
	reprise_status status;
};

static void
use_cancelled(void *argument)
{
	struct cancelled_use *const cancelled = argument;
	struct reprise_conversation *conversation = NULL;
	struct progress progress = { 0 };

	cancelled->status = use(cancelled->log, &progress);
	if (cancelled->status == REPRISE_OK)
		cancelled->status =
			reprise_conversation_new(cancelled->log, &k, NULL, &conversation, NULL);
	if (cancelled->status == REPRISE_OK)
		cancelled->status = reprise_conversation_recover(conversation, NULL);
	if (cancelled->status == REPRISE_OK) {
		reprise_conversation_each(conversation, visit_message, NULL);
		reprise_conversation_each_step(conversation, "m", visit_step, NULL);
	}
	reprise_conversation_close(conversation);
}

Test(log_sqlite, P06_no_call_of_a_conversation_ends_its_thread)
{
	char *const path = scratch_path("log");
	struct cancelled_use cancelled = { .log = open_at(path), .status = REPRISE_E_IO };

	expect_uncancelled(use_cancelled, &cancelled, "a conversation's calls");
	cr_assert(eq(int, cancelled.status, REPRISE_OK));
	reprise_log_close(cancelled.log);
	expect_no_leaks();
}
