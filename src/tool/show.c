/* SPDX-License-Identifier: MIT */
#include "tool/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tool/durable.h"
#include "tool/interrupt.h"
#include "tool/pace.h"
#include "tool/progress.h"
#include "tool/show_table.h"

/* In a store with a log the writer creates the session, which goes on where the log ends. */
static bool
start(struct show *show, const struct stage *stage, struct durable *durable)
{
	show->act.stage = *stage;
	show->runtime.acts = &show->act;
	show->runtime.acts_count = 1;
	if (stage->is_recorded &&
	    !durable_write(durable, stage->session_id, &show->act.writer, &show->act.stage.before))
		return false;
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

static void
join(struct show *show)
{
	runtime_join(&show->runtime);
	for (size_t way = 0; way < HOST_WAYS; way++)
		solo_join(&show->solos[way]);
}

static void
print_beginning(const struct stage *stage, size_t inputs_count, const char *log)
{
	printf("%zu session%s with six hosts each; %" PRIu64
	       " events per second and session for %" PRIu64 " s;\n"
	       "a window holds at most %" PRIu64 " events%s%s\n%s",
	       inputs_count, inputs_count == 1 ? "" : "s", stage->rate, stage->seconds,
	       stage->events_max, log != NULL ? "; the log is in " : "", log != NULL ? log : "",
	       inputs_count == 1 ? "" : "Reports are from the hosts of the first session.\n");
}

/* Runs all sessions and returns the number of faults. Afterwards every handle is closed. */
static size_t
play(struct show *shows, struct stage *stage, struct durable *durable, const struct input *inputs,
     size_t inputs_count)
{
	for (size_t i = 0; i < inputs_count; i++) {
		stage->input = &inputs[i];
		stage->tells = i == 0;
		snprintf(stage->session_id, sizeof(stage->session_id), "demo-%zu", i + 1);
		if (!start(&shows[i], stage, durable)) {
			/* Threads cannot be stopped: the process ends with the threads that run. */
			fprintf(stderr, "reprise demo: cannot create a session or a thread\n");
			exit(1);
		}
	}
	interrupt_admit();
	watch(shows, inputs_count);
	for (size_t i = 0; i < inputs_count; i++)
		join(&shows[i]);
	progress_end();
	return show_table_print(shows, inputs_count);
}

/* Whether the log is without a fault, and has every appended event and no other event. */
static bool
is_recorded(const struct show *shows, size_t shows_count, const char *log)
{
	uint64_t events = 0;

	for (size_t i = 0; i < shows_count; i++) {
		const struct stage *const stage = &shows[i].act.stage;
		reprise_ordinal head = 0;

		if (!durable_check(log, stage->session_id, REPRISE_LIFE_CLEAN, &head))
			return false;
		if (head != stage->before + stage->appended) {
			fprintf(stderr,
				"reprise demo: the log of %s ends with event %" PRIu64
				", and not with %" PRIu64 "\n",
				stage->session_id, head, stage->before + stage->appended);
			return false;
		}
		events += stage->appended;
	}
	printf("The log has all %" PRIu64 " events, and no fault.\n", events);
	return true;
}

static int
run_recorded(struct show *shows, struct stage *stage, const struct input *inputs,
	     size_t inputs_count, const char *log)
{
	struct durable durable;

	if (!durable_open(&durable, log, stage->events_max, stage_bytes_max(inputs, inputs_count),
			  0))
		return 1;
	stage->store = durable.store;
	const size_t faults = play(shows, stage, &durable, inputs, inputs_count);

	return durable_close(&durable) && is_recorded(shows, inputs_count, log) && faults == 0 ? 0
											       : 1;
}

static int
run(struct show *shows, struct stage *stage, const struct input *inputs, size_t inputs_count)
{
	stage->store = stage_open_store(stage->events_max, stage_bytes_max(inputs, inputs_count),
					REPRISE_WHEN_FULL_DEFAULT);
	if (stage->store == NULL)
		return 1;
	const size_t faults = play(shows, stage, NULL, inputs, inputs_count);

	return stage_close_store(stage->store) && faults == 0 ? 0 : 1;
}

int
show_run(const struct input *inputs, size_t inputs_count, const struct demo_options *options)
{
	struct stage stage = { .rate = options->rate,
			       .seconds = options->seconds,
			       .events_max = stage_events_max(options->rate, options->seconds),
			       .is_recorded = options->log != NULL };
	struct show *const shows = calloc(inputs_count, sizeof(*shows));

	if (shows == NULL) {
		fprintf(stderr, "reprise demo: out of memory\n");
		return 1;
	}
	print_beginning(&stage, inputs_count, options->log);
	const int status = stage.is_recorded
				   ? run_recorded(shows, &stage, inputs, inputs_count, options->log)
				   : run(shows, &stage, inputs, inputs_count);

	free(shows);
	return status;
}
