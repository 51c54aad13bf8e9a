/* SPDX-License-Identifier: MIT */
/*
 * Stores that only read the log of another runtime, in a PostgreSQL database, which announces
 * commits.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "following.h"
#include "server.h"

SUITE(follow);

/* A sanitizer makes the way of an event several times longer. */
#ifdef __SANITIZE_ADDRESS__
#define MEDIAN_NS_MAX UINT64_C(25000000)
#else
#define MEDIAN_NS_MAX UINT64_C(5000000)
#endif

/*
 * Of the test that runs: children open the same. The role of the runtime that records; NULL: the
 * superuser.
 */
static const char *schema, *role;

static struct reprise_log *
open_log(void)
{
	struct reprise_log_postgres_options options = options_of(role, schema);

	options.is_set_up = role != NULL;
	return opened(&options);
}

Test(follow, S17_an_announced_event_is_handed_out_within_5_ms_of_its_commit)
{
	uint64_t least_ns = UINT64_MAX;

	/* The machine may be busy: one median that is good shows that it can be. */
	for (int i = 0; i < 5 && least_ns > MEDIAN_NS_MAX; i++) {
		char name[32];

		snprintf(name, sizeof(name), "followed_%d", i);
		schema = name;
		const uint64_t median_ns = following_expect_doors(open_log, 64);

		least_ns = median_ns < least_ns ? median_ns : least_ns;
	}
	cr_log_info("seen after %llu ns, the median\n", (unsigned long long)least_ns);
	cr_assert(le(u64, least_ns, MEDIAN_NS_MAX));
	expect_no_leaks();
}

Test(follow, S16_each_life_of_another_runtime_is_told)
{
	schema = "followed_lives";
	following_expect_lives(open_log);
}

Test(follow, S16_cursors_are_judged_without_a_window)
{
	schema = "followed_cursors";
	following_expect_cursors(open_log);
	expect_no_leaks();
}

Test(follow, S16_what_is_archived_meanwhile_is_an_exact_gap)
{
	schema = "followed_archiving";
	following_expect_archiving(open_log);
	expect_no_leaks();
}

Test(follow, S16_runtimes_that_are_killed_lose_nothing_acknowledged,
     .disabled = IS_ALLOCATOR_LOCKED)
{
	schema = "followed_writers";
	following_expect_killed_writers(open_log, 5);
}

Test(follow, S16_a_host_that_is_killed_goes_on_at_its_cursor, .disabled = IS_ALLOCATOR_LOCKED)
{
	schema = "followed_hosts";
	following_expect_killed_hosts(open_log, 5);
}

Test(follow, S17_more_sessions_are_followed_than_one_look_reads)
{
	schema = "followed_sessions";
	following_expect_many(open_log, 400);
	expect_no_leaks();
}

Test(follow, S15_nothing_is_written_through_a_store_that_only_reads)
{
	schema = "followed_refusals";
	following_expect_refusals(open_log);
	expect_no_leaks();
}

static void
await_told(struct following *reading, bool is_so)
{
	while (following_is_told(reading) != is_so)
		usleep(1000);
}

/* A machine that serves sessions to the world cannot change them, whatever becomes of it. */
Test(follow, S15_a_role_that_may_only_select_is_enough)
{
	schema = "followed_select";
	struct following writing = following_writing(open_log);
	PGconn *const owner = connected_as(NULL);
	struct reprise_writer *const writer = following_write(&writing);

	run(owner, "CREATE ROLE followed_select LOGIN");
	run(owner, "GRANT USAGE ON SCHEMA %s TO followed_select", schema);
	run(owner, "GRANT SELECT ON ALL TABLES IN SCHEMA %s TO followed_select", schema);
	role = "followed_select";
	following_append(&writing, writer, 2);
	struct following reading = following_reading(open_log);
	struct reprise_subscription *const host = following_subscribe(&reading, 1);

	following_expect(host, 1, 2);
	await_told(&reading, true);
	following_append(&writing, writer, 5);
	following_expect(host, 3, 5);
	/* A recorder that records is refused. */
	struct reprise_recorder *refused = NULL;
	struct reprise_store *const store = store_plain();

	cr_assert(ne(int, reprise_recorder_open(store, reading.log, NULL, &refused, NULL),
		     REPRISE_OK));
	close_store(store);
	reprise_subscription_close(host);
	reprise_writer_close(writer);
	following_close(&writing);
	following_close(&reading);
	PQfinish(owner);
}

/* --- announcements ---------------------------------------------------------------------------- */

/* A runtime, a store that reads, and a host that has seen the first event and waits. */
struct scene {
	PGconn *beside;
	struct following writing, reading;
	struct reprise_writer *writer;
	struct reprise_subscription *host;
	reprise_position newest;
};

