/* SPDX-License-Identifier: MIT */
/* C01 keys, C02 appending to a DIRECT key. */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>

Test(contract, C01_tenants_never_see_each_other)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_key other = key_of("u", "k");

	append_count(log, &k, 3);
	cr_assert(eq(u64, head_of(log, &other), 0));
	cr_assert(eq(u64, append_count(log, &other, 5), 5));
	cr_assert(eq(u64, head_of(log, &k), 3));
	expect_all(log, &k, 0, 1, 3);
	expect_all(log, &other, 0, 1, 5);
	close_log(log);
}

Test(contract, C01_threads_of_a_tenant_are_apart)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_key other = key_of("t", "l");

	append_count(log, &k, 3);
	append_count(log, &other, 1);
	append_count(log, &k, 2);
	expect_all(log, &k, 0, 1, 5);
	expect_all(log, &other, 0, 1, 1);
	close_log(log);
}

/*
 * That no pair of names is taken for another: neither by where one ends, nor by case, nor by form.
 */
Test(contract, C01_names_are_bytes)
{
	static const struct reprise_log_key keys[] = {
		{ "ab", "c" },  { "a", "bc" },       { "A", "bc" },        { "a", "BC" },
		{ "a", "bc " }, { "a", "b%" },       { "a", "b_" },        { "a", "b'; --" },
		{ "a", "b\\" }, { "a", "\xc3\xa9" }, { "a", "e\xcc\x81" }, { "a", "1" },
		{ "a", "01" },  { "a", "1.0" },
	};
	struct reprise_log *const log = contract_open();

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		cr_assert(eq(u64, append_count(log, &keys[i], i + 1), i + 1));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		expect_all(log, &keys[i], 0, 1, i + 1);
	close_log(log);
}

Test(contract, C01_a_name_is_1_to_128_bytes_of_text)
{
	struct reprise_log *const log = contract_open();
	struct reprise_error error = { .size = sizeof(error) };
	char longest[129] = { 0 }, longer[130] = { 0 };
	const char *const bad[] = { NULL, "", longer, "a\nb", "a\xff", "\xc3", "a\x7f" };
	reprise_ordinal head = 77;

	memset(longest, 'x', 128);
	memset(longer, 'x', 129);
	append_count(log, &(struct reprise_log_key){ longest, longest }, 2);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct reprise_log_key tenant = key_of(bad[i], "k"),
					     thread = key_of("t", bad[i]);

		cr_assert(eq(int, reprise_log_append(log, &tenant, NULL, NULL, 0, &head, &error),
			     REPRISE_E_INVALID));
		cr_assert(eq(str, error.what, "key: tenant"));
		cr_assert(eq(int, reprise_log_append(log, &thread, NULL, NULL, 0, &head, &error),
			     REPRISE_E_INVALID));
		cr_assert(eq(str, error.what, "key: thread"));
	}
	cr_assert(eq(u64, head, 77));
	close_log(log);
}

Test(contract, C02_append_answers_the_highest_ordinal)
{
	struct reprise_log *const log = contract_open();

	cr_assert(eq(u64, append_count(log, &k, 1), 1));
	cr_assert(eq(u64, append_count(log, &k, 3), 4));
	cr_assert(eq(u64, append_count(log, &k, 1), 5));
	expect_all(log, &k, 0, 1, 5);
	close_log(log);
}

Test(contract, C02_append_of_nothing_tells_the_head_and_writes_nothing)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	reprise_ordinal head = 77;

	cr_assert(eq(int, reprise_log_append(log, &k, NULL, NULL, 0, &head, NULL), REPRISE_OK));
	cr_assert(eq(u64, head, 0));
	cr_assert(eq(int, reprise_log_stats(log, &k, &stats, NULL), REPRISE_E_NOT_FOUND));
	append_count(log, &k, 2);
	cr_assert(eq(int, reprise_log_append(log, &k, NULL, NULL, 0, &head, NULL), REPRISE_OK));
	cr_assert(eq(u64, head, 2));
	cr_assert(eq(int, reprise_log_append(log, &k, NULL, NULL, 0, NULL, NULL), REPRISE_OK));
	close_log(log);
}

