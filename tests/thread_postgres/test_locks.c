/* SPDX-License-Identifier: MIT */
/* Writers that wait for each other, and what each of them sees then. */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "store.h"

SUITE(thread_locks);

enum {
	WRITERS = 4,
	APPENDS = 50,
};

struct writer {
	const struct reprise_thread_postgres_options *options;
	int conflicts;
	int failures;
};

/* Each append names the version that it was read at; on a conflict, the actual one. */
static void *
append_by_version(void *context)
{
	static const char text[] =
		"{\"run_id\":\"r\",\"reason\":\"UserMessage\",\"messages\":[{}]}";
	struct writer *const writer = context;
	struct reprise_thread_store *store = NULL;
	uint64_t version = 0;

	writer->failures +=
		reprise_thread_postgres_open(writer->options, &store, NULL) != REPRISE_OK;
	for (int done = 0; done < APPENDS && writer->failures == 0;) {
		struct reprise_thread_appended appended = { .size = sizeof(appended) };
		struct reprise_error error = { .size = sizeof(error) };
		const reprise_status status = reprise_thread_append(
			store, "a", &version, (struct reprise_bytes){ text, sizeof(text) - 1 },
			&appended, &error);

		if (status == REPRISE_OK) {
			writer->failures += appended.version != version + 1;
			version = appended.version;
			done++;
		} else if (status == REPRISE_E_CONFLICT) {
			writer->failures += error.expected != version || error.actual <= version;
			version = error.actual;
			writer->conflicts++;
		} else {
			writer->failures++;
		}
	}
	reprise_thread_store_close(store);
	return NULL;
}

Test(thread_locks, B21_writers_that_compare_versions_lose_nothing)
{
	struct reprise_thread_postgres_options options = options_of(NULL, "races");
	struct writer writers[WRITERS];
	pthread_t threads[WRITERS];
	int conflicts = 0;

	options.deadline_ns = 20 * one_second;
	struct reprise_thread_store *const store = opened(&options);

	create(store, "a");
	for (int i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){ .options = &options };
		cr_assert(eq(int, pthread_create(&threads[i], NULL, append_by_version, &writers[i]),
			     0));
	}
	for (int i = 0; i < WRITERS; i++) {
		pthread_join(threads[i], NULL);
		cr_assert(eq(int, writers[i].failures, 0));
		conflicts += writers[i].conflicts;
	}
	cr_assert(gt(int, conflicts, 0), "nobody raced");
	cr_assert(eq(u64, version_of(store, "a"), (uint64_t)WRITERS * APPENDS));
	cr_assert(eq(u64, messages_of(store, "a"), (uint64_t)WRITERS * APPENDS));
	reprise_thread_store_close(store);
	expect_no_leaks();
}

static void *
create_one(void *context)
{
	static const reprise_status unknown = REPRISE_E_SYSTEM;
	static const reprise_status known[] = { REPRISE_OK, REPRISE_E_EXISTS };
	struct reprise_thread_store *store = NULL;

	if (reprise_thread_postgres_open(context, &store, NULL) != REPRISE_OK)
		return (void *)&unknown;
	const reprise_status status =
		reprise_thread_create(store, "new", (struct reprise_bytes){ NULL, 0 }, NULL, NULL);

	reprise_thread_store_close(store);
	for (size_t i = 0; i < 2; i++)
		if (status == known[i])
			return (void *)&known[i];
	return (void *)&unknown;
}

Test(thread_locks, B21_one_of_those_who_create_a_document_does)
{
	struct reprise_thread_postgres_options options = options_of(NULL, "creators");
	pthread_t threads[WRITERS];
	int created = 0;

	options.deadline_ns = 20 * one_second;
	for (int i = 0; i < WRITERS; i++)
		cr_assert(eq(int, pthread_create(&threads[i], NULL, create_one, &options), 0));
	for (int i = 0; i < WRITERS; i++) {
		void *status;

		pthread_join(threads[i], &status);
		const int got = *(const reprise_status *)status;

		cr_assert(got == REPRISE_OK || got == REPRISE_E_EXISTS);
		created += got == REPRISE_OK;
	}
	cr_assert(eq(int, created, 1));
}

