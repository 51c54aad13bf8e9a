/* SPDX-License-Identifier: MIT */
/*
 * The engine when an adapter fails: each of the adapter's calls in turn. The caller is told,
 * nothing stays begun, and the same call succeeds the next time.
 */
#include "contract.h"

#include <errno.h>
#include <stdio.h>

/* A log that stands before a real one. */
struct faulty {
	struct reprise_log log;
	struct reprise_log *real;
	int until_fault; /* calls; 0: none comes */
	bool has_failed;
	int begun; /* transactions of either sort that are not ended */
};

static struct faulty *
faulty_of(struct reprise_log *log)
{
	return (struct faulty *)log;
}

static bool
fails(struct reprise_log *log)
{
	struct faulty *const faulty = faulty_of(log);

	if (faulty->until_fault == 0 || --faulty->until_fault != 0)
		return false;
	faulty->has_failed = true;
	return true;
}

/* The real one's answer, or the fault. */
#define FORWARD(log, call, ...)    \
	(fails(log) ? REPRISE_E_IO \
		    : faulty_of(log)->real->adapter->call(faulty_of(log)->real, __VA_ARGS__))

static reprise_status
begin(struct reprise_log *log, enum log_level level, const char *tenant, const char *const *threads,
      size_t threads_count, uint64_t patience_ns, struct log_head *ret_heads,
      struct reprise_error *error)
{
	const reprise_status status = FORWARD(log, begin, level, tenant, threads, threads_count,
					      patience_ns, ret_heads, error);

	faulty_of(log)->begun += status == REPRISE_OK;
	return status;
}

static reprise_status
commit(struct reprise_log *log, struct reprise_error *error)
{
	struct reprise_log *const real = faulty_of(log)->real;

	faulty_of(log)->begun--;
	if (!fails(log))
		return real->adapter->commit(real, error);
	real->adapter->rollback(real);
	return REPRISE_E_IO;
}

static void
rollback(struct reprise_log *log)
{
	struct reprise_log *const real = faulty_of(log)->real;

	faulty_of(log)->begun--;
	real->adapter->rollback(real);
}

static reprise_status
look(struct reprise_log *log, const char *tenant, const char *thread, struct log_head *ret_head,
     struct reprise_error *error)
{
	faulty_of(log)->begun++;
	return FORWARD(log, look, tenant, thread, ret_head, error);
}

static void
leave(struct reprise_log *log)
{
	struct reprise_log *const real = faulty_of(log)->real;

	faulty_of(log)->begun--;
	real->adapter->leave(real);
}

static reprise_status
put_row(struct reprise_log *log, int64_t id, const struct log_row *row, struct reprise_error *error)
{
	return FORWARD(log, put_row, id, row, error);
}

static reprise_status
put_rise(struct reprise_log *log, int64_t id, const struct log_mark *rise,
	 struct reprise_error *error)
{
	return FORWARD(log, put_rise, id, rise, error);
}

static reprise_status
put_commit(struct reprise_log *log, int64_t id, const struct log_mark *mark,
	   struct reprise_error *error)
{
	return FORWARD(log, put_commit, id, mark, error);
}

static reprise_status
put_life(struct reprise_log *log, int64_t id, const struct log_life *life,
	 struct reprise_error *error)
{
	return FORWARD(log, put_life, id, life, error);
}

static reprise_status
put_head(struct reprise_log *log, const struct log_head *head, struct reprise_error *error)
{
	return FORWARD(log, put_head, head, error);
}

static reprise_status
move_rows(struct reprise_log *log, int64_t id, uint64_t watermark, uint64_t max,
	  struct log_moved *ret_moved, struct reprise_error *error)
{
	return FORWARD(log, move_rows, id, watermark, max, ret_moved, error);
}

static reprise_status
remove_rows(struct reprise_log *log, int64_t id, uint64_t watermark, uint64_t max,
	    struct log_moved *ret_removed, struct reprise_error *error)
{
	return FORWARD(log, remove_rows, id, watermark, max, ret_removed, error);
}

