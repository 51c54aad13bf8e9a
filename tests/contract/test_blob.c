/* SPDX-License-Identifier: MIT */
/* L50 blobs of a key, L51 what is damaged or missing of them, and archiving beside them. */
#include "contract.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log/archive.h"

static struct reprise_bytes
text_of(const char *text)
{
	return (struct reprise_bytes){ text, strlen(text) };
}

static void
put(struct reprise_log *log, const struct reprise_log_key *key, const char *name, const char *text)
{
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_log_blob_put(log, key, NULL, name, text_of(text), &error),
		     REPRISE_OK),
		  "%s: %s", error.what, error.detail);
}

/* The blob of that name must be @text. */
static void
expect_blob(struct reprise_log *log, const struct reprise_log_key *key, const char *name,
	    const char *text)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log_page *page = NULL;
	struct reprise_bytes bytes = { NULL, 77 };
	size_t count = 77;

	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_log_blob_get(log, key, name, page, &bytes, &error), REPRISE_OK),
		  "%s: %s", error.what, error.detail);
	cr_assert(eq(sz, bytes.size, strlen(text)));
	cr_assert(text[0] == '\0' ? bytes.data == NULL : memcmp(bytes.data, text, bytes.size) == 0);
	(void)reprise_log_page_entries(page, &count);
	cr_assert(eq(sz, count, 0));
	reprise_log_page_close(page);
}

/* Getting it must answer that, and the words in `what` and `detail`. */
static void
expect_no_blob(struct reprise_log *log, const struct reprise_log_key *key, const char *name,
	       reprise_status status, const char *what, const char *detail)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log_page *page = NULL;
	struct reprise_bytes bytes = { "as it was", 9 };

	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_log_blob_get(log, key, name, page, &bytes, &error), status));
	cr_assert(eq(str, error.what, (char *)what));
	cr_assert(eq(str, error.detail, (char *)detail));
	cr_assert(eq(sz, bytes.size, 9));
	cr_assert(eq(int, reprise_log_blob_get(log, key, name, page, &bytes, NULL), status));
	reprise_log_page_close(page);
}

static struct reprise_log *
log_with_entries(void)
{
	struct reprise_log *const log = contract_open();

	append_count(log, &k, 5);
	return log;
}

static const char *const none = "the key has no blob of that name";

Test(contract, L50_a_blob_is_what_was_put_last)
{
	struct reprise_log *const log = log_with_entries();

	expect_no_blob(log, &k, "1", REPRISE_E_NOT_FOUND, "name", none);
	put(log, &k, "1", "one");
	expect_blob(log, &k, "1", "one");
	expect_no_blob(log, &k, "2", REPRISE_E_NOT_FOUND, "name", none);
	put(log, &k, "2", "two");
	put(log, &k, "1", "one more, and longer");
	expect_blob(log, &k, "1", "one more, and longer");
	expect_blob(log, &k, "2", "two");
	put(log, &k, "1", "");
	expect_blob(log, &k, "1", "");
	put(log, &k, "1", "1");
	expect_blob(log, &k, "1", "1");
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, L50_nothing_stays_of_what_was_replaced)
{
	struct reprise_log *const log = log_with_entries();
	struct reprise_log_report report = { .size = sizeof(report) };

	for (int i = 0; i < 50; i++) {
		put(log, &k, "1", i % 2 == 0 ? "even" : "an odd one");
		put(log, &k, "2", "the same");
	}
	cr_assert(eq(u64, contract_blobs(), 2));
	cr_assert(eq(int, reprise_log_verify(log, &k, &report, NULL), REPRISE_OK));
	cr_assert(eq(u64, report.blobs, 2));
	cr_assert(eq(u64, report.faults, 0));
	close_log(log);
}

Test(contract, L50_entries_and_blobs_are_beside_each_other)
{
	struct reprise_log *const log = log_with_entries();
	const struct reprise_log_new_entry entry = entry_of("x");
	const reprise_ordinal expected = 5;

	put(log, &k, "1", "one");
	cr_assert(eq(u64, stats_of(log, &k).head, 5));
	expect_all(log, &k, 0, 1, 5);
	cr_assert(
		eq(int, reprise_log_append(log, &k, &expected, &entry, 1, NULL, NULL), REPRISE_OK));
	expect_blob(log, &k, "1", "one");
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, L50_a_page_holds_entries_or_a_blob)
{
	struct reprise_log *const log = log_with_entries();
	struct reprise_log_page *page = NULL;
	struct reprise_bytes bytes;

	put(log, &k, "1", "one");
	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	for (int i = 0; i < 3; i++) {
		size_t count = 0;

		cr_assert(eq(sz, load_own(log, &k, 0, 100, page), 5));
		cr_assert(eq(int, reprise_log_blob_get(log, &k, "1", page, &bytes, NULL),
			     REPRISE_OK));
		cr_assert(eq(int, memcmp(bytes.data, "one", 3), 0));
		(void)reprise_log_page_entries(page, &count);
		cr_assert(eq(sz, count, 0));
	}
	reprise_log_page_close(page);
	close_log(log);
}