Test(contract, C02_append_at_another_head_is_a_conflict)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_new_entry entry = entry_of("x");
	struct reprise_error error = { .size = sizeof(error) };
	const reprise_ordinal wrong[] = { 0, 1, 3, UINT64_MAX };
	reprise_ordinal head = 77;

	append_count(log, &k, 2);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		for (size_t count = 0; count < 2; count++) {
			cr_assert(eq(int,
				     reprise_log_append(log, &k, &wrong[i], &entry, count, &head,
							&error),
				     REPRISE_E_CONFLICT));
			cr_assert(eq(u64, error.expected, wrong[i]));
			cr_assert(eq(u64, error.actual, 2));
		}
	cr_assert(eq(u64, head, 77));
	expect_all(log, &k, 0, 1, 2);
	close_log(log);
}

Test(contract, C02_a_conflict_on_a_key_that_is_not_there_leaves_none)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_new_entry entry = entry_of("x");
	const reprise_ordinal expected = 1;
	struct reprise_log_stats stats = { .size = sizeof(stats) };

	cr_assert(eq(int, reprise_log_append(log, &k, &expected, &entry, 1, NULL, NULL),
		     REPRISE_E_CONFLICT));
	cr_assert(eq(int, reprise_log_stats(log, &k, &stats, NULL), REPRISE_E_NOT_FOUND));
	cr_assert(eq(u64, append_count(log, &k, 1), 1));
	close_log(log);
}

Test(contract, C02_too_large_changes_nothing)
{
	struct reprise_log *const log = contract_open();
	const size_t bytes = REPRISE_LOG_PAYLOAD_BYTES_MAX;
	char *const payload = calloc(1, bytes + 1);
	struct reprise_log_new_entry entries[3] = { 0 };
	reprise_ordinal head = 77;

	entries[0] = entry_of("small");
	entries[1].payload = (struct reprise_bytes){ payload, bytes + 1 };
	cr_assert(eq(int, reprise_log_append(log, &k, NULL, entries, 2, &head, NULL),
		     REPRISE_E_TOO_LARGE));
	for (size_t i = 0; i < 3; i++)
		entries[i].payload = (struct reprise_bytes){ payload, bytes };
	cr_assert(eq(int, reprise_log_append(log, &k, NULL, entries, 3, &head, NULL),
		     REPRISE_E_TOO_LARGE));
	cr_assert(eq(u64, head, 77));
	cr_assert(eq(u64, head_of(log, &k), 0));
	cr_assert(eq(int, reprise_log_append(log, &k, NULL, entries, 1, &head, NULL), REPRISE_OK));
	cr_assert(eq(u64, head, 1));
	free(payload);
	close_log(log);
}

Test(contract, C02_refuses_what_is_NULL_or_out_of_range)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_new_entry entry = entry_of("x");
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_log_append(NULL, &k, NULL, &entry, 1, NULL, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "log"));
	cr_assert(eq(int, reprise_log_append(log, NULL, NULL, &entry, 1, NULL, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "key"));
	cr_assert(eq(int, reprise_log_append(log, &k, NULL, NULL, 1, NULL, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "entries"));
	for (unsigned int bit = 1; bit < 8; bit++) {
		entry.flags = (uint16_t)(1u << bit);
		cr_assert(eq(int, reprise_log_append(log, &k, NULL, &entry, 1, NULL, &error),
			     REPRISE_E_INVALID));
		cr_assert(eq(str, error.what, "entries: flags"));
	}
	entry.flags = 0;
	entry.revision = REPRISE_REVISION_UNKNOWN;
	cr_assert(eq(int, reprise_log_append(log, &k, NULL, &entry, 1, NULL, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "entries: revision"));
	entry.revision = REPRISE_REVISION_UNKNOWN - 1;
	entry.time_ns = (uint64_t)INT64_MAX + 1;
	cr_assert(eq(int, reprise_log_append(log, &k, NULL, &entry, 1, NULL, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "entries: time_ns"));
	entry.time_ns = 0;
	entry.payload.data = NULL;
	cr_assert(eq(int, reprise_log_append(log, &k, NULL, &entry, 1, NULL, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "entries: payload"));
	cr_assert(eq(u64, head_of(log, &k), 0));
	close_log(log);
}

Test(contract, C01_a_RING_key_takes_no_appends_and_the_reverse)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_key direct = key_of("t", "direct");
	const struct reprise_log_new_entry entry = entry_of("x");
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 3), REPRISE_OK));
	for (size_t count = 0; count < 2; count++) {
		cr_assert(eq(int, reprise_log_append(log, &k, NULL, &entry, count, NULL, &error),
			     REPRISE_E_CONFLICT));
		cr_assert(eq(u64, error.actual, 3));
	}
	append_count(log, &direct, 2);
	for (int type = LOG_RECORD; type <= LOG_END; type++) {
		struct log_write write = { .type = (enum log_write_type)type,
					   .thread = "direct",
					   .incarnation = life_name(1),
					   .first = 3,
					   .last = 3,
					   .entries = &entry,
					   .entries_count = 1,
					   .reason = REPRISE_LOG_GAP_OVERRUN };

		cr_assert(eq(int, write_one(log, &write), REPRISE_E_CONFLICT), "type %d", type);
		cr_assert(eq(u64, write.actual, 2));
	}
	cr_assert(eq(int, stats_of(log, &k).kind, REPRISE_LOG_RING));
	cr_assert(eq(int, stats_of(log, &direct).kind, REPRISE_LOG_DIRECT));
	cr_assert(eq(u64, head_of(log, &k), 3));
	cr_assert(eq(u64, head_of(log, &direct), 2));
	close_log(log);
}

