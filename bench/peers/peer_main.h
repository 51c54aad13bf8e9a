/* SPDX-License-Identifier: MIT */
#ifndef BENCH_PEER_MAIN_H
#define BENCH_PEER_MAIN_H

/*
 * The C and C++ peers' main: it follows the definitions that peer.h asks for, so that
 * they are inlined.
 */

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "peer.h"

enum {
	WARM_UP_MIN = 3000, /* more than a window: every page is touched */
	STACK_BYTES = 256 * 1024,
	LINES_BYTES = 128, /* two cache lines: they are fetched in pairs */
	FEED_SLOTS = 16,   /* payloads that are made ahead: one just written is slower to copy */
	FEED_AHEAD = 8,
	TASK_BYTES = 512,
	CLAIM = 256, /* appends that one of several writers takes on at a time */
	CLOCK_LOOKS = 1001,
	SKIPPED = 77, /* the status of a peer that cannot run here */
};

#ifdef PEER_NEVER_PARKS
static void
host_wait(struct host *host)
{
	(void)host;
}

static void
host_wake(struct host *host)
{
	(void)host;
}
#endif

struct host_thread {
	pthread_t thread;
	struct host **hosts;
	struct tally *tallies;
	unsigned int count;
	const struct task *task;
	long tid;
};

static double ticks_per_ns = 1;
static uint64_t clock_ticks; /* what two readings of the clock take */
static unsigned int threads_ready;
static int is_over;

