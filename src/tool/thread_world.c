/* SPDX-License-Identifier: MIT */
#include "tool/thread_world.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reprise/thread.h>

#include "tool/interrupt.h"
#include "tool/pace.h"
#include "tool/thread_books.h"
#include "tool/thread_place.h"

enum {
	LOOK_NS = 200000,
	START_TRIES = 3, /* another program may take a port that was free */
	FILES_OPEN = 8,
};

#define SERVER_PATIENCE_NS UINT64_C(20000000000)

/* --- making and ending ----------------------------------------------------------------------- */

static bool
say_failure(const char *what)
{
	if (!interrupt_happened())
		fprintf(stderr, "reprise demo --nats: %s\n", what);
	return false;
}

static bool
make_folder(struct thread_world *world)
{
	const char *const parent = getenv("TMPDIR");

	if (snprintf(world->folder, sizeof(world->folder), "%s/reprise-demo.XXXXXX",
		     parent != NULL && parent[0] != '\0' ? parent : "/tmp") >=
		    (int)sizeof(world->folder) ||
	    mkdtemp(world->folder) == NULL) {
		fprintf(stderr, "reprise demo --nats: cannot create the folder %s: %s\n",
			world->folder, strerror(errno));
		world->folder[0] = '\0';
		return false;
	}
	snprintf(world->store, sizeof(world->store), "%s/store.db", world->folder);
	snprintf(world->direct, sizeof(world->direct), "%s/direct.db", world->folder);
	return true;
}

static bool
start_servers(struct thread_world *world)
{
	bool is_good = nats_server_prepare(world->servers, world->servers_count, world->folder);

	for (size_t i = 0; i < world->servers_count && is_good; i++)
		is_good = nats_server_start(&world->servers[i]);
	for (size_t i = 0; i < world->servers_count && is_good; i++)
		is_good = nats_server_await(&world->servers[i], SERVER_PATIENCE_NS,
					    interrupt_happened);
	for (size_t i = 0; i < world->servers_count && !is_good; i++)
		nats_server_kill(&world->servers[i]);
	return is_good;
}

bool
thread_world_make(struct thread_world *world, size_t servers_count)
{
	*world = (struct thread_world){ .servers_count = servers_count,
					.random = (unsigned int)(pace_now() ^ (uint64_t)getpid()) };
	if (!nats_server_is_installed())
		return say_failure("the program nats-server is not installed");
	world->shared = mmap(NULL, sizeof(*world->shared), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (world->shared == MAP_FAILED) {
		world->shared = NULL;
		return say_failure("out of memory");
	}
	if (!make_folder(world))
		return false;
	for (int i = 0; i < START_TRIES && !interrupt_happened(); i++)
		if (start_servers(world))
			return true;
	return say_failure("nats-server does not start");
}

static int
remove_file(const char *path, const struct stat *status, int kind, struct FTW *level)
{
	(void)status;
	(void)kind;
	(void)level;
	return remove(path);
}

static void
stop_writers(struct thread_world *world)
{
	for (size_t i = 0; i < THREAD_WRITERS_MAX; i++)
		if (world->writers[i] != 0)
			thread_world_kill_writer(world, i);
}

void
thread_world_end(struct thread_world *world)
{
	stop_writers(world);
	for (size_t i = 0; i < world->servers_count; i++)
		nats_server_kill(&world->servers[i]);
	if (world->folder[0] != '\0')
		(void)nftw(world->folder, remove_file, FILES_OPEN, FTW_DEPTH | FTW_PHYS);
	if (world->shared != NULL)
		munmap(world->shared, sizeof(*world->shared));
}

/* --- runs ------------------------------------------------------------------------------------ */

static uint64_t
wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool
thread_world_add_run(struct thread_world *world, const char *name, const char *document,
		     uint32_t deltas)
{
	const struct log_place place = { .file = world->store };
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_thread_store *store = NULL;
	struct thread_run *const run = &world->shared->runs[world->runs_count++];

	snprintf(run->document, sizeof(run->document), "%s", document);
	snprintf(run->name, sizeof(run->name), "%s", name);
	run->deltas = deltas;
	run->created_ms = wall_ms();
	reprise_status status = thread_place_open(&place, LOG_ACCESS_CREATE, 0, &store, &error);

	if (status == REPRISE_OK)
		status = reprise_thread_create(store, document, (struct reprise_bytes){ 0 }, NULL,
					       &error);
	reprise_thread_store_close(store);
	if (status == REPRISE_OK || status == REPRISE_E_EXISTS)
		return true;
	log_say_failure("demo --nats", document, status, &error);
	return false;
}

uint32_t
thread_world_acknowledged(const struct thread_world *world)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < world->runs_count; i++)
		sum += atomic_load(&world->shared->runs[i].acknowledged);
	return sum;
}

