/* SPDX-License-Identifier: MIT */
/* Rows by the port: a row that is put is found, and an impossible row is told. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "proxy.h"
#include "store.h"

SUITE(thread_rows);

static const struct thread_uid uid_1 = { { 0x80, 0xff, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
					   13 } };

/* Begins a writing transaction whose id is of no matter. */
static void
begin(struct reprise_thread_store *store)
{
	struct thread_head head;
	uint64_t now_ms;

	cr_assert(eq(int, store->adapter->begin(store, "a", &head, &now_ms, NULL), REPRISE_OK));
}

static void
commit(struct reprise_thread_store *store)
{
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, store->adapter->commit(store, &error), REPRISE_OK), "%s: %s", error.what,
		  error.detail);
}

static struct thread_head
looked_at(struct reprise_thread_store *store, const char *id)
{
	struct thread_head head;

	cr_assert(eq(int, store->adapter->look(store, id, &head, NULL), REPRISE_OK));
	return head;
}

Test(thread_rows, B24_a_head_is_found_as_it_was_put)
{
	const struct reprise_thread_postgres_options options = options_of(NULL, "heads");
	struct reprise_thread_store *const store = opened(&options);
	struct thread_head head = {
		.uid = uid_1,
		.version = THREAD_NUMBER_MAX,
		.base = THREAD_NUMBER_MAX - 1,
		.complete_after = 3,
		.text_bytes = UINT64_C(1) << 40,
		.delta_bytes = 5,
		.growth_bytes = 4,
		.checksum = UINT32_MAX,
	};

	memset(head.id, 'i', REPRISE_THREAD_ID_BYTES_MAX);
	begin(store);
	cr_assert(eq(int, store->adapter->put_head(store, &head, NULL), REPRISE_OK));
	commit(store);
	struct thread_head found = looked_at(store, head.id);

	store->adapter->leave(store);
	cr_assert(found.exists && found.fault == NULL);
	cr_assert(eq(str, found.id, head.id));
	cr_assert(eq(int, memcmp(&found.uid, &head.uid, sizeof(head.uid)), 0));
	cr_assert(eq(u64, found.version, head.version));
	cr_assert(eq(u64, found.base, head.base));
	cr_assert(eq(u64, found.complete_after, head.complete_after));
	cr_assert(eq(u64, found.text_bytes, head.text_bytes));
	cr_assert(eq(u64, found.delta_bytes, head.delta_bytes));
	cr_assert(eq(u64, found.growth_bytes, head.growth_bytes));
	cr_assert(eq(u32, found.checksum, head.checksum));
	/* In its place, another one, of another uid. */
	head.uid.bytes[0] = 7;
	head.version = 1;
	begin(store);
	cr_assert(eq(int, store->adapter->put_head(store, &head, NULL), REPRISE_OK));
	commit(store);
	found = looked_at(store, head.id);
	store->adapter->leave(store);
	cr_assert(eq(int, found.uid.bytes[0], 7));
	cr_assert(eq(u64, found.version, 1));
	found = looked_at(store, "absent");
	store->adapter->leave(store);
	cr_assert(not(found.exists));
	/* Another head of that uid cannot be. */
	begin(store);
	snprintf(head.id, sizeof(head.id), "second");
	(void)store->adapter->put_head(store, &head, NULL);
	cr_assert(eq(int, store->adapter->commit(store, NULL), REPRISE_E_CORRUPT));
	reprise_thread_store_close(store);
	expect_no_leaks();
}

struct found {
	int count;
	int wanted;
	uint64_t last;
	uint64_t stored_ms;
	uint32_t checksum;
	size_t bytes;
	char first[8];
	const char *fault;
};

static bool
keep_delta(const struct thread_delta *delta, void *context)
{
	struct found *const found = context;

	found->count++;
	found->last = delta->version;
	found->stored_ms = delta->stored_ms;
	found->checksum = delta->checksum;
	found->bytes += delta->json.size;
	found->fault = delta->fault;
	memcpy(found->first, delta->json.data,
	       delta->json.size < sizeof(found->first) ? delta->json.size : sizeof(found->first));
	return found->count != found->wanted;
}

