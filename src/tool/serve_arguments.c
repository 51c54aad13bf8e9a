/* SPDX-License-Identifier: MIT */

/*
 * The arguments of `reprise serve`, and the options that `reprise run` shares. Numbers are judged
 * here as texts. serve_request.c judges the options together.
 */

#include "tool/serve_arguments.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "tool/number.h"
#include "tool/serve_options.h"

const char serve_usage[] =
	"usage: reprise serve [--listen ADDRESS]... [--log PLACE] [--token-file FILE]\n"
	"                     [--tls-cert FILE --tls-key FILE] [OPTION ...]\n"
	"\n"
	"Serves sessions over HTTP/1.1: events as a stream (Server-Sent Events) or as JSON, "
	"appends\n"
	"by POST, resume by cursor. The first line of the output is the address; stderr has the\n"
	"program's own log, a JSON object per line. SIGTERM or Ctrl-C tells each client to come\n"
	"back later, records all events and ends; a second signal ends without the delay. SIGHUP\n"
	"reads the tokens, the routes and the certificate again.\n"
	"\n"
	"  --listen ADDRESS   such as 127.0.0.1:8080, [::1]:8080, 127.0.0.1:0 (a free port); up "
	"to\n"
	"                     8 times (default: 127.0.0.1:8470, or the sockets of systemd)\n"
	"  --log PLACE        sqlite:FILE or postgres:CONNINFO; events outlive the program, and "
	"an\n"
	"                     append is answered once the event is recorded. A missing FILE is\n"
	"                     created. Without --log, events are kept in memory alone. Passwords\n"
	"                     belong into ~/.pgpass: other users can read arguments\n"
	"  --schema NAME      the schema of the log in PostgreSQL\n"
	"  --tenant T         the tenant of all sessions (default: \"default\")\n"
	"  --reads-only       only reads: for sessions that other runtimes record in the same log\n"
	"  --linger MS        how long events gather before a commit (default: 0, no longer than "
	"the\n"
	"                     commit before takes)\n"
	"\n"
	"  --token-file FILE  bearer tokens. Without tokens, all users and programs of this "
	"machine\n"
	"                     may read and write all sessions, and only loopback addresses are\n"
	"                     allowed\n"
	"  --insecure         allows other addresses without tokens\n"
	"  --tls-cert FILE    the certificate with its chain, PEM; needs --tls-key\n"
	"  --tls-key FILE     the key, PEM\n"
	"  --origin O         pages of this origin may use the gateway (CORS), such as\n"
	"                     https://app.example, or '*'; up to 64 times\n"
	"  --routes FILE      further paths for front ends whose addresses are fixed, JSON; the "
	"form\n"
	"                     is in gateway/README.md of the source\n"
	"\n"
	"  --events-max N     events in the memory of a session (default: 2048)\n"
	"  --bytes-max N      bytes in the memory of a session (default: 1 MiB)\n"
	"  --sessions-max N   an append creates no further session (default: 100000)\n"
	"  --body-bytes-max N of a request (default: 1 MiB)\n"
	"  --connections-max N            (default: 10000)\n"
	"  --connections-per-peer-max N   of an IPv4 address or an IPv6 /64 (default: 1000)\n"
	"  --requests-per-second N        of the same (default: no limit)\n"
	"  --recorded-wait MS  how long an append waits for the log (default: 5000)\n"
	"  --heartbeat MS      between two comments of a silent stream (default: 12000)\n"
	"  --long-poll MS      how long a long-poll of a durable stream waits (default: 20000)\n"
	"  --workers N         threads that wait for the log (default: 4)\n"
	"  --drain SECONDS     how long the program goes on answering after SIGTERM (default: 5)\n"
	"  --no-viewer         without the viewer, a page at / that shows sessions\n"
	"  --quiet             its own log has failures alone\n"
	"\n"
	"Exit status: 0 ended by a signal, and all events are recorded; 1 the program failed, or\n"
	"events could not be recorded; 2 wrong arguments.\n";

