/* SPDX-License-Identifier: MIT */
#include "tool/post_arguments.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/kind.h"
#include "tool/log_text.h"
#include "tool/number.h"

const char post_usage[] =
	"usage: reprise post URL [--session ID] [--json] [--kind N | --kind-field NAME]\n"
	"                    [--end STATUS] [OPTION ...]\n"
	"\n"
	"Appends each line of standard input to a session of a gateway, in order: a line is an\n"
	"event, and an empty line is none. URL is the address of the session, or of the gateway\n"
	"with --session; a session that does not exist begins. Lines of JSON that come together\n"
	"are one request; any other line is a request of its own. A request is sent again only\n"
	"if the gateway certainly did not append: after a refused connection, and where the\n"
	"gateway says so. If an answer is lost, the program ends and says which lines are\n"
	"appended and which lines are unknown.\n"
	"\n"
	"  --session ID       the session, where URL does not name one\n"
	"  --json             each line is JSON; a line that is not JSON ends the program\n"
	"  --kind N           the kind of the events (default: 0)\n"
	"  --kind-field NAME  the kind of an event is this member of a line that is a JSON "
	"object:\n"
	"                     a number, or a name; other lines have the kind 0\n"
	"  --revision N       the revision of the events (default: 0)\n"
	"  --commit           the last event has the flag COMMIT: the state of the revision is\n"
	"                     durable. The newest line is held back until the next line comes\n"
	"  --end STATUS       the session ends with the last event\n"
	"  --wait recorded|none  when the gateway answers: once the log has the events, or at "
	"once\n"
	"                     (default: recorded, if the gateway has a log)\n"
	"  --give-up SECONDS  how long to try one request (default: 30)\n"
	"  --token-file FILE  the first token of FILE, which belongs to its user alone (mode "
	"600);\n"
	"                     without the option the environment's REPRISE_TOKEN\n"
	"  --ca FILE          the certificates to trust, PEM\n"
	"\n"
	"The last line of standard error counts: posted N events, positions A to B.\n"
	"Exit status: 0 all lines are appended; 1 a failure; 2 wrong arguments; 130 after Ctrl-C,\n"
	"143 after SIGTERM.\n";

enum {
	OPTION_SESSION,
	OPTION_JSON,
	OPTION_KIND,
	OPTION_KIND_FIELD,
	OPTION_REVISION,
	OPTION_COMMIT,
	OPTION_END,
	OPTION_WAIT,
	OPTION_GIVE_UP,
	OPTION_TOKEN_FILE,
	OPTION_CA,
	OPTIONS_COUNT,
	GIVE_UP_SECONDS = 30,
	GIVE_UP_SECONDS_MAX = 1000000,
	KIND_MAX = 65534, /* 65535 is the kind of control events */
};

static const struct option options[OPTIONS_COUNT + 1] = {
	[OPTION_SESSION] = { "session", required_argument, NULL, OPTION_SESSION },
	[OPTION_JSON] = { "json", no_argument, NULL, OPTION_JSON },
	[OPTION_KIND] = { "kind", required_argument, NULL, OPTION_KIND },
	[OPTION_KIND_FIELD] = { "kind-field", required_argument, NULL, OPTION_KIND_FIELD },
	[OPTION_REVISION] = { "revision", required_argument, NULL, OPTION_REVISION },
	[OPTION_COMMIT] = { "commit", no_argument, NULL, OPTION_COMMIT },
	[OPTION_END] = { "end", required_argument, NULL, OPTION_END },
	[OPTION_WAIT] = { "wait", required_argument, NULL, OPTION_WAIT },
	[OPTION_GIVE_UP] = { "give-up", required_argument, NULL, OPTION_GIVE_UP },
	[OPTION_TOKEN_FILE] = { "token-file", required_argument, NULL, OPTION_TOKEN_FILE },
	[OPTION_CA] = { "ca", required_argument, NULL, OPTION_CA },
};

/* The texts of the options; NULL: not given. */
struct given {
	const char *texts[OPTIONS_COUNT];
};

static bool
refuse(const char *fault)
{
	fprintf(stderr, "reprise post: %s\n", fault);
	return false;
}

static bool
take_option(int option, struct given *given)
{
	if (option < 0 || option >= OPTIONS_COUNT)
		return false;
	if (given->texts[option] != NULL) {
		fprintf(stderr, "reprise post: --%s is given twice\n", options[option].name);
		return false;
	}
	given->texts[option] = optarg != NULL ? optarg : "";
	return true;
}