static struct found
deltas_after(struct reprise_thread_store *store, uint64_t version, uint64_t limit, int wanted)
{
	struct found found = { .wanted = wanted };

	(void)looked_at(store, "a");
	cr_assert(eq(int,
		     store->adapter->deltas_after(store, &uid_1, version, limit, keep_delta, &found,
						  NULL),
		     REPRISE_OK));
	store->adapter->leave(store);
	return found;
}

Test(thread_rows, B24_deltas_are_found_in_parts_in_their_order)
{
	const struct reprise_thread_postgres_options options = options_of(NULL, "deltas");
	struct reprise_thread_store *const store = opened(&options);
	struct thread_delta delta = { .stored_ms = THREAD_NUMBER_MAX, .checksum = 0x80000001 };
	char json[1000] = { 0, 1, '\'', '\\', (char)0xff };

	begin(store);
	for (uint64_t version = 3000; version >= 1; version--) {
		delta.version = version;
		delta.json = (struct reprise_bytes){ json, version % sizeof(json) };
		cr_assert(eq(int, store->adapter->put_delta(store, &uid_1, &delta, NULL),
			     REPRISE_OK));
	}
	commit(store);
	struct found found = deltas_after(store, 0, UINT64_MAX, 0);

	cr_assert(eq(int, found.count, 3000));
	cr_assert(eq(u64, found.last, 3000));
	cr_assert(eq(sz, found.bytes, 3 * 999 * 1000 / 2));
	cr_assert(eq(u64, found.stored_ms, THREAD_NUMBER_MAX));
	cr_assert(eq(u32, found.checksum, 0x80000001));
	found = deltas_after(store, 4, 1, 0);
	cr_assert(eq(int, found.count, 1));
	cr_assert(eq(u64, found.last, 5));
	cr_assert(eq(int, memcmp(found.first, json, 5), 0));
	found = deltas_after(store, 10, 2500, 0);
	cr_assert(eq(int, found.count, 2500));
	cr_assert(eq(u64, found.last, 2510));
	found = deltas_after(store, 10, 2500, 7);
	cr_assert(eq(int, found.count, 7));
	cr_assert(eq(int, deltas_after(store, 3000, 9, 0).count, 0));
	cr_assert(eq(int, deltas_after(store, UINT64_MAX, 9, 0).count, 0));
	begin(store);
	cr_assert(eq(int, store->adapter->drop_deltas(store, &uid_1, 2000, NULL), REPRISE_OK));
	commit(store);
	found = deltas_after(store, 0, UINT64_MAX, 0);
	cr_assert(eq(int, found.count, 1000));
	begin(store);
	cr_assert(eq(int, store->adapter->drop_document(store, "a", &uid_1, NULL), REPRISE_OK));
	commit(store);
	cr_assert(eq(int, deltas_after(store, 0, 9, 0).count, 0));
	/* A version that is there is nobody's to put. */
	begin(store);
	(void)store->adapter->put_delta(store, &uid_1, &delta, NULL);
	(void)store->adapter->put_delta(store, &uid_1, &delta, NULL);
	cr_assert(eq(int, store->adapter->commit(store, NULL), REPRISE_E_CORRUPT));
	cr_assert(eq(int, deltas_after(store, 0, 9, 0).count, 0));
	reprise_thread_store_close(store);
	expect_no_leaks();
}