/* --- writers --------------------------------------------------------------------------------- */

bool
thread_world_start_writer(struct thread_world *world, size_t at, const struct thread_job *job)
{
	const pid_t parent = getpid();

	fflush(NULL);
	const pid_t writer = fork();

	if (writer == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		interrupt_release();
		_exit(thread_run_live(job));
	}
	if (writer < 0)
		return say_failure(strerror(errno));
	world->writers[at] = writer;
	return true;
}

void
thread_world_kill_writer(struct thread_world *world, size_t at)
{
	kill(world->writers[at], SIGKILL);
	while (waitpid(world->writers[at], NULL, 0) == -1 && errno == EINTR)
		;
	world->writers[at] = 0;
}

/* Notes the writers that have ended. Returns the number of running writers. */
static size_t
look_at_writers(struct thread_world *world)
{
	size_t running = 0;

	for (size_t i = 0; i < THREAD_WRITERS_MAX; i++) {
		int ended = 0;

		if (world->writers[i] == 0)
			continue;
		if (waitpid(world->writers[i], &ended, WNOHANG) != world->writers[i]) {
			running++;
			continue;
		}
		world->writers[i] = 0;
		world->has_failed |= ended != 0;
	}
	return running;
}

static bool
has_each_run(const struct thread_world *world, uint32_t least)
{
	for (size_t i = 0; i < world->runs_count; i++)
		if (atomic_load(&world->shared->runs[i].acknowledged) < least)
			return false;
	return true;
}

bool
thread_world_await(struct thread_world *world, uint32_t acknowledged, uint32_t least)
{
	while (thread_world_acknowledged(world) < acknowledged || !has_each_run(world, least)) {
		const size_t running = look_at_writers(world);

		if (interrupt_happened() || world->has_failed || running == 0)
			return false;
		pace_sleep(LOOK_NS);
	}
	return true;
}

bool
thread_world_finish(struct thread_world *world)
{
	while (look_at_writers(world) > 0 && !interrupt_happened() && !world->has_failed)
		pace_sleep(LOOK_NS);
	return !interrupt_happened() && !world->has_failed;
}

/* --- the end --------------------------------------------------------------------------------- */

int
thread_world_judge(struct thread_world *world, const char *const *documents, size_t documents_count)
{
	struct thread_book books[THREAD_BOOKS_MAX];
	size_t faults = 0;

	stop_writers(world);
	for (size_t i = 0; i < documents_count; i++)
		if (thread_book_fill(&books[i], documents[i], world->shared->runs,
				     world->runs_count, world->store, world->direct) != REPRISE_OK)
			return 1;
	thread_books_print(!interrupt_happened(), books, documents_count, world->server_kills,
			   world->writer_kills, atomic_load(&world->shared->recovered));
	if (interrupt_happened()) {
		printf("\nInterrupted: the table covers the time up to the interrupt.\n");
		return EXIT_INTERRUPTED;
	}
	putchar('\n');
	for (size_t i = 0; i < documents_count; i++) {
		const char *const fault = thread_book_fault(&books[i]);

		if (fault != NULL)
			printf("%s: %s.\n", documents[i], fault);
		faults += fault != NULL;
	}
	if (faults == 0)
		printf("Each acknowledged delta was applied once. Each document equals, byte for "
		       "byte but for the uid,\nthe document that reprise_thread_append makes of "
		       "the same deltas.\n");
	return faults == 0 && !world->has_failed ? 0 : 1;
}
