/* SPDX-License-Identifier: MIT */
#include "tool/demo.h"

#include <stdio.h>
#include <stdlib.h>

#include "tool/conversation_demo.h"
#include "tool/crash.h"
#include "tool/input.h"
#include "tool/interrupt.h"
#include "tool/scale.h"
#include "tool/serve_demo.h"
#include "tool/show.h"
#include "tool/thread_demo.h"

enum {
	EXIT_UNREADABLE = 3,
	/* With fewer events the writer overtakes no host. */
	EVENTS_LEAST = 100,
	EVENTS_LEAST_OF_MANY = 16,
};

static bool
has_enough_events(const struct demo_options *options)
{
	const uint64_t least = options->is_scale ? EVENTS_LEAST_OF_MANY : EVENTS_LEAST;

	if (options->rate * options->seconds >= least)
		return true;
	fprintf(stderr, "reprise demo: --rate times --seconds must be at least %d events\n",
		(int)least);
	return false;
}

/* Returns the number of inputs that were read. */
static size_t
read_inputs(struct input *inputs, size_t inputs_count, char *const *files)
{
	size_t read = 0;

	while (read < inputs_count && (files != NULL ? input_read_file(&inputs[read], files[read])
						     : input_read_command(&inputs[read])))
		read++;
	return read;
}

/* The output must have arrived: a full disk is an error. */
static bool
flush_output(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	perror("reprise demo: cannot write to standard output");
	return false;
}

/* The runs that are not of sessions and hosts. False: none of these runs was asked for. */
static bool
run_other(const struct demo_options *options, int *ret_status)
{
	if (options->is_worker) {
		*ret_status = conversation_demo_run(options);
		return true;
	}
#ifdef TOOL_HAS_GATEWAY
	if (options->is_serve) {
		*ret_status = serve_demo_run(options);
		return true;
	}
#endif
#ifdef TOOL_HAS_JETSTREAM_DEMO
	if (options->is_nats) {
		*ret_status = thread_demo_run(options->is_cluster);
		return true;
	}
#endif
	return false;
}

static int
run_hosts(const struct demo_options *options)
{
	const bool has_files = options->files_count > 0;
	const size_t inputs_count = has_files ? (size_t)options->files_count : 1;
	struct input *const inputs = calloc(inputs_count, sizeof(*inputs));

	if (inputs == NULL) {
		fprintf(stderr, "reprise demo: out of memory\n");
		return EXIT_FAILURE;
	}
	size_t read = read_inputs(inputs, inputs_count, has_files ? options->files : NULL);
	int status = EXIT_UNREADABLE;

	if (read == inputs_count) {
		interrupt_catch();
		status = options->is_scale ? scale_run(inputs, inputs_count, options)
					   : show_run(inputs, inputs_count, options);
		interrupt_release();
	}
	if (status == 0 && interrupt_happened()) {
		printf("Interrupted: the table covers the time up to the interrupt.\n");
		status = EXIT_INTERRUPTED;
	}
	if (status == 0 && options->log != NULL)
		status = crash_run(&inputs[0], options->log);
	while (read > 0)
		input_free(&inputs[--read]);
	free(inputs);
	return status;
}

static void
offer_viewer(void)
{
#ifdef TOOL_HAS_GATEWAY
	printf("\nSee it in a browser: ./dev demo --serve, or reprise demo --serve\n");
#endif
}

int
demo_run(const struct demo_options *options)
{
	int status = EXIT_FAILURE;

	if (!run_other(options, &status)) {
		if (!has_enough_events(options))
			return EXIT_USAGE;
		status = run_hosts(options);
	}
	if (status == 0 && !options->is_serve)
		offer_viewer();
	return flush_output() ? status : EXIT_FAILURE;
}
