/* SPDX-License-Identifier: MIT */
#include "tool/log_request.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/number.h"
#include "tool/thread_place.h"

/* Numbers of options, below the characters that getopt_long returns itself. */
enum {
	OPTION_FILE = 1,
	OPTION_POSTGRES,
	OPTION_SCHEMA,
	OPTION_TENANT,
	OPTION_JSON,
	OPTION_AFTER,
	OPTION_LIMIT,
	OPTION_LAST,
	OPTION_FOLLOW,
	OPTION_BEFORE,
	OPTION_NATS,
	OPTION_CREDENTIALS,
	OPTION_USER,
	OPTION_PASSWORD_FILE,
	OPTION_TOKEN_FILE,
	OPTION_TLS_CA,
	OPTION_TLS_CERT,
	OPTION_TLS_KEY,
	OPTION_STREAM,
	OPTION_SUBJECT,
	OPTION_REPLICAS,
	OPTION_MAX_BYTES,
	OPTION_MAX_AGE,
	OPTION_DEADLINE,
	OPTION_HORIZON,
	OPTION_DROP,
	OPTION_THROUGH,
	OPTION_OPEN,
	OPTION_MAX_ENTRIES,
	OPTION_NO_VACUUM,
	OPTION_ALL,
	OPTION_TENANT_ENTRIES,
	OPTION_TENANT_BYTES,
	LAST_DEFAULT = 10,
};

/* Sets of options. */
#define BIT(option) (UINT64_C(1) << (option))
#define LIMITS_OF_PRUNE                                                          \
	(BIT(OPTION_MAX_AGE) | BIT(OPTION_MAX_ENTRIES) | BIT(OPTION_MAX_BYTES) | \
	 BIT(OPTION_TENANT_ENTRIES) | BIT(OPTION_TENANT_BYTES))
#define OPTIONS_OF_NATS (BIT(OPTION_DROP) - BIT(OPTION_NATS)) /* all of these but --drop */
#define OPTIONS_OF_ALL \
	(BIT(OPTION_FILE) | BIT(OPTION_POSTGRES) | BIT(OPTION_SCHEMA) | BIT(OPTION_JSON))

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
	{ "tenant-entries", required_argument, NULL, OPTION_TENANT_ENTRIES },
	{ "tenant-bytes", required_argument, NULL, OPTION_TENANT_BYTES },
	{ "no-vacuum", no_argument, NULL, OPTION_NO_VACUUM },
	{ 0 },
};

/* The options and ids of each command. */
static const struct verb {
	const char *command, *name;
	uint64_t options; /* beside OPTIONS_OF_ALL */
	int threads_least, threads_most;
} verbs[] = {
	[LOG_VERB_LS] = { "log", "ls", BIT(OPTION_TENANT), 0, 0 },
	[LOG_VERB_CAT] = { "log", "cat", BIT(OPTION_TENANT) | BIT(OPTION_AFTER) | BIT(OPTION_LIMIT),
			   1, 1 },
	[LOG_VERB_TAIL] = { "log", "tail",
			    BIT(OPTION_TENANT) | BIT(OPTION_LAST) | BIT(OPTION_FOLLOW), 1, 1 },
	[LOG_VERB_ARCHIVE] = { "log", "archive", BIT(OPTION_TENANT) | BIT(OPTION_BEFORE), 1, 1 },
	[LOG_VERB_VERIFY] = { "log", "verify", BIT(OPTION_TENANT), 0, 1 << 20 },
	[LOG_VERB_FORK] = { "log", "fork", BIT(OPTION_TENANT) | BIT(OPTION_THROUGH), 2, 2 },
	[LOG_VERB_DROP] = { "log", "drop", BIT(OPTION_TENANT) | BIT(OPTION_OPEN), 1, 1 },
	[LOG_VERB_PRUNE] = { "log", "prune",
			     BIT(OPTION_TENANT) | LIMITS_OF_PRUNE | BIT(OPTION_ALL) |
				     BIT(OPTION_DEADLINE),
			     0, 0 },
	[LOG_VERB_ERASE] = { "log", "erase",
			     BIT(OPTION_TENANT) | BIT(OPTION_OPEN) | BIT(OPTION_ALL) |
				     BIT(OPTION_NO_VACUUM),
			     0, 1 },
	[LOG_VERB_TENANTS] = { "log", "tenants", 0, 0, 0 },
	[LOG_VERB_CONVERSATION_LS] = { "conversation", "ls", BIT(OPTION_TENANT), 0, 0 },
	[LOG_VERB_CONVERSATION_SHOW] = { "conversation", "show", BIT(OPTION_TENANT), 1, 1 },
	[LOG_VERB_THREAD_LS] = { "thread", "ls", 0, 0, 0 },
	[LOG_VERB_THREAD_CAT] = { "thread", "cat", 0, 1, 1 },
	[LOG_VERB_THREAD_DELTAS] = { "thread", "deltas", BIT(OPTION_AFTER) | BIT(OPTION_LIMIT), 1,
				     1 },
	[LOG_VERB_THREAD_RECOVER] = { "thread", "recover", OPTIONS_OF_NATS, 0, 0 },
	[LOG_VERB_THREAD_DEAD] = { "thread", "dead",
				   OPTIONS_OF_NATS | BIT(OPTION_AFTER) | BIT(OPTION_DROP), 0, 0 },
};

