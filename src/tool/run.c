/* SPDX-License-Identifier: MIT */
/*
 * `reprise run`: a command whose output is a session, from the arguments to the exit status. The
 * child is forked first, while there is no thread and no file of a log, and waits. The gateway and
 * the log are opened, then the session, and then the child becomes the command: a failure before
 * leaves nothing behind. (rules V83 to V87)
 */

#include "tool/run.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <reprise/session.h>

#include "tool/arguments.h"
#include "tool/log_text.h"
#include "tool/pace.h"
#include "tool/run_arguments.h"
#include "tool/run_child.h"
#include "tool/run_events.h"
#include "tool/run_flow.h"
#include "tool/run_gateway.h"
#include "tool/run_signals.h"
#include "tool/serving.h"

enum {
	EXIT_NOT_BEGUN = 125, /* as env(1) and timeout(1) answer their own failures */
	EXIT_SIGNAL = 128,    /* plus the signal, as a shell says */
	STAY_MS_DEFAULT = 2000,
	PATIENCE_MS_LEAST = 1000,
	LOOK_MS = 20,
	ESCAPE_ROOM = 3 * RUN_SESSION_ROOM,
};

#define NS_PER_MS UINT64_C(1000000)

struct run {
	struct run_request request;
	struct serving serving;
	struct run_signals signals;
	struct run_child child;
	struct run_events events;
	struct run_gateway gateway;
	struct run_flow flow;
};

static int
say_system(const char *doing, int fault)
{
	fprintf(stderr, "reprise run: %s: %s\n", doing, strerror(fault));
	return EXIT_NOT_BEGUN;
}

/* --- the beginning --------------------------------------------------------------------------- */

static int
fork_command(struct run *run)
{
	const struct run_request *const request = &run->request;

	if (!run_output_hold_numbers() || !run_signals_open(&run->signals))
		return say_system("the signals cannot be taken", errno);
	if (!run_child_fork(&run->child, request->takes_pipe, request->command, &run->signals))
		return say_system("the command cannot be started", errno);
	return 0;
}

/* An output that takes bytes is never cut off. */
static uint32_t
patience_ms_of(const struct run *run)
{
	const uint32_t drain_ms = run->serving.request.drain_ms;

	return drain_ms > PATIENCE_MS_LEAST ? drain_ms : PATIENCE_MS_LEAST;
}

static int
open_flow(struct run *run)
{
	run->flow.child = &run->child;
	run->flow.signals = &run->signals;
	run->flow.events = &run->events;
	run->flow.patience_ms = patience_ms_of(run);
	run_output_open(&run->flow.output);
	if (run_flow_open(&run->flow, run->request.kind_field))
		return 0;
	return say_system("the lines need memory", ENOMEM);
}

/* Lines stay in memory as long as the program runs: a person comes late to look. */
static int
open_session(struct run *run)
{
	const struct run_request *const request = &run->request;
	struct run_events *const events = &run->events;
	uint64_t bytes_max = 0;

	*events = (struct run_events){ .store = run->serving.store,
				       .recorder = run->serving.recorder,
				       .session_id = request->session_id,
				       .options = REPRISE_SESSION_OPTIONS_INIT,
				       .wait_ns = request->wait_ns };
	events->options.events_max = request->lines_events_max;
	events->options.bytes_max = request->lines_bytes_max;
	events->options.age_ns_max = REPRISE_NO_LIMIT;
	if (!run_events_open(events, &bytes_max))
		return EXIT_NOT_BEGUN;
	if (bytes_max < run->flow.lines.piece_bytes_max)
		run->flow.lines.piece_bytes_max = (size_t)bytes_max;
	return 0;
}