static uint64_t
monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int
compare_u64(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void
calibrate(void)
{
	const uint64_t begin_ns = monotonic_ns(), begin = ticks();
	static uint64_t looks[CLOCK_LOOKS];

	while (monotonic_ns() - begin_ns < 20000000)
		;
	ticks_per_ns = (double)(ticks() - begin) / (double)(monotonic_ns() - begin_ns);
	for (size_t i = 0; i < CLOCK_LOOKS; i++) {
		const uint64_t before = ticks();

		looks[i] = ticks() - before;
	}
	qsort(looks, CLOCK_LOOKS, sizeof(*looks), compare_u64);
	clock_ticks = looks[CLOCK_LOOKS / 2];
}

/* The calling thread, to either of two cores, which may be the same. */
static void
pin_to(int core, int other)
{
	cpu_set_t cores;

	CPU_ZERO(&cores);
	CPU_SET(core, &cores);
	CPU_SET(other, &cores);
	if (sched_setaffinity(0, sizeof(cores), &cores) != 0)
		fprintf(stderr, "%s: not pinned to cores %d and %d\n", peer_name(), core, other);
}

static void
pin(int core)
{
	pin_to(core, core);
}

/* Zeroed, and in cache lines of its own: the counts of one thread do not disturb the other. */
static void *
allocate(size_t count, size_t bytes)
{
	const size_t lines = (count * bytes + LINES_BYTES) / LINES_BYTES;
	void *const memory = aligned_alloc(LINES_BYTES, lines * LINES_BYTES);

	if (memory == NULL) {
		fprintf(stderr, "%s: no memory\n", peer_name());
		exit(1);
	}
	memset(memory, 0, lines * LINES_BYTES);
	return memory;
}

static bool
take_all(struct host_thread *thread)
{
	size_t taken = 0;

	for (unsigned int i = 0; i < thread->count; i++)
		taken += host_take(thread->hosts[i], &thread->tallies[i]);
	return taken > 0;
}

/* Until nothing has come for as long as the peer says. */
static void
drain(struct host_thread *thread)
{
	for (uint64_t since = monotonic_ns();;) {
		if (take_all(thread))
			since = monotonic_ns();
		else if (since + (uint64_t)PEER_DRAIN_MS * 1000000 <= monotonic_ns())
			return;
	}
}

static void *
host_main(void *argument)
{
	struct host_thread *const thread = (struct host_thread *)argument;

	pin(thread->task->host_core);
	thread->tid = syscall(SYS_gettid);
	__atomic_add_fetch(&threads_ready, 1, __ATOMIC_RELEASE);
	if (thread->task->mode == MODE_PARKED) {
		while (!__atomic_load_n(&is_over, __ATOMIC_ACQUIRE)) {
			host_wait(thread->hosts[0]);
			while (take_all(thread))
				;
		}
	} else {
		while (!__atomic_load_n(&is_over, __ATOMIC_ACQUIRE))
			(void)take_all(thread);
	}
	drain(thread);
	return NULL;
}

/* Payloads, with or without a name. */
struct feed {
	unsigned char *slots[FEED_SLOTS];
	size_t payload_bytes;
	uint64_t writer;  /* its number, where ordinals have it */
	uint64_t ordinal; /* of the one that was given last */
};

static void
feed_name(struct feed *feed, uint64_t ordinal)
{
	unsigned char *const payload = feed->slots[ordinal % FEED_SLOTS];
	const uint64_t name = feed->writer | ordinal;

	memcpy(payload, &name, sizeof(name));
	if (feed->payload_bytes > PAYLOAD_BYTES_MIN)
		payload[feed->payload_bytes - 1] = (unsigned char)ordinal;
}

static void
feed_open(struct feed *feed, size_t payload_bytes, unsigned int writer)
{
	feed->payload_bytes = payload_bytes;
	feed->writer = (uint64_t)writer << WRITER_SHIFT;
	feed->ordinal = 0;
	for (size_t i = 0; i < FEED_SLOTS; i++)
		feed->slots[i] = (unsigned char *)allocate(payload_bytes, 1);
	for (uint64_t ordinal = 1; ordinal <= FEED_AHEAD; ordinal++)
		feed_name(feed, ordinal);
}

static void
feed_close(struct feed *feed)
{
	for (size_t i = 0; i < FEED_SLOTS; i++)
		free(feed->slots[i]);
}

static inline unsigned char *
feed_next(struct feed *feed)
{
	const uint64_t ordinal = ++feed->ordinal;

	feed_name(feed, ordinal + FEED_AHEAD);
	return feed->slots[ordinal % FEED_SLOTS];
}

/* As fast as can be, to nobody: nobody reads the names. */
static void
append_bare(struct peer *peer, struct feed *feed, uint64_t count)
{
	const unsigned char *const payload = feed->slots[0];
	const size_t payload_bytes = feed->payload_bytes;

	for (uint64_t i = 0; i < count; i++)
		(void)peer_append(peer, payload, payload_bytes);
}

static void
append_flood(struct peer *peer, struct feed *feed, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		(void)peer_append(peer, feed_next(feed), feed->payload_bytes);
}

static void
append_paced(struct peer *peer, struct feed *feed, uint64_t count, uint64_t pace_ns, uint64_t *cost)
{
	const double pace = (double)pace_ns * ticks_per_ns;
	const uint64_t begin = ticks();

	for (uint64_t i = 0; i < count; i++) {
		const uint64_t intended = begin + (uint64_t)((double)i * pace);
		unsigned char *const payload = feed_next(feed);
		uint64_t before;

		memcpy(payload + 8, &intended, sizeof(intended));
		while ((before = ticks()) < intended)
			;
		(void)peer_append(peer, payload, feed->payload_bytes);
		const uint64_t spent = ticks() - before;

		if (cost != NULL)
			cost[i] = spent < clock_ticks ? 0 : spent - clock_ticks;
	}
}

static void
append_all(struct peer *peer, struct feed *feed, const struct task *task, uint64_t count,
	   uint64_t *cost)
{
	if (task->pace_ns > 0)
		append_paced(peer, feed, count, task->pace_ns, cost);
	else if (task->hosts > 0)
		append_flood(peer, feed, count);
	else
		append_bare(peer, feed, count);
}

static uint64_t
delivered_by_now(const struct tally *tallies, unsigned int hosts)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < hosts; i++)
		sum += __atomic_load_n(&tallies[i].delivered, __ATOMIC_RELAXED);
	return sum;
}

/* The result of the measured part of a task. */
struct measured {
	double ns;                    /* of one append */
	uint64_t taken;               /* by all hosts meanwhile */
	uint64_t totals[WRITERS_MAX]; /* events of each writer, warm-up included */
};

