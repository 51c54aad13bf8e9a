/* SPDX-License-Identifier: MIT */
/*
 * The fate of a conversation when its log fails (D05): a call of the adapter that is refused, a
 * process that is killed in one, a key that another connection holds, and instances that race.
 */
#include "conversations.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reprise/conversation_upkeep.h>

/* --- a call of the adapter that is refused, or that the process is killed in ------------------ */

enum fault {
	FAILS,       /* the call answers E_IO and does nothing */
	IS_UNKNOWN,  /* a commit does its work, and answers E_IO */
	KILLS,       /* before the call */
	KILLS_AFTER, /* after the call */
};

/* How many calls of the adapter that a fault can hit a transaction makes. */
enum {
	RECORD_CALLS = 4, /* begin, put_row, put_head, commit */
	BLOB_CALLS =
		5, /* a snapshot, or the horizons: begin, drop_blob, put_blob, put_head, commit */
};

static struct log_adapter real;
static enum fault fault;
static int until_fault; /* calls; 0: none comes */

/* Whether the call is the one; before it. */
static bool
is_now(void)
{
	const bool is = until_fault > 0 && --until_fault == 0;

	if (is && fault == KILLS)
		raise(SIGKILL);
	return is;
}

static reprise_status
answer(bool is, reprise_status status)
{
	if (is && fault == KILLS_AFTER)
		raise(SIGKILL);
	return status;
}

static reprise_status
begin(struct reprise_log *log, enum log_level level, const char *tenant, const char *const *threads,
      size_t threads_count, uint64_t patience_ns, struct log_head *ret_heads,
      struct reprise_error *error)
{
	const bool is = is_now();

	if (is && fault == FAILS)
		return REPRISE_E_IO;
	return answer(is, real.begin(log, level, tenant, threads, threads_count, patience_ns,
				     ret_heads, error));
}

static reprise_status
put_row(struct reprise_log *log, int64_t id, const struct log_row *row, struct reprise_error *error)
{
	const bool is = is_now();

	return is && fault == FAILS ? REPRISE_E_IO : answer(is, real.put_row(log, id, row, error));
}

static reprise_status
put_head(struct reprise_log *log, const struct log_head *head, struct reprise_error *error)
{
	const bool is = is_now();

	return is && fault == FAILS ? REPRISE_E_IO : answer(is, real.put_head(log, head, error));
}

static reprise_status
put_blob(struct reprise_log *log, int64_t id, const struct log_blob *blob,
	 struct reprise_error *error)
{
	const bool is = is_now();

	return is && fault == FAILS ? REPRISE_E_IO
				    : answer(is, real.put_blob(log, id, blob, error));
}

static reprise_status
drop_blob(struct reprise_log *log, int64_t id, const char *name, uint64_t *ret_count,
	  struct reprise_error *error)
{
	const bool is = is_now();

	return is && fault == FAILS ? REPRISE_E_IO
				    : answer(is, real.drop_blob(log, id, name, ret_count, error));
}

static reprise_status
commit(struct reprise_log *log, struct reprise_error *error)
{
	const bool is = is_now();

	if (is && fault == FAILS) {
		real.rollback(log);
		return REPRISE_E_IO;
	}
	const reprise_status status = answer(is, real.commit(log, error));

	return is && fault == IS_UNKNOWN ? REPRISE_E_IO : status;
}

/* The adapter's call of that number fails, or is the last of this process. */
static void
put_fault(struct reprise_log *log, enum fault which, int number)
{
	static struct log_adapter before;

	if (log->adapter != &before) {
		before = real = *log->adapter;
		before.begin = begin;
		before.put_row = put_row;
		before.put_head = put_head;
		before.put_blob = put_blob;
		before.drop_blob = drop_blob;
		before.commit = commit;
		log->adapter = &before;
	}
	fault = which;
	until_fault = number;
}

enum record {
	RECEIVED,
	STARTED,
	STEP,
	FINISHED,
	FAILED,
	RECEIVE, /* receive_message of a new one */
	RECORDS,
};

static reprise_status
record_one(struct reprise_conversation *conversation, enum record which,
	   struct reprise_error *error)
{
	struct reprise_decision decision;

	switch (which) {
	case RECEIVED:
		return reprise_conversation_record_message_received(conversation, "new", 1, error);
	case STARTED:
		return reprise_conversation_record_processing_started(conversation, "m", error);
	case STEP:
		return reprise_conversation_record_step_completed(
			conversation, "m", 1, (struct reprise_bytes){ "two", 3 }, error);
	case FINISHED:
		return reprise_conversation_record_processing_finished(conversation, "m", error);
	case FAILED:
		return reprise_conversation_record_error(conversation, "m", "broken", error);
	case RECEIVE:
		return reprise_conversation_receive_message(conversation, "new", 1, &decision,
							    error);
	case RECORDS:
		break;
	}
	return REPRISE_E_INVALID;
}