static reprise_status
drop_lives(struct reprise_log *log, int64_t id, struct reprise_error *error)
{
	return FORWARD(log, drop_lives, id, error);
}

static reprise_status
drop_blobs(struct reprise_log *log, int64_t id, struct reprise_error *error)
{
	return FORWARD(log, drop_blobs, id, error);
}

static reprise_status
forget(struct reprise_log *log, int64_t id, struct reprise_error *error)
{
	return FORWARD(log, forget, id, error);
}

static reprise_status
drop_rises(struct reprise_log *log, int64_t id, uint64_t revision, struct reprise_error *error)
{
	return FORWARD(log, drop_rises, id, revision, error);
}

static reprise_status
drop_commits(struct reprise_log *log, int64_t id, uint64_t ordinal, uint64_t max,
	     uint64_t *ret_count, struct reprise_error *error)
{
	return FORWARD(log, drop_commits, id, ordinal, max, ret_count, error);
}

static reprise_status
rows_after(struct reprise_log *log, int64_t id, uint64_t after, uint64_t limit, log_row_visit visit,
	   void *context, struct reprise_error *error)
{
	return FORWARD(log, rows_after, id, after, limit, visit, context, error);
}

static reprise_status
weigh(struct reprise_log *log, int64_t id, uint64_t after, uint64_t *ret_bytes,
      struct reprise_error *error)
{
	return FORWARD(log, weigh, id, after, ret_bytes, error);
}

static reprise_status
life_at(struct reprise_log *log, int64_t id, uint64_t ordinal, struct log_life *ret_life,
	struct reprise_error *error)
{
	return FORWARD(log, life_at, id, ordinal, ret_life, error);
}

static reprise_status
life_of(struct reprise_log *log, int64_t id, const struct reprise_incarnation *incarnation,
	struct log_life *ret_life, struct reprise_error *error)
{
	return FORWARD(log, life_of, id, incarnation, ret_life, error);
}

static reprise_status
lives_after(struct reprise_log *log, int64_t id, uint64_t number, struct log_life *ret_lives,
	    size_t lives_max, size_t *ret_count, struct reprise_error *error)
{
	return FORWARD(log, lives_after, id, number, ret_lives, lives_max, ret_count, error);
}

static reprise_status
rises_above(struct reprise_log *log, int64_t id, uint64_t revision, struct log_mark *ret_rises,
	    size_t rises_max, size_t *ret_count, struct reprise_error *error)
{
	return FORWARD(log, rises_above, id, revision, ret_rises, rises_max, ret_count, error);
}

static reprise_status
commits_from(struct reprise_log *log, int64_t id, uint64_t revision, struct log_mark *ret_commits,
	     size_t commits_max, size_t *ret_count, struct reprise_error *error)
{
	return FORWARD(log, commits_from, id, revision, ret_commits, commits_max, ret_count, error);
}

static reprise_status
put_blob(struct reprise_log *log, int64_t id, const struct log_blob *blob,
	 struct reprise_error *error)
{
	return FORWARD(log, put_blob, id, blob, error);
}

static reprise_status
drop_blob(struct reprise_log *log, int64_t id, const char *name, uint64_t *ret_count,
	  struct reprise_error *error)
{
	return FORWARD(log, drop_blob, id, name, ret_count, error);
}

static reprise_status
blob_of(struct reprise_log *log, int64_t id, const char *name, log_blob_visit visit, void *context,
	struct reprise_error *error)
{
	return FORWARD(log, blob_of, id, name, visit, context, error);
}

static reprise_status
blob_names_after(struct reprise_log *log, int64_t id, const char *after,
		 struct log_blob_name *ret_names, size_t *ret_count, struct reprise_error *error)
{
	return FORWARD(log, blob_names_after, id, after, ret_names, ret_count, error);
}

static reprise_status
threads_after(struct reprise_log *log, const char *tenant, const char *after,
	      struct log_thread *ret_threads, size_t *ret_count, struct reprise_error *error)
{
	return FORWARD(log, threads_after, tenant, after, ret_threads, ret_count, error);
}

