/* SPDX-License-Identifier: MIT */
#include "stress.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	SHORTENED = 20,
	YIELDS = 2000, /* before it looks whether everybody sleeps */
	NIGHTS = 64,   /* one after the other, before it is sure */
};

static uint64_t end_ns;
static bool is_short;
static size_t payload_bytes_max = STRESS_PAYLOAD_MAX;

static uint64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

_Noreturn void
stress_die(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, what);
	_exit(1);
}

void
stress_begin(int argc, char **argv)
{
	const int seconds = argc > 1 ? atoi(argv[1]) : STRESS_SECONDS;

	is_short = seconds == 0;
	end_ns = now_ns() + (uint64_t)seconds * 1000000000u;
	alarm((unsigned int)(60 + 2 * seconds));
}

bool
stress_is_over(void)
{
	return now_ns() >= end_ns;
}

uint64_t
stress_work(uint64_t work)
{
	return is_short && work > SHORTENED ? work / SHORTENED : work;
}

void
stress_refuse_membarrier(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { .len = 4, .filter = filter };

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

bool
stress_fence(int *argc, char **argv)
{
	const bool is_fenced = *argc > 1 && strcmp(argv[1], "fenced") == 0;

	if (*argc > 1 && strcmp(argv[1], "fence") == 0) {
		stress_refuse_membarrier();
		argv[1] = (char *)"fenced";
		execv("/proc/self/exe", argv);
		CHECK(!"exec");
	}
	if (is_fenced) {
		(*argc)--;
		for (int i = 1; i <= *argc; i++)
			argv[i] = argv[i + 1];
	}
	return is_fenced;
}

unsigned int
stress_random(unsigned int *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

void
stress_dawdle(unsigned int *random)
{
	for (unsigned int n = stress_random(random) % 2000; n > 0; n--)
		atomic_signal_fence(memory_order_seq_cst);
}

void
stress_linger(unsigned int *random)
{
	const unsigned int most = 1u << stress_random(random) % 18;

	for (unsigned int n = stress_random(random) % most; n > 0; n--)
		atomic_signal_fence(memory_order_seq_cst);
}

/* The task of that number. A thread that ends meanwhile does nothing any more. */
static bool
task_sleeps(const char *task, const char *name)
{
	char path[300], line[128] = "";

	snprintf(path, sizeof(path), "/proc/self/task/%s/stat", task);
	FILE *const file = fopen(path, "re");

	if (file == NULL)
		return true;
	if (fgets(line, sizeof(line), file) == NULL)
		line[0] = '\0';
	CHECK(fclose(file) == 0);
	/* The name is in brackets, and may hold some. */
	const char *const open = strchr(line, '('), *const close = strrchr(line, ')');

	if (open == NULL || close == NULL)
		return true;
	if (name != NULL && (strlen(name) != (size_t)(close - open - 1) ||
			     strncmp(open + 1, name, strlen(name)) != 0))
		return true;
	return strncmp(close, ") S", 3) == 0;
}

bool
stress_sleeps(const char *name)
{
	DIR *const tasks = opendir("/proc/self/task");
	bool is_awake = false;

	CHECK(tasks != NULL);
	for (struct dirent *task; !is_awake && (task = readdir(tasks)) != NULL;)
		if (task->d_name[0] != '.' && atoi(task->d_name) != gettid())
			is_awake = !task_sleeps(task->d_name, name);
	CHECK(closedir(tasks) == 0);
	return !is_awake;
}

void
stress_yield(struct stress_patience *patience)
{
	sched_yield();
	if (++patience->yields < YIELDS)
		return;
	patience->nights = stress_sleeps(NULL) ? patience->nights + 1 : 0;
	CHECK(patience->nights < NIGHTS || !"a wake-up that was lost");
}

void
stress_stop_clock(struct reprise_store *store)
{
	CHECK_OK(reprise_stamp_set(store, 1));
}

static uint64_t
mix(uint64_t number)
{
	number ^= number >> 31;
	number *= UINT64_C(0x9e3779b97f4a7c15);
	return number ^ number >> 29;
}

void
stress_limit_payload(size_t bytes_max)
{
	payload_bytes_max = bytes_max;
}

static size_t
size_of(reprise_position position)
{
	/* Mostly small, sometimes as large as can be. */
	const uint64_t number = mix(position);

	return number % 4 == 0 ? number / 4 % (payload_bytes_max + 1)
			       : number / 4 % (payload_bytes_max / 16 + 1);
}

size_t
stress_payload(reprise_position position, unsigned char payload[STRESS_PAYLOAD_MAX])
{
	const size_t bytes = size_of(position);

	for (size_t at = 0; at < bytes; at += 8) {
		const uint64_t word = mix(position * 8191 + at);

		memcpy(payload + at, &word, bytes - at < 8 ? bytes - at : 8);
	}
	return bytes;
}

void
stress_verify(const struct reprise_event *event)
{
	unsigned char payload[STRESS_PAYLOAD_MAX];

	CHECK(event->payload.size == size_of(event->position));
	CHECK(event->revision == event->position / 7);
	CHECK(event->kind == (uint16_t)event->position);
	stress_payload(event->position, payload);
	CHECK(memcmp(event->payload.data, payload, event->payload.size) == 0);
}

struct reprise_store *
stress_store_that_wakes(reprise_wake wake, uint64_t tick_ns, uint64_t events_max,
			uint64_t bytes_max)
{
	const struct reprise_session_options bounds = {
		.size = sizeof(bounds),
		.events_max = events_max,
		.bytes_max = bytes_max,
	};
	const struct reprise_store_options options = {
		.size = sizeof(options),
		.session = &bounds,
		.wake = wake,
		.deferred_tick_ns = tick_ns,
	};
	struct reprise_store *store = NULL;

	CHECK_OK(reprise_store_open(&options, &store, NULL));
	return store;
}

struct reprise_store *
stress_store(uint64_t events_max, uint64_t bytes_max)
{
	return stress_store_that_wakes(REPRISE_WAKE_RELAY, 0, events_max, bytes_max);
}

struct reprise_writer *
stress_writer(struct reprise_store *store, const char *id)
{
	struct reprise_writer *writer = NULL;

	CHECK_OK(reprise_writer_open(store, id, NULL, &writer, NULL));
	return writer;
}

reprise_position
stress_append(struct reprise_writer *writer, reprise_position next)
{
	unsigned char payload[STRESS_PAYLOAD_MAX];
	const struct reprise_bytes bytes = { payload, stress_payload(next, payload) };
	reprise_position position = 0;

	CHECK_OK(reprise_append(writer, next / 7, (uint16_t)next, 0, bytes, &position));
	CHECK(position == next);
	return position;
}

reprise_outcome
stress_take(struct reprise_subscription *subscription, struct stress_books *books)
{
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;
	const reprise_outcome outcome = reprise_next(subscription, &event, &gap, &end);

	switch (outcome) {
	case REPRISE_NEXT_EVENT:
		CHECK(event.position == books->seen + 1);
		stress_verify(&event);
		books->seen = event.position;
		books->delivered++;
		break;
	case REPRISE_NEXT_GAP:
		CHECK(gap.reason == REPRISE_GAP_TRIMMED);
		CHECK(gap.lost_first == books->seen + 1);
		CHECK(gap.lost == gap.lost_last - gap.lost_first + 1);
		CHECK(gap.newest.position >= gap.lost_last);
		books->seen = gap.lost_last;
		books->lost += gap.lost;
		books->gaps++;
		if (books->gap_longest < gap.lost)
			books->gap_longest = gap.lost;
		break;
	case REPRISE_NEXT_EMPTY:
		break;
	case REPRISE_NEXT_ENDED:
		CHECK(end.cause == REPRISE_END_SESSION);
		books->is_ended = true;
		books->end_status = end.status;
		break;
	}
	return outcome;
}

void
stress_follow(struct reprise_subscription *subscription, struct stress_books *books, bool polls)
{
	for (;;) {
		const reprise_outcome outcome = stress_take(subscription, books);

		if (outcome == REPRISE_NEXT_ENDED)
			return;
		if (outcome != REPRISE_NEXT_EMPTY)
			continue;
		if (polls)
			sched_yield();
		else
			CHECK_OK(reprise_wait(subscription, REPRISE_NO_LIMIT));
	}
}

void
stress_balance(const struct stress_books *books, uint64_t appended)
{
	CHECK(books->delivered + books->lost == appended);
}

void
stress_report(const char *who, const struct stress_books *books)
{
	printf("%-24s delivered %9" PRIu64 "  lost %9" PRIu64 "  gaps %8" PRIu64
	       "  longest gap %" PRIu64 "\n",
	       who, books->delivered, books->lost, books->gaps, books->gap_longest);
}

struct reprise_cursor
stress_cursor(struct reprise_store *store, const char *id)
{
	struct reprise_cursor cursor;

	CHECK_OK(reprise_session_create(store, id, NULL, NULL));
	CHECK_OK(reprise_session_earliest_cursor(store, id, 0, &cursor));
	return cursor;
}

struct reprise_subscription *
stress_subscribe(struct reprise_store *store, const struct reprise_cursor *cursor, uint64_t spin_ns)
{
	const struct reprise_subscription_options options = { .size = sizeof(options),
							      .spin_ns = spin_ns };
	struct reprise_subscription *subscription = NULL;

	CHECK_OK(reprise_subscribe_after(store, cursor, &options, &subscription, NULL));
	return subscription;
}