Test(contract, L50_a_blob_may_be_as_large_as_an_entry)
{
	struct reprise_log *const log = log_with_entries();
	const size_t size = REPRISE_LOG_PAYLOAD_BYTES_MAX;
	struct reprise_log_page *page = NULL;
	char *const large = calloc(1, size + 1);
	struct reprise_bytes bytes = { large, size };

	memset(large, 'x', size);
	cr_assert(eq(int, reprise_log_blob_put(log, &k, NULL, "1", bytes, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_log_blob_get(log, &k, "1", page, &bytes, NULL), REPRISE_OK));
	cr_assert(eq(sz, bytes.size, size));
	cr_assert(eq(int, memcmp(bytes.data, large, size), 0));
	reprise_log_page_close(page);
	bytes = (struct reprise_bytes){ large, size + 1 };
	cr_assert(eq(int, reprise_log_blob_put(log, &k, NULL, "1", bytes, NULL),
		     REPRISE_E_TOO_LARGE));
	put(log, &k, "1", "small");
	expect_blob(log, &k, "1", "small");
	free(large);
	close_log(log);
}

Test(contract, L50_any_number_of_blobs_is_counted)
{
	enum {
		BLOBS = 130, /* two pages of names, and some */
	};
	struct reprise_log *const log = log_with_entries();
	struct reprise_log_report report = { .size = sizeof(report) };

	for (int i = 0; i < BLOBS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%d", i);
		put(log, &k, name, name);
	}
	expect_blob(log, &k, "129", "129");
	expect_no_blob(log, &k, "130", REPRISE_E_NOT_FOUND, "name", none);
	cr_assert(eq(int, reprise_log_verify(log, &k, &report, NULL), REPRISE_OK));
	cr_assert(eq(u64, report.blobs, BLOBS));
	cr_assert(eq(u64, report.faults, 0));
	contract_do_damage(CONTRACT_BLOB, 77);
	contract_do_damage(CONTRACT_BLOB, 129);
	contract_do_damage(CONTRACT_BLOB_GONE, 3);
	cr_assert(eq(int, reprise_log_verify(log, &k, &report, NULL), REPRISE_OK));
	cr_assert(eq(u64, report.blobs, BLOBS - 3));
	cr_assert(eq(u64, report.faults, 3));
	cr_assert(eq(str, report.what, "blobs: 130 by the head, 129 in the table"));
	close_log(log);
}

static const char longest_name[] =
	"1234567890123456789012345678901234567890123456789012345678901234";

Test(contract, L50_names_are_text_of_1_to_64_bytes)
{
	static const char *const bad[] = {
		NULL,       "",
		"a\n",      "\x7f",
		"\302\205", "\377",
		"\303",     "12345678901234567890123456789012345678901234567890123456789012345",
		"a\xc0x",
	};
	struct reprise_log *const log = log_with_entries();
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log_page *page = NULL;
	struct reprise_bytes bytes = text_of("x");

	cr_assert(eq(sz, strlen(longest_name), REPRISE_LOG_BLOB_NAME_BYTES_MAX));
	put(log, &k, longest_name, "longest");
	put(log, &k, "' ; \" \\ \303\251", "odd");
	expect_blob(log, &k, longest_name, "longest");
	expect_blob(log, &k, "' ; \" \\ \303\251", "odd");
	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert(eq(int, reprise_log_blob_put(log, &k, NULL, bad[i], bytes, &error),
			     REPRISE_E_INVALID),
			  "%zu", i);
		cr_assert(eq(str, error.what, "name"));
		cr_assert(eq(int, reprise_log_blob_get(log, &k, bad[i], page, &bytes, &error),
			     REPRISE_E_INVALID),
			  "%zu", i);
		cr_assert(eq(str, error.what, "name"));
	}
	cr_assert(eq(u64, contract_blobs(), 2));
	reprise_log_page_close(page);
	close_log(log);
}