enum {
	VERBS = sizeof(verbs) / sizeof(verbs[0]),
};

static bool
number(const struct log_request *asked, const char *option, const char *text, uint64_t *ret_number)
{
	if (number_parse(text, 0, UINT64_MAX, ret_number))
		return true;
	fprintf(stderr, "reprise %s: %s%s takes a whole number, not '%s'\n", asked->name,
		option[0] == '-' ? "" : "--", option, text);
	return false;
}

/* The variable for the text of an option. NULL: the option has no text. */
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

/*
 * The variable for the number of an option, and the option's name. NULL: the option has no number.
 */
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
	case OPTION_TENANT_ENTRIES:
		return &asked->tenant_entries;
	case OPTION_TENANT_BYTES:
		return &asked->tenant_bytes;
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
		return number(asked, name, optarg, to);
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
take_options(int argc, char **argv, struct log_request *asked, uint64_t *ret_given)
{
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "n:", options, NULL)) != -1) {
		if (option == 'n')
			option = OPTION_LAST;
		if (!take_option(option, asked))
			return false;
		*ret_given |= BIT(option);
	}
	return true;
}

/* The first option that the command does not have, or NULL. @given is the set of options. */
static const char *
find_unknown_option(const struct verb *verb, uint64_t given)
{
	const uint64_t unknown = given & ~(OPTIONS_OF_ALL | verb->options);

	if ((unknown & BIT(OPTION_LAST)) != 0)
		return "-n";
	for (const struct option *known = options; known->name != NULL; known++)
		if ((unknown & BIT(known->val)) != 0)
			return known->name;
	return NULL;
}

/* Why the arguments do not go together, or NULL. */
static const char *
fault_of(const struct log_request *asked, uint64_t given)
{
	const struct verb *const verb = &verbs[asked->verb];

	if (((given & BIT(OPTION_FILE)) != 0) == ((given & BIT(OPTION_POSTGRES)) != 0))
		return "takes either --file or --postgres";
	if ((given & BIT(OPTION_SCHEMA)) != 0 && (given & BIT(OPTION_POSTGRES)) == 0)
		return "takes --schema only with --postgres";
	if ((given & BIT(OPTION_DROP)) != 0 && (given & BIT(OPTION_AFTER)) != 0)
		return "takes either --after or --drop";
	if (asked->verb == LOG_VERB_ARCHIVE && (given & BIT(OPTION_BEFORE)) == 0)
		return "needs --before N";
	if (asked->verb == LOG_VERB_PRUNE && (given & LIMITS_OF_PRUNE) == 0)
		return "needs --max-age, --max-entries, --max-bytes, --tenant-entries or "
		       "--tenant-bytes";
	if (asked->verb == LOG_VERB_ERASE && asked->takes_all == (asked->threads_count == 1))
		return "needs either an ID or --all";
	if (asked->threads_count < verb->threads_least)
		return verb->threads_least == 1 ? "needs an ID" : "needs an ID and a new ID";
	if (asked->threads_count > verb->threads_most)
		return verb->threads_most == 0   ? "takes no ID"
		       : verb->threads_most == 1 ? "takes only one ID"
						 : "takes only an ID and a new ID";
	if (strcmp(verb->command, "thread") != 0)
		return log_place_fault(&asked->place);
	const char *const fault = thread_place_fault(&asked->place);

	return fault == NULL && (verb->options & BIT(OPTION_NATS)) != 0
		       ? thread_nats_fault(&asked->nats)
		       : fault;
}

bool
log_request_parse(int argc, char **argv, struct log_request *ret_request)
{
	struct log_request asked = { .tenant = "default",
				     .limit = UINT64_MAX,
				     .last = LAST_DEFAULT };
	static char program[48]; /* the prefix of getopt's errors */
	size_t verb = 0;
	uint64_t given = 0;

	if (argc < 2) {
		fprintf(stderr, "reprise: %s needs a command\n", argv[0]);
		return false;
	}
	while (verb < VERBS && (strcmp(argv[0], verbs[verb].command) != 0 ||
				strcmp(argv[1], verbs[verb].name) != 0))
		verb++;
	if (verb == VERBS) {
		fprintf(stderr, "reprise: %s has no command '%s'\n", argv[0], argv[1]);
		return false;
	}
	asked.verb = (enum log_verb)verb;
	snprintf(asked.name, sizeof(asked.name), "%s %s", argv[0], argv[1]);
	snprintf(program, sizeof(program), "reprise %s", asked.name);
	argv[1] = program;
	if (!take_options(argc - 1, argv + 1, &asked, &given))
		return false;
	asked.has_after = (given & BIT(OPTION_AFTER)) != 0;
	asked.has_drop = (given & BIT(OPTION_DROP)) != 0;
	asked.has_through = (given & BIT(OPTION_THROUGH)) != 0;
	asked.threads = argv + 1 + optind;
	asked.threads_count = argc - 1 - optind;
	const char *const unknown = find_unknown_option(&verbs[verb], given);
	const char *const fault = unknown == NULL ? fault_of(&asked, given) : NULL;

	if (unknown != NULL)
		fprintf(stderr, "reprise %s has no option %s%s\n", asked.name,
			unknown[0] == '-' ? "" : "--", unknown);
	if (fault != NULL)
		fprintf(stderr, "reprise %s %s\n", asked.name, fault);
	if (unknown != NULL || fault != NULL)
		return false;
	*ret_request = asked;
	return true;
}
