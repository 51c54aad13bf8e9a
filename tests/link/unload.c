/* SPDX-License-Identifier: MIT */
/*
 * Libraries that are loaded and unloaded, and several copies of the library in one process, which
 * forks. This program is linked to no copy.
 * Usage: unload threads|loads LIBRARY ...        (shared libraries of ours, the last of them used)
 *        unload fork FIRST SECOND                (two copies, opened in this order)
 *        unload replaced PLUGIN LIBRARY          (the copy that tends forks is unloaded before)
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reprise/reprise.h>

#define MUST(condition)                                                                         \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			fprintf(stderr, "unload: %s:%d: %s\n", __FILE__, __LINE__, #condition); \
			_exit(1);                                                               \
		}                                                                               \
	} while (0)

enum {
	LOADS = 2500,
	FORKS = 20,
	LIBRARIES_MAX = 16,
};

/* One copy of the library, with a store of its own. */
struct copy {
	void *library;
	int (*open)(struct reprise_store **ret_store, struct reprise_writer **ret_session);
	int (*append)(struct reprise_writer *session);
	int (*close)(struct reprise_store *store, struct reprise_writer *session);
	__typeof__(&reprise_store_open) store_open;
	__typeof__(&reprise_store_close) store_close;
	__typeof__(&reprise_writer_open) session_open;
	__typeof__(&reprise_writer_close) session_close;
	__typeof__(&reprise_append) append_one;
	struct reprise_store *store;
	struct reprise_writer *writer;
};

/* dlsym returns a pointer to an object: its bytes are those of the function's. */
#define FIND(copy, member, name)                                         \
	do {                                                             \
		void *const found = dlsym((copy)->library, name);        \
		memcpy(&(copy)->member, &found, sizeof((copy)->member)); \
	} while (0)

static void
load(struct copy *copy, const char *path)
{
	*copy = (struct copy){ .library = dlopen(path, RTLD_NOW | RTLD_LOCAL) };
	if (copy->library == NULL)
		fprintf(stderr, "unload: %s\n", dlerror());
	MUST(copy->library != NULL);
	FIND(copy, open, "plugin_open");
	FIND(copy, append, "plugin_append");
	FIND(copy, close, "plugin_close");
	if (copy->open != NULL)
		return;
	FIND(copy, store_open, "reprise_store_open");
	FIND(copy, store_close, "reprise_store_close");
	FIND(copy, session_open, "reprise_writer_open");
	FIND(copy, session_close, "reprise_writer_close");
	FIND(copy, append_one, "reprise_append");
	MUST(copy->append_one != NULL);
}

static void
begin(struct copy *copy)
{
	if (copy->open != NULL) {
		MUST(copy->open(&copy->store, &copy->writer) == REPRISE_OK);
		MUST(copy->append(copy->writer) == REPRISE_OK);
		return;
	}
	MUST(copy->store_open(NULL, &copy->store, NULL) == REPRISE_OK);
	MUST(copy->session_open(copy->store, "shared", NULL, &copy->writer, NULL) == REPRISE_OK);
	MUST(copy->append_one(copy->writer, 0, 0, 0, (struct reprise_bytes){ "x", 1 }, NULL) ==
	     REPRISE_OK);
}

static void
end(struct copy *copy)
{
	if (copy->open != NULL) {
		MUST(copy->close(copy->store, copy->writer) == REPRISE_OK);
		return;
	}
	copy->session_close(copy->writer);
	MUST(copy->store_close(copy->store) == REPRISE_OK);
}

/* --- a thread that ends after dlclose --------------------------------------------------------- */

struct meeting {
	struct copy *copy;
	pthread_barrier_t barrier;
};

static void *
thread_main(void *argument)
{
	struct meeting *const meeting = argument;

	begin(meeting->copy);
	end(meeting->copy);
	pthread_barrier_wait(&meeting->barrier); /* used */
	pthread_barrier_wait(&meeting->barrier); /* unloaded */
	return NULL;
}