/* By the port: the call is in the middle of its transaction. */
static struct thread_head
begun(struct reprise_thread_store *store, const char *id)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct thread_head head;
	uint64_t now_ms = 0;
	const reprise_status status = store->adapter->begin(store, id, &head, &now_ms, &error);

	cr_assert(eq(int, status, REPRISE_OK), "%s: %s", error.what, error.detail);
	return head;
}

static reprise_status
create_quickly(struct reprise_thread_store *store, const char *id, uint64_t *ret_ms)
{
	const uint64_t begin_ns = clock_ns();
	const reprise_status status =
		reprise_thread_create(store, id, (struct reprise_bytes){ NULL, 0 }, NULL, NULL);

	*ret_ms = (clock_ns() - begin_ns) / 1000000;
	return status;
}

Test(thread_locks, B21_an_id_is_locked_before_there_is_a_document)
{
	struct reprise_thread_postgres_options options = options_of(NULL, "absent");
	uint64_t ms;
	struct reprise_thread_store *const holder = opened(&options);

	options.deadline_ns = one_second / 2;
	struct reprise_thread_store *const other = opened_at_last(&options);

	cr_assert(not(begun(holder, "new").exists));
	cr_assert(eq(int, create_quickly(other, "new", &ms), REPRISE_E_TIMEOUT));
	cr_assert(ge(u64, ms, 450));
	/* Other ids are nobody's concern; nor are those who only read. */
	cr_assert(eq(int, create_quickly(other, "other", &ms), REPRISE_OK));
	cr_assert(lt(u64, ms, 450));
	cr_assert(eq(u64, version_of(other, "new"), UINT64_MAX));
	holder->adapter->rollback(holder);
	cr_assert(eq(int, create_quickly(other, "new", &ms), REPRISE_OK));
	reprise_thread_store_close(holder);
	reprise_thread_store_close(other);
	expect_no_leaks();
}

Test(thread_locks, B21_a_head_that_is_locked_by_SQL_is_waited_for)
{
	struct reprise_thread_postgres_options options = options_of(NULL, "by_hand");
	PGconn *const all = connected_as(NULL);

	options.deadline_ns = one_second / 2;
	struct reprise_thread_store *const store = opened_at_last(&options);

	create(store, "a");
	run(all, "BEGIN; SELECT FROM by_hand.heads WHERE id = 'a' FOR UPDATE");
	cr_assert(eq(int, append_to(store, "a", "x", NULL, NULL), REPRISE_E_TIMEOUT));
	run(all, "COMMIT");
	cr_assert(eq(int, append_to(store, "a", "x", NULL, NULL), REPRISE_OK));
	reprise_thread_store_close(store);
	PQfinish(all);
}

struct beginner {
	struct reprise_thread_store *store;
	struct thread_head head;
	reprise_status status;
	atomic_bool is_done;
};

static void *
begin_one(void *context)
{
	struct beginner *const beginner = context;
	uint64_t now_ms;

	beginner->status = beginner->store->adapter->begin(beginner->store, "a", &beginner->head,
							   &now_ms, NULL);
	atomic_store(&beginner->is_done, true);
	return NULL;
}

Test(thread_locks, B21_a_writer_that_waited_sees_what_the_other_has_committed)
{
	const struct reprise_thread_postgres_options options = options_of(NULL, "newest");
	struct reprise_thread_store *const store = opened(&options);
	struct beginner beginner = { .store = opened(&options) };
	pthread_t thread;

	create(store, "a");
	struct thread_head head = begun(store, "a");

	head.version = 7;
	cr_assert(eq(int, store->adapter->put_head(store, &head, NULL), REPRISE_OK));
	cr_assert(eq(int, pthread_create(&thread, NULL, begin_one, &beginner), 0));
	usleep(200000);
	cr_assert(not(atomic_load(&beginner.is_done)));
	cr_assert(eq(int, store->adapter->commit(store, NULL), REPRISE_OK));
	pthread_join(thread, NULL);
	cr_assert(eq(int, beginner.status, REPRISE_OK));
	cr_assert(eq(u64, beginner.head.version, 7));
	beginner.store->adapter->rollback(beginner.store);
	reprise_thread_store_close(beginner.store);
	reprise_thread_store_close(store);
}

static void
keep_text_version(const struct thread_text *text, void *context)
{
	*(uint64_t *)context = text->version;
}

static bool
count_delta(const struct thread_delta *delta, void *context)
{
	(void)delta;
	++*(int *)context;
	return true;
}

