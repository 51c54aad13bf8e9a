/* SPDX-License-Identifier: MIT */
#include "contract.h"

#include <stdlib.h>

enum {
	COUNT_MAX = 4096, /* that one call appends */
	TIME_NS = 1000000,
};

TestSuite(contract, .timeout = 120, .init = contract_set_up, .fini = contract_tear_down);

const struct reprise_log_key k = { "t", "k" };

struct reprise_log_key
key_of(const char *tenant, const char *thread)
{
	return (struct reprise_log_key){ tenant, thread };
}

void
close_log(struct reprise_log *log)
{
	reprise_log_close(log);
	expect_no_leaks();
}

struct reprise_log_new_entry
entry_of(const char *text)
{
	return (struct reprise_log_new_entry){ .payload = { text, strlen(text) } };
}

struct reprise_log_new_entry
event_of(uint64_t revision, uint16_t flags)
{
	return (struct reprise_log_new_entry){ .revision = revision, .flags = flags };
}

reprise_ordinal
append_count(struct reprise_log *log, const struct reprise_log_key *key, size_t count)
{
	static uint64_t numbers[COUNT_MAX];
	static struct reprise_log_new_entry entries[COUNT_MAX];
	reprise_ordinal head = head_of(log, key), ret_head = 0;

	cr_assert(le(sz, count, COUNT_MAX));
	for (size_t i = 0; i < count; i++) {
		numbers[i] = head + i + 1;
		entries[i] = (struct reprise_log_new_entry){
			.payload = { &numbers[i], sizeof(numbers[i]) },
		};
	}
	cr_assert(eq(int, reprise_log_append(log, key, &head, entries, count, &ret_head, NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, ret_head, head + count));
	return ret_head;
}

void
append_until_head(struct reprise_log *log, reprise_ordinal head)
{
	cr_assert(eq(u64, append_count(log, &k, head - head_of(log, &k)), head));
}

reprise_ordinal
head_of(struct reprise_log *log, const struct reprise_log_key *key)
{
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	const reprise_status status = reprise_log_stats(log, key, &stats, NULL);

	if (status == REPRISE_E_NOT_FOUND)
		return 0;
	cr_assert(eq(int, status, REPRISE_OK));
	return stats.head;
}

struct reprise_log_stats
stats_of(struct reprise_log *log, const struct reprise_log_key *key)
{
	struct reprise_log_stats stats = { .size = sizeof(stats) };

	cr_assert(eq(int, reprise_log_stats(log, key, &stats, NULL), REPRISE_OK));
	return stats;
}

size_t
load_own(struct reprise_log *log, const struct reprise_log_key *key, reprise_ordinal after,
	 uint64_t limit, struct reprise_log_page *page)
{
	struct reprise_error error = { .size = sizeof(error) };
	size_t count = 0;

	cr_assert(eq(int, reprise_log_load_after(log, key, after, limit, 0, page, &error),
		     REPRISE_OK),
		  "%s: %s", error.what, error.detail);
	const struct reprise_log_entry *const entries = reprise_log_page_entries(page, &count);

	for (size_t i = 0; i < count; i++) {
		uint64_t own = 0;

		cr_assert(eq(int, entries[i].type, REPRISE_LOG_EVENT));
		cr_assert(eq(sz, entries[i].payload.size, sizeof(own)));
		memcpy(&own, entries[i].payload.data, sizeof(own));
		cr_assert(eq(u64, entries[i].first, own));
		cr_assert(eq(u64, entries[i].last, own));
	}
	return count;
}

void
expect_all(struct reprise_log *log, const struct reprise_log_key *key, reprise_ordinal after,
	   reprise_ordinal first, reprise_ordinal head)
{
	struct reprise_log_page *page = NULL;
	reprise_ordinal next = first;
	size_t count = 100;

	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	while (count == 100) {
		count = load_own(log, key, after, 100, page);
		const struct reprise_log_entry *const entries =
			reprise_log_page_entries(page, &count);

		for (size_t i = 0; i < count; i++)
			cr_assert(eq(u64, entries[i].last, next++));
		after = next - 1;
	}
	cr_assert(eq(u64, next, head + 1));
	reprise_log_page_close(page);
}

reprise_status
load_status(struct reprise_log *log, const struct reprise_log_key *key, reprise_ordinal after)
{
	struct reprise_log_page *page = NULL;
	size_t count = 77;

	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	const reprise_status status = reprise_log_load_after(log, key, after, 100, 0, page, NULL);

	(void)reprise_log_page_entries(page, &count);
	if (status != REPRISE_OK)
		cr_assert(eq(sz, count, 0), "a page that failed is empty");
	reprise_log_page_close(page);
	return status;
}

struct reprise_incarnation
life_name(unsigned char number)
{
	struct reprise_incarnation name = { { 0 } };

	memset(name.bytes, number, sizeof(name.bytes));
	return name;
}

reprise_status
write_one(struct reprise_log *log, struct log_write *write)
{
	struct reprise_error error = { .size = sizeof(error) };

	if (write->thread == NULL)
		write->thread = "k";
	cr_assert(
		eq(int, log_write(log, LOG_SYNCED, LOG_PATIENT, "t", write, 1, &error), REPRISE_OK),
		"%s: %s", error.what, error.detail);
	return write->status;
}

static reprise_status
write_of_life(struct reprise_log *log, enum log_write_type type, unsigned char incarnation)
{
	return write_one(
		log, &(struct log_write){ .type = type, .incarnation = life_name(incarnation) });
}

reprise_status
open_life(struct reprise_log *log, unsigned char incarnation)
{
	return write_of_life(log, LOG_LIFE, incarnation);
}

reprise_status
close_life(struct reprise_log *log, unsigned char incarnation)
{
	return write_of_life(log, LOG_CLOSE, incarnation);
}

reprise_status
reopen_life(struct reprise_log *log, unsigned char incarnation)
{
	return write_of_life(log, LOG_REOPEN, incarnation);
}

reprise_status
void_life(struct reprise_log *log, unsigned char incarnation)
{
	return write_of_life(log, LOG_VOID, incarnation);
}

reprise_status
end_session(struct reprise_log *log, unsigned char incarnation, reprise_ordinal last,
	    int32_t status)
{
	return write_one(log, &(struct log_write){ .type = LOG_END,
						   .incarnation = life_name(incarnation),
						   .last = last,
						   .end_status = status });
}

reprise_status
record(struct reprise_log *log, unsigned char incarnation, reprise_ordinal first,
       reprise_ordinal last)
{
	static uint64_t numbers[COUNT_MAX];
	static struct reprise_log_new_entry entries[COUNT_MAX];

	for (reprise_ordinal at = first; at <= last; at++) {
		numbers[at - first] = at;
		entries[at - first] = (struct reprise_log_new_entry){
			.time_ns = TIME_NS + at,
			.payload = { &numbers[at - first], sizeof(numbers[0]) },
		};
	}
	return write_one(log, &(struct log_write){ .type = LOG_RECORD,
						   .incarnation = life_name(incarnation),
						   .first = first,
						   .entries = entries,
						   .entries_count = last - first + 1 });
}

reprise_status
record_gap(struct reprise_log *log, unsigned char incarnation, reprise_ordinal first,
	   reprise_ordinal last)
{
	return write_one(log, &(struct log_write){ .type = LOG_GAP,
						   .incarnation = life_name(incarnation),
						   .first = first,
						   .last = last,
						   .reason = REPRISE_LOG_GAP_OVERRUN });
}

static void
seal_lives(struct reprise_log *log, int64_t id, uint32_t key)
{
	struct log_life lives[16];
	size_t count = 0;

	cr_assert(eq(int, log->adapter->lives_after(log, id, 0, lives, 16, &count, NULL), 0));
	for (size_t i = 0; i < count; i++) {
		lives[i].checksum = log_life_checksum(key, &lives[i].life);
		cr_assert(eq(int, log->adapter->put_life(log, id, &lives[i], NULL), 0));
	}
}

static void
seal_marks(struct reprise_log *log, int64_t id, uint32_t key)
{
	struct log_mark marks[64];
	size_t count = 0;

	cr_assert(eq(int, log->adapter->rises_above(log, id, 0, marks, 64, &count, NULL), 0));
	cr_assert(eq(int, log->adapter->drop_rises(log, id, UINT64_MAX, NULL), 0));
	for (size_t i = 0; i < count; i++) {
		marks[i].checksum = log_mark_checksum(key, LOG_MARK_RISE, &marks[i]);
		cr_assert(eq(int, log->adapter->put_rise(log, id, &marks[i], NULL), 0));
	}
	cr_assert(eq(int, log->adapter->commits_from(log, id, 0, marks, 64, &count, NULL), 0));
	/* Putting one drops those of lesser revisions: the greatest first. */
	for (size_t i = count; i-- > 0;) {
		marks[i].checksum = log_mark_checksum(key, LOG_MARK_COMMIT, &marks[i]);
		cr_assert(eq(int, log->adapter->put_commit(log, id, &marks[i], NULL), 0));
	}
}

void
seal(struct reprise_log *log)
{
	const uint32_t key = log_key_checksum(k.tenant, k.thread);
	struct log_head head = { 0 };

	cr_assert(eq(int,
		     log->adapter->begin(log, LOG_WRITTEN, k.tenant, &k.thread, 1, LOG_PATIENT,
					 &head, NULL),
		     0));
	seal_lives(log, head.id, key);
	seal_marks(log, head.id, key);
	head.checksum = log_head_checksum(key, &head);
	cr_assert(eq(int, log->adapter->put_head(log, &head, NULL), 0));
	cr_assert(eq(int, log->adapter->commit(log, NULL), 0));
}

void
expect_fault(struct reprise_log *log, const char *what, reprise_ordinal at)
{
	struct reprise_log_report report = { .size = sizeof(report) };

	cr_assert(eq(int, reprise_log_verify(log, &k, &report, NULL), REPRISE_OK));
	cr_assert(eq(str, report.what, (char *)what));
	cr_assert(eq(u64, report.at, at));
	cr_assert(eq(int, report.faults != 0, what[0] != '\0'));
}

reprise_ordinal
position_for(struct reprise_log *log, uint64_t revision)
{
	reprise_ordinal position = 0;

	cr_assert(eq(int, reprise_log_position_for_revision(log, &k, revision, &position, NULL),
		     REPRISE_OK));
	return position;
}

bool
has_commit(struct reprise_log *log, reprise_ordinal after, uint64_t revision)
{
	bool has = false;

	cr_assert(
		eq(int, reprise_log_has_commit(log, &k, after, revision, &has, NULL), REPRISE_OK));
	return has;
}

struct reprise_log_pruned
prune_by(struct reprise_log *log, struct reprise_log_retention retention)
{
	struct reprise_log_pruned pruned = { .size = sizeof(pruned) };
	struct reprise_error error = { .size = sizeof(error) };

	retention.size = sizeof(retention);
	retention.includes_direct = 1;
	cr_assert(eq(int, reprise_log_prune(log, "t", &retention, &pruned, &error), REPRISE_OK),
		  "%s: %s", error.what, error.detail);
	return pruned;
}