static const struct option options[OPTIONS_COUNT] = {
	[OPTION_LISTEN] = { "listen", required_argument, NULL, OPTION_LISTEN },
	[OPTION_LOG] = { "log", required_argument, NULL, OPTION_LOG },
	[OPTION_SCHEMA] = { "schema", required_argument, NULL, OPTION_SCHEMA },
	[OPTION_TENANT] = { "tenant", required_argument, NULL, OPTION_TENANT },
	[OPTION_READS_ONLY] = { "reads-only", no_argument, NULL, OPTION_READS_ONLY },
	[OPTION_TOKEN_FILE] = { "token-file", required_argument, NULL, OPTION_TOKEN_FILE },
	[OPTION_INSECURE] = { "insecure", no_argument, NULL, OPTION_INSECURE },
	[OPTION_TLS_CERT] = { "tls-cert", required_argument, NULL, OPTION_TLS_CERT },
	[OPTION_TLS_KEY] = { "tls-key", required_argument, NULL, OPTION_TLS_KEY },
	[OPTION_ORIGIN] = { "origin", required_argument, NULL, OPTION_ORIGIN },
	[OPTION_ROUTES] = { "routes", required_argument, NULL, OPTION_ROUTES },
	[OPTION_SESSION] = { "session", required_argument, NULL, OPTION_SESSION },
	[OPTION_KIND_FIELD] = { "kind-field", required_argument, NULL, OPTION_KIND_FIELD },
	[OPTION_PIPE] = { "pipe", no_argument, NULL, OPTION_PIPE },
	[OPTION_NO_VIEWER] = { "no-viewer", no_argument, NULL, OPTION_NO_VIEWER },
	[OPTION_QUIET] = { "quiet", no_argument, NULL, OPTION_QUIET },
	[OPTION_EVENTS_MAX] = { "events-max", required_argument, NULL, OPTION_EVENTS_MAX },
	[OPTION_BYTES_MAX] = { "bytes-max", required_argument, NULL, OPTION_BYTES_MAX },
	[OPTION_SESSIONS_MAX] = { "sessions-max", required_argument, NULL, OPTION_SESSIONS_MAX },
	[OPTION_BODY_BYTES_MAX] = { "body-bytes-max", required_argument, NULL,
				    OPTION_BODY_BYTES_MAX },
	[OPTION_CONNECTIONS_MAX] = { "connections-max", required_argument, NULL,
				     OPTION_CONNECTIONS_MAX },
	[OPTION_CONNECTIONS_PER_PEER_MAX] = { "connections-per-peer-max", required_argument, NULL,
					      OPTION_CONNECTIONS_PER_PEER_MAX },
	[OPTION_REQUESTS_PER_SECOND] = { "requests-per-second", required_argument, NULL,
					 OPTION_REQUESTS_PER_SECOND },
	[OPTION_RECORDED_WAIT] = { "recorded-wait", required_argument, NULL, OPTION_RECORDED_WAIT },
	[OPTION_HEARTBEAT] = { "heartbeat", required_argument, NULL, OPTION_HEARTBEAT },
	[OPTION_LONG_POLL] = { "long-poll", required_argument, NULL, OPTION_LONG_POLL },
	[OPTION_WORKERS] = { "workers", required_argument, NULL, OPTION_WORKERS },
	[OPTION_LINGER] = { "linger", required_argument, NULL, OPTION_LINGER },
	[OPTION_STAY] = { "linger", required_argument, NULL, OPTION_STAY },
	[OPTION_DRAIN] = { "drain", required_argument, NULL, OPTION_DRAIN },
};

/* The options of one command alone; all others are of both. */
static const enum serve_command owners[OPTIONS_COUNT] = {
	[OPTION_SESSION] = SERVE_COMMAND_RUN, [OPTION_KIND_FIELD] = SERVE_COMMAND_RUN,
	[OPTION_PIPE] = SERVE_COMMAND_RUN,    [OPTION_LINGER] = SERVE_COMMAND_SERVE,
	[OPTION_STAY] = SERVE_COMMAND_RUN,
};

/* The numbers that an option takes. */
static const struct range {
	uint64_t least, most;
} ranges[OPTIONS_COUNT] = {
	[OPTION_EVENTS_MAX] = { 1, 1000000000 },
	[OPTION_BYTES_MAX] = { 256, UINT64_C(1) << 31 },
	[OPTION_SESSIONS_MAX] = { 1, 1048576 },
	[OPTION_BODY_BYTES_MAX] = { 1, 67108864 },
	[OPTION_CONNECTIONS_MAX] = { 1, 1000000 },
	[OPTION_CONNECTIONS_PER_PEER_MAX] = { 1, 1000000 },
	[OPTION_REQUESTS_PER_SECOND] = { 1, 1000000 },
	[OPTION_RECORDED_WAIT] = { 1, 600000 },
	[OPTION_HEARTBEAT] = { 1000, 60000 },
	[OPTION_LONG_POLL] = { 1, 600000 },
	[OPTION_WORKERS] = { 1, 64 },
	[OPTION_LINGER] = { 0, 10000 },
	[OPTION_STAY] = { 0, 86400 },
	[OPTION_DRAIN] = { 0, 3600 },
};

static bool
take_number(int option, const char *text, struct serve_given *given)
{
	const struct range *const range = &ranges[option];

	if (number_parse(text, range->least, range->most, &given->numbers[option]))
		return true;
	fprintf(stderr, "%s: --%s takes a whole number from %llu to %llu, not '%s'\n", given->name,
		options[option].name, (unsigned long long)range->least,
		(unsigned long long)range->most, text);
	return false;
}

