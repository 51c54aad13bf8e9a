/* SPDX-License-Identifier: MIT */

/*
 * The bundled harness: the limit, the peers and reprise in one run. README.md of this folder says
 * how to read it.
 */

#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contest.h"
#include "plot.h"
#include "rows.h"

enum {
	EXIT_MEASURED = 0,
	EXIT_BROKEN = 1,
	EXIT_USAGE = 2,
	EXIT_INTERRUPTED = 130,
};

const struct rows all_rows[] = {
	{ "limit", "a record written into plain memory", false, measure_limit },
	{ "append", "over the limit and beside the peers, nobody there; system calls", true,
	  measure_append },
	{ "batch", "events appended together", false, measure_batch },
	{ "writers", "several threads that append to one session, beside the peers", true,
	  measure_writers },
	{ "once", "appends that count once, over plain ones", false, measure_once },
	{ "fanout", "append and delivered rate under 1 to 1,000 hosts", true, measure_fanout },
	{ "group", "1 to 100,000 subscriptions by one descriptor, over one each", true,
	  measure_group },
	{ "live", "from append to seen, at given rates", true, measure_live },
	{ "wake", "from append to running, at each door", true, measure_wake },
	{ "replay", "a late host takes a full window", true, measure_replay },
	{ "lookup", "finding a session among 1,000 to 1,000,000", true, measure_lookup },
	{ "memory", "of a session", true, measure_memory },
	{ "streams", "many sessions, sizes as agents' are", false, measure_streams },
	{ "append-cost-over-time", "each append timed; first lap and later ones", false,
	  measure_append_cost_over_time },
	{ "record", "a recorder into SQLite, over bare inserts", true, measure_record },
	{ "recording", "an append while a recorder follows", true, measure_recording },
	{ "heal", "everything from the log, over a bare SELECT", true, measure_heal },
	{ "recovery", "opening a session over a long log", true, measure_recovery },
	{ "wal", "the write-ahead log while ten hosts read", true, measure_wal },
	{ "opening", "many new sessions, by one call", true, measure_opening },
	{ "conversation",
	  "recovering a conversation, recording a step, deciding on a known delivery", true,
	  measure_conversation },
	{ "thread", "applying deltas to a thread document; appending one to a SQLite file", true,
	  measure_thread },
	{ "jetstream", "thread documents that a NATS server buffers: not in a quick run", false,
	  measure_jetstream },
	{ "gateway-idle", "the memory of 5,000 idle streams over HTTP", true,
	  measure_gateway_idle },
	{ "gateway-fanout", "a session to 1,000 HTTP clients, and a client that joins", true,
	  measure_gateway_fanout },
	{ "gateway-live", "from a POST to the bytes at a client", true, measure_gateway_live },
	{ "gateway-post", "recorded POSTs, over the log without HTTP", true, measure_gateway_post },
	{ "gateway-told", "what a client that comes back over HTTP is told", true,
	  measure_gateway_told },
	{ "gateway-durable-read", "a durable stream of 100 MB, over nginx with a file", true,
	  measure_gateway_durable_read },
	{ "gateway-durable-append", "one producer, over the reference server", true,
	  measure_gateway_durable_append },
	{ "gateway-durable-memory", "clients that stop in the middle of a durable stream", true,
	  measure_gateway_durable_memory },
	{ NULL, NULL, false, NULL },
};

static void
print_usage(FILE *file)
{
	fputs("usage: bench [NAME ...] [--quick] [--json FILE] [--plot DIR] [--streams DIR]\n\n",
	      file);
	for (const struct rows *rows = all_rows; rows->name != NULL; rows++)
		fprintf(file, "  %-22s %s\n", rows->name, rows->about);
	fputs("\nA NAME is a pattern, too: 'gateway-*'.\n"
	      "\n  --quick         five short runs of what has a goal: 1 to 2 minutes\n"
	      "  --json FILE     a line of JSON for each result; - is standard output\n"
	      "  --plot DIR      histograms, data and plots (SVG and PNG) into DIR\n"
	      "  --streams DIR   what `streams` appends: .jsonl files, one a session\n\n"
	      "Exit status: 0 measured (even where a goal is missed), 1 accounting is broken,\n"
	      "2 usage, 130 interrupted (what was measured is printed).\n",
	      file);
}

