/* SPDX-License-Identifier: MIT */
#include "tool/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tool/pace.h"
#include "tool/progress.h"
#include "tool/runtime.h"
#include "tool/solo.h"

enum {
	RECONNECTS_LEAST = 3,
};

/* One session: its runtime, its hosts. */
struct show {
	struct act act;
	struct runtime runtime;
	struct solo solos[HOST_WAYS];
};

static bool
start(struct show *show, const struct stage *stage)
{
	show->act.stage = *stage;
	show->runtime.acts = &show->act;
	show->runtime.acts_count = 1;
	for (enum host_way way = HOST_STAYS; way < HOST_WAYS; way++)
		if (!host_open(&show->solos[way].host, &show->act.stage, way,
			       (unsigned int)pace_now()) ||
		    !solo_start(&show->solos[way]))
			return false;
	return runtime_start(&show->runtime);
}

static void
print_progress(const struct show *shows, size_t shows_count, uint64_t begin_ns)
{
	struct progress progress = { 0 };

	for (size_t i = 0; i < shows_count; i++) {
		progress.appended += atomic_load(&shows[i].act.stage.appended);
		for (size_t way = 0; way < HOST_WAYS; way++)
			progress_add(&progress, &shows[i].solos[way].host);
	}
	progress_print(&progress, begin_ns);
}

static void
watch(const struct show *shows, size_t shows_count)
{
	const uint64_t begin = pace_now();
	uint64_t next = begin;

	for (size_t i = 0; i < shows_count;) {
		if (atomic_load(&shows[i].act.stage.over_ns) != 0) {
			i++;
			continue;
		}
		pace_sleep(50000000);
		if (pace_now() >= next) {
			next += 1000000000;
			print_progress(shows, shows_count, begin);
		}
	}
	if (isatty(STDOUT_FILENO))
		print_progress(shows, shows_count, begin);
}

/* Why a host's books are not as they should be, or do not show what they are to show; or NULL. */
static const char *
fault_of(const struct host *host)
{
	const char *const fault = host_fault(host);

	if (fault != NULL)
		return fault;
	if ((host->way == HOST_SLOW || host->way == HOST_LATE) && host->gaps == 0)
		return "saw no gap";
	if (host->way == HOST_DROPS && host->reconnects < RECONNECTS_LEAST)
		return "came back too seldom";
	return NULL;
}

/* Prints the closing table; answers how many faults it shows. */
static size_t
print_table(const struct show *shows, size_t shows_count)
{
	size_t faults = 0;

	printf("%-42s %-8s %9s %9s %9s %5s %10s %7s\n", "session", "host", "appended", "delivered",
	       "lost", "gaps", "reconnects", "doubled");
	for (size_t i = 0; i < shows_count; i++) {
		const struct stage *const stage = &shows[i].act.stage;

		faults += stage->is_failed;
		for (size_t way = 0; way < HOST_WAYS; way++) {
			const struct host *const host = &shows[i].solos[way].host;
			const char *const fault = fault_of(host);

			printf("%-42.42s %-8s %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %5" PRIu64
			       " %10" PRIu64 " %7" PRIu64 "%s%s\n",
			       way == 0 ? stage->input->name : "", host_way_names[way],
			       stage->appended, host->delivered, host->lost, host->gaps,
			       host->reconnects, host->doubled, fault != NULL ? "  << " : "",
			       fault != NULL ? fault : "");
			faults += fault != NULL;
		}
	}
	if (faults == 0)
		printf("\nEvery payload was compared with its line; delivered + lost = appended "
		       "everywhere.\n");
	else
		printf("\n%zu faults.\n", faults);
	return faults;
}

static void
join(struct show *show)
{
	runtime_join(&show->runtime);
	for (size_t way = 0; way < HOST_WAYS; way++)
		solo_join(&show->solos[way]);
}

static int
run(struct show *shows, struct stage *stage, const struct input *inputs, size_t inputs_count)
{
	printf("%zu session%s, %" PRIu64 " events/s each for %" PRIu64
	       " s, windows of at most %" PRIu64 " events, six hosts each%s\n",
	       inputs_count, inputs_count == 1 ? "" : "s", stage->rate, stage->seconds,
	       stage->events_max,
	       inputs_count == 1 ? "" : "; what happens to the first session's:");
	for (size_t i = 0; i < inputs_count; i++) {
		stage->input = &inputs[i];
		stage->tells = i == 0;
		snprintf(stage->session_id, sizeof(stage->session_id), "demo-%zu", i + 1);
		if (!start(&shows[i], stage)) {
			/* Threads that run cannot be taken back: the process ends with them. */
			fprintf(stderr, "reprise: no more threads to be had\n");
			exit(1);
		}
	}
	watch(shows, inputs_count);
	for (size_t i = 0; i < inputs_count; i++)
		join(&shows[i]);
	progress_end();
	const size_t faults = print_table(shows, inputs_count);

	return stage_close_store(stage->store) && faults == 0 ? 0 : 1;
}

int
show_run(const struct input *inputs, size_t inputs_count, const struct demo_options *options)
{
	const uint64_t events_max = stage_events_max(options->rate, options->seconds);
	struct stage stage = { .rate = options->rate,
			       .seconds = options->seconds,
			       .events_max = events_max };
	struct show *const shows = calloc(inputs_count, sizeof(*shows));
	int status = 1;

	if (shows == NULL) {
		fprintf(stderr, "reprise: no memory\n");
		return 1;
	}
	stage.store = stage_open_store(events_max, stage_bytes_max(inputs, inputs_count));
	if (stage.store != NULL)
		status = run(shows, &stage, inputs, inputs_count);
	free(shows);
	return status;
}