Test(contract, L50_refuses_what_is_NULL)
{
	struct reprise_log *const log = log_with_entries();
	const struct reprise_log_key bad = key_of("", "k");
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log_page *page = NULL;
	struct reprise_bytes bytes = text_of("x");
	const struct reprise_bytes nowhere = { NULL, 1 };

	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_log_blob_put(NULL, &k, NULL, "1", bytes, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "log"));
	cr_assert(eq(int, reprise_log_blob_put(log, NULL, NULL, "1", bytes, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_log_blob_put(log, &bad, NULL, "1", bytes, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "key: tenant"));
	cr_assert(eq(int, reprise_log_blob_put(log, &k, NULL, "1", nowhere, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "bytes"));
	cr_assert(eq(int, reprise_log_blob_get(NULL, &k, "1", page, &bytes, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_log_blob_get(log, NULL, "1", page, &bytes, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_log_blob_get(log, &bad, "1", page, &bytes, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_log_blob_get(log, &k, "1", NULL, &bytes, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "page"));
	cr_assert(
		eq(int, reprise_log_blob_get(log, &k, "1", page, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "ret_bytes"));
	reprise_log_page_close(page);
	close_log(log);
}

Test(contract, L50_a_key_that_was_never_written_takes_no_blob)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_log_blob_put(log, &k, NULL, "1", text_of("x"), &error),
		     REPRISE_E_NOT_FOUND));
	cr_assert(eq(str, error.what, "key"));
	cr_assert(eq(str, error.detail, "the key has no entries"));
	expect_no_blob(log, &k, "1", REPRISE_E_NOT_FOUND, "", "");
	cr_assert(eq(int, reprise_log_stats(log, &k, &stats, NULL), REPRISE_E_NOT_FOUND));
	cr_assert(eq(u64, contract_blobs(), 0));
	close_log(log);
}

Test(contract, L50_a_blob_is_put_at_the_expected_head_alone)
{
	struct reprise_log *const log = contract_open();
	struct reprise_error error = { .size = sizeof(error) };
	reprise_ordinal expected = append_count(log, &k, 3);

	cr_assert(eq(int, reprise_log_blob_put(log, &k, &expected, "1", text_of("three"), &error),
		     REPRISE_OK));
	append_count(log, &k, 1);
	cr_assert(eq(int, reprise_log_blob_put(log, &k, &expected, "1", text_of("four"), &error),
		     REPRISE_E_CONFLICT));
	cr_assert(eq(u64, error.expected, 3));
	cr_assert(eq(u64, error.actual, 4));
	expect_blob(log, &k, "1", "three");
	close_log(log);
}

Test(contract, L50_a_RING_key_takes_no_blob)
{
	struct reprise_log *const log = contract_open();
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 3), REPRISE_OK));
	cr_assert(eq(int, reprise_log_blob_put(log, &k, NULL, "1", text_of("x"), &error),
		     REPRISE_E_CONFLICT));
	cr_assert(eq(u64, error.actual, 3));
	cr_assert(eq(str, error.detail, "the key belongs to a recorder"));
	expect_no_blob(log, &k, "1", REPRISE_E_NOT_FOUND, "name", none);
	expect_fault(log, "", 0);
	contract_do_damage(CONTRACT_BLOBS, 1);
	seal(log);
	expect_fault(log, "a RING key has a blob", 0);
	close_log(log);
}

Test(contract, L50_each_key_has_blobs_of_its_own)
{
	struct reprise_log *const log = log_with_entries();
	const struct reprise_log_key thread = key_of("t", "l"), tenant = key_of("u", "k");

	append_count(log, &thread, 1);
	append_count(log, &tenant, 1);
	put(log, &k, "1", "own");
	expect_no_blob(log, &thread, "1", REPRISE_E_NOT_FOUND, "name", none);
	expect_no_blob(log, &tenant, "1", REPRISE_E_NOT_FOUND, "name", none);
	put(log, &thread, "1", "of the other thread");
	put(log, &tenant, "1", "of the other tenant");
	expect_blob(log, &k, "1", "own");
	expect_blob(log, &thread, "1", "of the other thread");
	expect_blob(log, &tenant, "1", "of the other tenant");
	cr_assert(eq(u64, contract_blobs(), 1));
	cr_assert(eq(int, reprise_log_archive_before(log, &k, 1, NULL, NULL), REPRISE_E_INVALID));
	close_log(log);
}

Test(contract, L50_connections_see_what_others_put)
{
	struct reprise_log *const one = log_with_entries(), *two = contract_open();

	put(one, &k, "1", "one");
	expect_blob(two, &k, "1", "one");
	put(two, &k, "1", "two");
	expect_blob(one, &k, "1", "two");
	reprise_log_close(two);
	two = contract_open();
	expect_blob(two, &k, "1", "two");
	expect_fault(two, "", 0);
	reprise_log_close(two);
	close_log(one);
}

enum {
	LETTERS = 3000, /* of one blob, all alike */
};

/*
 * In a child, which must not assert: puts blobs of one letter each, and tells by a byte that it
 * has; 0: all were put.
 */
static int
put_letters(char letter, int count, int tell)
{
	struct reprise_log *const log = contract_open();
	char letters[LETTERS];
	int failures = 0;

	for (int i = 0; i < count; i++) {
		memset(letters, letter, sizeof(letters));
		failures += reprise_log_blob_put(log, &k, NULL, "1",
						 (struct reprise_bytes){ letters, sizeof(letters) },
						 NULL) != REPRISE_OK;
		failures += write(tell, &letter, 1) != 1;
	}
	reprise_log_close(log);
	return failures != 0;
}

/* The letter of which the blob is. */
static char
whole_letter(struct reprise_log *log)
{
	struct reprise_log_page *page = NULL;
	struct reprise_bytes bytes;

	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_log_blob_get(log, &k, "1", page, &bytes, NULL), REPRISE_OK));
	const char letter = *(const char *)bytes.data;

	cr_assert(eq(sz, bytes.size, LETTERS));
	for (size_t i = 0; i < bytes.size; i++)
		cr_assert(eq(chr, ((const char *)bytes.data)[i], letter));
	reprise_log_page_close(page);
	return letter;
}

