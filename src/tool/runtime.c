/* SPDX-License-Identifier: MIT */
#include "tool/runtime.h"

#include "tool/interrupt.h"
#include "tool/pace.h"

static void
open_all(struct runtime *runtime)
{
	for (size_t i = 0; i < runtime->acts_count; i++) {
		struct act *const act = &runtime->acts[i];

		if (act->writer != NULL)
			continue;
		act->is_refused = reprise_writer_open(act->stage.store, act->stage.session_id, NULL,
						      &act->writer, NULL) != REPRISE_OK;
	}
}

/*
 * Appends to each session in turn at the rate: until all events are appended, until the time is
 * over by a quarter, or until an interrupt.
 */
static void
append_all(struct runtime *runtime)
{
	const uint64_t rate = runtime->acts[0].stage.rate * runtime->acts_count;
	const uint64_t seconds = runtime->acts[0].stage.seconds;
	const uint64_t total = rate * seconds;
	const uint64_t begin = pace_now();
	const uint64_t end = begin + seconds * 1250000000u;
	uint64_t count = 0;

	for (uint64_t now = begin; count < total && now < end && !interrupt_happened();
	     now = pace_now()) {
		const double due = (double)(now - begin) * (double)rate / 1e9;

		for (; count < total && (double)count < due && pace_now() < end &&
		       !interrupt_happened();
		     count++) {
			struct act *const act = &runtime->acts[count % runtime->acts_count];

			if (!act->is_refused)
				act->is_refused = !stage_append(&act->stage, act->writer);
		}
		pace_sleep(500000);
	}
}

static void
end_all(struct runtime *runtime)
{
	for (size_t i = 0; i < runtime->acts_count; i++) {
		struct act *const act = &runtime->acts[i];
		const bool is_ended =
			act->writer != NULL && reprise_writer_end(act->writer, 0) == REPRISE_OK;

		atomic_store(&act->stage.is_failed, act->is_refused || !is_ended);
		atomic_store(&act->stage.over_ns, pace_now());
		reprise_writer_close(act->writer);
	}
}

static void *
runtime_main(void *argument)
{
	struct runtime *const runtime = argument;

	open_all(runtime);
	append_all(runtime);
	end_all(runtime);
	return NULL;
}

bool
runtime_start(struct runtime *runtime)
{
	return pthread_create(&runtime->thread, NULL, runtime_main, runtime) == 0;
}

void
runtime_join(struct runtime *runtime)
{
	pthread_join(runtime->thread, NULL);
}
