/* SPDX-License-Identifier: MIT */

/*
 * How many system calls appends make while somebody sleeps, counted one by one. The writer runs
 * under a filter that traps each call of its thread; the handler counts it, and makes it again with
 * a word that the filter knows in an argument that the call does not use. To the append it then
 * says that the call was refused: errno must be none the wiser.
 *
 * Hosts that were woken go on only when the writer's burst is over, so that each burst meets one
 * sleep of everybody, and no more. It may cost one call for the direct sleeper, one for all
 * others, however many they are; and none in a store that defers.
 */

#include <errno.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "stress.h"

enum {
	BURST = 50,
	DEFERRED_APPENDS = 100000,
	PERIODS = 50,
	CALLS_MAX = 8, /* in a burst; more are as many */
	OTHER_ERROR = 4711,
	PASS = 0x5a5a1234,
};

/* How many hosts sleep at which door. */
struct cast {
	unsigned int waiting, descriptors, callbacks;
	unsigned int calls_max;
};

struct host {
	pthread_t thread;
	struct scene *scene;
	struct reprise_subscription *subscription;
	struct stress_books books;
	uint64_t sleeps; /* when it was last known to sleep */
	int descriptor;  /* or -1 */
	_Atomic uint64_t calls;
	uint64_t calls_seen;
};

struct scene {
	const struct cast *cast;
	struct reprise_store *store;
	struct reprise_writer *writer;
	struct host *hosts; /* those that wait, those with descriptors, those with callbacks */
	pthread_t runtime;
	_Atomic uint64_t period, written; /* bursts that are allowed, and done */
	_Atomic uint64_t gate;            /* bursts after which hosts may go on */
	uint64_t burst;                   /* appends in one */
	uint64_t histogram[CALLS_MAX + 1];
	_Atomic bool is_over;
};

static uint64_t bursts, deferred;

/* Of the writer's thread, which alone is trapped. */
static _Atomic uint64_t wakes_counted, others_counted;

#if defined(__x86_64__)
static void
count_call(int number, siginfo_t *info, void *context)
{
	greg_t *const registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	const bool is_wake = info->si_syscall == SYS_futex &&
			     (registers[REG_RSI] & FUTEX_CMD_MASK) == FUTEX_WAKE;
	const int error = errno;
	long answer;

	(void)number;
	atomic_fetch_add(is_wake ? &wakes_counted : &others_counted, 1);
	answer = syscall(info->si_syscall, registers[REG_RDI], registers[REG_RSI],
			 registers[REG_RDX], registers[REG_R10], registers[REG_R8], PASS);
	registers[REG_RAX] = is_wake ? -EPERM : answer == -1 ? -errno : answer;
	errno = error;
}
#endif

static void
trap_every_call(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 2, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[5])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PASS, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
	};
	const struct sock_fprog program = { .len = 7, .filter = filter };

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

/* First that it is trapped, and done: a count that cannot be anything but 0 shows nothing. */
static void
check_trap(void)
{
	const uint64_t before = atomic_load(&others_counted);

	CHECK(syscall(SYS_getppid) == getppid());
	CHECK(atomic_load(&others_counted) == before + 2);
}

static void *
writer_main(void *argument)
{
	struct scene *const scene = argument;
	reprise_position newest = 0;

	trap_every_call();
	check_trap();
	for (uint64_t period = 1;; period++) {
		while (atomic_load(&scene->period) < period && !atomic_load(&scene->is_over))
			sched_yield();
		if (atomic_load(&scene->is_over))
			break;
		const uint64_t wakes = atomic_load(&wakes_counted);
		const uint64_t others = atomic_load(&others_counted);

		errno = OTHER_ERROR;
		for (uint64_t i = 0; i < scene->burst; i++)
			newest = stress_append(scene->writer, newest + 1);
		CHECK(errno == OTHER_ERROR);
		CHECK(atomic_load(&others_counted) == others);
		const uint64_t calls = atomic_load(&wakes_counted) - wakes;

		scene->histogram[calls < CALLS_MAX ? calls : CALLS_MAX]++;
		atomic_store(&scene->written, period);
	}
	/* Ending the thread as pthreads do would make calls with signals blocked. */
	syscall(SYS_exit, 0);
	return NULL;
}

static void
drain(struct host *host)
{
	reprise_outcome outcome;

	do
		outcome = stress_take(host->subscription, &host->books);
	while (outcome == REPRISE_NEXT_EVENT || outcome == REPRISE_NEXT_GAP);
}

