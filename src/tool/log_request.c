/* SPDX-License-Identifier: MIT */
#include "tool/log_request.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/thread_place.h"

const char log_usage[] =
	"usage: reprise log ls      PLACE\n"
	"       reprise log cat     PLACE THREAD [--after N] [--limit N]\n"
	"       reprise log tail    PLACE THREAD [-n N] [--follow]\n"
	"       reprise log archive PLACE THREAD --before N\n"
	"       reprise log fork    PLACE THREAD NEW-THREAD [--through N]\n"
	"       reprise log drop    PLACE THREAD [--open]\n"
	"       reprise log prune   PLACE [--max-age MS] [--max-entries N] [--max-bytes N] "
	"[--direct]\n"
	"                           [--deadline MS]\n"
	"       reprise log erase   PLACE THREAD|--all [--open] [--no-vacuum]\n"
	"       reprise log tenants PLACE\n"
	"       reprise log verify  PLACE [THREAD ...]\n"
	"\n"
	"PLACE is --file PATH (SQLite) or --postgres CONNINFO [--schema NAME].\n"
	"\n"
	"ls       the threads of a tenant: the last ordinal given, up to where they are archived,\n"
	"         how many lives, how the last one stands, and the status of a session that ended\n"
	"cat      what is kept of one: an event or a gap a line. Flags are hexadecimal; 0001 is a\n"
	"         commit\n"
	"tail     the last ordinals of it; with --follow, what comes as well, until interrupted\n"
	"archive  hides what is old for ever: ordinals up to N, N included\n"
	"fork     copies what is kept of a thread to a new thread: the same ordinals, up to N "
	"(all)\n"
	"drop     removes everything of a thread but its last ordinal, so that none is given "
	"twice;\n"
	"         with --open also if a runtime may be recording it\n"
	"prune    removes what is beyond the limits, from each thread of a tenant: entries that "
	"are\n"
	"         older, ordinals before the last N, payloads above so many bytes. Conversations "
	"and\n"
	"         threads with blobs stay as they are; other direct ones, too, without --all\n"
	"erase    deletes a thread, or all of a tenant, for good: with its name, and out of a "
	"file's\n"
	"         free space, which takes the time of a copy; --no-vacuum leaves copies there\n"
	"tenants  the tenants of a log\n"
	"verify   looks at everything that is kept, of all threads if none is named\n"
	"\n"
	"  --tenant T  whose (default)\n"
	"  --json      an object a line; a payload that is no UTF-8 is payload_base64, a number "
	"of\n"
	"              2^53 or more is a string\n"
	"  --after N   only ordinals above N (0)\n"
	"  --limit N   entries at most (all)\n"
	"  -n N        ordinals (10)\n"
	"\n"
	"Exit status: 0 fine; 1 a fault was found, or it failed; 2 usage.\n";

enum {
	OPTION_FILE = 1 << 0,
	OPTION_POSTGRES = 1 << 1,
	OPTION_SCHEMA = 1 << 2,
	OPTION_TENANT = 1 << 3,
	OPTION_JSON = 1 << 4,
	OPTION_AFTER = 1 << 5,
	OPTION_LIMIT = 1 << 6,
	OPTION_LAST = 1 << 7,
	OPTION_FOLLOW = 1 << 8,
	OPTION_BEFORE = 1 << 9,
	OPTION_NATS = 1 << 10,
	OPTION_CREDENTIALS = 1 << 11,
	OPTION_USER = 1 << 12,
	OPTION_PASSWORD_FILE = 1 << 13,
	OPTION_TOKEN_FILE = 1 << 14,
	OPTION_TLS_CA = 1 << 15,
	OPTION_TLS_CERT = 1 << 16,
	OPTION_TLS_KEY = 1 << 17,
	OPTION_STREAM = 1 << 18,
	OPTION_SUBJECT = 1 << 19,
	OPTION_REPLICAS = 1 << 20,
	OPTION_MAX_BYTES = 1 << 21,
	OPTION_MAX_AGE = 1 << 22,
	OPTION_DEADLINE = 1 << 23,
	OPTION_HORIZON = 1 << 24,
	OPTION_DROP = 1 << 25,
	OPTION_THROUGH = 1 << 26,
	OPTION_OPEN = 1 << 27,
	OPTION_MAX_ENTRIES = 1 << 28,
	OPTION_NO_VACUUM = 1 << 29,
	OPTION_ALL = 1 << 30,
	LIMITS_OF_PRUNE = OPTION_MAX_AGE | OPTION_MAX_ENTRIES | OPTION_MAX_BYTES,
	OPTIONS_OF_NATS = OPTION_DROP - OPTION_NATS, /* each of them, but for --drop */
	OPTIONS_OF_ALL = OPTION_FILE | OPTION_POSTGRES | OPTION_SCHEMA | OPTION_JSON,
	LAST_DEFAULT = 10,
};