static reprise_status
tenant_after(struct reprise_log *log, const char *after, char ret_tenant[LOG_NAME_BYTES],
	     bool *ret_is_there, struct reprise_error *error)
{
	return FORWARD(log, tenant_after, after, ret_tenant, ret_is_there, error);
}

static const struct log_adapter adapter = {
	.tenant_after = tenant_after,
	.begin = begin,
	.put_row = put_row,
	.put_rise = put_rise,
	.put_commit = put_commit,
	.put_life = put_life,
	.put_head = put_head,
	.move_rows = move_rows,
	.remove_rows = remove_rows,
	.drop_lives = drop_lives,
	.drop_blobs = drop_blobs,
	.forget = forget,
	.drop_rises = drop_rises,
	.drop_commits = drop_commits,
	.put_blob = put_blob,
	.drop_blob = drop_blob,
	.commit = commit,
	.rollback = rollback,
	.look = look,
	.leave = leave,
	.rows_after = rows_after,
	.weigh = weigh,
	.life_at = life_at,
	.life_of = life_of,
	.lives_after = lives_after,
	.rises_above = rises_above,
	.commits_from = commits_from,
	.blob_of = blob_of,
	.blob_names_after = blob_names_after,
	.threads_after = threads_after,
};

/* The requests to the log, each of one call or more, with a key of its own. */

static struct reprise_log_key key;

static reprise_status
write_lives(struct reprise_log *log)
{
	struct reprise_log_new_entry entries[2] = { event_of(3, REPRISE_EVENT_COMMIT),
						    event_of(4, 0) };
	struct log_write writes[] = {
		{ .type = LOG_LIFE, .incarnation = life_name(1) },
		{ .type = LOG_RECORD,
		  .incarnation = life_name(1),
		  .first = 1,
		  .entries = entries,
		  .entries_count = 2 },
		{ .type = LOG_GAP,
		  .incarnation = life_name(1),
		  .first = 3,
		  .last = 4,
		  .reason = REPRISE_LOG_GAP_OVERRUN },
		{ .type = LOG_CLOSE, .incarnation = life_name(1) },
		{ .type = LOG_REOPEN, .incarnation = life_name(1) },
	};

	entries[0].time_ns = entries[1].time_ns = 1;
	for (size_t i = 0; i < 5; i++)
		writes[i].thread = key.thread;
	const reprise_status status = log_write(log, LOG_SYNCED, LOG_PATIENT, "t", writes, 5, NULL);

	for (size_t i = 0; i < 5; i++)
		cr_assert(eq(int, writes[i].status, status), "write %zu", i);
	return status;
}

static reprise_status
write_next_life(struct reprise_log *log)
{
	struct log_write writes[] = {
		{ .type = LOG_LIFE, .thread = key.thread, .incarnation = life_name(2) },
		{ .type = LOG_VOID, .thread = key.thread, .incarnation = life_name(1) },
		{ .type = LOG_END, .thread = key.thread, .incarnation = life_name(2), .last = 4 },
	};

	return log_write(log, LOG_SYNCED, LOG_PATIENT, "t", writes, 3, NULL);
}

static reprise_status
load_page(struct reprise_log *log)
{
	return load_status(log, &key, 0);
}

static reprise_status
ask_stats(struct reprise_log *log)
{
	struct reprise_log_stats stats = { .size = sizeof(stats) };

	return reprise_log_stats(log, &key, &stats, NULL);
}

static reprise_status
ask_lives(struct reprise_log *log)
{
	struct reprise_life lives[4];
	size_t count = 0;

	return reprise_log_lives(log, &key, 0, lives, 4, &count, NULL);
}

static reprise_status
find_life(struct reprise_log *log)
{
	const struct reprise_incarnation name = life_name(1);
	struct reprise_log_stats stats;
	struct reprise_life life;

	return log_find_life(log, &key, &name, &life, &stats, NULL);
}

static reprise_status
ask_commit(struct reprise_log *log)
{
	bool has = false;

	return reprise_log_has_commit(log, &key, 0, 1, &has, NULL);
}

static reprise_status
ask_position(struct reprise_log *log)
{
	reprise_ordinal position = 0;

	return reprise_log_position_for_revision(log, &key, 9, &position, NULL);
}