static void
threads(char **paths, int count)
{
	struct copy copies[LIBRARIES_MAX];
	struct meeting meeting = { .copy = &copies[0] };
	pthread_t thread;

	MUST(count <= LIBRARIES_MAX);
	for (int i = 0; i < count; i++) {
		copies[i] = (struct copy){ .library = dlopen(paths[i], RTLD_NOW | RTLD_LOCAL) };
		MUST(copies[i].library != NULL);
	}
	load(&copies[count - 1], paths[count - 1]);
	MUST(dlclose(copies[count - 1].library) == 0); /* load's second one */
	meeting.copy = &copies[count - 1];
	pthread_barrier_init(&meeting.barrier, NULL, 2);
	MUST(pthread_create(&thread, NULL, thread_main, &meeting) == 0);
	pthread_barrier_wait(&meeting.barrier);
	for (int i = 0; i < count; i++)
		MUST(dlclose(copies[i].library) == 0);
	pthread_barrier_wait(&meeting.barrier);
	MUST(pthread_join(thread, NULL) == 0);
}

static void
loads(const char *path)
{
	for (int i = 0; i < LOADS; i++) {
		struct copy copy;

		load(&copy, path);
		begin(&copy);
		end(&copy);
		MUST(dlclose(copy.library) == 0);
	}
}

/* --- forks ------------------------------------------------------------------------------------ */

static _Atomic bool is_enough;

/* Keeps liburcu's locks busy. */
static void *
open_main(void *argument)
{
	while (!is_enough) {
		struct copy copy = *(struct copy *)argument;

		begin(&copy);
		end(&copy);
	}
	return NULL;
}

static void
fork_often(struct copy *first, struct copy *second)
{
	pthread_t thread;

	MUST(pthread_create(&thread, NULL, open_main, second) == 0);
	for (int i = 0; i < FORKS; i++) {
		int status = 0;
		const pid_t pid = fork();

		MUST(pid >= 0);
		if (pid == 0) {
			alarm(10);
			struct copy copies[2] = { *first, *second };

			for (int k = 0; k < 2; k++) {
				begin(&copies[k]);
				end(&copies[k]);
			}
			_exit(0);
		}
		MUST(waitpid(pid, &status, 0) == pid);
		MUST(status == 0);
	}
	is_enough = true;
	MUST(pthread_join(thread, NULL) == 0);
	is_enough = false;
}

static void
fork_with_two(const char *first, const char *second)
{
	struct copy copies[2];

	for (int i = 0; i < 2; i++) {
		load(&copies[i], i == 0 ? first : second);
		begin(&copies[i]);
	}
	fork_often(&copies[0], &copies[1]);
	end(&copies[0]);
	end(&copies[1]);
}

/* @plugin is linked without -z nodelete, so that it is really unloaded. */
static void
replaced(const char *plugin, const char *library)
{
	struct copy gone, stays;

	load(&stays, library);
	load(&gone, plugin);
	begin(&gone); /* it tends forks */
	end(&gone);
	begin(&stays);
	MUST(dlclose(gone.library) == 0);
	MUST(dlopen(plugin, RTLD_NOW | RTLD_NOLOAD) == NULL);
	end(&stays);
	begin(&stays);
	fork_often(&stays, &stays);
	end(&stays);
}

int
main(int count, char **arguments)
{
	const char *const scene = count > 2 ? arguments[1] : "";

	alarm(50);
	if (strcmp(scene, "threads") == 0)
		threads(arguments + 2, count - 2);
	else if (strcmp(scene, "loads") == 0)
		loads(arguments[count - 1]);
	else if (strcmp(scene, "fork") == 0 && count == 4)
		fork_with_two(arguments[2], arguments[3]);
	else if (strcmp(scene, "replaced") == 0 && count == 4)
		replaced(arguments[2], arguments[3]);
	else
		return 2;
	printf("unload: %s: as it should be\n", scene);
	return 0;
}
