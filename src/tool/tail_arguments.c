/* SPDX-License-Identifier: MIT */

/*
 * The arguments of `reprise tail`. A place is a URL, or a log. The session's id comes from the
 * address, from --session or from the cursor; the three must agree.
 */

#include "tool/tail_arguments.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "tool/kind.h"
#include "tool/log_text.h"
#include "tool/number.h"

const char tail_usage[] =
	"usage: reprise tail URL|LOG [--session ID] [--cursor C | --from oldest|newest]\n"
	"                    [--kinds LIST] [--json] [OPTION ...]\n"
	"\n"
	"Prints the events of a session, a line each, until the session ends. URL is the address\n"
	"of a gateway or of a session, also as the viewer shows the address. A lost connection is\n"
	"opened again, and the stream resumes behind the last event. LOG is sqlite:FILE, a FILE\n"
	"or postgres:CONNINFO: the session is read from the log, also while another program\n"
	"writes there, and after the runtime is gone. Gaps, reconnects and the end are on\n"
	"standard error. On a terminal control characters are escaped; elsewhere the bytes are\n"
	"as sent, and an event whose payload has line ends takes several lines.\n"
	"\n"
	"  --session ID       the session, where URL or LOG does not name one; a single session\n"
	"                     is found without the option\n"
	"  --cursor C         begins behind this cursor\n"
	"  --from oldest|newest  where to begin without a cursor (default: oldest)\n"
	"  --kinds LIST       only events of these kinds, such as 1,2 or delta,error: numbers, or\n"
	"                     names as of 'reprise run --kind-field'; up to 64\n"
	"  --json             a JSON object a line: type, position, revision, kind, and data if "
	"the\n"
	"                     payload is JSON, else text or base64; gaps and the end, too\n"
	"  --no-follow        ends behind the newest event\n"
	"  --wait             waits for a gateway or a session that does not exist yet\n"
	"  --give-up SECONDS  how long to try a lost connection (default: no limit)\n"
	"  --token-file FILE  the first token of FILE, which belongs to its user alone (mode "
	"600);\n"
	"                     without the option the environment's REPRISE_TOKEN\n"
	"  --ca FILE          the certificates to trust, PEM\n"
	"  --schema NAME      the schema of a log in PostgreSQL\n"
	"  --tenant T         the tenant of a log (default: \"default\")\n"
	"\n"
	"Exit status: the status with which the session ended, if from 0 to 255; 1 another "
	"status,\n"
	"a failure, or an event that is missing without a gap; 2 wrong arguments; 130 after "
	"Ctrl-C,\n"
	"143 after SIGTERM. Where the session has not ended, the last line of standard error says\n"
	"how to resume.\n";

enum {
	OPTION_SESSION,
	OPTION_CURSOR,
	OPTION_FROM,
	OPTION_KINDS,
	OPTION_JSON,
	OPTION_NO_FOLLOW,
	OPTION_WAIT,
	OPTION_GIVE_UP,
	OPTION_TOKEN_FILE,
	OPTION_CA,
	OPTION_SCHEMA,
	OPTION_TENANT,
	OPTIONS_COUNT,
	CONTROL_KIND = 65535, /* of the events that keep the state of durable streams */
	GIVE_UP_SECONDS_MAX = 1000000,
};

static const struct option options[OPTIONS_COUNT + 1] = {
	[OPTION_SESSION] = { "session", required_argument, NULL, OPTION_SESSION },
	[OPTION_CURSOR] = { "cursor", required_argument, NULL, OPTION_CURSOR },
	[OPTION_FROM] = { "from", required_argument, NULL, OPTION_FROM },
	[OPTION_KINDS] = { "kinds", required_argument, NULL, OPTION_KINDS },
	[OPTION_JSON] = { "json", no_argument, NULL, OPTION_JSON },
	[OPTION_NO_FOLLOW] = { "no-follow", no_argument, NULL, OPTION_NO_FOLLOW },
	[OPTION_WAIT] = { "wait", no_argument, NULL, OPTION_WAIT },
	[OPTION_GIVE_UP] = { "give-up", required_argument, NULL, OPTION_GIVE_UP },
	[OPTION_TOKEN_FILE] = { "token-file", required_argument, NULL, OPTION_TOKEN_FILE },
	[OPTION_CA] = { "ca", required_argument, NULL, OPTION_CA },
	[OPTION_SCHEMA] = { "schema", required_argument, NULL, OPTION_SCHEMA },
	[OPTION_TENANT] = { "tenant", required_argument, NULL, OPTION_TENANT },
};