Test(thread_rows, B24_remembered_ids_are_found_by_the_thousand)
{
	enum {
		IDS = 2500
	};
	const struct reprise_thread_postgres_options options = options_of(NULL, "remembered");
	struct reprise_thread_store *const store = opened(&options);
	struct thread_applied applied = { .exists = true, .checksum = 0xfffffffe }, *found;
	static char ids[IDS][THREAD_DELTA_ID_ROOM];
	static const char *pointers[IDS];

	begin(store);
	for (int i = 0; i < IDS; i++) {
		/* As long as they may be, and with what arrays are written with. */
		snprintf(ids[i], sizeof(ids[i]), "%d,{\"}\\'%0110d", i, i);
		pointers[i] = ids[i];
		applied.version = (uint64_t)i + 1;
		applied.applied_ms = THREAD_NUMBER_MAX;
		memset(applied.digest, i, sizeof(applied.digest));
		if (i % 3 != 0)
			cr_assert(eq(
				int,
				store->adapter->put_applied(store, &uid_1, ids[i], &applied, NULL),
				REPRISE_OK));
	}
	found = calloc(IDS, sizeof(*found));
	/* Puts of the same transaction are seen. */
	for (int round = 0; round < 2; round++) {
		memset(found, 0xff, IDS * sizeof(*found));
		cr_assert(eq(int,
			     store->adapter->applied_of(store, &uid_1, pointers, IDS, found, NULL),
			     REPRISE_OK));
		for (int i = 0; i < IDS; i++) {
			cr_assert(eq(int, found[i].exists, i % 3 != 0));
			if (i % 3 == 0)
				continue;
			cr_assert(eq(ptr, (void *)found[i].fault, NULL));
			cr_assert(eq(u64, found[i].version, (uint64_t)i + 1));
			cr_assert(eq(u64, found[i].applied_ms, THREAD_NUMBER_MAX));
			cr_assert(eq(u32, found[i].checksum, 0xfffffffe));
			cr_assert(eq(int, found[i].digest[15], (unsigned char)i));
		}
		if (round == 0)
			commit(store);
		else
			store->adapter->leave(store);
		if (round == 0)
			cr_assert(
				eq(int, store->adapter->look(store, NULL, NULL, NULL), REPRISE_OK));
	}
	free(found);
	reprise_thread_store_close(store);
	expect_no_leaks();
}

