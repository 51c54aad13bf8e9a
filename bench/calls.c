/* SPDX-License-Identifier: MIT */

/*
 * System calls of an append, counted: a thread appends under a filter that turns each call into a
 * signal, which counts it. The filter suppresses the call. The consequences do not matter here:
 * there should be no call. The thread can do nothing else afterwards, so all of it happens in a
 * process of its own.
 */

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reprise/reprise.h>

#include "calls.h"
#include "result.h"
#include "rows.h"

enum {
	APPENDS = 1000 * 1000,
	PARKED = 64,
	STACK_BYTES = 65536,
};

/* Shared with the process that is started. */
struct tally {
	atomic_uint_fast64_t calls;
	atomic_int is_done;
};

struct counted {
	struct reprise_writer *writer;
	struct tally *tally;
	int makes_one; /* a call on purpose: the count must be 1 then */
};

/* The setting of a count. */
struct setting {
	unsigned int parked;
	int makes_one;
	void (*attach)(struct reprise_store *store, void *context);
	void *context;
};

static struct tally *counting;

static void
count_call(int signal)
{
	(void)signal;
	atomic_fetch_add(&counting->calls, 1);
}

static void
turn_calls_into_signals(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
	};
	const struct sock_fprog program = { .len = 5, .filter = filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		_exit(3);
}

static void *
append_counted(void *argument)
{
	const struct counted *const counted = argument;
	static const unsigned char payload[256];
	const struct reprise_bytes bytes = { payload, sizeof(payload) };
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = count_call;
	sigaction(SIGSYS, &action, NULL);
	/* The first appends resolve symbols and touch memory. */
	for (int i = 0; i < 20000; i++)
		if (reprise_append(counted->writer, 0, 1, 0, bytes, NULL) != REPRISE_OK)
			__builtin_trap();
	turn_calls_into_signals();
	for (int i = 0; i < APPENDS; i++)
		if (reprise_append(counted->writer, 0, 1, 0, bytes, NULL) != REPRISE_OK)
			__builtin_trap();
	if (counted->makes_one)
		(void)syscall(SYS_getppid);
	atomic_store(&counted->tally->is_done, 1);
	syscall(SYS_exit, 0);
	return NULL;
}

static void *
park(void *argument)
{
	if (reprise_wait(argument, REPRISE_NO_LIMIT) != REPRISE_OK)
		_exit(2);
	return NULL;
}

static void
park_one(struct reprise_store *store, const pthread_attr_t *attributes)
{
	const struct reprise_subscription_options options = { .size = sizeof(options),
							      .spin_ns = 1 };
	struct reprise_subscription_stats stats = { .size = sizeof(stats) };
	struct reprise_subscription *subscription;
	struct reprise_cursor cursor;
	pthread_t thread;

	if (reprise_session_current_cursor(store, "bench", 0, &cursor) != REPRISE_OK ||
	    reprise_subscribe_after(store, &cursor, &options, &subscription, NULL) != REPRISE_OK ||
	    pthread_create(&thread, attributes, park, subscription) != 0)
		_exit(2);
	do {
		sched_yield();
		if (reprise_subscription_stats(subscription, &stats) != REPRISE_OK)
			_exit(2);
	} while (stats.sleeps == 0);
}

static void
count_in_child(const struct setting *setting)
{
	struct reprise_store_options options = { .size = sizeof(options) };
	struct counted counted = { .tally = counting, .makes_one = setting->makes_one };
	struct reprise_store *store;
	pthread_attr_t attributes;
	pthread_t thread;

	if (setting->parked > 0) {
		options.wake = REPRISE_WAKE_DEFERRED;
		options.deferred_tick_ns = 3600000000000u;
	}
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	if (reprise_store_open(&options, &store, NULL) != REPRISE_OK)
		_exit(2);
	if (setting->attach != NULL)
		setting->attach(store, setting->context);
	if (reprise_writer_open(store, "bench", NULL, &counted.writer, NULL) != REPRISE_OK)
		_exit(2);
	for (unsigned int i = 0; i < setting->parked; i++)
		park_one(store, &attributes);
	if (pthread_create(&thread, NULL, append_counted, &counted) != 0)
		_exit(2);
	while (!atomic_load(&counting->is_done))
		usleep(1000);
	_exit(0);
}

/* The count, or -1 where the kernel has no such filter. */
static double
count_calls(const struct setting *setting)
{
	int status;
	pid_t child;

	atomic_store(&counting->calls, 0);
	atomic_store(&counting->is_done, 0);
	if ((child = fork()) < 0)
		harness_die("no process");
	if (child == 0)
		count_in_child(setting);
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) == 2)
		harness_die("system calls could not be counted");
	return WEXITSTATUS(status) == 3 ? -1 : (double)atomic_load(&counting->calls);
}

bool
calls_count(unsigned int parked, void (*attach)(struct reprise_store *store, void *context),
	    void *context, double *ret_calls)
{
	const struct setting proof = { .makes_one = 1 };
	const struct setting setting = { .parked = parked, .attach = attach, .context = context };

	counting = mmap(NULL, sizeof(*counting), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (counting == MAP_FAILED)
		harness_die("no memory");
	const bool is_counted = count_calls(&proof) == 1;

	if (is_counted)
		*ret_calls = count_calls(&setting) / APPENDS;
	munmap(counting, sizeof(*counting));
	return is_counted;
}

void
measure_calls(struct harness *harness)
{
	const struct {
		unsigned int parked;
		const char *parameters;
	} rows[] = {
		{ 0,
		  "\"side\":\"reprise\",\"payload\":256,\"what\":\"system calls, nobody sleeps\"" },
		{ PARKED, "\"side\":\"reprise\",\"payload\":256,\"hosts\":64,\"mode\":\"parked\","
			  "\"what\":\"system calls, deferred\"" },
	};

	for (size_t i = 0; i < 2 && !harness_is_interrupted(); i++) {
		double calls = 0;
		struct result result = { .name = "append",
					 .unit = "calls",
					 .values = &calls,
					 .runs = 1,
					 .goal_is = GOAL_AT_MOST,
					 .goal = 0 };

		if (!calls_count(rows[i].parked, NULL, NULL, &calls)) {
			result_skip(harness, "append", "system calls",
				    "the kernel's filter does not count");
			return;
		}
		snprintf(result.parameters, sizeof(result.parameters), "%s", rows[i].parameters);
		result_print(harness, &result);
	}
}