static void *
host_main(void *argument)
{
	struct host *const host = argument;
	struct scene *const scene = host->scene;

	for (uint64_t period = 1; !host->books.is_ended; period++) {
		drain(host);
		if (host->books.is_ended)
			break;
		const reprise_status status = reprise_wait(host->subscription, REPRISE_NO_LIMIT);

		CHECK(status == REPRISE_OK || atomic_load(&scene->is_over));
		while (atomic_load(&scene->gate) < period)
			sched_yield();
	}
	return NULL;
}

static void
be_called(struct reprise_subscription *subscription, void *context)
{
	struct host *const host = context;

	CHECK(subscription == host->subscription);
	atomic_fetch_add(&host->calls, 1);
}

static struct host *
end_of_hosts(struct scene *scene)
{
	const struct cast *const cast = scene->cast;

	return scene->hosts + cast->waiting + cast->descriptors + cast->callbacks;
}

/* Until it has been rung; then takes what there is, and sleeps again. */
static void
serve_doors(struct scene *scene)
{
	struct host *const descriptors = scene->hosts + scene->cast->waiting;
	struct host *const callbacks = descriptors + scene->cast->descriptors;

	for (struct host *host = descriptors; host < callbacks; host++) {
		struct pollfd at = { .fd = host->descriptor, .events = POLLIN };

		CHECK(poll(&at, 1, -1) == 1);
		drain(host);
	}
	for (struct host *host = callbacks; host < end_of_hosts(scene); host++) {
		while (atomic_load(&host->calls) == host->calls_seen)
			sched_yield();
		host->calls_seen = atomic_load(&host->calls);
		drain(host);
	}
}

static uint64_t
sleeps_of(const struct host *host)
{
	struct reprise_subscription_stats stats = { .size = sizeof(stats) };

	CHECK_OK(reprise_subscription_stats(host->subscription, &stats));
	return stats.sleeps;
}

/* A sleep is counted when the hand is up and the look behind it was in vain. */
static void
wait_for_sleepers(struct scene *scene)
{
	for (struct host *host = scene->hosts; host < scene->hosts + scene->cast->waiting; host++) {
		while (sleeps_of(host) == host->sleeps)
			sched_yield();
		host->sleeps = sleeps_of(host);
	}
}

/*
 * So that waking it costs its call. It may wake for a moment by itself: hence "most bursts" below.
 */
static void
wait_for_relay(void)
{
	while (!stress_sleeps("reprise-relay"))
		sched_yield();
}

/* Every callback has been called for having been set, and every door's hand is up. */
static void
settle(struct scene *scene)
{
	wait_for_relay();
	for (struct host *host = scene->hosts + scene->cast->waiting; host < end_of_hosts(scene);
	     host++)
		drain(host);
	wait_for_relay();
	for (struct host *host = scene->hosts; host < end_of_hosts(scene); host++)
		host->calls_seen = atomic_load(&host->calls);
}

static void
open_host(struct host *host, const struct reprise_cursor *cursor)
{
	const size_t number = (size_t)(host - host->scene->hosts);
	const struct cast *const cast = host->scene->cast;

	host->descriptor = -1;
	host->subscription = stress_subscribe(host->scene->store, cursor, 1);
	if (number < cast->waiting)
		CHECK(pthread_create(&host->thread, NULL, host_main, host) == 0);
	else if (number < cast->waiting + cast->descriptors)
		CHECK_OK(reprise_subscription_fd(host->subscription, &host->descriptor, NULL));
	else
		CHECK_OK(reprise_subscription_notify(host->subscription, be_called, host, NULL));
}

static void
open_scene(struct scene *scene, reprise_wake wake, uint64_t tick_ns)
{
	const struct cast *const cast = scene->cast;

	scene->store = stress_store_that_wakes(wake, tick_ns, 64, 8192);
	scene->writer = stress_writer(scene->store, "s");
	scene->hosts =
		calloc(cast->waiting + cast->descriptors + cast->callbacks, sizeof(struct host));
	CHECK(scene->hosts != NULL);
	const struct reprise_cursor cursor = stress_cursor(scene->store, "s");

	for (struct host *host = scene->hosts; host < end_of_hosts(scene); host++) {
		host->scene = scene;
		open_host(host, &cursor);
	}
	settle(scene);
	CHECK(pthread_create(&scene->runtime, NULL, writer_main, scene) == 0);
}

