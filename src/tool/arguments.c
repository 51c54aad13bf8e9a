/* SPDX-License-Identifier: MIT */
#include "tool/arguments.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "tool/host.h"
#include "tool/log_place.h"
#include "tool/number.h"

const char demo_usage[] =
	"usage: reprise demo [--rate N] [--seconds N] [--sessions N] [--hosts N] [FILE ...]\n"
	"       reprise demo --log FILE [--rate N] [--seconds N] [FILE ...]\n"
	"       reprise demo --worker [--kill] [--log FILE]\n"
	"       reprise demo --nats [--cluster]\n"
	"       reprise demo --serve [--log FILE] [--rate N] [--seconds N]\n"
	"\n"
	"A runtime appends the lines of each FILE as events of one session. Six hosts\n"
	"subscribe to the session, each on its own thread, as a gateway does for a client.\n"
	"Without a FILE, the lines are a listing of /usr. At the end, a table shows what each\n"
	"host got and lost.\n"
	"\n"
	"  stays     sleeps until events come\n"
	"  drops     drops its connection again and again, and comes back with its last cursor\n"
	"  slow      pauses for longer than the window holds\n"
	"  late      subscribes late, with a cursor from the beginning\n"
	"  epoll     waits for a descriptor in an event loop\n"
	"  callback  is called by the store's thread\n"
	"\n"
	"--sessions or --hosts: many sessions and hosts on a few threads. The sessions take the\n"
	"FILEs in turn, the hosts take the six ways in turn. Hosts that drop, are late or use\n"
	"epoll wait for a descriptor; hosts that stay are polled every 10 ms.\n"
	"\n"
	"--log FILE: the first demo, with a log in FILE (SQLite). A missing FILE is created. An\n"
	"overtaken host reads the lost events from the log. Afterwards a runtime is killed and\n"
	"started again, and three hosts come back with their cursors.\n"
	"\n"
	"--worker: a worker gets every delivery twice, in any order; a conversation in a log\n"
	"says which steps are left. With --kill, the worker is killed at random moments and\n"
	"started again. Without --log, the log is a temporary file.\n"
	"\n"
	"--nats: a NATS server, started by the demo, buffers the deltas of a run on a thread\n"
	"document. The server and the writer are killed in the middle. With --cluster: three\n"
	"servers and two writers, and the server that leads the stream is killed.\n"
	"\n"
	"--serve: a runtime serves its four sessions over HTTP on 127.0.0.1, until Ctrl-C. The\n"
	"demo prints the address of a page that shows the sessions live, and commands to try in\n"
	"a second terminal. Without --log, a host that falls behind loses events, and is told\n"
	"which. With --log FILE (SQLite), the host reads the lost events from the log.\n"
	"\n"
	"  --rate N      events per second and session, 1 to 1000000 (default: 2000; with\n"
	"                --sessions or --hosts: 20; with --serve: 20)\n"
	"  --seconds N   seconds of appending, 1 to 3600 (default: 10; with --log: 3; with\n"
	"                --serve: no end)\n"
	"  --sessions N  number of sessions, 1 to 100000 (default: 1)\n"
	"  --hosts N     hosts per session, 1 to 64 (default: 6)\n"
	"\n"
	"Exit status: 0 all events are accounted for; 1 a fault was found, or the demo failed;\n"
	"2 wrong arguments; 3 a FILE cannot be read; 130 interrupted.\n";

enum {
	RATE_ALONE = 2000,
	RATE_OF_MANY = 20,
	RATE_SERVED = 20,
	SECONDS_ALONE = 10,
	SECONDS_WITH_LOG = 3,
};

static bool
number(const char *option, const char *text, uint64_t most, uint64_t *ret_number)
{
	if (number_parse(text, 1, most, ret_number))
		return true;
	fprintf(stderr, "reprise demo: --%s takes a whole number from 1 to %llu, not '%s'\n",
		option, (unsigned long long)most, text);
	return false;
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
	case 'v':
		asked->is_serve = true;
		return true;
	default:
		return false;
	}
}

static bool
may_log(const struct demo_options *asked)
{
	const struct log_place place = { .file = asked->log };
	const char *const fault = asked->is_scale ? "cannot be combined with --sessions or --hosts"
						  : log_place_fault(&place);

	if (fault == NULL)
		return true;
	fprintf(stderr, "reprise demo --log %s\n", fault);
	return false;
}

static bool
may_work(const struct demo_options *asked, int files_count)
{
	const struct log_place place = { .file = "" };
	const char *const fault =
		!asked->is_worker ? "--kill needs --worker"
		: asked->is_scale || asked->rate != 0 || asked->seconds != 0 || files_count > 0
			? "--worker can be combined only with --kill and --log"
			: log_place_fault(&place);

	if (fault == NULL)
		return true;
	fprintf(stderr, "reprise demo: %s\n", fault);
	return false;
}

static bool
may_buffer(const struct demo_options *asked, int files_count)
{
	const bool has_others = asked->is_worker || asked->kills || asked->is_scale ||
				asked->log != NULL || asked->rate != 0 || asked->seconds != 0 ||
				files_count > 0;
	const char *fault = !asked->is_nats ? "--cluster needs --nats"
			    : has_others    ? "--nats can be combined only with --cluster"
					    : NULL;

#ifndef TOOL_HAS_JETSTREAM_DEMO
	if (fault == NULL)
		fault = "--nats: this program was built without libnats, SQLite or jansson";
#endif
	if (fault == NULL)
		return true;
	fprintf(stderr, "reprise demo: %s\n", fault);
	return false;
}

static bool
may_serve(const struct demo_options *asked, int files_count)
{
	const bool has_others = asked->is_worker || asked->kills || asked->is_scale ||
				asked->is_nats || asked->is_cluster || files_count > 0;
	const char *fault =
		has_others ? "--serve can be combined only with --log, --rate and --seconds" : NULL;

#ifndef TOOL_HAS_GATEWAY
	if (fault == NULL)
		fault = "--serve: this program was built without libevent";
#endif
	if (fault == NULL)
		return true;
	fprintf(stderr, "reprise demo: %s\n", fault);
	return false;
}

/* The numbers that were not given. */
static void
set_defaults(struct demo_options *asked)
{
	if (asked->seconds == 0 && !asked->is_serve)
		asked->seconds = asked->log != NULL ? SECONDS_WITH_LOG : SECONDS_ALONE;
	if (asked->rate == 0)
		asked->rate = asked->is_serve   ? RATE_SERVED
			      : asked->is_scale ? RATE_OF_MANY
						: RATE_ALONE;
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
		{ "serve", no_argument, NULL, 'v' },
		{ 0 },
	};
	struct demo_options asked = { .sessions = 1, .hosts = HOST_WAYS };
	static char name[] = "reprise demo"; /* the prefix of getopt's errors */
	int option;

	argv[0] = name;
	optind = 1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!take_option(option, &asked))
			return false;
	if (asked.is_serve && !may_serve(&asked, argc - optind))
		return false;
	if ((asked.is_nats || asked.is_cluster) && !may_buffer(&asked, argc - optind))
		return false;
	if (asked.log != NULL && !may_log(&asked))
		return false;
	if ((asked.is_worker || asked.kills) && !may_work(&asked, argc - optind))
		return false;
	set_defaults(&asked);
	asked.files = argv + optind;
	asked.files_count = argc - optind;
	*ret_options = asked;
	return true;
}