static reprise_status
ask_cursor(struct reprise_log *log)
{
	struct reprise_cursor cursor;

	return reprise_log_current_cursor(log, &key, 3, &cursor, NULL);
}

static reprise_status
verify(struct reprise_log *log)
{
	struct reprise_log_report report = { .size = sizeof(report) };
	const reprise_status status = reprise_log_verify(log, &key, &report, NULL);

	if (status == REPRISE_OK)
		cr_assert(eq(u64, report.faults, 0));
	return status;
}

static reprise_status
tell_head(struct reprise_log *log)
{
	const struct reprise_log_key other = key_of("t", "none");

	return reprise_log_append(log, &other, NULL, NULL, 0, NULL, NULL);
}

static reprise_status
archive(struct reprise_log *log)
{
	return reprise_log_archive_before(log, &key, 2, NULL, NULL);
}

static reprise_status
move(struct reprise_log *log)
{
	return reprise_log_move_archived(log, &key, NULL, NULL);
}

/* A key beside the session's, for blobs. */
static struct reprise_log_key
key_with_blobs(void)
{
	static char thread[32];

	snprintf(thread, sizeof(thread), "%s blobs", key.thread);
	return key_of("t", thread);
}

static reprise_status
put_a_blob(struct reprise_log *log)
{
	const struct reprise_log_key beside = key_with_blobs();
	const struct reprise_log_new_entry entry = event_of(1, 0);
	const reprise_ordinal expected = 0;
	const reprise_status status =
		reprise_log_append(log, &beside, &expected, &entry, 1, NULL, NULL);

	if (status != REPRISE_OK && status != REPRISE_E_CONFLICT)
		return status;
	return reprise_log_blob_put(log, &beside, NULL, "b", (struct reprise_bytes){ "bytes", 5 },
				    NULL);
}

/* A blob that is there, and a blob that is not. */
static reprise_status
get_blobs(struct reprise_log *log)
{
	const struct reprise_log_key beside = key_with_blobs();
	struct reprise_log_page *page = NULL;
	struct reprise_bytes bytes;

	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	reprise_status status = reprise_log_blob_get(log, &beside, "b", page, &bytes, NULL);

	if (status == REPRISE_OK)
		status = reprise_log_blob_get(log, &beside, "c", page, &bytes, NULL);
	reprise_log_page_close(page);
	return status == REPRISE_E_NOT_FOUND ? REPRISE_OK : status;
}

static reprise_status
verify_blobs(struct reprise_log *log)
{
	const struct reprise_log_key beside = key_with_blobs();
	struct reprise_log_report report = { .size = sizeof(report) };
	const reprise_status status = reprise_log_verify(log, &beside, &report, NULL);

	if (status == REPRISE_OK)
		cr_assert(eq(u64, report.faults, 0));
	return status;
}

static bool
go_on(const struct reprise_log_key *thread, void *context)
{
	(void)thread;
	(void)context;
	return true;
}

static reprise_status
visit_each(struct reprise_log *log)
{
	return reprise_log_each(log, "t", go_on, NULL, NULL);
}

static struct reprise_log_key
key_of_copy(void)
{
	static char thread[32];

	snprintf(thread, sizeof(thread), "%s copy", key.thread);
	return key_of("t", thread);
}

static reprise_status
verify_key(struct reprise_log *log, const struct reprise_log_key *which)
{
	struct reprise_log_report report = { .size = sizeof(report) };
	const reprise_status status = reprise_log_verify(log, which, &report, NULL);

	if (status == REPRISE_OK)
		cr_assert(eq(u64, report.faults, 0), "%s", report.what);
	return status;
}

/* A copy that failed is not there: else the second one would be refused. */
static reprise_status
fork_key(struct reprise_log *log)
{
	const struct reprise_log_key copy = key_of_copy();

	return reprise_log_fork(log, &key, &copy, 4, NULL);
}

static reprise_status
verify_copy(struct reprise_log *log)
{
	const struct reprise_log_key copy = key_of_copy();

	return verify_key(log, &copy);
}