Test(thread_locks, B21_a_look_is_of_one_moment)
{
	const struct reprise_thread_postgres_options options = options_of(NULL, "moment");
	struct reprise_thread_store *const looking = opened(&options);
	struct reprise_thread_store *const writer = opened(&options);
	const struct thread_adapter *const port = looking->adapter;
	struct thread_head head, listed[4];
	uint64_t text_version = UINT64_MAX, total = 0;
	size_t count = 0;
	int deltas = 0;

	create(writer, "a");
	cr_assert(eq(int, port->look(looking, "a", &head, NULL), REPRISE_OK));
	cr_assert(eq(int, append_to(writer, "a", "x", NULL, NULL), REPRISE_OK));
	create(writer, "b");
	cr_assert(eq(int, port->text_of(looking, &head.uid, keep_text_version, &text_version, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, port->deltas_after(looking, &head.uid, 0, 9, count_delta, &deltas, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, port->heads(looking, 0, 4, listed, &count, &total, NULL), REPRISE_OK));
	port->leave(looking);
	cr_assert(eq(u64, head.version, 0));
	cr_assert(eq(u64, text_version, 0));
	cr_assert(eq(int, deltas, 0));
	cr_assert(eq(sz, count, 1));
	cr_assert(eq(u64, total, 1));
	cr_assert(eq(u64, version_of(looking, "a"), 1));
	reprise_thread_store_close(looking);
	reprise_thread_store_close(writer);
}

static void
remember(struct reprise_thread_store *store, const char *id, uint64_t applied_ms)
{
	const struct thread_uid uid = { { 1 } };
	const struct thread_applied applied = { .exists = true,
						.version = 1,
						.applied_ms = applied_ms };

	cr_assert(
		eq(int, store->adapter->put_applied(store, &uid, id, &applied, NULL), REPRISE_OK));
}

Test(thread_locks, B21_two_that_drop_remembered_ids_do_not_wait_for_each_other)
{
	const struct reprise_thread_postgres_options options = options_of(NULL, "droppers");
	PGconn *const all = connected_as(NULL);
	struct reprise_thread_store *const a = opened(&options);
	struct reprise_thread_store *const b = opened(&options);
	char id[8];

	(void)begun(a, "a");
	for (uint64_t i = 0; i < 10; i++) {
		snprintf(id, sizeof(id), "%" PRIu64, i);
		remember(a, id, 100 + i);
	}
	cr_assert(eq(int, a->adapter->commit(a, NULL), REPRISE_OK));
	(void)begun(a, "a");
	(void)begun(b, "b");
	cr_assert(eq(int, a->adapter->drop_applied(a, 109, 4, NULL), REPRISE_OK));
	/* a's are locked when the next answer has come. */
	cr_assert(eq(int, a->adapter->text_of(a, &(struct thread_uid){ { 9 } }, NULL, NULL, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, b->adapter->drop_applied(b, 109, 4, NULL), REPRISE_OK));
	cr_assert(eq(int, b->adapter->commit(b, NULL), REPRISE_OK));
	cr_assert(eq(int, a->adapter->commit(a, NULL), REPRISE_OK));
	cr_assert(eq(i64, number_of(all, "SELECT count(*) FROM droppers.applied"), 2));
	cr_assert(eq(i64, number_of(all, "SELECT min(applied_ms) FROM droppers.applied"), 108));
	reprise_thread_store_close(a);
	reprise_thread_store_close(b);
	PQfinish(all);
}

Test(thread_locks, B21_the_time_is_the_server_s)
{
	const struct reprise_thread_postgres_options options = options_of(NULL, "clock");
	PGconn *const all = connected_as(NULL);
	struct reprise_thread_store *const store = opened(&options);
	struct thread_head head;
	uint64_t now_ms = 0;
	const char *const clock =
		"SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
	const int64_t before = number_of(all, "%s", clock);

	cr_assert(eq(int, store->adapter->begin(store, "a", &head, &now_ms, NULL), REPRISE_OK));
	const int64_t after = number_of(all, "%s", clock);

	store->adapter->rollback(store);
	cr_assert(ge(i64, (int64_t)now_ms, before));
	cr_assert(le(i64, (int64_t)now_ms, after));
	reprise_thread_store_close(store);
	PQfinish(all);
}