/* The texts of the options; NULL: not given. */
struct given {
	const char *texts[OPTIONS_COUNT];
};

static bool
refuse(const char *fault)
{
	fprintf(stderr, "reprise tail: %s\n", fault);
	return false;
}

static bool
refuse_text(const char *before, const char *text, const char *behind)
{
	fprintf(stderr, "reprise tail: %s", before);
	log_text_escaped(stderr, text, strlen(text), SIZE_MAX);
	fprintf(stderr, "%s\n", behind);
	return false;
}

static bool
take_option(int option, struct given *given)
{
	if (option < 0 || option >= OPTIONS_COUNT)
		return false;
	if (given->texts[option] != NULL) {
		fprintf(stderr, "reprise tail: --%s is given twice\n", options[option].name);
		return false;
	}
	given->texts[option] = optarg != NULL ? optarg : "";
	return true;
}

static bool
take_kinds(const char *list, struct tail_request *asked)
{
	const char *at = list;
	size_t bytes;

	asked->has_kinds = true;
	do {
		bytes = strcspn(at, ",");
		if (asked->kinds_count == REPRISE_KINDS_MAX)
			return refuse("--kinds takes up to 64 kinds");
		if (!kind_from_argument(at, bytes, &asked->kinds[asked->kinds_count]))
			return refuse_text("--kinds takes numbers up to 65535 and names, not '",
					   list, "'");
		asked->kinds_count++;
		at += bytes + 1;
	} while (at[-1] == ',');
	return true;
}

static bool
take_seconds(const char *text, struct tail_request *asked)
{
	uint64_t seconds;

	if (!number_parse(text, 1, GIVE_UP_SECONDS_MAX, &seconds))
		return refuse_text("--give-up takes seconds from 1 to 1000000, not '", text, "'");
	asked->give_up_ms = seconds * 1000;
	return true;
}

/* --- the place ------------------------------------------------------------------------------- */

static bool
take_url(const char *text, struct tail_request *asked)
{
	const char *const fault = address_parse(text, &asked->address);

	asked->is_url = true;
	return fault == NULL || refuse(fault);
}

static bool
take_log(const char *text, const char *schema, struct tail_request *asked)
{
	static const char sqlite[] = "sqlite:", postgres[] = "postgres:";

	if (strncmp(text, "postgres://", 11) == 0 || strncmp(text, "postgresql://", 13) == 0)
		asked->log.postgres = text;
	else if (strncmp(text, postgres, sizeof(postgres) - 1) == 0)
		asked->log.postgres = text + sizeof(postgres) - 1;
	else if (strncmp(text, sqlite, sizeof(sqlite) - 1) == 0)
		asked->log.file = text + sizeof(sqlite) - 1;
	else
		asked->log.file = text;
	if (asked->log.file != NULL && asked->log.file[0] == '\0')
		return refuse("the place of the log has no FILE");
	if (asked->log.file != NULL && schema != NULL)
		return refuse("--schema needs a log in PostgreSQL");
	asked->log.schema = schema;
	const char *const fault = log_place_fault(&asked->log);

	return fault == NULL || refuse(fault);
}

static bool
take_place(const char *text, const struct given *given, struct tail_request *asked)
{
	static const int of_urls[] = { OPTION_TOKEN_FILE, OPTION_CA, OPTION_GIVE_UP };
	static const int of_logs[] = { OPTION_SCHEMA, OPTION_TENANT };
	const bool is_url = address_is_url(text);
	const int *const others = is_url ? of_logs : of_urls;
	const size_t others_count = is_url ? 2 : 3;

	for (size_t i = 0; i < others_count; i++)
		if (given->texts[others[i]] != NULL) {
			fprintf(stderr, "reprise tail: --%s needs %s\n", options[others[i]].name,
				is_url ? "a log" : "a URL");
			return false;
		}
	return is_url ? take_url(text, asked) : take_log(text, given->texts[OPTION_SCHEMA], asked);
}

/* --- the session and the beginning ----------------------------------------------------------- */