/* Everybody sleeps, and the relay does. */
static void
wait_for_night(struct scene *scene)
{
	wait_for_sleepers(scene);
	wait_for_relay();
}

static void
write_burst(struct scene *scene)
{
	const uint64_t period = atomic_fetch_add(&scene->period, 1) + 1;

	while (atomic_load(&scene->written) < period)
		sched_yield();
}

static void
close_scene(struct scene *scene)
{
	const uint64_t appends = atomic_load(&scene->written) * scene->burst;

	atomic_store(&scene->is_over, true);
	atomic_store(&scene->gate, UINT64_MAX);
	CHECK(pthread_join(scene->runtime, NULL) == 0);
	CHECK_OK(reprise_writer_end(scene->writer, 0));
	for (struct host *host = scene->hosts; host < end_of_hosts(scene); host++) {
		if (host < scene->hosts + scene->cast->waiting) {
			/* Where the tick is long, nothing else does. */
			CHECK_OK(reprise_subscription_interrupt(host->subscription));
			CHECK(pthread_join(host->thread, NULL) == 0);
		} else {
			drain(host);
		}
		stress_balance(&host->books, appends);
		reprise_subscription_close(host->subscription);
	}
	reprise_writer_close(scene->writer);
	CHECK_OK(reprise_store_close(scene->store));
	free(scene->hosts);
}

/*
 * Answers how many calls most bursts have cost; as few as one would mean that somebody was
 * forgotten.
 */
static uint64_t
run(const struct cast *cast)
{
	struct scene scene = { .cast = cast, .burst = BURST };
	uint64_t mostly = 0;

	open_scene(&scene, REPRISE_WAKE_RELAY, 0);
	for (uint64_t period = 1; period <= PERIODS; period++) {
		wait_for_night(&scene);
		write_burst(&scene);
		atomic_store(&scene.gate, period);
		serve_doors(&scene);
	}
	close_scene(&scene);
	for (uint64_t calls = 0; calls <= CALLS_MAX; calls++) {
		CHECK(scene.histogram[calls] == 0 || (calls >= 1 && calls <= cast->calls_max));
		if (scene.histogram[calls] > scene.histogram[mostly])
			mostly = calls;
	}
	bursts += PERIODS;
	return mostly;
}

/* Nobody is woken before the end, an hour away. */
static void
run_deferred(const struct cast *cast)
{
	struct scene scene = { .cast = cast, .burst = DEFERRED_APPENDS };

	open_scene(&scene, REPRISE_WAKE_DEFERRED, UINT64_C(3600) * 1000000000);
	wait_for_night(&scene);
	write_burst(&scene);
	CHECK(scene.histogram[0] == 1);
	for (struct host *host = scene.hosts; host < end_of_hosts(&scene); host++) {
		struct pollfd at = { .fd = host->descriptor, .events = POLLIN };

		CHECK(sleeps_of(host) == host->sleeps);
		CHECK(atomic_load(&host->calls) == host->calls_seen);
		CHECK(host->descriptor < 0 || poll(&at, 1, 0) == 0);
	}
	close_scene(&scene);
	deferred += DEFERRED_APPENDS;
}

int
main(int argc, char **argv)
{
	static const struct cast one = { 1, 0, 0, 1 }, door = { 0, 1, 0, 1 },
				 doors = { 0, 32, 32, 1 }, many = { 22, 21, 21, 2 },
				 more = { 32, 240, 240, 2 };
	uint64_t of_many, of_more;
#if defined(__x86_64__)
	struct sigaction action = { .sa_sigaction = count_call, .sa_flags = SA_SIGINFO };

	CHECK(sigaction(SIGSYS, &action, NULL) == 0);
#else
	return 77; /* the registers of a trapped call are the machine's own */
#endif
	stress_begin(argc, argv);
	stress_limit_payload(64);
	do {
		run_deferred(&many);
		CHECK(run(&one) == 1);
		CHECK(run(&door) == 1);
		CHECK(run(&doors) == 1);
		of_many = run(&many);
		of_more = run(&more);
		CHECK(of_many == 2);
		CHECK(of_more == of_many);
	} while (!stress_is_over());
	printf("deferred appends %llu, calls 0  bursts %llu, calls of one: 1 sleeper 1, 64 "
	       "sleepers %llu,"
	       " 512 sleepers %llu\n",
	       (unsigned long long)deferred, (unsigned long long)bursts,
	       (unsigned long long)of_many, (unsigned long long)of_more);
	return 0;
}
