/* SPDX-License-Identifier: MIT */
#include "tool/scale.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tool/crowd.h"
#include "tool/interrupt.h"
#include "tool/pace.h"
#include "tool/progress.h"
#include "tool/runtime.h"
#include "tool/scale_table.h"

enum {
	RUNTIMES = 2,
	CROWDS = 2,
	DESCRIPTORS_OWN = 64, /* of the process, beside the descriptors of hosts */
	/* The memory that a host touches, with its subscription and the copied events. */
	HOST_BYTES = sizeof(struct member) + 16384,
};

struct scale {
	struct stage stage; /* the template for each session's stage */
	struct act *acts;   /* the sessions */
	size_t acts_count;
	struct member *members; /* the hosts, session by session */
	size_t members_count, hosts_a_session;
	struct runtime runtimes[RUNTIMES];
	struct crowd crowds[CROWDS];
	size_t wanted, granted; /* descriptors */
};

/* The begin of share @index, of @parts equal shares of @count. The next share begins at the end. */
static size_t
share(size_t count, size_t index, size_t parts)
{
	return count * index / parts;
}

/* Raises the limit of descriptors, and returns the number for hosts. */
static size_t
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 0;
	const struct rlimit raised = { .rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max };

	if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
		limit = raised;
	return limit.rlim_cur > DESCRIPTORS_OWN ? (size_t)limit.rlim_cur - DESCRIPTORS_OWN : 0;
}

/* Linux promises more memory than the machine has, and kills a process that uses too much. */
static bool
has_memory(const struct scale *scale, uint64_t window_bytes)
{
	const double need = (double)scale->members_count * HOST_BYTES +
			    (double)scale->acts_count * (double)window_bytes;
	const double there = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);

	if (need < there)
		return true;
	fprintf(stderr,
		"reprise demo: so many hosts may need %.0f GiB of memory; this machine has %.0f "
		"GiB\n",
		need / (1 << 30), there / (1 << 30));
	return false;
}

/* Gives every session a stage, and every host its way and its first cursor. */
static bool
open_hosts(struct scale *scale, const struct input *inputs, size_t inputs_count)
{
	for (size_t i = 0; i < scale->members_count; i++) {
		const size_t number = i / scale->hosts_a_session;
		const enum host_way way = (enum host_way)(i % HOST_WAYS);
		struct stage *const stage = &scale->acts[number].stage;

		if (i % scale->hosts_a_session == 0) {
			*stage = scale->stage;
			stage->input = &inputs[number % inputs_count];
			snprintf(stage->session_id, sizeof(stage->session_id), "demo-%zu",
				 number + 1);
		}
		if (!host_open(&scale->members[i].host, stage, way, (unsigned int)(pace_now() + i)))
			return false;
		scale->wanted += crowd_wants_descriptor(way);
	}
	return true;
}

/*
 * With too few descriptors every n-th host gets a descriptor, so that the crowds have equal shares.
 */
static void
grant_descriptors(struct scale *scale)
{
	const size_t most = raise_descriptors();
	size_t number = 0;

	scale->granted = scale->wanted < most ? scale->wanted : most;
	for (size_t i = 0; i < scale->members_count; i++) {
		struct member *const member = &scale->members[i];

		if (!crowd_wants_descriptor(member->host.way))
			continue;
		member->may_have_descriptor = share(scale->granted, number + 1, scale->wanted) >
					      share(scale->granted, number, scale->wanted);
		number++;
	}
}

static bool
open_crowds(struct scale *scale)
{
	bool is_good = true;

	grant_descriptors(scale);
	for (size_t i = 0; i < CROWDS; i++) {
		const size_t first = share(scale->members_count, i, CROWDS);
		const size_t end = share(scale->members_count, i + 1, CROWDS);

		is_good &= crowd_open(&scale->crowds[i], &scale->members[first], end - first);
	}
	return is_good;
}

static bool
start(struct scale *scale)
{
	for (size_t i = 0; i < CROWDS; i++)
		if (!crowd_start(&scale->crowds[i]))
			return false;
	for (size_t i = 0; i < RUNTIMES; i++) {
		struct runtime *const runtime = &scale->runtimes[i];
		const size_t first = share(scale->acts_count, i, RUNTIMES);

		runtime->acts = &scale->acts[first];
		runtime->acts_count = share(scale->acts_count, i + 1, RUNTIMES) - first;
		if (!runtime_start(runtime))
			return false;
	}
	return true;
}

