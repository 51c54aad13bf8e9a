/* SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "tool/number.h"
#include "tool/top.h"
#include "tool/top_request.h"

const char top_usage[] =
	"usage: reprise top URL [--once] [--sort COLUMN] [--interval MS] [--json]\n"
	"                   [--token-file FILE] [--ca FILE]\n"
	"\n"
	"Shows the sessions of a gateway: events a second, the newest position, the events in\n"
	"memory, the hosts at this gateway, how many events the host furthest behind has not "
	"got,\n"
	"how many events may still come before that host loses one (headroom), lost events, and\n"
	"events that are not in the log yet (unrecorded). URL is the address of a gateway. Live\n"
	"in a terminal; a block of lines each interval elsewhere. A lost gateway is asked again\n"
	"until the gateway answers. The numbers above the table need a token with the level "
	"admin.\n"
	"\n"
	"  --once             prints one block, after two samples\n"
	"  --sort COLUMN      rate (default), newest, hosts, behind, lost, session, retained,\n"
	"                     headroom, lag or state\n"
	"  --interval MS      between two samples, 100 to 3600000 (default: 1000); longer where a\n"
	"                     sample takes longer: the gateway looks at all sessions for each\n"
	"                     thousand. A sample has at most 100000 sessions\n"
	"  --json             JSON objects, one per line: the gateway, then each session\n"
	"  --token-file FILE  the first token of FILE, which belongs to its user alone (mode "
	"600);\n"
	"                     without the option the environment's REPRISE_TOKEN\n"
	"  --ca FILE          the certificates to trust, PEM\n"
	"\n"
	"Keys: q ends, arrows and page keys move, s or < and > choose the column of the order, r\n"
	"reverses, / shows only ids with a text, p pauses, Enter ends and prints the command that\n"
	"follows the session, ? shows the keys.\n"
	"\n"
	"Exit status: 0 ended by the user; 1 no answer (--once), or the gateway refuses; 2 wrong\n"
	"arguments; 130 after Ctrl-C, 143 after SIGTERM.\n";

enum {
	INTERVAL_MS = 1000,
	INTERVAL_MS_LEAST = 100,
	INTERVAL_MS_MOST = 3600000,
	OPTION_ONCE = 0,
	OPTION_SORT,
	OPTION_INTERVAL,
	OPTION_JSON,
	OPTION_TOKEN_FILE,
	OPTION_CA,
	OPTIONS_COUNT,
};

static const struct option options[OPTIONS_COUNT + 1] = {
	[OPTION_ONCE] = { "once", no_argument, NULL, OPTION_ONCE },
	[OPTION_SORT] = { "sort", required_argument, NULL, OPTION_SORT },
	[OPTION_INTERVAL] = { "interval", required_argument, NULL, OPTION_INTERVAL },
	[OPTION_JSON] = { "json", no_argument, NULL, OPTION_JSON },
	[OPTION_TOKEN_FILE] = { "token-file", required_argument, NULL, OPTION_TOKEN_FILE },
	[OPTION_CA] = { "ca", required_argument, NULL, OPTION_CA },
};

static bool
refuse(const char *fault)
{
	fprintf(stderr, "reprise top: %s\n", fault);
	return false;
}

static bool
take_interval(const char *text, uint64_t *ret_ms)
{
	if (number_parse(text, INTERVAL_MS_LEAST, INTERVAL_MS_MOST, ret_ms))
		return true;
	fprintf(stderr, "reprise top: --interval takes a whole number from %d to %d, not '%s'\n",
		INTERVAL_MS_LEAST, INTERVAL_MS_MOST, text);
	return false;
}

static bool
take_column(const char *text, enum top_column *ret_column)
{
	if (top_column_find(text, ret_column))
		return true;
	fputs("reprise top: --sort takes", stderr);
	for (size_t i = 0; i < TOP_COLUMNS; i++)
		fprintf(stderr, "%s %s", i > 0 ? "," : "", top_column_name((enum top_column)i));
	fprintf(stderr, "; not '%s'\n", text);
	return false;
}

static bool
take_option(int option, struct top_request *asked, bool is_given[OPTIONS_COUNT])
{
	if (option < 0 || option >= OPTIONS_COUNT)
		return false;
	if (is_given[option]) {
		fprintf(stderr, "reprise top: --%s is given twice\n", options[option].name);
		return false;
	}
	is_given[option] = true;
	switch (option) {
	case OPTION_ONCE:
		asked->is_once = true;
		return true;
	case OPTION_JSON:
		asked->is_json = true;
		return true;
	case OPTION_SORT:
		return take_column(optarg, &asked->column);
	case OPTION_INTERVAL:
		return take_interval(optarg, &asked->interval_ms);
	case OPTION_TOKEN_FILE:
		asked->token_file = optarg;
		return true;
	default:
		asked->ca_file = optarg;
		return true;
	}
}

bool
top_arguments(int argc, char **argv, struct top_request *ret_request)
{
	static char name[] = "reprise top"; /* the prefix of getopt's errors */
	bool is_given[OPTIONS_COUNT] = { false };
	int option;

	*ret_request = (struct top_request){ .column = TOP_RATE, .interval_ms = INTERVAL_MS };
	argv[0] = name;
	optind = 1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!take_option(option, ret_request, is_given))
			return false;
	if (argc - optind != 1)
		return refuse("takes one URL, the address of a gateway");
#ifndef TOOL_HAS_CLIENT
	return refuse("this program was built without libcurl or without jansson");
#else
	const char *const fault = address_parse(argv[optind], &ret_request->address);

	if (fault != NULL)
		return refuse(fault);
	if (ret_request->address.session[0] != '\0')
		return refuse("takes the address of a gateway, not of a session: 'reprise tail' "
			      "follows a session");
	return true;
#endif
}
