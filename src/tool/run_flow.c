/* SPDX-License-Identifier: MIT */
#include "tool/run_flow.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tool/pace.h"

enum {
	LOOK_MS = 50, /* between two looks at the time */
};

#define NS_PER_MS UINT64_C(1000000)

enum poll_place {
	POLL_SIGNALS,
	POLL_OUTPUT,  /* of the program */
	POLL_COMMAND, /* the command's */
	POLLS,
};

bool
run_flow_open(struct run_flow *flow, const char *kind_field)
{
	flow->block = malloc(RUN_BLOCK_BYTES);
	return run_lines_open(&flow->lines, kind_field) && flow->block != NULL;
}

void
run_flow_close(struct run_flow *flow)
{
	run_lines_close(&flow->lines);
	free(flow->block);
	flow->block = NULL;
}

static bool
is_busy(const struct run_flow *flow)
{
	return flow->unwritten_bytes > 0 || flow->unsplit_bytes > 0 || flow->has_line;
}

static void
write_some(struct run_flow *flow)
{
	const size_t written =
		run_output_write(&flow->output, flow->unwritten, flow->unwritten_bytes);

	flow->unwritten += written;
	flow->unwritten_bytes -= written;
	if (flow->output.fd >= 0)
		return;
	flow->unwritten_bytes = 0;
	/* The command learns at its next write, as it would without this program. */
	if (flow->output.fault != 0)
		run_child_close_output(flow->child);
}

/* Whether another event is there: a line, a piece, or the rest behind the end of the output. */
static bool
next_line(struct run_flow *flow)
{
	return run_lines_next(&flow->lines, &flow->unsplit, &flow->unsplit_bytes, &flow->line) ||
	       (flow->child->output < 0 && run_lines_end(&flow->lines, &flow->line));
}

static void
append_some(struct run_flow *flow)
{
	while (flow->has_line || next_line(flow)) {
		flow->has_line = run_events_append(flow->events, &flow->line) == RUN_APPEND_WAITS;
		if (flow->has_line)
			return;
	}
}

static void
read_some(struct run_flow *flow)
{
	size_t room = RUN_BLOCK_BYTES;

	if (flow->child->output < 0 || is_busy(flow))
		return;
	if (flow->is_ending && flow->rest < room)
		room = flow->rest;
	const ssize_t got = room > 0 ? read(flow->child->output, flow->block, room) : 0;

	if (got > 0) {
		flow->unwritten = flow->unsplit = flow->block;
		flow->unwritten_bytes = flow->unsplit_bytes = (size_t)got;
		flow->rest -= flow->is_ending ? (size_t)got : 0;
		return;
	}
	/* A pseudo terminal whose other end is closed answers EIO. */
	if (got == 0 || (errno != EAGAIN && errno != EINTR) || (errno == EAGAIN && flow->is_ending))
		run_child_close_output(flow->child);
}

/*
 * The command has ended. What it has written is there to be read; processes of the command that
 * live on may write more, which nobody waits for.
 */
static void
note_end(struct run_flow *flow)
{
	if (flow->is_ending || !flow->child->is_over)
		return;
	flow->is_ending = true;
	flow->hurries_at_ns = flow->signals->was_told_to_end
				      ? pace_now() + flow->patience_ms * NS_PER_MS
				      : UINT64_MAX;
	flow->rest = flow->child->output >= 0 ? run_child_capacity(flow->child) : 0;
}

/* With a line that waits for the log, the wait is in run_events_append. */
static void
wait_for_news(struct run_flow *flow)
{
	struct pollfd polls[POLLS] = {
		[POLL_SIGNALS] = { .fd = flow->signals->fd, .events = POLLIN },
		[POLL_OUTPUT] = { .fd = -1, .events = POLLOUT },
		[POLL_COMMAND] = { .fd = -1, .events = POLLIN },
	};
	const bool may_go_on = flow->has_line || (flow->is_ending && !is_busy(flow));
	const bool has_end = flow->is_ending && flow->hurries_at_ns != UINT64_MAX;

	if (flow->unwritten_bytes > 0)
		polls[POLL_OUTPUT].fd = flow->output.fd;
	else if (!flow->has_line)
		polls[POLL_COMMAND].fd = flow->child->output;
	if (poll(polls, POLLS,
		 may_go_on ? 0
		 : has_end ? LOOK_MS
			   : -1) > 0 &&
	    polls[POLL_SIGNALS].revents != 0)
		run_signals_take(flow->signals, flow->child);
}

/*
 * Another process wants the program to end, and the command has ended: the output and the log have
 * a little time, or none after a signal behind the command's end.
 */
static void
hurry(struct run_flow *flow)
{
	if (!flow->is_ending || (flow->signals->stops == 0 && pace_now() < flow->hurries_at_ns))
		return;
	if (flow->unwritten_bytes > 0 && flow->output.fd >= 0)
		fputs("reprise run: standard output has not taken the end of the output\n", stderr);
	run_output_close(&flow->output);
	run_events_hurry(flow->events);
}

void
run_flow_pump(struct run_flow *flow)
{
	while (!flow->is_ending || flow->child->output >= 0 || is_busy(flow)) {
		wait_for_news(flow);
		note_end(flow);
		hurry(flow);
		write_some(flow);
		append_some(flow);
		read_some(flow);
		/* At once, before the next look at the signals. */
		write_some(flow);
		append_some(flow);
	}
	run_output_close(&flow->output);
}