static bool
take_address(const char *text, struct serve_request *asked, const struct serve_given *given)
{
	if (asked->gateway.listen_count == SERVE_ADDRESSES_MAX)
		return serve_refuse(given, "--listen can be given 8 times");
	asked->addresses[asked->gateway.listen_count++] = text;
	return true;
}

static bool
take_origin(const char *text, struct serve_request *asked, const struct serve_given *given)
{
	if (asked->gateway.origins_count == SERVE_ORIGINS_MAX)
		return serve_refuse(given, "--origin can be given 64 times");
	asked->origins[asked->gateway.origins_count++] = text;
	return true;
}

/* Of two values one would be left out without a word. */
static bool
is_first(int option, struct serve_given *given)
{
	const bool was_given = given->is_given[option];

	given->is_given[option] = true;
	if (!was_given || option == OPTION_LISTEN || option == OPTION_ORIGIN)
		return true;
	fprintf(stderr, "%s: --%s is given twice\n", given->name, options[option].name);
	return false;
}

static bool
take_option(int option, struct serve_request *asked, struct serve_given *given)
{
	if (option < 0 || option >= OPTIONS_COUNT || !is_first(option, given))
		return false;
	switch (option) {
	case OPTION_LISTEN:
		return take_address(optarg, asked, given);
	case OPTION_ORIGIN:
		return take_origin(optarg, asked, given);
	case OPTION_LOG:
		given->log = optarg;
		return true;
	case OPTION_SCHEMA:
		given->schema = optarg;
		return true;
	case OPTION_TENANT:
		asked->gateway.tenant = optarg;
		return true;
	case OPTION_READS_ONLY:
		asked->gateway.reads_only = 1;
		return true;
	case OPTION_TOKEN_FILE:
		asked->gateway.token_file = optarg;
		return true;
	case OPTION_INSECURE:
		asked->gateway.is_insecure = 1;
		return true;
	case OPTION_TLS_CERT:
		asked->gateway.tls_certificate_file = optarg;
		return true;
	case OPTION_TLS_KEY:
		asked->gateway.tls_key_file = optarg;
		return true;
	case OPTION_ROUTES:
		asked->gateway.routes_file = optarg;
		return true;
	case OPTION_SESSION:
		given->session_id = optarg;
		return true;
	case OPTION_KIND_FIELD:
		given->kind_field = optarg;
		return true;
	case OPTION_PIPE:
		return true; /* is_given says so */
	case OPTION_NO_VIEWER:
		asked->gateway.no_viewer = 1;
		return true;
	case OPTION_QUIET:
		asked->gateway.is_quiet = 1;
		return true;
	default:
		return take_number(option, optarg, given);
	}
}

/* The rows of one command, and the empty row. */
static void
select_options(enum serve_command command, struct option ret_options[OPTIONS_COUNT + 1])
{
	size_t count = 0;

	for (size_t i = 0; i < OPTIONS_COUNT; i++)
		if (owners[i] == SERVE_COMMAND_ANY || owners[i] == command)
			ret_options[count++] = options[i];
	ret_options[count] = (struct option){ 0 };
}

bool
serve_options_take(enum serve_command command, int argc, char **argv, struct serve_request *asked,
		   struct serve_given *ret_given)
{
	static char names[][sizeof("reprise serve")] = {
		[SERVE_COMMAND_SERVE] = "reprise serve", [SERVE_COMMAND_RUN] = "reprise run"
	};
	struct option rows[OPTIONS_COUNT + 1];
	int option;

	*asked = (struct serve_request){ .name = names[command],
					 .gateway = REPRISE_GATEWAY_OPTIONS_INIT,
					 .session = REPRISE_SESSION_OPTIONS_INIT };
	*ret_given = (struct serve_given){ .name = names[command] };
	select_options(command, rows);
	argv[0] = names[command]; /* the prefix of getopt's errors */
	optind = 1;
	/* With "+" the first word that is no option begins the command to run. */
	while ((option = getopt_long(argc, argv, command == SERVE_COMMAND_RUN ? "+" : "", rows,
				     NULL)) != -1)
		if (!take_option(option, asked, ret_given))
			return false;
	return true;
}

bool
serve_arguments(int argc, char **argv, struct serve_request *ret_request)
{
	struct serve_given given;

	if (!serve_options_take(SERVE_COMMAND_SERVE, argc, argv, ret_request, &given))
		return false;
	if (optind < argc) {
		fprintf(stderr, "reprise serve: takes options alone, not '%s'\n", argv[optind]);
		return false;
	}
	return serve_request_complete(ret_request, &given);
}