/* One thread appends: the calling one. */
static void
measure_one(struct peer *peer, const struct task *task, uint64_t warm_up,
	    const struct tally *tallies, uint64_t *cost, struct measured *ret_measured)
{
	struct feed feed;

	feed_open(&feed, task->payload_bytes, 0);
	append_all(peer, &feed, task, warm_up, NULL);
	const uint64_t taken_before = delivered_by_now(tallies, task->hosts);
	const uint64_t begin = monotonic_ns();

	append_all(peer, &feed, task, task->count, cost);
	peer_flush(peer);
	ret_measured->ns = (double)(monotonic_ns() - begin) / (double)task->count;
	ret_measured->taken = delivered_by_now(tallies, task->hosts) - taken_before;
	ret_measured->totals[0] = warm_up + task->count;
	feed_close(&feed);
}

#ifdef PEER_SHARED

/* Threads that append at the same time, and what they have in common. */
struct crew {
	struct peer *peer;
	const struct task *task;
	pthread_barrier_t turn; /* the writers and the thread that measures them */
	uint64_t due;           /* appends of this turn, by all of them */
	uint64_t claimed;       /* of those; may pass `due` */
};

struct writer {
	pthread_t thread;
	struct crew *crew;
	unsigned int number;
	uint64_t appended;
};

/* A share of what is due, small enough for all to end together; 0: all is claimed. */
static uint64_t
claim(struct crew *crew)
{
	const uint64_t before = __atomic_fetch_add(&crew->claimed, CLAIM, __ATOMIC_RELAXED);
	const uint64_t left = before < crew->due ? crew->due - before : 0;

	return left < CLAIM ? left : CLAIM;
}

static void *
writer_main(void *argument)
{
	struct writer *const writer = (struct writer *)argument;
	struct crew *const crew = writer->crew;
	struct feed feed;

	pin_to(crew->task->writer_core, crew->task->host_core);
	feed_open(&feed, crew->task->payload_bytes, writer->number);
	for (int turn = 0; turn < 2; turn++) { /* the warm-up, and what is measured */
		pthread_barrier_wait(&crew->turn);
		for (uint64_t count; (count = claim(crew)) > 0; writer->appended += count)
			append_all(crew->peer, &feed, crew->task, count, NULL);
		pthread_barrier_wait(&crew->turn);
	}
	feed_close(&feed);
	return NULL;
}

/* Returns how long it took. */
static uint64_t
crew_append(struct crew *crew, uint64_t count)
{
	const uint64_t begin = monotonic_ns();

	crew->due = count;
	crew->claimed = 0;
	pthread_barrier_wait(&crew->turn);
	pthread_barrier_wait(&crew->turn);
	peer_flush(crew->peer);
	return monotonic_ns() - begin;
}

static void
measure_many(struct peer *peer, const struct task *task, uint64_t warm_up,
	     const struct tally *tallies, struct measured *ret_measured)
{
	struct crew crew;
	struct writer *const writers = (struct writer *)allocate(task->writers, sizeof(*writers));

	memset(&crew, 0, sizeof(crew));
	crew.peer = peer;
	crew.task = task;
	pthread_barrier_init(&crew.turn, NULL, task->writers + 1);
	for (unsigned int i = 0; i < task->writers; i++) {
		writers[i].crew = &crew;
		writers[i].number = i;
		if (pthread_create(&writers[i].thread, NULL, writer_main, &writers[i]) != 0)
			peer_die("writers", "no thread");
	}
	(void)crew_append(&crew, warm_up);
	const uint64_t taken_before = delivered_by_now(tallies, task->hosts);

	ret_measured->ns = (double)crew_append(&crew, task->count) / (double)task->count;
	ret_measured->taken = delivered_by_now(tallies, task->hosts) - taken_before;
	for (unsigned int i = 0; i < task->writers; i++) {
		pthread_join(writers[i].thread, NULL);
		ret_measured->totals[i] = writers[i].appended;
	}
	pthread_barrier_destroy(&crew.turn);
	free(writers);
}

#else

static void
measure_many(struct peer *peer, const struct task *task, uint64_t warm_up,
	     const struct tally *tallies, struct measured *ret_measured)
{
	(void)peer, (void)task, (void)warm_up, (void)tallies, (void)ret_measured;
	peer_die("writers", "the task was to be refused");
}

#endif

static void
print_samples(const char *name, const uint64_t *samples, size_t count)
{
	printf(" %s=", name);
	for (size_t i = 0; i < count; i++)
		printf("%s%.0f", i == 0 ? "" : ",", (double)samples[i] / ticks_per_ns);
}