Test(contract, L50_processes_that_put_one_blob_leave_it_whole)
{
	enum {
		PROCESSES = 3,
		PUTS = 30,
	};
	struct reprise_log *log = log_with_entries();
	pid_t children[PROCESSES];
	int tell[2];

	close_log(log);
	cr_assert(eq(int, pipe(tell), 0));
	for (int i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(put_letters((char)('a' + i), PUTS, tell[1]));
	}
	log = contract_open();
	for (int i = 0; i < PROCESSES * PUTS; i++) {
		char letter = '\0';

		cr_assert(eq(i64, read(tell[0], &letter, 1), 1));
		if (i % 10 == 0)
			cr_assert(ge(chr, whole_letter(log), 'a'));
	}
	for (int i = 0; i < PROCESSES; i++) {
		int status = -1;

		cr_assert(eq(int, waitpid(children[i], &status, 0), children[i]));
		cr_assert(eq(int, status, 0));
	}
	cr_assert(eq(u64, contract_blobs(), 1));
	expect_fault(log, "", 0);
	close_log(log);
}

/*
 * The log has the last blob that was told, or a later one; and the next life of the process
 * puts as before.
 */
Test(contract, L50_a_process_that_is_killed_leaves_a_blob_whole)
{
	struct reprise_log *log = log_with_entries();

	put(log, &k, "1", "the first");
	close_log(log);
	for (int i = 0; i < 8; i++) {
		const char before = (char)('a' + i), after = (char)(before + 1);
		char told = '\0';
		int tell[2], status = 0;

		cr_assert(eq(int, pipe(tell), 0));
		const pid_t child = fork();

		if (child == 0)
			_exit(put_letters(before, 1, tell[1]) + put_letters(after, 1000, tell[1]));
		cr_assert(eq(i64, read(tell[0], &told, 1), 1));
		cr_assert(eq(chr, told, before));
		usleep((useconds_t)i * 3000);
		cr_assert(eq(int, kill(child, SIGKILL), 0));
		cr_assert(eq(int, waitpid(child, &status, 0), child));
		close(tell[0]);
		close(tell[1]);
		log = contract_open();
		const char letter = whole_letter(log);

		cr_assert(letter == before || letter == after);
		expect_fault(log, "", 0);
		close_log(log);
	}
}

Test(contract, L51_a_damaged_blob_is_told_by_its_name)
{
	struct reprise_log *const log = log_with_entries();

	put(log, &k, "1", "one");
	put(log, &k, "2", "two");
	contract_do_damage(CONTRACT_BLOB, 2);
	expect_no_blob(log, &k, "2", REPRISE_E_CORRUPT, "a blob has a wrong checksum", "2");
	expect_fault(log, "a blob is damaged: 2", 0);
	/* Nothing else is. */
	expect_blob(log, &k, "1", "one");
	expect_all(log, &k, 0, 1, 5);
	append_count(log, &k, 1);
	/* It is put anew. */
	put(log, &k, "2", "two");
	expect_blob(log, &k, "2", "two");
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, L51_a_blob_of_another_name_is_damaged)
{
	struct reprise_log *const log = log_with_entries();

	put(log, &k, "1", "one");
	contract_do_damage(CONTRACT_BLOB_RENAMED, 1);
	expect_no_blob(log, &k, "1x", REPRISE_E_CORRUPT, "a blob has a wrong checksum", "1x");
	expect_fault(log, "a blob is damaged: 1x", 0);
	close_log(log);
}