static bool
is_known(const char *name)
{
	for (const struct rows *rows = all_rows; rows->name != NULL; rows++)
		if (fnmatch(name, rows->name, 0) == 0)
			return true;
	return false;
}

static bool
is_folder(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static int
refuse(const char *what, const char *value)
{
	fprintf(stderr, "bench: %s: %s\n", what, value);
	print_usage(stderr);
	return EXIT_USAGE;
}

static int
parse_options(struct harness *harness, int argc, char **argv, const char **ret_json)
{
	static const struct option options[] = { { "quick", no_argument, NULL, 'q' },
						 { "json", required_argument, NULL, 'j' },
						 { "plot", required_argument, NULL, 'p' },
						 { "streams", required_argument, NULL, 's' },
						 { "help", no_argument, NULL, 'h' },
						 { NULL, 0, NULL, 0 } };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (option) {
		case 'q':
			harness->is_quick = true;
			break;
		case 'j':
			*ret_json = optarg;
			break;
		case 'p':
			harness->plot_dir = optarg;
			break;
		case 's':
			harness->streams_dir = optarg;
			break;
		case 'h':
			print_usage(stdout);
			exit(EXIT_MEASURED);
		default:
			print_usage(stderr);
			return EXIT_USAGE;
		}
	for (int i = optind; i < argc; i++)
		if (!is_known(argv[i]))
			return refuse("no such measurement", argv[i]);
	if (harness->streams_dir != NULL && !streams_are_in(harness->streams_dir))
		return refuse("no .jsonl file with lines in", harness->streams_dir);
	if (harness->plot_dir != NULL && !is_folder(harness->plot_dir) &&
	    mkdir(harness->plot_dir, 0777) != 0)
		return refuse("the folder cannot be made", harness->plot_dir);
	return EXIT_MEASURED;
}

static int
open_output(struct harness *harness, const char *json)
{
	harness->table = stdout;
	if (json == NULL)
		return EXIT_MEASURED;
	if (strcmp(json, "-") == 0) {
		harness->json = stdout;
		harness->table = NULL;
	} else if ((harness->json = fopen(json, "w")) == NULL) {
		return refuse(strerror(errno), json);
	}
	return EXIT_MEASURED;
}

/* Whether these rows were asked for: by name, or by being among those that are measured anyway. */
static bool
is_wanted(const struct harness *harness, const struct rows *rows, int names_count, char **names)
{
	for (int i = 0; i < names_count; i++)
		if (fnmatch(names[i], rows->name, 0) == 0)
			return true;
	return names_count == 0 && (rows->is_quick || !harness->is_quick);
}

static void
measure_all(struct harness *harness, int names_count, char **names)
{
	const uint64_t begin = now_ns();

	for (const struct rows *rows = all_rows; rows->name != NULL; rows++)
		if (is_wanted(harness, rows, names_count, names) && !harness_is_interrupted()) {
			harness_progress("%s (%zu s so far)", rows->name,
					 (size_t)((now_ns() - begin) / 1000000000));
			rows->measure(harness);
		}
	harness_progress("measured for %zu s", (size_t)((now_ns() - begin) / 1000000000));
}

int
main(int argc, char **argv)
{
	static struct harness harness;
	const char *json = NULL;
	int status = parse_options(&harness, argc, argv, &json);

	if (status == EXIT_MEASURED)
		status = open_output(&harness, json);
	if (status != EXIT_MEASURED)
		return status;
	harness.runs = harness.is_quick ? RUNS_QUICK : RUNS_FULL;
	harness.run_ns = harness.is_quick ? 50e6 : 200e6;
	harness_init(&harness);
	harness_catch_signals();
	harness_progress("%s, commit %s", harness.machine, harness.commit);
	measure_all(&harness, argc - optind, argv + optind);
	contest_close_sides();
	if (!plot_draw(&harness))
		fputs("bench: the plots could not all be drawn\n", stderr);
	if (harness_is_interrupted()) {
		fputs("bench: interrupted: what was measured stands\n", stderr);
		return EXIT_INTERRUPTED;
	}
	if (harness.is_broken) {
		fputs("bench: accounting is broken\n", stderr);
		return EXIT_BROKEN;
	}
	return EXIT_MEASURED;
}