static unsigned int
threads_of(const struct task *task)
{
	if (task->hosts == 0 || task->mode == MODE_STALLED)
		return 0;
	return task->mode == MODE_POLLING ? 1 : task->hosts;
}

/*
 * Until the kernel says that the thread sleeps; or for a second, as some libraries wake up
 * now and then.
 */
static void
await_sleep(long tid)
{
	const uint64_t begin = monotonic_ns();
	char path[64], state = '?';

	snprintf(path, sizeof(path), "/proc/self/task/%ld/stat", tid);
	while (state != 'S' && monotonic_ns() - begin < 1000000000u) {
		FILE *const file = fopen(path, "r");

		if (file == NULL || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
			state = '?';
		if (file != NULL)
			fclose(file);
		sched_yield();
	}
}

static void
start_hosts(struct host_thread *threads, unsigned int count, struct host **hosts,
	    struct tally *tallies, const struct task *task)
{
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	__atomic_store_n(&is_over, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&threads_ready, 0, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < count; i++) {
		threads[i].hosts = hosts + i;
		threads[i].tallies = tallies + i;
		threads[i].count = task->mode == MODE_POLLING ? task->hosts : 1;
		threads[i].task = task;
		if (pthread_create(&threads[i].thread, &attributes, host_main, &threads[i]) != 0) {
			fprintf(stderr, "%s: no thread\n", peer_name());
			exit(1);
		}
	}
	pthread_attr_destroy(&attributes);
	while (__atomic_load_n(&threads_ready, __ATOMIC_ACQUIRE) < count)
		sched_yield();
	if (task->mode == MODE_PARKED)
		for (unsigned int i = 0; i < count; i++)
			await_sleep(threads[i].tid);
}

static void
end_hosts(struct host_thread *threads, unsigned int count, struct host **hosts,
	  struct tally *tallies, const struct task *task)
{
	struct host_thread all;

	__atomic_store_n(&is_over, 1, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < count && task->mode == MODE_PARKED; i++)
		host_wake(hosts[i]);
	for (unsigned int i = 0; i < count; i++)
		pthread_join(threads[i].thread, NULL);
	if (task->mode == MODE_STALLED && task->hosts > 0) {
		memset(&all, 0, sizeof(all));
		all.hosts = hosts;
		all.tallies = tallies;
		all.count = task->hosts;
		drain(&all);
	}
}

static void
print_result(const struct task *task, const struct tally *tallies, const struct measured *measured,
	     const uint64_t *cost)
{
	struct tally sum;

	memset(&sum, 0, sizeof(sum));
	for (unsigned int i = 0; i < task->hosts; i++) {
		sum.delivered += tallies[i].delivered;
		sum.lost += tallies[i].lost;
		for (unsigned int j = 0; j < task->writers; j++)
			sum.lost += measured->totals[j] - tallies[i].last[j];
		sum.told += tallies[i].told;
		sum.doubled += tallies[i].doubled;
		sum.torn += tallies[i].torn;
	}
	printf("result ns=%.4f delivered=%" PRIu64 " lost=%" PRIu64, measured->ns, sum.delivered,
	       sum.lost);
	if (PEER_TELLS)
		printf(" told=%" PRIu64, sum.told);
	else
		printf(" told=-");
	printf(" taken=%" PRIu64 " doubled=%" PRIu64 " torn=%" PRIu64, measured->taken, sum.doubled,
	       sum.torn);
	if (cost != NULL)
		print_samples("append", cost, task->count);
	if (task->hosts == 1 && tallies[0].seen_ns != NULL)
		print_samples("seen", tallies[0].seen_ns, tallies[0].seen);
	putchar('\n');
	fflush(stdout);
}

static void
run(const struct task *task)
{
	const uint64_t tenth = task->count / 10;
	const uint64_t warm_up = tenth < WARM_UP_MIN ? (uint64_t)WARM_UP_MIN : tenth;
	const unsigned int threads_count = threads_of(task);
	struct host **const hosts = (struct host **)allocate(task->hosts, sizeof(void *));
	struct tally *const tallies = (struct tally *)allocate(task->hosts, sizeof(*tallies));
	struct host_thread *const threads =
		(struct host_thread *)allocate(threads_count, sizeof(*threads));
	uint64_t *const cost =
		task->pace_ns > 0 ? (uint64_t *)allocate(task->count, sizeof(*cost)) : NULL;
	struct measured measured;

	memset(&measured, 0, sizeof(measured));
	pin(task->writer_core);
	struct peer *const peer = peer_open(task);

	for (unsigned int i = 0; i < task->hosts; i++) {
		hosts[i] = host_open(peer, task);
		tallies[i].warm_up = warm_up;
	}
	if (task->pace_ns > 0 && task->hosts == 1 && task->mode != MODE_STALLED)
		tallies[0].seen_ns = (uint64_t *)allocate(task->count, sizeof(uint64_t));
	start_hosts(threads, threads_count, hosts, tallies, task);

	if (task->writers > 1)
		measure_many(peer, task, warm_up, tallies, &measured);
	else
		measure_one(peer, task, warm_up, tallies, cost, &measured);

	end_hosts(threads, threads_count, hosts, tallies, task);
	print_result(task, tallies, &measured, cost);

	for (unsigned int i = 0; i < task->hosts; i++) {
		free(tallies[i].seen_ns);
		host_close(hosts[i]);
	}
	peer_close(peer);
	free(cost);
	free(threads);
	free(tallies);
	free(hosts);
}

/* The word that may follow the others. */
static bool
parse_writers(const char *words, unsigned int *ret_writers)
{
	int end = -1;

	*ret_writers = 1;
	if (sscanf(words, " %n", &end) == 0 && end >= 0 && words[end] == '\0')
		return true;
	if (strncmp(words, " writers=", 9) != 0 || words[9] < '0' || words[9] > '9')
		return false;
	return sscanf(words, " writers=%u %n", ret_writers, &end) == 1 && words[end] == '\0' &&
	       *ret_writers >= 1 && *ret_writers <= WRITERS_MAX;
}

static bool
parse_task(const char *line, struct task *task)
{
	static const char *const modes[] = { "polling", "parked", "stalled" };
	char mode[16];
	int end = -1;

	memset(task, 0, sizeof(*task));
	if (sscanf(line,
		   "run payload=%zu count=%" SCNu64 " hosts=%u mode=%15s pace=%" SCNu64
		   " writer=%d host=%d%n",
		   &task->payload_bytes, &task->count, &task->hosts, mode, &task->pace_ns,
		   &task->writer_core, &task->host_core, &end) != 7 ||
	    !parse_writers(line + end, &task->writers))
		return false;
	for (int i = 0; i < 3; i++)
		if (strcmp(mode, modes[i]) == 0) {
			task->mode = (enum mode)i;
			return task->payload_bytes >= PAYLOAD_BYTES_MIN &&
			       task->payload_bytes <= PAYLOAD_BYTES_MAX && task->count > 0;
		}
	return false;
}

/* Why several writers cannot do it, or NULL. */
static const char *
writers_refuse(const struct task *task)
{
	if (task->writers == 1)
		return NULL;
#ifdef PEER_SHARED
	return task->pace_ns > 0 ? "a pace is for one writer" : NULL;
#else
	return "one thread appends here";
#endif
}

/* glibc's locks cost nothing in a process of one thread: so there are always two. */
static void *
sleep_for_ever(void *argument)
{
	for (;;)
		pause();
	return argument;
}

int
main(void)
{
	char line[TASK_BYTES];
	pthread_t second;
	struct task task;

	if (pthread_create(&second, NULL, sleep_for_ever, NULL) != 0)
		return 1;
	const char *const absence = peer_absent();

	if (absence != NULL) {
		printf("skipped %s\n", absence);
		fflush(stdout);
		return SKIPPED;
	}
	calibrate();
	printf("ready %s %s\n", peer_name(), peer_version());
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (!parse_task(line, &task)) {
			fprintf(stderr, "%s: not a task: %s", peer_name(), line);
			return 2;
		}
		const char *refusal = writers_refuse(&task);

		if (refusal == NULL)
			refusal = peer_refuses(&task);
		if (refusal != NULL) {
			printf("refused %s\n", refusal);
			fflush(stdout);
		} else {
			run(&task);
		}
	}
	return 0;
}

#endif /* BENCH_PEER_MAIN_H */