static const struct option options[] = {
	{ "file", required_argument, NULL, OPTION_FILE },
	{ "postgres", required_argument, NULL, OPTION_POSTGRES },
	{ "schema", required_argument, NULL, OPTION_SCHEMA },
	{ "tenant", required_argument, NULL, OPTION_TENANT },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "after", required_argument, NULL, OPTION_AFTER },
	{ "limit", required_argument, NULL, OPTION_LIMIT },
	{ "follow", no_argument, NULL, OPTION_FOLLOW },
	{ "before", required_argument, NULL, OPTION_BEFORE },
	{ "nats", required_argument, NULL, OPTION_NATS },
	{ "credentials", required_argument, NULL, OPTION_CREDENTIALS },
	{ "user", required_argument, NULL, OPTION_USER },
	{ "password-file", required_argument, NULL, OPTION_PASSWORD_FILE },
	{ "token-file", required_argument, NULL, OPTION_TOKEN_FILE },
	{ "tls-ca", required_argument, NULL, OPTION_TLS_CA },
	{ "tls-cert", required_argument, NULL, OPTION_TLS_CERT },
	{ "tls-key", required_argument, NULL, OPTION_TLS_KEY },
	{ "stream", required_argument, NULL, OPTION_STREAM },
	{ "subject", required_argument, NULL, OPTION_SUBJECT },
	{ "replicas", required_argument, NULL, OPTION_REPLICAS },
	{ "max-bytes", required_argument, NULL, OPTION_MAX_BYTES },
	{ "max-age", required_argument, NULL, OPTION_MAX_AGE },
	{ "deadline", required_argument, NULL, OPTION_DEADLINE },
	{ "horizon", required_argument, NULL, OPTION_HORIZON },
	{ "drop", required_argument, NULL, OPTION_DROP },
	{ "through", required_argument, NULL, OPTION_THROUGH },
	{ "open", no_argument, NULL, OPTION_OPEN },
	{ "max-entries", required_argument, NULL, OPTION_MAX_ENTRIES },
	{ "all", no_argument, NULL, OPTION_ALL },
	{ "no-vacuum", no_argument, NULL, OPTION_NO_VACUUM },
	{ 0 },
};