static void
print_beginning(const struct scale *scale)
{
	const struct stage *const stage = &scale->stage;

	printf("%zu session%s with %zu host%s each; %" PRIu64
	       " events per second and session for %" PRIu64 " s;\n"
	       "a window holds at most %" PRIu64
	       " events; %d threads append, %d threads serve the hosts\n",
	       scale->acts_count, scale->acts_count == 1 ? "" : "s", scale->hosts_a_session,
	       scale->hosts_a_session == 1 ? "" : "s", stage->rate, stage->seconds,
	       stage->events_max, RUNTIMES, CROWDS);
	if (scale->granted < scale->wanted)
		printf("%zu hosts would wait for a descriptor, but only %zu descriptors are "
		       "available:\nthe other %zu hosts are polled every %d ms\n",
		       scale->wanted, scale->granted, scale->wanted - scale->granted,
		       (int)(CROWD_TICK_NS / 1000000));
	fflush(stdout);
}

static void
print_progress(const struct scale *scale, uint64_t begin_ns)
{
	struct progress progress = { 0 };

	for (size_t i = 0; i < scale->acts_count; i++)
		progress.appended += atomic_load(&scale->acts[i].stage.appended);
	for (size_t i = 0; i < scale->members_count; i++)
		progress_add(&progress, &scale->members[i].host);
	progress_print(&progress, begin_ns);
}

/* Waits until every host has the end of its session. */
static void
watch(const struct scale *scale)
{
	const uint64_t begin = pace_now();
	uint64_t next = begin;
	size_t left;

	do {
		pace_sleep(50000000);
		if (pace_now() >= next) {
			next += 1000000000;
			print_progress(scale, begin);
		}
		left = 0;
		for (size_t i = 0; i < CROWDS; i++)
			left += atomic_load(&scale->crowds[i].members_left);
	} while (left > 0);
	if (isatty(STDOUT_FILENO))
		print_progress(scale, begin);
}

static size_t
play(struct scale *scale)
{
	size_t refused = 0;

	print_beginning(scale);
	if (!start(scale)) {
		/* Threads cannot be stopped: the process ends with the threads that run. */
		fprintf(stderr, "reprise demo: cannot create a thread\n");
		exit(1);
	}
	interrupt_admit();
	watch(scale);
	for (size_t i = 0; i < RUNTIMES; i++)
		runtime_join(&scale->runtimes[i]);
	for (size_t i = 0; i < CROWDS; i++) {
		crowd_join(&scale->crowds[i]);
		refused += scale->crowds[i].refused;
	}
	progress_end();
	if (refused > 0)
		printf("%zu hosts got no descriptor, and were polled instead\n\n", refused);
	return scale_table_print(scale->acts, scale->acts_count, scale->members,
				 scale->hosts_a_session);
}

static int
run(struct scale *scale, const struct input *inputs, size_t inputs_count)
{
	const uint64_t bytes_max = stage_bytes_max(inputs, inputs_count);
	int status = 1;

	if (!has_memory(scale, bytes_max))
		return 1;
	scale->stage.store =
		stage_open_store(scale->stage.events_max, bytes_max, REPRISE_WHEN_FULL_DEFAULT);
	if (scale->stage.store == NULL)
		return 1;
	const bool is_open = open_hosts(scale, inputs, inputs_count);

	if (is_open && open_crowds(scale))
		status = play(scale) == 0 ? 0 : 1;
	else
		fprintf(stderr,
			"reprise demo: not enough memory or descriptors for so many hosts\n");
	for (size_t i = 0; is_open && i < CROWDS; i++)
		crowd_close(&scale->crowds[i]);
	return stage_close_store(scale->stage.store) ? status : 1;
}

int
scale_run(const struct input *inputs, size_t inputs_count, const struct demo_options *options)
{
	struct scale scale = {
		.stage = { .rate = options->rate,
			   .seconds = options->seconds,
			   .events_max = stage_events_max(options->rate, options->seconds) },
		.acts_count = options->sessions,
		.members_count = options->sessions * options->hosts,
		.hosts_a_session = options->hosts,
	};
	int status = 1;

	scale.acts = calloc(scale.acts_count, sizeof(*scale.acts));
	scale.members = calloc(scale.members_count, sizeof(*scale.members));
	if (scale.acts != NULL && scale.members != NULL)
		status = run(&scale, inputs, inputs_count);
	else
		fprintf(stderr, "reprise demo: out of memory\n");
	free(scale.members);
	free(scale.acts);
	return status;
}
