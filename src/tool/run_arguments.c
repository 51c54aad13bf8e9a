/* SPDX-License-Identifier: MIT */
/*
 * The arguments of `reprise run`: the options of `reprise serve`, a few more, and the command. The
 * default bounds of the window are larger than the bounds of `reprise serve`, since a piece of a
 * line has up to 1 MiB, and since a person comes late to look.
 */
#include "tool/run_arguments.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "tool/log_text.h"
#include "tool/serve_options.h"

const char run_usage[] =
	"usage: reprise run [--session ID] [--kind-field NAME] [OPTION ...] -- COMMAND [ARGUMENT "
	"...]\n"
	"\n"
	"Runs a command, and serves each line of its output as an event of a session. The output\n"
	"still goes to the standard output; input, signals and the exit status are the command's.\n"
	"The end of the command ends the session with the exit status, or with 128 + N for a\n"
	"signal N. The first line on stderr has the address of the session.\n"
	"\n"
	"  --session ID       the session (default: the command's name, a dash and six hex "
	"digits)\n"
	"  --kind-field NAME  the kind of an event is this member of a line that is a JSON "
	"object:\n"
	"                     a number up to 65533, or a name, whose kind is a hash. Without such "
	"a\n"
	"                     member the kind is 0\n"
	"  --linger SECONDS   how long the session stays served after the end (default: 2 if a\n"
	"                     client was there, else 0); Ctrl-C ends the time\n"
	"  --pipe             the command's output is a pipe, also on a terminal\n"
	"  --quiet            the address is not printed\n"
	"  --log PLACE        keeps the events for good. If the log takes none, the command waits\n"
	"  --recorded-wait MS for so long (default: 30000); then the oldest lines without a "
	"record\n"
	"                     are lost, and stderr says how many\n"
	"  --listen ADDRESS   (default: 127.0.0.1:8470; if the port is taken, a free one)\n"
	"  --events-max N     events in the memory of the session (default: 65536)\n"
	"  --bytes-max N      bytes in the memory of the session (default: 16 MiB). Lines are cut\n"
	"                     at 1 MiB, or at N - 40 bytes: all pieces but the last have the kind\n"
	"                     65534\n"
	"\n"
	"All other options of 'reprise serve --help' but --reads-only are taken as well.\n"
	"\n"
	"Exit status: the command's; if a signal has ended the command, the same signal ends the\n"
	"program. 1 the output could not be written, though the command succeeded; 2 wrong\n"
	"arguments; 125 the program failed before the start of the command; 126 the command "
	"cannot\n"
	"be executed; 127 there is no such command.\n";

enum {
	EVENTS_MAX_DEFAULT = 65536,
	BYTES_MAX_DEFAULT = 16 << 20,
	NAME_BYTES_MAX = RUN_SESSION_ROOM - sizeof("-123456"),
	DIGITS_BYTES = 3, /* of random bits in the name of a session */
};

#define WAIT_NS_DEFAULT UINT64_C(30000000000)
#define NS_PER_MS       UINT64_C(1000000)

/* --- the name of the session ----------------------------------------------------------------- */

static bool
is_control(unsigned char byte)
{
	return byte < ' ' || byte == 0x7f;
}

/* Whether the beginning of a name is a session id. A control character of two bytes is 0xc2 .. */
static bool
is_session_id(const char *text, size_t text_bytes)
{
	if (text_bytes == 0 || text_bytes > REPRISE_SESSION_ID_BYTES_MAX ||
	    !log_text_is_utf8(text, text_bytes))
		return false;
	for (size_t i = 0; i < text_bytes; i++) {
		const unsigned char byte = (unsigned char)text[i];

		if (is_control(byte) ||
		    (byte == 0xc2 && i + 1 < text_bytes && (unsigned char)text[i + 1] < 0xa0))
			return false;
	}
	return true;
}