Test(contract, L51_what_verify_says_of_a_long_name_is_text)
{
	struct reprise_log *const log = log_with_entries();
	char name[REPRISE_LOG_BLOB_NAME_BYTES_MAX + 1] = "";
	struct reprise_log_report report = { .size = sizeof(report) };

	for (int i = 0; i < REPRISE_LOG_BLOB_NAME_BYTES_MAX; i++)
		name[i] = "\303\251"[i % 2];
	put(log, &k, "7", "seven");
	put(log, &k, name, "long");
	contract_do_damage(CONTRACT_BLOB_LONGEST, 0);
	cr_assert(eq(int, reprise_log_verify(log, &k, &report, NULL), REPRISE_OK));
	cr_assert(eq(u64, report.faults, 1));
	cr_assert(eq(int, strncmp(report.what, "a blob is damaged: \303\251\303\251", 23), 0));
	cr_assert(eq(sz, strlen(report.what), 63));
	close_log(log);
}

Test(contract, L51_a_missing_blob_is_told_by_the_number)
{
	struct reprise_log *const log = log_with_entries();
	static const char *const counted = "blobs: 2 by the head, 1 in the table";

	put(log, &k, "1", "one");
	put(log, &k, "2", "two");
	contract_do_damage(CONTRACT_BLOB_GONE, 1);
	expect_no_blob(log, &k, "1", REPRISE_E_CORRUPT, counted, "");
	expect_fault(log, counted, 0);
	expect_blob(log, &k, "2", "two");
	append_count(log, &k, 1);
	close_log(log);
}

Test(contract, L51_a_head_that_counts_others_is_told)
{
	struct reprise_log *const log = log_with_entries();

	put(log, &k, "1", "one");
	contract_do_damage(CONTRACT_BLOBS, 0);
	expect_no_blob(log, &k, "1", REPRISE_E_CORRUPT, "a head has a wrong checksum", "");
	expect_fault(log, "a head has a wrong checksum", 0);
	cr_assert(eq(int, reprise_log_blob_put(log, &k, NULL, "1", text_of("x"), NULL),
		     REPRISE_E_CORRUPT));
	seal(log);
	expect_fault(log, "blobs: 0 by the head, 1 in the table", 0);
	close_log(log);
}

Test(contract, L51_a_key_with_blobs_is_archived_by_their_owner_alone)
{
	struct reprise_log *const log = log_with_entries();
	struct reprise_error error = { .size = sizeof(error) };
	uint64_t count = 77;

	cr_assert(eq(int, reprise_log_archive_before(log, &k, 1, &count, NULL), REPRISE_OK));
	cr_assert(eq(u64, count, 1));
	put(log, &k, "1", "one");
	for (reprise_ordinal watermark = 0; watermark < 7; watermark++) {
		cr_assert(eq(int, reprise_log_archive_before(log, &k, watermark, &count, &error),
			     REPRISE_E_INVALID));
		cr_assert(eq(str, error.what, "key"));
		cr_assert(eq(str, error.detail,
			     "the key has blobs: only the owner of the blobs can archive the key"));
	}
	cr_assert(eq(u64, count, 1));
	expect_all(log, &k, 0, 2, 5);
	cr_assert(eq(int, log_archive_covered(log, &k, 3, &count, &error), REPRISE_OK));
	cr_assert(eq(u64, count, 2));
	expect_all(log, &k, 0, 4, 5);
	cr_assert(eq(int, reprise_log_move_archived(log, &k, &count, NULL), REPRISE_OK));
	cr_assert(eq(u64, count, 3));
	expect_blob(log, &k, "1", "one");
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, L51_without_blobs_it_archives_what_anyone_may)
{
	struct reprise_log *const log = log_with_entries();
	const struct reprise_log_key unknown = key_of("t", "none");
	struct reprise_error error = { .size = sizeof(error) };
	uint64_t count = 77;

	cr_assert(eq(int, log_archive_covered(log, &k, 3, &count, NULL), REPRISE_OK));
	cr_assert(eq(u64, count, 3));
	cr_assert(eq(int, log_archive_covered(log, &unknown, 3, &count, NULL), REPRISE_OK));
	cr_assert(eq(u64, count, 0));
	cr_assert(eq(int, log_archive_covered(log, NULL, 3, &count, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "key"));
	contract_do_damage(CONTRACT_WATERMARK, 1);
	cr_assert(eq(int, log_archive_covered(log, &k, 4, &count, &error), REPRISE_E_CORRUPT));
	close_log(log);
}