/* "m" was received and has step 0; nothing else is known. */
static void
expect_state_before(struct reprise_conversation *conversation)
{
	struct reprise_message_info info = { .size = sizeof(info) };

	cr_assert(eq(u64, reprise_conversation_expected_sequence(conversation), 2));
	cr_assert(eq(int, reprise_conversation_find(conversation, "m", &info), REPRISE_OK));
	cr_assert(eq(int, info.is_in_progress, 0));
	cr_assert(eq(int, info.is_finished, 0));
	cr_assert(eq(int, info.has_error, 0));
	cr_assert(eq(u32, info.last_step, 0));
	cr_assert(eq(int, reprise_conversation_find(conversation, "new", &info),
		     REPRISE_E_NOT_FOUND));
}

/* Whether the fault came at all. */
static bool
fail_one(enum record which, enum fault how, int number)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = new_conversation(log);

	expect_decision(conversation, "m", REPRISE_DECISION_START, 0);
	complete(conversation, "m", 0, "one");
	put_fault(log, how, number);
	const reprise_status status = record_one(conversation, which, NULL);
	const bool has_failed = until_fault == 0 && status != REPRISE_OK;

	until_fault = 0;
	if (has_failed) {
		const uint64_t head = head_of(log, &k);

		cr_assert(eq(int, status, REPRISE_E_IO));
		expect_state_before(conversation);
		cr_assert(reprise_conversation_is_stale(conversation));
		cr_assert(eq(int, record_one(conversation, which, NULL), REPRISE_E_STALE));
		expect_decision(conversation, "m", REPRISE_DECISION_RESUME_FROM, 1);
		cr_assert(eq(u64, head, how == IS_UNKNOWN ? 3 : 2));
		cr_assert(eq(int, reprise_conversation_recover(conversation, NULL), REPRISE_OK));
		cr_assert(eq(u64, reprise_conversation_expected_sequence(conversation), head));
		/* An event that is there already may be recorded again. */
		if (which != RECEIVE)
			cr_assert(eq(int, record_one(conversation, which, NULL), REPRISE_OK));
		else
			expect_decision(conversation, "new",
					how == IS_UNKNOWN ? REPRISE_DECISION_RESUME_FROM
							  : REPRISE_DECISION_START,
					0);
	}
	reprise_conversation_close(conversation);
	close_log(log);
	return has_failed;
}

Test(contract, D05_a_log_that_fails_leaves_the_state_and_makes_the_instance_stale)
{
	static const enum fault faults[] = { FAILS, IS_UNKNOWN };

	for (enum record which = RECEIVED; which < RECORDS; which++)
		for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
			int failed = 0;

			for (int number = 1; number <= RECORD_CALLS + 1; number++) {
				contract_tear_down();
				contract_set_up();
				failed += fail_one(which, faults[i], number);
			}
			cr_assert(eq(int, failed, faults[i] == FAILS ? RECORD_CALLS : 1),
				  "record %d", which);
		}
}

/* A record that makes one due is recorded all the same. */
Test(contract, D06_a_snapshot_that_fails_leaves_the_instance_as_it_was)
{
	/* A snapshot's calls; and a commit that is done. */
	for (int number = 1; number <= BLOB_CALLS + 1; number++) {
		contract_tear_down();
		contract_set_up();
		struct reprise_log *const log = contract_open();
		struct reprise_conversation *const conversation = new_conversation(log);
		struct reprise_conversation_snapshots snapshots = { .size = sizeof(snapshots) };

		expect_decision(conversation, "m", REPRISE_DECISION_START, 0);
		complete(conversation, "m", 0, "one");
		put_fault(log, number <= BLOB_CALLS ? FAILS : IS_UNKNOWN,
			  number <= BLOB_CALLS ? number : BLOB_CALLS);
		cr_assert(eq(int, reprise_conversation_snapshot(conversation, NULL), REPRISE_E_IO),
			  "%d", number);
		cr_assert(eq(int, until_fault, 0));
		expect_state_before(conversation);
		cr_assert(not(reprise_conversation_is_stale(conversation)));
		cr_assert(eq(int, reprise_conversation_snapshots(conversation, &snapshots),
			     REPRISE_OK));
		cr_assert(eq(int, snapshots.last, REPRISE_E_IO));
		cr_assert(eq(u64, snapshots.newest, 0));
		cr_assert(eq(int, reprise_conversation_snapshot(conversation, NULL), REPRISE_OK));
		cr_assert(eq(int, record_one(conversation, STEP, NULL), REPRISE_OK));
		cr_assert(eq(int, reprise_conversation_recover(conversation, NULL), REPRISE_OK));
		cr_assert(eq(int, reprise_conversation_snapshots(conversation, &snapshots),
			     REPRISE_OK));
		cr_assert(eq(u64, snapshots.recovered_from, 2));
		reprise_conversation_close(conversation);
		close_log(log);
	}
}