static struct scene
scene_of(const char *name)
{
	schema = name;
	struct scene scene = { .beside = connected_as(NULL),
			       .writing = following_writing(open_log),
			       .newest = 1 };

	role = NULL;
	scene.reading = following_reading(open_log);
	scene.writer = following_write(&scene.writing);
	scene.host = following_subscribe(&scene.reading, 1);
	following_append(&scene.writing, scene.writer, 1);
	following_expect(scene.host, 1, 1);
	expect_empty(scene.host);
	return scene;
}

static void
end(struct scene *scene)
{
	reprise_subscription_close(scene->host);
	reprise_writer_close(scene->writer);
	following_close(&scene->writing);
	following_close(&scene->reading);
	PQfinish(scene->beside);
}

static void
expect_next(struct scene *scene)
{
	scene->newest++;
	following_append(&scene->writing, scene->writer, scene->newest);
	following_expect(scene->host, scene->newest, scene->newest);
	expect_empty(scene->host);
}

/*
 * The server's process that announces to the scene's store; 0: none. The store's connections are
 * idle.
 */
static int
announcing_process(const struct scene *scene)
{
	return (int)number_of(scene->beside,
			      "SELECT coalesce(max(pid), 0) FROM pg_stat_activity"
			      " WHERE query = 'LISTEN reprise_log_%08x'",
			      (unsigned int)log_key_checksum("schema", schema));
}

Test(follow, S17_a_connection_that_is_cut_loses_no_event)
{
	struct scene scene = scene_of("followed_cut");

	for (int i = 0; i < 6; i++) {
		await_told(&scene.reading, true);
		terminate(scene.beside, announcing_process(&scene));
		if (i % 2 == 1)
			terminate(scene.beside,
				  server_process_of(following_reading_log(&scene.reading)));
		expect_next(&scene);
	}
	/* And commits are announced again. */
	await_told(&scene.reading, true);
	expect_next(&scene);
	end(&scene);
	expect_no_leaks();
}

/* Events that are committed while the server is started again arrive, too. */
Test(follow, S17_a_server_that_is_started_again_loses_no_event)
{
	struct scene scene = scene_of("followed_restart");
	struct reprise_recorder_stats stats = { .size = sizeof(stats) };

	for (int i = 0; i < 2; i++) {
		PQfinish(scene.beside);
		control("--kill");
		await_told(&scene.reading, false);
		cr_assert(eq(int, reprise_wait(scene.host, one_second / 2), REPRISE_E_TIMEOUT));
		cr_assert(eq(int, reprise_recorder_stats(scene.reading.recorder, &stats),
			     REPRISE_OK));
		cr_assert(ne(int, stats.last, REPRISE_OK));
		cr_assert(ne(sz, strlen(stats.failure_text), 0));
		control("--start");
		scene.beside = connected_as(NULL);
		expect_next(&scene);
		await_told(&scene.reading, true);
		expect_next(&scene);
	}
	end(&scene);
}

/* A closing that would wait for the server waits for its own deadline at most. */
Test(follow, S17_a_store_is_closed_while_the_server_does_not_answer)
{
	struct scene scene = scene_of("followed_paused");

	await_told(&scene.reading, true);
	reprise_subscription_close(scene.host);
	control("--pause");
	const uint64_t begin_ns = clock_ns();

	following_close(&scene.reading);
	const uint64_t took_ns = clock_ns() - begin_ns;

	control("--resume");
	cr_assert(le(u64, took_ns, one_second), "%llu ns", (unsigned long long)took_ns);
	reprise_writer_close(scene.writer);
	following_close(&scene.writing);
	PQfinish(scene.beside);
}

/* The next announcement that reaches a connection beside the library; NULL after 5 s. */
static PGnotify *
awaited_news(PGconn *beside)
{
	PGnotify *news = NULL;

	for (int i = 0; i < 5000 && (news = PQnotifies(beside)) == NULL; i++) {
		usleep(1000);
		(void)PQconsumeInput(beside);
	}
	cr_assert(ne(ptr, news, NULL));
	return news;
}

/* Tenants may share a database: an announcement is seen by each role. */
Test(follow, S17_an_announcement_names_no_session)
{
	struct scene scene = scene_of("followed_names");
	char text[16], channel[32];

	snprintf(channel, sizeof(channel), "reprise_log_%08x",
		 (unsigned int)log_key_checksum("schema", schema));
	run(scene.beside, "LISTEN %s", channel);
	expect_next(&scene);
	PGnotify *const news = awaited_news(scene.beside);

	snprintf(text, sizeof(text), "%08x", (unsigned int)log_key_checksum("default", "s"));
	cr_assert(eq(str, news->extra, text));
	PQfreemem(news);
	/* Notifications of other clients are a reason to look, and no more. */
	run(scene.beside, "NOTIFY %s, 'zzzzzzzz'", channel);
	run(scene.beside, "NOTIFY %s, '123'", channel);
	run(scene.beside, "NOTIFY %s", channel);
	run(scene.beside, "NOTIFY %s, '*'", channel);
	expect_next(&scene);
	cr_assert(following_is_told(&scene.reading));
	end(&scene);
}