/* As encodeURIComponent of a browser, but stricter. */
static void
escape(const char *text, char ret_text[ESCAPE_ROOM])
{
	static const char digits[] = "0123456789ABCDEF";
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-_.~";
	size_t at = 0;

	for (; *text != '\0'; text++) {
		const unsigned char byte = (unsigned char)*text;

		if (strchr(plain, *text) != NULL) {
			ret_text[at++] = *text;
			continue;
		}
		ret_text[at++] = '%';
		ret_text[at++] = digits[byte >> 4];
		ret_text[at++] = digits[byte & 15];
	}
	ret_text[at] = '\0';
}

static void
print_address(struct run *run)
{
	const bool has_tls = run->serving.request.gateway.tls_certificate_file != NULL;
	const char *const id = run->request.session_id;
	char address[SERVING_ADDRESS_ROOM], escaped[ESCAPE_ROOM];

	if (run->request.is_quiet || reprise_gateway_address(run->serving.gateway, 0, address,
							     sizeof(address)) != REPRISE_OK)
		return;
	escape(id, escaped);
	fputs("reprise: session ", stderr);
	log_text_escaped(stderr, id, strlen(id), SIZE_MAX);
	fprintf(stderr, " at %s://%s/#/s/%s\n", has_tls ? "https" : "http", address, escaped);
}

static int
open_all(struct run *run)
{
	int status = open_flow(run);

	if (status == 0)
		status = serving_open(&run->serving);
	if (status == EXIT_FAILURE)
		status = EXIT_NOT_BEGUN;
	/* A signal may have come for the command by now, such as Ctrl-C. */
	run_signals_take(&run->signals, &run->child);
	if (status == 0 && !run->child.is_over)
		status = open_session(run);
	if (status == 0 && !run_gateway_begin(&run->gateway, run->serving.gateway))
		status = say_system("the gateway has no thread", errno);
	return status;
}

/* --- the end --------------------------------------------------------------------------------- */

/* False: a signal has come, or @fd is readable. */
static bool
rest(struct run *run, int fd, int milliseconds)
{
	struct pollfd polls[] = { { .fd = run->signals.fd, .events = POLLIN },
				  { .fd = fd, .events = POLLIN } };
	const uint32_t stops = run->signals.stops;

	if (poll(polls, 2, milliseconds) > 0)
		run_signals_take(&run->signals, &run->child);
	return run->signals.stops == stops && polls[1].revents == 0;
}

static uint64_t
stay_ms_of(const struct run *run)
{
	if (run->signals.was_told_to_end)
		return 0;
	if (run->request.has_stay)
		return run->request.stay_ms;
	return run_gateway_had_clients(&run->gateway) ? STAY_MS_DEFAULT : 0;
}

static bool
has_subscriptions(const struct run *run)
{
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;

	return reprise_session_stats(run->serving.store, run->request.session_id, &stats) ==
		       REPRISE_OK &&
	       stats.subscriptions > 0;
}

static void
wait_for_log(struct run *run)
{
	const uint64_t patience_ns = patience_ms_of(run) * NS_PER_MS;
	const uint64_t end =
		pace_now() + (run->signals.was_told_to_end ? patience_ns : run->request.wait_ns);

	while (!run_events_are_recorded(&run->events) && pace_now() < end)
		if (!rest(run, -1, 0))
			return;
}

/* The session stays for clients that come back, and then until the open streams have its end. */
static void
stay(struct run *run)
{
	const uint64_t stay_ms = stay_ms_of(run), begin = pace_now();
	const uint64_t end = begin + stay_ms * NS_PER_MS;
	const uint64_t last = end + run->serving.request.drain_ms * NS_PER_MS;
	uint64_t now = begin;

	if (run->request.has_stay && stay_ms > 0 && !run->request.is_quiet)
		fprintf(stderr, "reprise: the session stays served for %" PRIu64 " s\n",
			stay_ms / 1000);
	while (now < end || (now < last && has_subscriptions(run))) {
		const uint64_t left_ms = now < end ? (end - now) / NS_PER_MS + 1 : LOOK_MS;

		if (run->signals.stops > 0 || !rest(run, run->gateway.done, (int)left_ms))
			return;
		now = pace_now();
	}
}

