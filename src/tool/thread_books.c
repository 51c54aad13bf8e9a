/* SPDX-License-Identifier: MIT */
#include "tool/thread_books.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reprise/thread_load.h>

#include "tool/thread_place.h"

enum {
	DELTAS_MOST = 10000,
	DELTAS_AT_A_TIME = 500,
};

/* A delta in the store: delta @number of @run. */
struct kept {
	const struct thread_run *run;
	uint32_t number;
};

struct reading {
	struct thread_book *book;
	const struct thread_run *runs;
	size_t runs_count;
	struct kept *kept; /* in the order of the versions */
	size_t kept_count;
	struct reprise_error error;
};

/* --- deltas ---------------------------------------------------------------------------------- */

/* Finds the delta's id in the canonical text, and the run of the id. */
static struct kept
find_delta(const struct reading *reading, struct reprise_bytes json)
{
	static const char member[] = "\"delta_id\":\"";
	const char *const end = (const char *)json.data + json.size;
	const char *at = memmem(json.data, json.size, member, sizeof(member) - 1);

	if (at == NULL)
		return (struct kept){ 0 };
	at += sizeof(member) - 1;
	const char *const quote = memchr(at, '"', (size_t)(end - at));

	for (size_t i = 0; quote != NULL && i < reading->runs_count; i++) {
		const struct thread_run *const run = &reading->runs[i];
		const uint32_t number = thread_run_number(run, at, (size_t)(quote - at));

		if (number != 0 && strcmp(run->document, reading->book->document) == 0)
			return (struct kept){ run, number };
	}
	return (struct kept){ 0 };
}

static void
take_delta(struct reading *reading, const struct reprise_thread_delta *delta, uint64_t wanted)
{
	const struct kept kept = find_delta(reading, delta->json);

	reading->book->holes += delta->version != wanted;
	if (kept.run == NULL || reading->kept_count == DELTAS_MOST)
		reading->book->foreign++;
	else
		reading->kept[reading->kept_count++] = kept;
}

static reprise_status
read_deltas(struct reading *reading, struct reprise_thread_store *store,
	    struct reprise_thread_page *page)
{
	struct reprise_thread_deltas deltas = { .size = sizeof(deltas), .has_more = 1 };
	struct thread_book *const book = reading->book;
	uint64_t after = 0;

	while (deltas.has_more != 0) {
		const reprise_status status =
			reprise_thread_load_deltas(store, book->document, after, DELTAS_AT_A_TIME,
						   0, page, &deltas, &reading->error);

		if (status != REPRISE_OK)
			return status;
		for (size_t i = 0; i < deltas.deltas_count; i++)
			take_delta(reading, &deltas.deltas[i], after + i + 1);
		book->holes += deltas.has_gap != 0;
		if (deltas.deltas_count == 0)
			break;
		after = deltas.deltas[deltas.deltas_count - 1].version;
	}
	book->version = deltas.version;
	book->holes += deltas.version != after;
	return REPRISE_OK;
}

static uint32_t
count_kept(const struct reading *reading, const struct thread_run *run, uint32_t number)
{
	uint32_t count = 0;

	for (size_t i = 0; i < reading->kept_count; i++)
		count += reading->kept[i].run == run && reading->kept[i].number == number;
	return count;
}

static void
add_run(const struct reading *reading, const struct thread_run *run)
{
	struct thread_book *const book = reading->book;
	const uint32_t acknowledged = atomic_load(&run->acknowledged);

	book->deltas += run->deltas;
	book->sent += atomic_load(&run->sent);
	book->acknowledged += acknowledged;
	book->retried += atomic_load(&run->retried);
	book->refused += atomic_load(&run->refused);
	for (uint32_t number = 1; number <= run->deltas; number++) {
		const uint32_t count = count_kept(reading, run, number);

		book->applied += count > 0;
		book->twice += count > 1 ? count - 1 : 0;
		book->lost += count == 0 && number <= acknowledged;
	}
}

/* --- the direct writer ----------------------------------------------------------------------- */

static reprise_status
write_directly(struct reading *reading, struct reprise_thread_store *direct)
{
	const char *const document = reading->book->document;
	reprise_status status = reprise_thread_create(direct, document, (struct reprise_bytes){ 0 },
						      NULL, &reading->error);

	for (size_t i = 0; i < reading->kept_count && status == REPRISE_OK; i++) {
		char text[THREAD_RUN_DELTA_BYTES];

		thread_run_delta(reading->kept[i].run, reading->kept[i].number, text);
		status = reprise_thread_append(direct, document, NULL,
					       (struct reprise_bytes){ text, strlen(text) }, NULL,
					       &reading->error);
	}
	return status;
}

/*
 * Makes an owned copy of the document, with zeros in the place of the uid: each document has a
 * random uid, so that no two documents have the same uid.
 */
static reprise_status
copy_document(struct reading *reading, struct reprise_thread_store *store,
	      struct reprise_thread_page *page, char **ret_copy, size_t *ret_bytes)
{
	struct reprise_thread_document document = { .size = sizeof(document) };
	const reprise_status status = reprise_thread_load(store, reading->book->document, page,
							  &document, &reading->error);

	if (status != REPRISE_OK)
		return status;
	char *const copy = malloc(document.json.size);

	if (copy == NULL)
		return REPRISE_E_NO_MEMORY;
	memcpy(copy, document.json.data, document.json.size);
	const size_t uid_bytes = strlen(document.uid);
	char *const uid = memmem(copy, document.json.size, document.uid, uid_bytes);