/*
 * A commit without an announcement, as of a writer that was killed between the two, is found by a
 * look.
 */
Test(follow, S17_a_commit_that_is_not_announced_is_seen_all_the_same)
{
	schema = "followed_mute";
	PGconn *const owner = connected_as(NULL);

	reprise_log_close(open_log());
	create_agent(owner, "followed_mute", schema);
	role = "followed_mute";
	struct scene scene = scene_of("followed_mute");

	await_told(&scene.reading, true);
	run(owner, "REVOKE EXECUTE ON FUNCTION pg_notify(text, text) FROM PUBLIC");
	run(owner, "LISTEN reprise_log_%08x", (unsigned int)log_key_checksum("schema", schema));
	/* The announcement of the commit before comes before the next transaction, if it comes. */
	expect_next(&scene);
	run(owner, "SELECT");
	for (PGnotify *before; (before = PQnotifies(owner)) != NULL;)
		PQfreemem(before);
	/* An append that cannot be announced is committed, on the same connection. */
	expect_next(&scene);
	run(owner, "SELECT");
	cr_assert(eq(ptr, PQnotifies(owner), NULL));
	run(owner, "GRANT EXECUTE ON FUNCTION pg_notify(text, text) TO PUBLIC");
	expect_next(&scene);
	PGnotify *const news = awaited_news(owner);

	PQfreemem(news);
	PQfinish(owner);
	end(&scene);
}

/* More keys in one transaction than an announcement has room for, from the writer to the host. */
Test(follow, S17_a_transaction_of_many_keys_is_announced_as_any_key)
{
	enum {
		KEYS = NEWS_TOLD_MAX + 1
	};
	static struct news news;
	struct scene scene = scene_of("followed_many");

	for (uint32_t i = 0; i < KEYS; i++)
		news_add(&news, i);
	cr_assert(eq(sz, strlen(news.text), (size_t)NEWS_TOLD_MAX * NEWS_DIGITS));
	await_told(&scene.reading, true);
	struct postgres *const postgres = postgres_of(scene.writing.log);

	run(scene.beside, "LISTEN reprise_log_%08x",
	    (unsigned int)log_key_checksum("schema", schema));
	postgres->news = news;
	news_tell(postgres);
	cr_assert(eq(sz, postgres->news.count, 0));
	/* The commit before may be announced only now. */
	PGnotify *told = awaited_news(scene.beside);

	while (strcmp(told->extra, "*") != 0) {
		PQfreemem(told);
		told = awaited_news(scene.beside);
	}
	PQfreemem(told);
	/* The connection is as good as before. */
	cr_assert(eq(u64, head_of(scene.writing.log, "default", "s"), 1));
	end(&scene);
}

/* While nobody waits the server is asked nothing; while a host waits, hardly ever. */
Test(follow, S17_without_a_host_that_waits_there_are_no_looks)
{
	struct scene scene = scene_of("followed_looks");
	static const char asked[] = "SELECT (extract(epoch FROM query_start) * 1000000)::bigint"
				    " FROM pg_stat_activity WHERE pid = %d";

	await_told(&scene.reading, true);
	const int process = server_process_of(following_reading_log(&scene.reading));

	reprise_subscription_close(scene.host);
	/* A look may be under way. */
	usleep(100000);
	const int64_t before = number_of(scene.beside, asked, process);

	usleep(2500000);
	cr_assert(eq(i64, number_of(scene.beside, asked, process), before));
	/* A host makes it look again. */
	scene.host = following_subscribe(&scene.reading, 1);
	following_expect(scene.host, 1, 1);
	expect_empty(scene.host);
	expect_next(&scene);
	cr_assert(gt(i64, number_of(scene.beside, asked, process), before));
	end(&scene);
}

Test(follow, S15_the_child_of_a_fork_is_told_and_harms_nobody)
{
	struct scene scene = scene_of("followed_fork");
	int status = 0;

	await_told(&scene.reading, true);
	const pid_t child = fork();

	if (child == 0) {
		struct reprise_recorder_stats stats = { .size = sizeof(stats) };
		struct reprise_event event;
		struct reprise_gap gap;
		const bool is_told_so =
			reprise_next(scene.host, &event, &gap, NULL) == REPRISE_NEXT_ENDED &&
			reprise_recorder_flush(scene.reading.recorder, NULL, REPRISE_SYNCED, 0) ==
				REPRISE_E_FORKED &&
			reprise_recorder_stats(scene.reading.recorder, &stats) ==
				REPRISE_E_FORKED &&
			reprise_recorder_close(scene.reading.recorder) == REPRISE_E_FORKED;

		_exit(is_told_so ? 7 : 1);
	}
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	cr_assert(eq(int, WIFEXITED(status) ? WEXITSTATUS(status) : -1, 7));
	cr_assert(following_is_told(&scene.reading));
	expect_next(&scene);
	cr_assert(following_is_told(&scene.reading));
	end(&scene);
}