enum {
	NAMES_BYTES = 256,
};

static bool
note_name(const struct reprise_log_key *key, void *context)
{
	char *const names = context;
	const size_t bytes = strlen(names);

	snprintf(names + bytes, NAMES_BYTES - bytes, "%s ", key->thread);
	return strcmp(key->thread, "stop") != 0;
}

Test(contract, C01_each_names_the_threads_of_one_tenant_in_the_order_of_their_bytes)
{
	static const char *const threads[] = {
		"b", "a", "ab", "B", "\xc3\xa9", "z", "stop", "tail"
	};
	struct reprise_log *const log = contract_open();
	const struct reprise_log_key other = key_of("u", "other");
	char names[NAMES_BYTES] = "";

	for (size_t i = 0; i < sizeof(threads) / sizeof(threads[0]); i++)
		append_count(log, &(struct reprise_log_key){ "t", threads[i] }, 1);
	append_count(log, &other, 1);
	cr_assert(eq(int, reprise_log_each(log, "t", note_name, names, NULL), REPRISE_OK));
	cr_assert(eq(str, names, "B a ab b stop "));
	names[0] = '\0';
	cr_assert(eq(int, reprise_log_each(log, "u", note_name, names, NULL), REPRISE_OK));
	cr_assert(eq(str, names, "other "));
	names[0] = '\0';
	cr_assert(eq(int, reprise_log_each(log, "nobody", note_name, names, NULL), REPRISE_OK));
	cr_assert(eq(str, names, ""));
	close_log(log);
}

struct count_of_names {
	struct reprise_log *log;
	size_t count;
	char last[8];
};

static bool
count_name(const struct reprise_log_key *key, void *context)
{
	struct count_of_names *const names = context;

	cr_assert(lt(int, strcmp(names->last, key->thread), 0));
	snprintf(names->last, sizeof(names->last), "%s", key->thread);
	/* The visitor may call the log. */
	cr_assert(eq(u64, head_of(names->log, key), 1));
	names->count++;
	return true;
}

Test(contract, C01_each_pages_through_any_number_of_threads)
{
	static struct log_write writes[2 * LOG_THREADS_MAX + 1];
	static char names[2 * LOG_THREADS_MAX + 1][8];
	const struct reprise_log_new_entry entry = entry_of("x");
	struct reprise_log *const log = contract_open();
	struct count_of_names found = { .log = log };
	const size_t count = sizeof(writes) / sizeof(writes[0]);

	for (size_t i = 0; i < count; i++) {
		snprintf(names[i], sizeof(names[i]), "%04zu", count - i);
		writes[i] = (struct log_write){ .type = LOG_APPEND,
						.thread = names[i],
						.entries = &entry,
						.entries_count = 1 };
	}
	cr_assert(eq(int, log_write(log, LOG_WRITTEN, LOG_PATIENT, "t", writes, count, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_log_each(log, "t", count_name, &found, NULL), REPRISE_OK));
	cr_assert(eq(sz, found.count, count));
	close_log(log);
}

Test(contract, C01_each_refuses_what_is_NULL)
{
	struct reprise_log *const log = contract_open();
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_log_each(NULL, "t", note_name, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "log"));
	cr_assert(eq(int, reprise_log_each(log, "", note_name, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "tenant"));
	cr_assert(eq(int, reprise_log_each(log, "t", NULL, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "visit"));
	reprise_log_close(NULL);
	close_log(log);
}
