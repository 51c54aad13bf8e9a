/* SPDX-License-Identifier: MIT */
#include "tool/doctor.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reprise/cursor.h>

#include "tool/arguments.h"
#include "tool/doctor_checks.h"
#include "tool/log_output.h"
#include "tool/log_text.h"

const char doctor_usage[] =
	"usage: reprise doctor [--log PLACE [--schema NAME] [--tenant T]] [--json]\n"
	"\n"
	"Checks the machine, and the log of --log, and says what would go wrong. A line for each\n"
	"check: ok, warn (works, with a cost or a risk) or fail; then the check's name and the\n"
	"finding. Behind warn and fail a second line says what to do. Where the machine does not\n"
	"let the program look, such as in a container without /proc, the finding is \"unknown\".\n"
	"Nothing is changed: a missing log is not created.\n"
	"\n"
	"  --log PLACE    sqlite:FILE or postgres:CONNINFO, as of `reprise serve`\n"
	"  --schema NAME  the schema of the log in PostgreSQL\n"
	"  --tenant T     the tenant of the log (default: \"default\")\n"
	"  --json         prints one JSON object per line\n"
	"\n"
	"Exit status: 0 no check fails; 1 a check fails; 2 wrong arguments.\n";

struct request {
	struct log_place place;
	const char *log, *schema, *tenant;
	bool is_json;
};

static bool
refuse(const char *fault)
{
	fprintf(stderr, "reprise doctor: %s\n", fault);
	return false;
}

/* Of two values one would be left out without a word. */
static bool
take_text(const char **ret_text, const char *fault)
{
	if (*ret_text != NULL)
		return refuse(fault);
	*ret_text = optarg;
	return true;
}

static bool
take_option(int option, struct request *asked)
{
	switch (option) {
	case 'l':
		return take_text(&asked->log, "--log is given twice");
	case 's':
		return take_text(&asked->schema, "--schema is given twice");
	case 't':
		return take_text(&asked->tenant, "--tenant is given twice");
	case 'j':
		if (asked->is_json)
			return refuse("--json is given twice");
		asked->is_json = true;
		return true;
	default:
		return false;
	}
}

static bool
is_tenant(const char *tenant)
{
	const size_t bytes = strlen(tenant);

	return bytes >= 1 && bytes <= REPRISE_SESSION_ID_BYTES_MAX &&
	       log_text_is_utf8(tenant, bytes);
}

/* The options that need one another, and the place. */
static bool
settle(struct request *asked)
{
	const char *fault = NULL;

	if (asked->log == NULL && asked->schema != NULL)
		fault = "--schema needs --log";
	else if (asked->log == NULL && asked->tenant != NULL)
		fault = "--tenant needs --log";
	else if (asked->tenant != NULL && !is_tenant(asked->tenant))
		fault = "--tenant takes 1 to 128 bytes of UTF-8";
	else if (asked->log != NULL && !log_place_read(asked->log, &asked->place))
		fault = "--log takes sqlite:FILE or postgres:CONNINFO";
	else if (asked->place.file != NULL && asked->place.file[0] == '\0')
		fault = "--log sqlite: needs a FILE";
	else if (asked->place.file != NULL && asked->schema != NULL)
		fault = "--schema needs a log in PostgreSQL";
	if (fault == NULL)
		fault = log_place_fault(&asked->place);
	asked->place.schema = asked->schema;
	return fault == NULL || refuse(fault);
}

static bool
read_arguments(int argc, char **argv, struct request *ret_request)
{
	static char name[] = "reprise doctor"; /* the prefix of getopt's errors */
	static const struct option options[] = { { "log", required_argument, NULL, 'l' },
						 { "schema", required_argument, NULL, 's' },
						 { "tenant", required_argument, NULL, 't' },
						 { "json", no_argument, NULL, 'j' },
						 { 0 } };
	int option;

	argv[0] = name;
	optind = 1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!take_option(option, ret_request))
			return false;
	if (optind < argc)
		return refuse("takes options alone");
	return settle(ret_request);
}

int
doctor_command(int argc, char **argv)
{
	struct request request = { .is_json = false };
	struct doctor_report report = { .fails = 0 };

	if (!read_arguments(argc, argv, &request)) {
		fputs("Run 'reprise doctor --help' for the arguments.\n", stderr);
		return EXIT_USAGE;
	}
	report.is_json = request.is_json;
	log_output_begin();
	doctor_check_system(&report);
	doctor_check_limits(&report);
	doctor_check_clock(&report);
	doctor_check_build(&report);
	if (request.log != NULL)
		doctor_check_log(&report, &request.place, request.tenant);
	return log_output_end(report.fails > 0 ? EXIT_FAILURE : 0);
}
