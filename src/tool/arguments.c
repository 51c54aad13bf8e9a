/* SPDX-License-Identifier: MIT */
#include "tool/arguments.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

const char usage[] =
	"usage: reprise demo [--rate N] [--seconds N] [FILE.jsonl ...]\n"
	"       reprise --version | --help\n"
	"\n"
	"demo    A runtime appends every line of each FILE as an event of a session of its own,\n"
	"        while four hosts follow each session: one stays, one drops its connection again\n"
	"        and again and comes back with its last cursor, one is slow, one comes late with "
	"a\n"
	"        stale cursor. Without a FILE: the output of a command.\n"
	"\n"
	"  --rate N      events a second and session, 1 to 1000000 (2000)\n"
	"  --seconds N   of appending, 1 to 3600 (10)\n"
	"\n"
	"Exit status: 0 all is accounted for; 1 it is not; 2 usage; 3 an input cannot be read.\n";

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

bool
demo_arguments(int argc, char **argv, struct demo_options *ret_options)
{
	static const struct option options[] = {
		{ "rate", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 's' },
		{ 0 },
	};
	struct demo_options asked = { .rate = 2000, .seconds = 10 };
	bool is_good = true;
	int option;

	optind = 1;
	while (is_good && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'r')
			is_good = number("rate", optarg, 1000000, &asked.rate);
		else if (option == 's')
			is_good = number("seconds", optarg, 3600, &asked.seconds);
		else
			is_good = false;
	}
	if (!is_good)
		return false;
	asked.files = argv + optind;
	asked.files_count = argc - optind;
	*ret_options = asked;
	return true;
}