/* What each takes. */
static const struct verb {
	const char *command, *name;
	int options; /* beside those of all */
	int threads_least, threads_most;
} verbs[] = {
	[LOG_VERB_LS] = { "log", "ls", OPTION_TENANT, 0, 0 },
	[LOG_VERB_CAT] = { "log", "cat", OPTION_TENANT | OPTION_AFTER | OPTION_LIMIT, 1, 1 },
	[LOG_VERB_TAIL] = { "log", "tail", OPTION_TENANT | OPTION_LAST | OPTION_FOLLOW, 1, 1 },
	[LOG_VERB_ARCHIVE] = { "log", "archive", OPTION_TENANT | OPTION_BEFORE, 1, 1 },
	[LOG_VERB_VERIFY] = { "log", "verify", OPTION_TENANT, 0, 1 << 20 },
	[LOG_VERB_FORK] = { "log", "fork", OPTION_TENANT | OPTION_THROUGH, 2, 2 },
	[LOG_VERB_DROP] = { "log", "drop", OPTION_TENANT | OPTION_OPEN, 1, 1 },
	[LOG_VERB_PRUNE] = { "log", "prune",
			     OPTION_TENANT | LIMITS_OF_PRUNE | OPTION_ALL | OPTION_DEADLINE, 0, 0 },
	[LOG_VERB_ERASE] = { "log", "erase",
			     OPTION_TENANT | OPTION_OPEN | OPTION_ALL | OPTION_NO_VACUUM, 0, 1 },
	[LOG_VERB_TENANTS] = { "log", "tenants", 0, 0, 0 },
	[LOG_VERB_CONVERSATION_LS] = { "conversation", "ls", OPTION_TENANT, 0, 0 },
	[LOG_VERB_CONVERSATION_SHOW] = { "conversation", "show", OPTION_TENANT, 1, 1 },
	[LOG_VERB_THREAD_LS] = { "thread", "ls", 0, 0, 0 },
	[LOG_VERB_THREAD_CAT] = { "thread", "cat", 0, 1, 1 },
	[LOG_VERB_THREAD_DELTAS] = { "thread", "deltas", OPTION_AFTER | OPTION_LIMIT, 1, 1 },
	[LOG_VERB_THREAD_RECOVER] = { "thread", "recover", OPTIONS_OF_NATS, 0, 0 },
	[LOG_VERB_THREAD_DEAD] = { "thread", "dead", OPTIONS_OF_NATS | OPTION_AFTER | OPTION_DROP,
				   0, 0 },
};

enum {
	VERBS = sizeof(verbs) / sizeof(verbs[0]),
};

static bool
number(const char *option, const char *text, uint64_t *ret_number)
{
	char *end = NULL;

	errno = 0;
	const unsigned long long given = strtoull(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0) {
		fprintf(stderr, "reprise: %s%s takes a whole number, not '%s'\n",
			option[0] == '-' ? "" : "--", option, text);
		return false;
	}
	*ret_number = given;
	return true;
}

/* Where the text of an option goes; NULL: the option takes none. */
static const char **
text_of(int option, struct log_request *asked)
{
	switch (option) {
	case OPTION_FILE:
		return &asked->place.file;
	case OPTION_POSTGRES:
		return &asked->place.postgres;
	case OPTION_SCHEMA:
		return &asked->place.schema;
	case OPTION_TENANT:
		return &asked->tenant;
	case OPTION_NATS:
		return &asked->nats.servers;
	case OPTION_CREDENTIALS:
		return &asked->nats.credentials;
	case OPTION_USER:
		return &asked->nats.user;
	case OPTION_PASSWORD_FILE:
		return &asked->nats.password_file;
	case OPTION_TOKEN_FILE:
		return &asked->nats.token_file;
	case OPTION_TLS_CA:
		return &asked->nats.tls_ca;
	case OPTION_TLS_CERT:
		return &asked->nats.tls_certificate;
	case OPTION_TLS_KEY:
		return &asked->nats.tls_key;
	case OPTION_STREAM:
		return &asked->nats.stream;
	case OPTION_SUBJECT:
		return &asked->nats.subject;
	default:
		return NULL;
	}
}

/* Where the number of an option goes, and the option's name; NULL: the option takes none. */
static uint64_t *
number_of(int option, struct log_request *asked, const char **ret_name)
{
	*ret_name = "-n";
	for (const struct option *known = options; known->name != NULL; known++)
		if (known->val == option)
			*ret_name = known->name;
	switch (option) {
	case OPTION_AFTER:
		return &asked->after;
	case OPTION_LIMIT:
		return &asked->limit;
	case OPTION_LAST:
		return &asked->last;
	case OPTION_BEFORE:
		return &asked->before;
	case OPTION_REPLICAS:
		return &asked->nats.replicas;
	case OPTION_MAX_BYTES:
		return &asked->nats.max_bytes;
	case OPTION_MAX_AGE:
		return &asked->nats.max_age_ms;
	case OPTION_DEADLINE:
		return &asked->nats.deadline_ms;
	case OPTION_HORIZON:
		return &asked->horizon_ms;
	case OPTION_DROP:
		return &asked->drop;
	case OPTION_THROUGH:
		return &asked->through;
	case OPTION_MAX_ENTRIES:
		return &asked->max_entries;
	default:
		return NULL;
	}
}

