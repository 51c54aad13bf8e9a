/* SPDX-License-Identifier: MIT */
#include "tool/arguments.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "tool/host.h"
#include "tool/log_place.h"

const char usage[] =
	"usage: reprise demo [--rate N] [--seconds N] [--sessions N] [--hosts N] [FILE.jsonl ...]\n"
	"       reprise demo --log FILE [--rate N] [--seconds N] [FILE.jsonl ...]\n"
	"       reprise demo --worker [--kill] [--log FILE]\n"
	"       reprise demo --nats [--cluster]\n"
	"       reprise log ls|cat|tail|archive|verify ...\n"
	"       reprise conversation ls|show ...\n"
	"       reprise thread ls|cat|deltas|recover|dead ...\n"
	"       reprise --version | --help\n"
	"\n"
	"demo    A runtime appends every line of each FILE as an event of a session of its own,\n"
	"        while six hosts follow each session, with a thread each:\n"
	"\n"
	"        stays     sleeps until there is something\n"
	"        drops     drops its connection again and again, comes back with its last cursor\n"
	"        slow      turns away for longer than the window holds\n"
	"        late      comes late, with a stale cursor\n"
	"        epoll     waits for a descriptor in an event loop\n"
	"        callback  is called back on the store's thread\n"
	"\n"
	"        With --sessions or --hosts: that many sessions with that many hosts each, of\n"
	"        these six ways in rotation, on a few threads. There, who stays is looked at\n"
	"        every 10 ms; who drops or comes late waits for a descriptor. The FILEs are\n"
	"        taken in rotation.\n"
	"\n"
	"        Without a FILE: the output of a command.\n"
	"\n"
	"        With --log: the first, over a log in FILE (SQLite), which is created or goes on: "
	"who\n"
	"        is overtaken is healed from it. Then a runtime that is killed and started again, "
	"and\n"
	"        hosts that come back to it with their cursors.\n"
	"\n"
	"        With --worker: a worker is delivered everything twice, in any order, and does "
	"its\n"
	"        steps; a conversation in a log tells it where to go on. With --kill it is killed\n"
	"        at random moments and started again. Without --log, the log is in a file under\n"
	"        TMPDIR, which goes at the end.\n"
	"\n"
	"        With --nats: a run of deltas is buffered by a NATS server on the loopback that "
	"the\n"
	"        demo starts; the server and the writer are killed in the middle. With --cluster\n"
	"        there are three servers and two writers, and the server that leads the stream is\n"
	"        killed. A table says what became of each delta.\n"
	"\n"
	"  --rate N      events a second and session, 1 to 1000000 (2000, or 20 of many sessions)\n"
	"  --seconds N   of appending, 1 to 3600 (10, or 3 with a log)\n"
	"  --sessions N  1 to 100000 (1)\n"
	"  --hosts N     of each session, 1 to 64 (6)\n"
	"\n"
	"Exit status: 0 all is accounted for; 1 it is not; 2 usage; 3 an input cannot be read.\n";

enum {
	RATE_ALONE = 2000,
	RATE_OF_MANY = 20,
	SECONDS_ALONE = 10,
	SECONDS_WITH_LOG = 3,
};

static bool
number(const char *option, const char *text, uint64_t most, uint64_t *ret_number)
{
	char *end = NULL;

	errno = 0;
	const unsigned long long given = strtoull(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || given < 1 ||
	    given > most) {
		fprintf(stderr, "reprise: --%s takes a whole number from 1 to %llu, not '%s'\n",
			option, (unsigned long long)most, text);
		return false;
	}
	*ret_number = given;
	return true;
}

static bool
take_option(int option, struct demo_options *asked)
{
	switch (option) {
	case 'r':
		return number("rate", optarg, 1000000, &asked->rate);
	case 's':
		return number("seconds", optarg, 3600, &asked->seconds);
	case 'n':
		asked->is_scale = true;
		return number("sessions", optarg, 100000, &asked->sessions);
	case 'm':
		asked->is_scale = true;
		return number("hosts", optarg, 64, &asked->hosts);
	case 'l':
		asked->log = optarg;
		return true;
	case 'w':
		asked->is_worker = true;
		return true;
	case 'k':
		asked->kills = true;
		return true;
	case 'b':
		asked->is_nats = true;
		return true;
	case 'c':
		asked->is_cluster = true;
		return true;
	default:
		return false;
	}
}

static bool
may_log(const struct demo_options *asked)
{
	const struct log_place place = { .file = asked->log };
	const char *const fault = asked->is_scale ? "does not go with --sessions and --hosts"
						  : log_place_fault(&place);

	if (fault == NULL)
		return true;
	fprintf(stderr, "reprise: demo --log %s\n", fault);
	return false;
}

static bool
may_work(const struct demo_options *asked, int files_count)
{
	const struct log_place place = { .file = "" };
	const char *const fault =
		!asked->is_worker ? "--kill goes with --worker alone"
		: asked->is_scale || asked->rate != 0 || asked->seconds != 0 || files_count > 0
			? "--worker goes with --kill and --log alone"
			: log_place_fault(&place);

	if (fault == NULL)
		return true;
	fprintf(stderr, "reprise: demo: %s\n", fault);
	return false;
}

static bool
may_buffer(const struct demo_options *asked, int files_count)
{
	const bool has_others = asked->is_worker || asked->kills || asked->is_scale ||
				asked->log != NULL || asked->rate != 0 || asked->seconds != 0 ||
				files_count > 0;
	const char *fault = !asked->is_nats ? "--cluster goes with --nats alone"
			    : has_others    ? "--nats goes with --cluster alone"
					    : NULL;

#ifndef TOOL_HAS_JETSTREAM_DEMO
	if (fault == NULL)
		fault = "--nats: this program was built without libnats, SQLite or jansson";
#endif
	if (fault == NULL)
		return true;
	fprintf(stderr, "reprise: demo: %s\n", fault);
	return false;
}

bool
demo_arguments(int argc, char **argv, struct demo_options *ret_options)
{
	static const struct option options[] = {
		{ "rate", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 's' },
		{ "sessions", required_argument, NULL, 'n' },
		{ "hosts", required_argument, NULL, 'm' },
		{ "log", required_argument, NULL, 'l' },
		{ "worker", no_argument, NULL, 'w' },
		{ "kill", no_argument, NULL, 'k' },
		{ "nats", no_argument, NULL, 'b' },
		{ "cluster", no_argument, NULL, 'c' },
		{ 0 },
	};
	struct demo_options asked = { .sessions = 1, .hosts = HOST_WAYS };
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!take_option(option, &asked))
			return false;
	if ((asked.is_nats || asked.is_cluster) && !may_buffer(&asked, argc - optind))
		return false;
	if (asked.log != NULL && !may_log(&asked))
		return false;
	if ((asked.is_worker || asked.kills) && !may_work(&asked, argc - optind))
		return false;
	if (asked.seconds == 0)
		asked.seconds = asked.log != NULL ? SECONDS_WITH_LOG : SECONDS_ALONE;
	if (asked.rate == 0)
		asked.rate = asked.is_scale ? RATE_OF_MANY : RATE_ALONE;
	asked.files = argv + optind;
	asked.files_count = argc - optind;
	*ret_options = asked;
	return true;
}