/* A number of an option. *ret_number stays without the option. */
static bool
take_number(const struct given *given, int option, uint64_t least, uint64_t most,
	    uint64_t *ret_number)
{
	const char *const text = given->texts[option];

	if (text == NULL || number_parse(text, least, most, ret_number))
		return true;
	fprintf(stderr, "reprise post: --%s takes a whole number from %llu to %llu, not '",
		options[option].name, (unsigned long long)least, (unsigned long long)most);
	log_text_escaped(stderr, text, strlen(text), SIZE_MAX);
	fputs("'\n", stderr);
	return false;
}

/* A status may be negative. */
static bool
take_end(const char *text, struct post_request *asked)
{
	char *end = NULL;

	errno = 0;
	const long status = strtol(text, &end, 10);

	if (end == text || text[0] == ' ' || text[0] == '+' || *end != '\0' || errno != 0 ||
	    status < INT32_MIN || status > INT32_MAX)
		return refuse("--end takes a whole number of 32 bits, such as 0");
	asked->has_end = true;
	asked->end_status = (int32_t)status;
	return true;
}

static bool
has_control(const char *text)
{
	while ((unsigned char)*text >= ' ' && *text != '\177')
		text++;
	return *text != '\0';
}

static bool
take_session(const char *id, struct post_request *asked)
{
	char *const session = asked->address.session;
	const size_t bytes = strlen(id);

	if (bytes == 0 || bytes >= sizeof(asked->address.session) || has_control(id) ||
	    !log_text_is_utf8(id, bytes))
		return refuse("--session takes 1 to 128 bytes of UTF-8 without control characters");
	if (session[0] != '\0' && strcmp(session, id) != 0)
		return refuse("--session names another session than the URL");
	memcpy(session, id, bytes + 1);
	return true;
}

static bool
take_address(const char *text, const struct given *given, struct post_request *asked)
{
	const char *const fault = address_parse(text, &asked->address);

	if (fault != NULL)
		return refuse(fault);
	if (given->texts[OPTION_SESSION] != NULL &&
	    !take_session(given->texts[OPTION_SESSION], asked))
		return false;
	return asked->address.session[0] != '\0' ||
	       refuse("which session? URL names one, or --session does");
}

static bool
take_numbers(const struct given *given, struct post_request *asked)
{
	uint64_t kind = KIND_PLAIN, seconds = GIVE_UP_SECONDS;

	if (!take_number(given, OPTION_KIND, 0, KIND_MAX, &kind) ||
	    !take_number(given, OPTION_REVISION, 0, UINT64_MAX - 1, &asked->revision) ||
	    !take_number(given, OPTION_GIVE_UP, 1, GIVE_UP_SECONDS_MAX, &seconds))
		return false;
	asked->kind = (uint16_t)kind;
	asked->give_up_ms = seconds * 1000;
	return given->texts[OPTION_END] == NULL || take_end(given->texts[OPTION_END], asked);
}

static bool
take_texts(const struct given *given, struct post_request *asked)
{
	const char *const wait = given->texts[OPTION_WAIT];
	const char *const field = given->texts[OPTION_KIND_FIELD];

	if (wait != NULL && strcmp(wait, "recorded") != 0 && strcmp(wait, "none") != 0)
		return refuse("--wait takes recorded or none");
	if (field != NULL && given->texts[OPTION_KIND] != NULL)
		return refuse("--kind and --kind-field exclude each other");
	if (field != NULL && (field[0] == '\0' || !log_text_is_utf8(field, strlen(field))))
		return refuse("--kind-field takes the name of a member");
	asked->wait = wait;
	asked->kind_field = field;
	asked->is_json = given->texts[OPTION_JSON] != NULL;
	asked->is_commit = given->texts[OPTION_COMMIT] != NULL;
	asked->token_file = given->texts[OPTION_TOKEN_FILE];
	asked->ca_file = given->texts[OPTION_CA];
	return true;
}

bool
post_arguments(int argc, char **argv, struct post_request *ret_request)
{
	static char name[] = "reprise post"; /* the prefix of getopt's errors */
	struct given given = { .texts = { NULL } };
	int option;

	*ret_request = (struct post_request){ .kind = KIND_PLAIN };
	argv[0] = name;
	optind = 1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!take_option(option, &given))
			return false;
	if (optind + 1 != argc)
		return refuse("takes one URL");
	if (!take_address(argv[optind], &given, ret_request) ||
	    !take_numbers(&given, ret_request) || !take_texts(&given, ret_request))
		return false;
#ifndef TOOL_HAS_CLIENT
	return refuse("this program was built without libcurl or without jansson");
#else
	return true;
#endif
}