Test(contract, D06_a_record_whose_snapshot_fails_is_recorded)
{
	const struct reprise_conversation_options options = { .size = sizeof(options),
							      .snapshot_events = 1 };
	struct reprise_log *const log = contract_open();
	struct reprise_conversation_snapshots snapshots = { .size = sizeof(snapshots) };
	struct reprise_conversation *conversation = NULL;

	cr_assert(eq(int, reprise_conversation_new(log, &k, &options, &conversation, NULL),
		     REPRISE_OK));
	expect_decision(conversation, "m", REPRISE_DECISION_START, 0);
	put_fault(log, FAILS, RECORD_CALLS + BLOB_CALLS); /* the snapshot's commit */
	complete(conversation, "m", 0, "one");
	cr_assert(eq(int, until_fault, 0));
	cr_assert(eq(int, reprise_conversation_snapshots(conversation, &snapshots), REPRISE_OK));
	cr_assert(eq(int, snapshots.last, REPRISE_E_IO));
	expect_state_before(conversation);
	cr_assert(not(reprise_conversation_is_stale(conversation)));
	complete(conversation, "m", 1, "two");
	complete(conversation, "m", 2, "three");
	cr_assert(eq(int, reprise_conversation_snapshots(conversation, &snapshots), REPRISE_OK));
	cr_assert(eq(int, snapshots.last, REPRISE_OK));
	cr_assert(eq(u64, snapshots.newest, 4));
	reprise_conversation_close(conversation);
	close_log(log);
}

/* --- a worker that is killed ------------------------------------------------------------------ */

enum {
	STEPS = 3,
	MESSAGES = 2,
	ALL_STEPS = MESSAGES * STEPS,
	/* A receipt, a start, the steps and an end of each message; and once the horizons. */
	WORK_CALLS = RECORD_CALLS * MESSAGES * (STEPS + 3) + BLOB_CALLS,
};

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

