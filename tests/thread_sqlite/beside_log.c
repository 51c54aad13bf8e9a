/* SPDX-License-Identifier: MIT */
/*
 * P04, X03: a log and a store of thread documents in one process that forks, each of a library of
 * its own. Both are in use by another thread at each fork, and the child opens both for itself.
 * Usage: beside_log [log first: 0 or 1]
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reprise/log_sqlite.h>
#include <reprise/thread_sqlite.h>

enum {
	FORKS = 20,
	ALARM_S = 60, /* a child that hangs is ended */
};

#define MUST(call)                                                               \
	do {                                                                     \
		if (!(call)) {                                                   \
			fprintf(stderr, "beside_log:%d: %s\n", __LINE__, #call); \
			_exit(1);                                                \
		}                                                                \
	} while (0)

static char log_path[1024], thread_path[1024];
static const struct reprise_log_key key = { "t", "k" };

struct both {
	struct reprise_log *log;
	struct reprise_thread_store *store;
};

static void
open_log(struct both *both)
{
	const struct reprise_log_sqlite_options options = { .size = sizeof(options),
							    .path = log_path,
							    .durability = REPRISE_WRITTEN };

	MUST(reprise_log_sqlite_open(&options, &both->log, NULL) == REPRISE_OK);
}

static void
open_threads(struct both *both)
{
	const struct reprise_thread_sqlite_options options = { .size = sizeof(options),
							       .durability = REPRISE_WRITTEN };

	MUST(reprise_thread_sqlite_open(thread_path, &options, &both->store, NULL) == REPRISE_OK);
}

static void
append_to_both(const struct both *both)
{
	static const char delta[] = "{\"run_id\":\"r\",\"reason\":\"UserMessage\"}";
	const struct reprise_log_new_entry entry = { .payload = { "x", 1 } };

	MUST(reprise_log_append(both->log, &key, NULL, &entry, 1, NULL, NULL) == REPRISE_OK);
	MUST(reprise_thread_append(both->store, "t", NULL,
				   (struct reprise_bytes){ delta, sizeof(delta) - 1 }, NULL,
				   NULL) == REPRISE_OK);
}

static atomic_bool is_over;

static void *
append_until_over(void *argument)
{
	while (!atomic_load(&is_over))
		append_to_both(argument);
	return NULL;
}

static void
close_both(const struct both *both)
{
	reprise_log_close(both->log);
	reprise_thread_store_close(both->store);
}

static void
run_child(const struct both *inherited, bool is_log_first)
{
	struct both own;

	alarm(ALARM_S);
	if (is_log_first)
		open_log(&own);
	open_threads(&own);
	if (!is_log_first)
		open_log(&own);
	append_to_both(&own);
	close_both(&own);
	close_both(inherited);
	_exit(0);
}

static void
remove_files(void)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-lock" };
	char name[1100];

	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s%s", log_path, suffixes[i]);
		(void)unlink(name);
		snprintf(name, sizeof(name), "%s%s", thread_path, suffixes[i]);
		(void)unlink(name);
	}
}

int
main(int count, char **arguments)
{
	const bool is_log_first = count > 1 && strcmp(arguments[1], "1") == 0;
	char folder[] = "/tmp/reprise-XXXXXX";
	struct both both;
	pthread_t thread;

	MUST(mkdtemp(folder) != NULL);
	snprintf(log_path, sizeof(log_path), "%s/log", folder);
	snprintf(thread_path, sizeof(thread_path), "%s/threads", folder);
	if (is_log_first)
		open_log(&both);
	open_threads(&both);
	if (!is_log_first)
		open_log(&both);
	MUST(reprise_thread_create(both.store, "t", (struct reprise_bytes){ 0 }, NULL, NULL) ==
	     REPRISE_OK);
	append_to_both(&both);
	MUST(pthread_create(&thread, NULL, append_until_over, &both) == 0);
	for (int i = 0; i < FORKS; i++) {
		int status = 0;
		const pid_t child = fork();

		MUST(child >= 0);
		if (child == 0)
			run_child(&both, is_log_first);
		MUST(waitpid(child, &status, 0) == child && status == 0);
	}
	atomic_store(&is_over, true);
	MUST(pthread_join(thread, NULL) == 0);
	close_both(&both);
	remove_files();
	return rmdir(folder) == 0 ? 0 : 1;
}