static bool
take_option(int option, struct log_request *asked)
{
	const char *name;
	const char **const text = text_of(option, asked);
	uint64_t *const to = number_of(option, asked, &name);

	if (text != NULL)
		*text = optarg;
	else if (to != NULL)
		return number(name, optarg, to);
	else if (option == OPTION_JSON)
		asked->is_json = true;
	else if (option == OPTION_FOLLOW)
		asked->follows = true;
	else if (option == OPTION_OPEN)
		asked->takes_open = true;
	else if (option == OPTION_ALL)
		asked->takes_all = true;
	else if (option == OPTION_NO_VACUUM)
		asked->is_quick = true;
	else
		return false;
	return true;
}

static bool
take_options(int argc, char **argv, struct log_request *asked, int *ret_given)
{
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "n:", options, NULL)) != -1) {
		if (option == 'n')
			option = OPTION_LAST;
		if (!take_option(option, asked))
			return false;
		*ret_given |= option;
	}
	return true;
}

/* Why what was given does not go together; or NULL. */
static const char *
fault_of(const struct log_request *asked, int given)
{
	const struct verb *const verb = &verbs[asked->verb];

	if ((given & ~(OPTIONS_OF_ALL | verb->options)) != 0)
		return "does not take such an option";
	if (((given & OPTION_FILE) != 0) == ((given & OPTION_POSTGRES) != 0))
		return "takes either --file or --postgres";
	if ((given & OPTION_SCHEMA) != 0 && (given & OPTION_POSTGRES) == 0)
		return "takes --schema with --postgres alone";
	if ((given & OPTION_DROP) != 0 && (given & OPTION_AFTER) != 0)
		return "takes either --after or --drop";
	if (asked->verb == LOG_VERB_ARCHIVE && (given & OPTION_BEFORE) == 0)
		return "takes --before";
	if (asked->verb == LOG_VERB_PRUNE && (given & LIMITS_OF_PRUNE) == 0)
		return "takes --max-age, --max-entries or --max-bytes";
	if (asked->verb == LOG_VERB_ERASE && asked->takes_all == (asked->threads_count == 1))
		return "takes either a thread or --all";
	if (asked->threads_count < verb->threads_least)
		return verb->threads_least == 1 ? "takes a thread" : "takes a thread and a new one";
	if (asked->threads_count > verb->threads_most)
		return verb->threads_most == 0   ? "takes no thread"
		       : verb->threads_most == 1 ? "takes one thread"
						 : "takes a thread and a new one";
	if (strcmp(verb->command, "thread") != 0)
		return log_place_fault(&asked->place);
	const char *const fault = thread_place_fault(&asked->place);

	return fault == NULL && (verb->options & OPTION_NATS) != 0 ? thread_nats_fault(&asked->nats)
								   : fault;
}

bool
log_request_parse(int argc, char **argv, struct log_request *ret_request)
{
	struct log_request asked = { .tenant = "default",
				     .limit = UINT64_MAX,
				     .last = LAST_DEFAULT };
	size_t verb = 0;
	int given = 0;

	if (argc < 2)
		return false;
	while (verb < VERBS && (strcmp(argv[0], verbs[verb].command) != 0 ||
				strcmp(argv[1], verbs[verb].name) != 0))
		verb++;
	if (verb == VERBS) {
		fprintf(stderr, "reprise: %s has no '%s'\n", argv[0], argv[1]);
		return false;
	}
	asked.verb = (enum log_verb)verb;
	asked.verb_name = verbs[verb].name;
	if (!take_options(argc - 1, argv + 1, &asked, &given))
		return false;
	asked.has_after = (given & OPTION_AFTER) != 0;
	asked.has_drop = (given & OPTION_DROP) != 0;
	asked.has_through = (given & OPTION_THROUGH) != 0;
	asked.threads = argv + 1 + optind;
	asked.threads_count = argc - 1 - optind;
	const char *const fault = fault_of(&asked, given);

	if (fault != NULL) {
		fprintf(stderr, "reprise: %s %s %s\n", argv[0], asked.verb_name, fault);
		return false;
	}
	*ret_request = asked;
	return true;
}