/* In a child. False: it came to its end before that call of the adapter. */
static bool
work_until_killed(const struct reprise_conversation_options *options, enum fault how, int number)
{
	const pid_t child = fork();
	int status = 0;

	cr_assert(ge(int, child, 0));
	if (child == 0) {
		struct reprise_conversation *conversation = NULL;
		struct reprise_log *const log = contract_open();

		put_fault(log, how, number);
		_exit(reprise_conversation_new(log, &k, options, &conversation, NULL) !=
			      REPRISE_OK ||
		      reprise_conversation_recover(conversation, NULL) != REPRISE_OK ||
		      work(conversation) != ALL_STEPS);
	}
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	const bool was_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;

	cr_assert(was_killed || status == 0, "%d %d: %d", how, number, status);
	return was_killed;
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

/* False: the worker was not killed any more. */
static bool
kill_and_go_on(const struct reprise_conversation_options *options, enum fault how, int number)
{
	struct reprise_conversation_snapshots snapshots = { .size = sizeof(snapshots) };

	contract_tear_down();
	contract_set_up();
	const bool was_killed = work_until_killed(options, how, number);
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = recovered(log);

	cr_assert(eq(int, reprise_conversation_snapshots(conversation, &snapshots), REPRISE_OK));
	cr_assert(eq(u32, snapshots.damaged, 0));
	cr_assert(ge(int, work(conversation), 0));
	expect_each_step_once(log);
	cr_assert(eq(int, work(conversation), 0));
	reprise_conversation_close(conversation);
	close_log(log);
	return was_killed;
}

/* At how many calls of the adapter a worker can be killed. */
static int
kill_everywhere(const struct reprise_conversation_options *options)
{
	int number = 1;

	for (; kill_and_go_on(options, KILLS, number); number++)
		(void)kill_and_go_on(options, KILLS_AFTER, number);
	return number - 1;
}

/* Before and after each call of the adapter that a record makes: also between two records. */
Test(contract, D05_a_worker_that_is_killed_anywhere_goes_on_at_the_right_step)
{
	cr_assert(eq(int, kill_everywhere(NULL), WORK_CALLS));
}

Test(contract, D06_a_worker_that_is_killed_in_a_snapshot_goes_on_at_the_right_step)
{
	const struct reprise_conversation_options options = { .size = sizeof(options),
							      .snapshot_events = 2 };

	cr_assert(eq(int, kill_everywhere(&options), WORK_CALLS + 2 * BLOB_CALLS));
}

/* --- others ----------------------------------------------------------------------------------- */

Test(contract, D05_a_key_that_is_held_for_too_long_is_told_and_nothing_changes)
{
	struct reprise_log *const log = contract_open(), *const other = contract_open();
	struct reprise_conversation *const conversation = new_conversation(log);
	struct log_head head;

	expect_decision(conversation, "m", REPRISE_DECISION_START, 0);
	complete(conversation, "m", 0, "one");
	cr_assert(eq(int,
		     other->adapter->begin(other, LOG_SYNCED, k.tenant, &k.thread, 1, LOG_PATIENT,
					   &head, NULL),
		     REPRISE_OK));
	/* As a deadline that is over. */
	log_interrupt(log);
	for (enum record which = RECEIVED; which < RECORDS; which++) {
		cr_assert(eq(int, record_one(conversation, which, NULL), REPRISE_E_TIMEOUT));
		expect_state_before(conversation);
		cr_assert(not(reprise_conversation_is_stale(conversation)));
	}
	other->adapter->rollback(other);
	cr_assert(eq(u64, head_of(other, &k), 2));
	reprise_conversation_close(conversation);
	reprise_log_close(log);
	close_log(other);
}

enum {
	RACERS = 3,
	RACED = 25, /* events of each */
	RACED_BY_ALL = RACERS * RACED,
};

/*
 * Records messages of its own, and recovers after each conflict. How many it could not, or whose
 * words were wrong.
 */
static int
race(struct reprise_log *log, int racer)
{
	struct reprise_conversation *conversation = NULL;
	int faults = 0;

	if (reprise_conversation_new(log, &k, NULL, &conversation, NULL) != REPRISE_OK)
		return 1;
	for (int done = 0; done < RACED && faults == 0;) {
		struct reprise_error error = { .size = sizeof(error) };
		const uint64_t expected = reprise_conversation_expected_sequence(conversation);
		char id[32];

		snprintf(id, sizeof(id), "m%d-%d", racer, done);
		const reprise_status status =
			reprise_conversation_record_message_received(conversation, id, 1, &error);

		if (status == REPRISE_OK) {
			done++;
			continue;
		}
		faults += status != REPRISE_E_CONFLICT || error.expected != expected ||
			  error.actual <= expected ||
			  reprise_conversation_record_error(conversation, id, "", NULL) !=
				  REPRISE_E_STALE ||
			  reprise_conversation_recover(conversation, NULL) != REPRISE_OK;
	}
	reprise_conversation_close(conversation);
	return faults;
}

static bool
count_received(const struct reprise_message_info *info, void *context)
{
	*(int *)context += info->is_received;
	return true;
}

/* All of them are there, and every ordinal is one of theirs. */
static void
expect_raced(void)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = recovered(log);
	int received = 0;

	reprise_conversation_each(conversation, count_received, &received);
	cr_assert(eq(int, received, RACERS *RACED));
	cr_assert(eq(u64, reprise_conversation_expected_sequence(conversation), RACED_BY_ALL));
	reprise_conversation_close(conversation);
	close_log(log);
}

Test(contract, D05_of_processes_that_race_each_records_all_of_its_own)
{
	pid_t children[RACERS];

	reprise_log_close(contract_open()); /* it is there */
	for (int i = 0; i < RACERS; i++) {
		children[i] = fork();
		cr_assert(ge(int, children[i], 0));
		if (children[i] == 0)
			_exit(race(contract_open(), i));
	}
	for (int i = 0; i < RACERS; i++) {
		int status = -1;

		cr_assert(eq(int, waitpid(children[i], &status, 0), children[i]));
		cr_assert(eq(int, status, 0));
	}
	expect_raced();
}

struct racer {
	pthread_t thread;
	struct reprise_log *log;
	int number, faults;
};

static void *
race_in_thread(void *argument)
{
	struct racer *const racer = argument;

	racer->faults = race(racer->log, racer->number);
	return NULL;
}

/* The first two share a handle. */
Test(contract, D05_of_threads_that_race_each_records_all_of_its_own)
{
	struct reprise_log *const shared = contract_open(), *const other = contract_open();
	struct racer racers[RACERS];

	for (int i = 0; i < RACERS; i++) {
		racers[i] = (struct racer){ .log = i < 2 ? shared : other, .number = i };
		cr_assert(eq(int,
			     pthread_create(&racers[i].thread, NULL, race_in_thread, &racers[i]),
			     0));
	}
	for (int i = 0; i < RACERS; i++) {
		pthread_join(racers[i].thread, NULL);
		cr_assert(eq(int, racers[i].faults, 0));
	}
	reprise_log_close(shared);
	reprise_log_close(other);
	expect_raced();
}