/* NAME-xxxxxx; a name that is no good for an id is "run". */
static bool
make_session_id(const char *command, char ret_id[RUN_SESSION_ROOM])
{
	const char *const slash = strrchr(command, '/');
	const char *name = slash != NULL ? slash + 1 : command;
	size_t name_bytes = strlen(name);
	unsigned char digits[DIGITS_BYTES];

	if (!is_session_id(name, name_bytes) || name_bytes > NAME_BYTES_MAX) {
		name = "run";
		name_bytes = strlen(name);
	}
	if (getrandom(digits, sizeof(digits), 0) != (ssize_t)sizeof(digits))
		return false;
	snprintf(ret_id, RUN_SESSION_ROOM, "%.*s-%02x%02x%02x", (int)name_bytes, name, digits[0],
		 digits[1], digits[2]);
	return true;
}

/* --- the arguments --------------------------------------------------------------------------- */

static bool
may_combine(const struct serve_given *given)
{
	const char *const id = given->session_id;
	const char *fault = NULL;

	if (given->is_given[OPTION_READS_ONLY])
		fault = "--reads-only is of 'reprise serve' alone: the command's output is written";
	else if (id != NULL && !is_session_id(id, strlen(id)))
		fault = "--session takes 1 to 128 bytes of UTF-8 without control characters";
	else if (given->kind_field != NULL &&
		 (given->kind_field[0] == '\0' ||
		  !log_text_is_utf8(given->kind_field, strlen(given->kind_field))))
		fault = "--kind-field takes the name of a member";
#ifndef TOOL_HAS_JSON
	else if (given->kind_field != NULL)
		fault = "--kind-field: this program was built without jansson";
#endif
	return fault == NULL || serve_refuse(given, fault);
}

static bool
take_command(int argc, char **argv, const struct serve_given *given, struct run_request *request)
{
	if (optind >= argc)
		return serve_refuse(given, "needs a command");
	request->command = argv + optind;
	if (request->command[0][0] == '\0')
		return serve_refuse(given, "the name of the command is empty");
	if (given->session_id == NULL)
		return make_session_id(request->command[0], request->session_id) ||
		       serve_refuse(given, "the system has no random bytes");
	snprintf(request->session_id, sizeof(request->session_id), "%s", given->session_id);
	return true;
}

static void
take_numbers(const struct serve_given *given, struct run_request *request)
{
	const uint64_t *const numbers = given->numbers;

	request->has_stay = given->is_given[OPTION_STAY];
	request->stay_ms = numbers[OPTION_STAY] * 1000;
	request->wait_ns = given->is_given[OPTION_RECORDED_WAIT]
				   ? numbers[OPTION_RECORDED_WAIT] * NS_PER_MS
				   : WAIT_NS_DEFAULT;
	request->lines_events_max = given->is_given[OPTION_EVENTS_MAX] ? numbers[OPTION_EVENTS_MAX]
								       : EVENTS_MAX_DEFAULT;
	request->lines_bytes_max =
		given->is_given[OPTION_BYTES_MAX] ? numbers[OPTION_BYTES_MAX] : BYTES_MAX_DEFAULT;
}

bool
run_arguments(int argc, char **argv, struct serve_request *ret_serve,
	      struct run_request *ret_request)
{
	struct serve_given given;

	*ret_request = (struct run_request){ 0 };
	if (!serve_options_take(SERVE_COMMAND_RUN, argc, argv, ret_serve, &given) ||
	    !may_combine(&given) || !take_command(argc, argv, &given, ret_request) ||
	    !serve_request_complete(ret_serve, &given))
		return false;
	take_numbers(&given, ret_request);
	ret_request->kind_field = given.kind_field;
	ret_request->takes_pipe = given.is_given[OPTION_PIPE];
	ret_request->is_quiet = given.is_given[OPTION_QUIET];
	ret_serve->may_move = true;
	ret_serve->gateway.is_quiet = 1; /* a terminal has room for failures alone */
	ret_serve->linger_ns = 0;        /* nobody waits for the record of a line */
	return true;
}