/* A tenant of its own: with others, the calls would be more each time. */
static reprise_status
fill_tenant(struct reprise_log *log)
{
	const struct reprise_log_key own = { key.thread, "p" };
	const struct reprise_log_new_entry entries[5] = { event_of(1, REPRISE_EVENT_COMMIT),
							  event_of(2, 0) };
	const reprise_ordinal expected = 0;

	return reprise_log_append(log, &own, &expected, entries, 5, NULL, NULL);
}

static reprise_status
prune_tenant(struct reprise_log *log)
{
	const struct reprise_log_retention retention = {
		.size = sizeof(retention),
		.entries_max = 3,
		.bytes_max = 1000,
		.includes_direct = 1,
		.tenant_entries_max = 2,
		.tenant_bytes_max = 999,
	};

	return reprise_log_prune(log, key.thread, &retention, NULL, NULL);
}

static reprise_status
verify_tenant(struct reprise_log *log)
{
	const struct reprise_log_key own = { key.thread, "p" };

	return verify_key(log, &own);
}

/* The session's key, with lives, and the one with blobs. */
static reprise_status
drop_keys(struct reprise_log *log)
{
	const struct reprise_log_key beside = key_with_blobs();
	const reprise_status status = reprise_log_drop(log, &key, true, NULL, NULL);

	return status != REPRISE_OK ? status : reprise_log_drop(log, &beside, false, NULL, NULL);
}

static reprise_status
verify_dropped(struct reprise_log *log)
{
	const struct reprise_log_key beside = key_with_blobs();
	const reprise_status status = verify_key(log, &key);

	return status != REPRISE_OK ? status : verify_key(log, &beside);
}

static reprise_status
erase_tenant(struct reprise_log *log)
{
	const struct reprise_log_key all = { key.thread, NULL };

	return reprise_log_erase(log, &all, 0, NULL, NULL);
}

static bool
go_on_with_tenant(const char *tenant, void *context)
{
	(void)tenant;
	(void)context;
	return true;
}

static reprise_status
visit_tenants(struct reprise_log *log)
{
	return reprise_log_tenants(log, go_on_with_tenant, NULL, NULL);
}

/* write_lives twice: rows that are there already are compared. */
static reprise_status (*const steps[])(struct reprise_log *) = {
	write_lives,  write_lives,   write_next_life, load_page,     ask_stats,      ask_lives,
	find_life,    ask_commit,    ask_position,    ask_cursor,    verify,         tell_head,
	archive,      move,          put_a_blob,      put_a_blob,    get_blobs,      verify_blobs,
	visit_each,   fork_key,      verify_copy,     drop_keys,     verify_dropped, fill_tenant,
	prune_tenant, verify_tenant, erase_tenant,    visit_tenants,
};

static void
take_step(struct faulty *faulty, size_t step)
{
	const bool had_failed = faulty->has_failed;
	reprise_status status = steps[step](&faulty->log);

	cr_assert(eq(int, faulty->begun, 0), "step %zu", step);
	cr_assert(eq(int, pthread_mutex_trylock(&faulty->log.lock), 0), "step %zu", step);
	pthread_mutex_unlock(&faulty->log.lock);
	if (faulty->has_failed != had_failed) {
		cr_assert(eq(int, status, REPRISE_E_IO), "step %zu", step);
		status = steps[step](&faulty->log);
	}
	cr_assert(eq(int, status, REPRISE_OK), "step %zu: %s", step, reprise_status_name(status));
}

Test(contract, a_call_that_fails_leaves_nothing_begun_and_may_be_made_again)
{
	struct faulty faulty = { .real = contract_open() };
	char thread[16];
	int faults = 0;

	log_init(&faulty.log, &adapter, LOG_SYNCED);
	do {
		snprintf(thread, sizeof(thread), "k%d", faults);
		key = key_of("t", thread);
		faulty.until_fault = ++faults;
		faulty.has_failed = false;
		for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
			take_step(&faulty, i);
	} while (faulty.has_failed);
	cr_assert(gt(int, faults, 50));
	log_done(&faulty.log);
	close_log(faulty.real);
}