	if (uid != NULL)
		memset(uid, '0', uid_bytes);
	*ret_copy = copy;
	*ret_bytes = document.json.size;
	return REPRISE_OK;
}

static reprise_status
compare(struct reading *reading, struct reprise_thread_store *store,
	struct reprise_thread_store *direct, struct reprise_thread_page *page)
{
	char *ours = NULL, *theirs = NULL;
	size_t our_bytes = 0, their_bytes = 0;
	reprise_status status = write_directly(reading, direct);

	if (status == REPRISE_OK)
		status = copy_document(reading, store, page, &ours, &our_bytes);
	if (status == REPRISE_OK)
		status = copy_document(reading, direct, page, &theirs, &their_bytes);
	reading->book->is_equal = status == REPRISE_OK && our_bytes == their_bytes &&
				  memcmp(ours, theirs, our_bytes) == 0;
	free(ours);
	free(theirs);
	return status;
}

reprise_status
thread_book_fill(struct thread_book *book, const char *document, const struct thread_run *runs,
		 size_t runs_count, const char *store_file, const char *direct_file)
{
	const struct log_place place = { .file = store_file },
			       direct_place = { .file = direct_file };
	struct reading reading = { .book = book, .runs = runs, .runs_count = runs_count };
	struct reprise_thread_store *store = NULL, *direct = NULL;
	struct reprise_thread_page *page = NULL;

	*book = (struct thread_book){ .document = document };
	reading.error.size = sizeof(reading.error);
	reading.kept = calloc(DELTAS_MOST, sizeof(*reading.kept));
	reprise_status status =
		reading.kept == NULL ? REPRISE_E_NO_MEMORY : reprise_thread_page_open(&page);

	if (status == REPRISE_OK)
		status = thread_place_open(&place, LOG_ACCESS_WRITE, 0, &store, &reading.error);
	if (status == REPRISE_OK)
		status = thread_place_open(&direct_place, LOG_ACCESS_CREATE, 0, &direct,
					   &reading.error);
	if (status == REPRISE_OK)
		status = read_deltas(&reading, store, page);
	for (size_t i = 0; i < runs_count && status == REPRISE_OK; i++)
		if (strcmp(runs[i].document, document) == 0)
			add_run(&reading, &runs[i]);
	if (status == REPRISE_OK)
		status = compare(&reading, store, direct, page);
	if (status != REPRISE_OK)
		log_say_failure("demo --nats", document, status, &reading.error);
	reprise_thread_page_close(page);
	reprise_thread_store_close(direct);
	reprise_thread_store_close(store);
	free(reading.kept);
	return status;
}

/* --- the table ------------------------------------------------------------------------------- */

static void
print_row(const char *name, const struct thread_book *books, size_t books_count, size_t offset)
{
	printf("%-24s", name);
	for (size_t i = 0; i < books_count; i++) {
		uint32_t number;

		memcpy(&number, (const char *)&books[i] + offset, sizeof(number));
		printf("  %9" PRIu32, number);
	}
	putchar('\n');
}

static void
print_answers(const char *name, const struct thread_book *books, size_t books_count,
	      bool (*is_so)(const struct thread_book *book))
{
	printf("%-24s", name);
	for (size_t i = 0; i < books_count; i++)
		printf("  %9s", is_so(&books[i]) ? "yes" : "no");
	putchar('\n');
}

static bool
has_no_hole(const struct thread_book *book)
{
	return book->holes == 0 && book->version == book->deltas;
}

static bool
is_equal(const struct thread_book *book)
{
	return book->is_equal;
}

void
thread_books_print(bool is_over, const struct thread_book *books, size_t books_count,
		   uint32_t server_kills, uint32_t writer_kills, uint32_t recovered)
{
	const struct {
		const char *name;
		size_t offset;
	} rows[] = {
		{ "deltas sent", offsetof(struct thread_book, sent) },
		{ "acknowledged", offsetof(struct thread_book, acknowledged) },
		{ "appends retried", offsetof(struct thread_book, retried) },
		{ "duplicates refused", offsetof(struct thread_book, refused) },
		{ "applied", offsetof(struct thread_book, applied) },
		{ is_over ? "lost" : "not applied yet", offsetof(struct thread_book, lost) },
		{ "applied twice", offsetof(struct thread_book, twice) },
	};

	printf("\n%-24s", "document");
	for (size_t i = 0; i < books_count; i++)
		printf("  %9s", books[i].document);
	putchar('\n');
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		print_row(rows[i].name, books, books_count, rows[i].offset);
	print_answers("versions without a hole", books, books_count, has_no_hole);
	print_answers("equal documents", books, books_count, is_equal);
	printf("%-24s  %9" PRIu32 "\n", "server kills", server_kills);
	printf("%-24s  %9" PRIu32 "\n", "writer kills", writer_kills);
	printf("%-24s  %9" PRIu32 "\n", "applied by recovery", recovered);
}

const char *
thread_book_fault(const struct thread_book *book)
{
	if (book->acknowledged != book->deltas)
		return "a delta was never acknowledged";
	if (book->lost > 0 || book->applied != book->deltas)
		return "an acknowledged delta was not applied";
	if (book->twice > 0)
		return "a delta was applied twice";
	if (book->foreign > 0)
		return "the store has a delta that no writer appended";
	if (!has_no_hole(book))
		return "the versions of the document have a hole";
	return book->is_equal ? NULL : "the document differs from the document of a direct writer";
}
