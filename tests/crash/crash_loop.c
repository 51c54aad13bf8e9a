/* SPDX-License-Identifier: MIT */
#include "crash.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * crash_loop sqlite|postgres ROUNDS [SEED]
 *
 * Each round starts a runtime, kills it at a random moment, and has its log checked. The seed gives
 * the same events, windows and delays again; how far the threads come in between it does not.
 */

enum {
	UP_MS = 150, /* after it is up, at most */
};

static char folder[512];

static pid_t
start(struct crash *crash, void (*run)(struct crash *crash))
{
	const pid_t parent = getpid(), child = fork();

	CHECK(child >= 0);
	if (child > 0)
		return child;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	run(crash);
	_exit(1);
}

static int
end_of(pid_t child)
{
	int status = 0;

	CHECK(waitpid(child, &status, 0) == child);
	return status;
}

/* Mostly after it is up; sometimes while it comes up, sometimes while it closes. */
static void
kill_some_time(struct crash *crash, pid_t child, uint64_t *random)
{
	const uint64_t when = crash_random(random) % 8;
	const uint64_t delay = crash_random(random) % (UINT64_C(1000000) * UP_MS);

	for (int naps = 0; when > 0 && naps < 20000 && !atomic_load(&crash->is_up); naps++) {
		crash_nap(500000);
		CHECK(waitpid(child, NULL, WNOHANG) == 0);
	}
	crash_nap(delay);
	if (when == 1) {
		atomic_store(&crash->is_to_close, true);
		crash_nap(crash_random(random) % 30000000);
	}
	(void)kill(child, SIGKILL);
}

/* Another log, of which nothing was told. */
static void
begin_log(struct crash *crash, uint64_t number)
{
	if (crash->is_postgres)
		snprintf(crash->where, sizeof(crash->where), "crash_%ld_%" PRIu64, (long)getpid(),
			 number);
	else
		snprintf(crash->where, sizeof(crash->where), "%s/log%" PRIu64, folder, number);
	for (int i = 0; i < CRASH_SESSIONS; i++) {
		crash->sessions[i].checked = 0;
		atomic_store(&crash->sessions[i].promised.turn, 0);
		for (int host = 0; host < CRASH_HOSTS; host++)
			atomic_store(&crash->sessions[i].hosts[host].turn, 0);
	}
}

static void
end_log(const struct crash *crash)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-lock" };
	char file[1100];

	for (int i = 0; !crash->is_postgres && i < 4; i++) {
		snprintf(file, sizeof(file), "%s%s", crash->where, ends[i]);
		(void)unlink(file);
	}
}

static bool
run_round(struct crash *crash)
{
	uint64_t random = crash->seed * 31 + crash->round;

	crash->durability = !crash->is_postgres && crash_random(&random) % 3 == 0 ? REPRISE_WRITTEN
										  : REPRISE_SYNCED;
	crash->is_limited = crash_random(&random) % 2 == 0;
	atomic_store(&crash->is_up, false);
	atomic_store(&crash->is_to_close, false);
	atomic_store(&crash->has_closed, false);
	const pid_t child = start(crash, crash_run);

	kill_some_time(crash, child, &random);
	const int killed = end_of(child);

	if (!(WIFSIGNALED(killed) && WTERMSIG(killed) == SIGKILL) && killed != 0) {
		fprintf(stderr, "the runtime ended with %d\n", killed);
		return false;
	}
	const pid_t check = start(crash, crash_check);
	const int checked = end_of(check);

	if (checked != 0)
		fprintf(stderr, "the check ended with %d\n", checked);
	return checked == 0;
}

static bool
run_rounds(struct crash *crash, uint64_t rounds)
{
	for (crash->round = 1; crash->round <= rounds; crash->round++) {
		if (crash->round % CRASH_ROUNDS_OF_A_LOG == 1)
			begin_log(crash, crash->round);
		if (!run_round(crash)) {
			fprintf(stderr, "crash_loop: round %" PRIu64 " of seed %" PRIu64 "%s: %s\n",
				crash->round, crash->seed,
				crash->durability == REPRISE_WRITTEN ? ", written" : "",
				crash->where);
			return false;
		}
		if (crash->round % CRASH_ROUNDS_OF_A_LOG == 0 || crash->round == rounds)
			end_log(crash);
	}
	return true;
}

int
main(int argc, char **argv)
{
	if (argc < 3 || argc > 4 ||
	    (strcmp(argv[1], "sqlite") != 0 && strcmp(argv[1], "postgres") != 0)) {
		fprintf(stderr, "usage: crash_loop sqlite|postgres ROUNDS [SEED]\n");
		return 2;
	}
	struct crash *const crash = mmap(NULL, sizeof(*crash), PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	const char *const above = getenv("TMPDIR");

	CHECK(crash != MAP_FAILED);
	crash->is_postgres = strcmp(argv[1], "postgres") == 0;
	crash->seed = argc > 3 ? strtoull(argv[3], NULL, 10) : (uint64_t)time(NULL);
	if (crash->is_postgres && getenv("REPRISE_POSTGRES") == NULL)
		return 77;
	snprintf(folder, sizeof(folder), "%s/reprise-XXXXXX", above != NULL ? above : "/tmp");
	CHECK(mkdtemp(folder) != NULL);
	const bool is_good = run_rounds(crash, strtoull(argv[2], NULL, 10));

	if (is_good)
		CHECK(rmdir(folder) == 0);
	printf("%s, seed %" PRIu64 ": appended %llu  healed %llu  diverged %llu  restarts %llu"
	       "  gaps %llu  batches %llu  ends %llu\n",
	       argv[1], crash->seed, crash->appended, crash->healed, crash->diverged,
	       crash->restarts, crash->gaps, crash->batches, crash->ends);
	return is_good ? 0 : 1;
}