/* Only a good id can be written into a cursor. */
static bool
is_session_id(const char *text)
{
	struct reprise_cursor cursor = { .revision = 0 };
	char written[REPRISE_CURSOR_TEXT_BYTES_MAX];

	if (strlen(text) >= sizeof(cursor.session_id))
		return false;
	memcpy(cursor.session_id, text, strlen(text) + 1);
	return reprise_cursor_format(&cursor, written, sizeof(written), NULL, NULL) == REPRISE_OK;
}

static bool
take_session(const char *id, struct tail_request *asked)
{
	char *const session = asked->address.session;

	if (!is_session_id(id))
		return refuse("--session takes 1 to 128 bytes of UTF-8 without control characters");
	if (session[0] != '\0' && strcmp(session, id) != 0)
		return refuse("--session names another session than the address");
	memcpy(session, id, strlen(id) + 1);
	return true;
}

static bool
take_cursor(const char *text, struct tail_request *asked)
{
	char *const session = asked->address.session;

	if (reprise_cursor_parse(text, strlen(text), &asked->cursor, NULL) != REPRISE_OK)
		return refuse(
			"the cursor is no text of a cursor, such as rp1.f89b...; copy the whole "
			"text");
	if (session[0] != '\0' && strcmp(session, asked->cursor.session_id) != 0)
		return refuse_text("the cursor is of another session: ", asked->cursor.session_id,
				   "");
	memcpy(session, asked->cursor.session_id, sizeof(asked->cursor.session_id));
	asked->has_cursor = true;
	return true;
}

static bool
take_beginning(const struct given *given, struct tail_request *asked)
{
	const char *const from = given->texts[OPTION_FROM];
	const bool has_address_cursor = asked->address.cursor[0] != '\0';
	const char *cursor = given->texts[OPTION_CURSOR];

	if (cursor != NULL && from != NULL)
		return refuse("--cursor and --from exclude each other");
	if (from != NULL && strcmp(from, "oldest") != 0 && strcmp(from, "newest") != 0)
		return refuse_text("--from takes oldest or newest, not '", from, "'");
	asked->is_from_newest =
		from != NULL ? strcmp(from, "newest") == 0 : asked->address.is_from_newest;
	if (given->texts[OPTION_SESSION] != NULL &&
	    !take_session(given->texts[OPTION_SESSION], asked))
		return false;
	if (cursor == NULL && from == NULL && has_address_cursor)
		cursor = asked->address.cursor;
	return cursor == NULL || take_cursor(cursor, asked);
}

/* --- all ------------------------------------------------------------------------------------- */

static void
take_flags(const struct given *given, struct tail_request *asked)
{
	asked->is_json = given->texts[OPTION_JSON] != NULL;
	asked->waits = given->texts[OPTION_WAIT] != NULL;
	asked->is_once = given->texts[OPTION_NO_FOLLOW] != NULL;
	asked->token_file = given->texts[OPTION_TOKEN_FILE];
	asked->ca_file = given->texts[OPTION_CA];
	asked->tenant =
		given->texts[OPTION_TENANT] != NULL ? given->texts[OPTION_TENANT] : "default";
}

bool
tail_arguments(int argc, char **argv, struct tail_request *ret_request)
{
	static char name[] = "reprise tail"; /* the prefix of getopt's errors */
	struct given given = { .texts = { NULL } };
	int option;

	*ret_request = (struct tail_request){ .is_url = false };
	argv[0] = name;
	optind = 1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!take_option(option, &given))
			return false;
	if (optind + 1 != argc)
		return refuse("takes one URL or LOG");
	take_flags(&given, ret_request);
	if (!take_place(argv[optind], &given, ret_request) || !take_beginning(&given, ret_request))
		return false;
	if (given.texts[OPTION_KINDS] != NULL &&
	    !take_kinds(given.texts[OPTION_KINDS], ret_request))
		return false;
	if (given.texts[OPTION_GIVE_UP] != NULL &&
	    !take_seconds(given.texts[OPTION_GIVE_UP], ret_request))
		return false;
#ifndef TOOL_HAS_CLIENT
	return refuse("this program was built without libcurl or without jansson");
#else
	return true;
#endif
}

bool
tail_wants(const struct tail_request *request, uint16_t kind)
{
	if (!request->has_kinds)
		return kind != CONTROL_KIND;
	for (size_t i = 0; i < request->kinds_count; i++)
		if (request->kinds[i] == kind)
			return true;
	return false;
}