static void
stop_gateway(struct run *run)
{
	run_gateway_stop(&run->gateway, run->serving.request.drain_ms);
	while (run->gateway.has_thread) {
		const uint32_t stops = run->signals.stops;

		if (rest(run, run->gateway.done, -1))
			continue;
		if (run->signals.stops == stops)
			break; /* the gateway has stopped */
		run_gateway_stop(&run->gateway, 0);
	}
	run_gateway_join(&run->gateway);
}

/*
 * Events in gap entries of the log, and events that the log has never seen. A program that opens
 * the same session in the same log ends the life of this writer, and the recorder gives up the
 * events of that life without a record.
 */
static uint64_t
count_unrecorded(const struct run *run, const struct reprise_recorder_stats *stats)
{
	const uint64_t known = stats->lost + stats->lag, taken = run->events.taken;
	const uint64_t missing = taken > stats->recorded ? taken - stats->recorded : 0;

	return stats->fenced > 0 && missing > known ? missing : known;
}

static void
say_records(const struct run *run)
{
	const struct serving_records *const records = &run->serving.records;
	const struct reprise_recorder_stats *const stats = &records->stats;
	const reprise_status fault =
		stats->failure != REPRISE_OK ? stats->failure : records->status;

	if (records->is_whole && stats->fenced == 0)
		return;
	fprintf(stderr, "reprise run: %" PRIu64 " events are not in the log: ",
		count_unrecorded(run, stats));
	if (stats->fenced > 0)
		fputs("another program has written to the session in the log", stderr);
	else if (fault == REPRISE_OK)
		fputs("the log was too slow", stderr);
	else
		fprintf(stderr, "%s (%s)", reprise_status_text(fault), reprise_status_name(fault));
	if (stats->failure_text[0] != '\0') {
		fputs(": ", stderr);
		log_text_escaped(stderr, stats->failure_text, strlen(stats->failure_text),
				 SIZE_MAX);
	}
	fputc('\n', stderr);
}

static void
close_all(struct run *run)
{
	stop_gateway(run);
	run_events_close(&run->events);
	(void)serving_close(&run->serving);
	say_records(run);
	run_events_say_refused(&run->events);
	run_flow_close(&run->flow);
	run_signals_close(&run->signals);
}

/* --- the command ----------------------------------------------------------------------------- */

static int
exit_status_of(const struct run *run)
{
	const struct run_child *const child = &run->child;

	return child->is_killed ? EXIT_SIGNAL + child->status : child->status;
}

/* The exit status: lost output is no success. */
static int
judge_output(const struct run *run)
{
	const int status = exit_status_of(run), fault = run->flow.output.fault;

	if (fault == 0 || fault == EPIPE)
		return status;
	(void)say_system("the output cannot be written", fault);
	return status != 0 ? status : EXIT_FAILURE;
}

static int
go(struct run *run)
{
	print_address(run);
	const int refused = run_child_begin(&run->child, run->request.command[0]);

	run_flow_pump(&run->flow);
	const int status = refused != 0 ? refused : judge_output(run);

	run_events_end(&run->events, refused != 0 ? refused : exit_status_of(run));
	wait_for_log(run);
	if (refused == 0)
		stay(run);
	return status;
}

static int
run_all(struct run *run)
{
	int status = fork_command(run);

	if (status != 0)
		return status;
	status = open_all(run);
	if (status == 0 && !run->child.is_over)
		status = go(run);
	else
		run_child_abandon(&run->child);
	close_all(run);
	if (run->child.is_killed)
		run_signals_die_by(run->child.status);
	return status;
}

int
run_command(int argc, char **argv)
{
	static struct run run;

	if (!run_arguments(argc, argv, &run.serving.request, &run.request)) {
		fputs("Run 'reprise run --help' for the arguments.\n", stderr);
		return EXIT_USAGE;
	}
	const int status = run_child_find(run.request.command[0]);

	return status != 0 ? status : run_all(&run);
}