Test(thread_rows, B24_heads_are_listed_by_the_bytes_of_their_ids)
{
	static const char *const sorted[] = { "A", "B", "Z", "a", "a-b", "aa", "b", "\xc3\xa4" };
	enum {
		IDS = sizeof(sorted) / sizeof(sorted[0])
	};
	const struct reprise_thread_postgres_options options = options_of(NULL, "listed");
	struct reprise_thread_store *const store = opened(&options);
	struct thread_head heads[IDS];
	uint64_t total = 0;
	size_t count = 0;

	for (size_t i = 0; i < IDS; i++)
		create(store, sorted[(i * 5) % IDS]);
	cr_assert(eq(int, store->adapter->look(store, NULL, NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, store->adapter->heads(store, 0, IDS, heads, &count, &total, NULL),
		     REPRISE_OK));
	cr_assert(eq(sz, count, IDS));
	cr_assert(eq(u64, total, IDS));
	for (size_t i = 0; i < IDS; i++)
		cr_assert(eq(str, heads[i].id, (char *)sorted[i]));
	cr_assert(eq(int, store->adapter->heads(store, 6, 5, heads, &count, &total, NULL),
		     REPRISE_OK));
	cr_assert(eq(sz, count, 2));
	cr_assert(eq(u64, total, IDS));
	cr_assert(eq(int, store->adapter->heads(store, UINT64_MAX, 5, heads, &count, &total, NULL),
		     REPRISE_OK));
	cr_assert(eq(sz, count, 0));
	store->adapter->leave(store);
	reprise_thread_store_close(store);
}

static void
keep_text(const struct thread_text *text, void *context)
{
	struct found *const found = context;

	found->count++;
	found->bytes = text->json.size;
	found->last = ((const unsigned char *)text->json.data)[text->json.size - 1];
	found->checksum = text->checksum;
}

/* The largest text that there may be, on a deadline that is shorter than it takes. */
Test(thread_rows, B22_a_large_text_is_no_time_out)
{
	struct reprise_thread_postgres_options options = options_of(NULL, "large");
	const size_t bytes = REPRISE_THREAD_JSON_BYTES_MAX;
	unsigned char *const json = malloc(bytes);
	struct thread_text text = { .version = 1, .checksum = 0xf0000000, .json = { json, bytes } };
	struct found found = { 0 };
	uint32_t random = 1;

	options.deadline_ns = 15 * one_second;
	struct reprise_thread_store *const store = opened(&options);

	for (size_t i = 0; i < bytes; i++) {
		random = random * 1664525 + 1013904223;
		json[i] = (unsigned char)(random >> 24);
	}
	begin(store);
	const uint64_t begin_ns = clock_ns();

	for (int i = 0; i < 2; i++)
		cr_assert(
			eq(int, store->adapter->put_text(store, &uid_1, &text, NULL), REPRISE_OK));
	commit(store);
	const uint64_t put_ns = clock_ns();

	(void)looked_at(store, "a");
	cr_assert(eq(int, store->adapter->text_of(store, &uid_1, keep_text, &found, NULL),
		     REPRISE_OK));
	store->adapter->leave(store);
	cr_log_info("64 MiB twice put: %" PRIu64 " ms, found: %" PRIu64 " ms",
		    (put_ns - begin_ns) / 1000000, (clock_ns() - put_ns) / 1000000);
	cr_assert(eq(int, found.count, 1));
	cr_assert(eq(sz, found.bytes, bytes));
	cr_assert(eq(u64, found.last, json[bytes - 1]));
	cr_assert(eq(u32, found.checksum, 0xf0000000));
	free(json);
	reprise_thread_store_close(store);
}

/*
 * On a slow network the text is on its way for longer than the server bears with a client
 * that is silent.
 */
Test(thread_rows, B22_a_text_that_arrives_slowly_is_no_silence)
{
	struct reprise_thread_postgres_options options = options_of(NULL, "slow");
	const size_t bytes = REPRISE_THREAD_JSON_BYTES_MAX;
	char *const json = calloc(1, bytes);
	const struct thread_text text = { .json = { json, bytes } };
	struct reprise_error error = { .size = sizeof(error) };
	struct proxy proxy;

	proxy_open(&proxy);
	options.connection = proxy.connection;
	options.deadline_ns = 5 * one_second; /* on a slow machine the text takes longer */
	options.transaction_idle_ns = 3 * one_second / 10;
	struct reprise_thread_store *const store = opened(&options);

	begin(store);
	const uint64_t begin_ns = clock_ns();

	(void)store->adapter->put_text(store, &uid_1, &text, NULL);
	cr_log_info("sent: %" PRIu64 " ms", (clock_ns() - begin_ns) / 1000000);
	cr_assert(eq(int, store->adapter->commit(store, &error), REPRISE_OK), "%s: %s", error.what,
		  error.detail);
	free(json);
	reprise_thread_store_close(store);
	proxy_close(&proxy);
}

/* The store's answers when a row was changed behind its back. */
struct answers {
	reprise_status load, append, list, deltas, applied;
};

static struct answers
answers_of(struct reprise_thread_store *store, const char *uid, struct reprise_error *error)
{
	struct reprise_thread_document document = { .size = sizeof(document) };
	struct reprise_thread_list list = { .size = sizeof(list) };
	struct reprise_thread_deltas deltas = { .size = sizeof(deltas) };
	struct reprise_thread_applied applied;
	struct reprise_thread_page *page = NULL;
	const char *const id = "d1";

	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	const struct answers answers = {
		.load = reprise_thread_load(store, "a", page, &document, error),
		.append = append_named(store, "a", "d1", NULL, error),
		.list = reprise_thread_list(store, 0, 9, page, &list, error),
		.deltas = reprise_thread_load_deltas(store, "a", 0, 9, 0, page, &deltas, error),
		.applied = reprise_thread_find_applied(store, uid, &id, 1, &applied, error),
	};

	reprise_thread_page_close(page);
	return answers;
}

enum {
	LOAD = 1,
	APPEND = 2,
	LIST = 4,
	DELTAS = 8,
	APPLIED = 16,
};

static int
corrupt_ones(const struct answers *answers)
{
	return (answers->load == REPRISE_E_CORRUPT ? LOAD : 0) |
	       (answers->append == REPRISE_E_CORRUPT ? APPEND : 0) |
	       (answers->list == REPRISE_E_CORRUPT ? LIST : 0) |
	       (answers->deltas == REPRISE_E_CORRUPT ? DELTAS : 0) |
	       (answers->applied == REPRISE_E_CORRUPT ? APPLIED : 0);
}

static int
good_ones(const struct answers *answers)
{
	return (answers->load == REPRISE_OK ? LOAD : 0) |
	       (answers->append == REPRISE_OK ? APPEND : 0) |
	       (answers->list == REPRISE_OK ? LIST : 0) |
	       (answers->deltas == REPRISE_OK ? DELTAS : 0) |
	       (answers->applied == REPRISE_OK ? APPLIED : 0);
}

#define OF_A     "uid = (SELECT uid FROM damaged.heads WHERE id = 'a')"
#define ANY_HEAD (LOAD | APPEND | LIST | DELTAS)

static const struct {
	const char *sql;
	int corrupt; /* those that tell */
} damages[] = {
	{ "UPDATE damaged.heads SET version = -1", ANY_HEAD },
	{ "UPDATE damaged.heads SET version = version + 1", ANY_HEAD },
	{ "UPDATE damaged.heads SET base = -9223372036854775808", ANY_HEAD },
	{ "UPDATE damaged.heads SET complete_after = -1", ANY_HEAD },
	{ "UPDATE damaged.heads SET text_bytes = -1", ANY_HEAD },
	{ "UPDATE damaged.heads SET delta_bytes = -1", ANY_HEAD },
	{ "UPDATE damaged.heads SET growth_bytes = -1", ANY_HEAD },
	{ "UPDATE damaged.heads SET checksum = checksum # (1 << 31)", ANY_HEAD },
	{ "UPDATE damaged.heads SET uid = '00000000000000000000000000000001'", ANY_HEAD },
	{ "INSERT INTO damaged.heads (id, uid, version, base, complete_after, text_bytes,"
	  " delta_bytes, growth_bytes, checksum) SELECT repeat('x', 129),"
	  " '00000000000000000000000000000002', 0, 0, 0, 0, 0, 0, 0",
	  LIST },
	{ "UPDATE damaged.texts SET version = -1 WHERE " OF_A, LOAD },
	{ "UPDATE damaged.texts SET json = json || '\\x20'::bytea WHERE " OF_A, LOAD },
	{ "DELETE FROM damaged.texts WHERE " OF_A, LOAD },
	{ "UPDATE damaged.deltas SET stored_ms = -1 WHERE " OF_A, LOAD | DELTAS },
	{ "UPDATE damaged.deltas SET version = version + 1 WHERE " OF_A, LOAD | DELTAS },
	{ "UPDATE damaged.deltas SET json = '\\x'::bytea WHERE " OF_A, LOAD | DELTAS },
	{ "DELETE FROM damaged.deltas WHERE " OF_A, LOAD | DELTAS },
	{ "UPDATE damaged.applied SET version = -1 WHERE " OF_A, APPEND | APPLIED },
	{ "UPDATE damaged.applied SET applied_ms = -1 WHERE " OF_A, APPEND | APPLIED },
	{ "UPDATE damaged.applied SET digest = '\\x00'::bytea WHERE " OF_A, APPEND | APPLIED },
	{ "UPDATE damaged.applied SET checksum = 0 WHERE " OF_A, APPEND | APPLIED },
};

Test(thread_rows, B24_a_row_that_was_changed_is_told)
{
	const struct reprise_thread_postgres_options options = options_of(NULL, "damaged");
	PGconn *const all = connected_as(NULL);
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_thread_store *const store = opened(&options);
	char uid[REPRISE_THREAD_UID_BYTES];

	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		run(all, "TRUNCATE damaged.heads, damaged.texts, damaged.deltas, damaged.applied");
		cr_assert(eq(int,
			     reprise_thread_create(store, "a", (struct reprise_bytes){ NULL, 0 },
						   uid, NULL),
			     REPRISE_OK));
		cr_assert(eq(int, append_named(store, "a", "d1", NULL, NULL), REPRISE_OK));
		struct answers answers = answers_of(store, uid, &error);

		cr_assert(eq(int, good_ones(&answers), LOAD | APPEND | LIST | DELTAS | APPLIED));
		run(all, "%s", damages[i].sql);
		answers = answers_of(store, uid, &error);
		cr_assert(eq(int, corrupt_ones(&answers), damages[i].corrupt), "%s",
			  damages[i].sql);
		cr_assert(eq(int, good_ones(&answers) | corrupt_ones(&answers),
			     LOAD | APPEND | LIST | DELTAS | APPLIED),
			  "%s", damages[i].sql);
	}
	reprise_thread_store_close(store);
	PQfinish(all);
	expect_no_leaks();
}
