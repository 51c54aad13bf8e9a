/* SPDX-License-Identifier: MIT */

/*
 * The arguments of `reprise serve`. The parser judges what the library cannot judge: numbers as
 * texts, options that need one another, and the place of the log. The library judges the rest,
 * before a log is opened (serve.c).
 */

#include "tool/serve_arguments.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/log_text.h"

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
	"  --quiet             its own log has failures alone\n"
	"\n"
	"Exit status: 0 ended by a signal, and all events are recorded; 1 the program failed, or\n"
	"events could not be recorded; 2 wrong arguments.\n";

enum {
	OPTION_LISTEN,
	OPTION_LOG,
	OPTION_SCHEMA,
	OPTION_TENANT,
	OPTION_READS_ONLY,
	OPTION_TOKEN_FILE,
	OPTION_INSECURE,
	OPTION_TLS_CERT,
	OPTION_TLS_KEY,
	OPTION_ORIGIN,
	OPTION_ROUTES,
	OPTION_QUIET,
	OPTION_EVENTS_MAX, /* the first with a number */
	OPTION_BYTES_MAX,
	OPTION_SESSIONS_MAX,
	OPTION_BODY_BYTES_MAX,
	OPTION_CONNECTIONS_MAX,
	OPTION_CONNECTIONS_PER_PEER_MAX,
	OPTION_REQUESTS_PER_SECOND,
	OPTION_RECORDED_WAIT,
	OPTION_HEARTBEAT,
	OPTION_LONG_POLL,
	OPTION_WORKERS,
	OPTION_LINGER,
	OPTION_DRAIN,
	OPTIONS_COUNT,
	DRAIN_SECONDS = 5,
};

static const struct option options[OPTIONS_COUNT + 1] = {
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
	[OPTION_DRAIN] = { "drain", required_argument, NULL, OPTION_DRAIN },
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
	[OPTION_DRAIN] = { 0, 3600 },
};

/* The options that getopt has found. A number is 0 where the option was not given. */
struct given {
	uint64_t numbers[OPTIONS_COUNT];
	const char *log, *schema;
	bool is_given[OPTIONS_COUNT];
};

static bool
refuse(const char *fault)
{
	fprintf(stderr, "reprise serve: %s\n", fault);
	return false;
}

static bool
take_number(int option, const char *text, struct given *given)
{
	const struct range *const range = &ranges[option];
	char *end = NULL;

	errno = 0;
	const unsigned long long number = strtoull(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number < range->least ||
	    number > range->most) {
		fprintf(stderr,
			"reprise serve: --%s takes a whole number from %llu to %llu, not '%s'\n",
			options[option].name, (unsigned long long)range->least,
			(unsigned long long)range->most, text);
		return false;
	}
	given->numbers[option] = number;
	return true;
}

static bool
take_address(const char *text, struct serve_request *asked)
{
	if (asked->gateway.listen_count == SERVE_ADDRESSES_MAX)
		return refuse("--listen can be given 8 times");
	asked->addresses[asked->gateway.listen_count++] = text;
	return true;
}

static bool
take_origin(const char *text, struct serve_request *asked)
{
	if (asked->gateway.origins_count == SERVE_ORIGINS_MAX)
		return refuse("--origin can be given 64 times");
	asked->origins[asked->gateway.origins_count++] = text;
	return true;
}

/* Of two values one would be left out without a word. */
static bool
is_first(int option, struct given *given)
{
	const bool was_given = given->is_given[option];

	given->is_given[option] = true;
	if (!was_given || option == OPTION_LISTEN || option == OPTION_ORIGIN)
		return true;
	fprintf(stderr, "reprise serve: --%s is given twice\n", options[option].name);
	return false;
}

static bool
take_option(int option, struct serve_request *asked, struct given *given)
{
	if (option < 0 || option >= OPTIONS_COUNT || !is_first(option, given))
		return false;
	switch (option) {
	case OPTION_LISTEN:
		return take_address(optarg, asked);
	case OPTION_ORIGIN:
		return take_origin(optarg, asked);
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
	case OPTION_QUIET:
		asked->gateway.is_quiet = 1;
		return true;
	default:
		return take_number(option, optarg, given);
	}
}

/* sqlite:FILE, postgres:CONNINFO; or the URL of a database, as libpq takes the URL. */
static bool
take_place(const struct given *given, struct serve_request *asked)
{
	static const char sqlite[] = "sqlite:", postgres[] = "postgres:";
	const char *const text = given->log;

	if (strncmp(text, sqlite, sizeof(sqlite) - 1) == 0)
		asked->log.file = text + sizeof(sqlite) - 1;
	else if (strncmp(text, "postgres://", 11) == 0 || strncmp(text, "postgresql://", 13) == 0)
		asked->log.postgres = text;
	else if (strncmp(text, postgres, sizeof(postgres) - 1) == 0)
		asked->log.postgres = text + sizeof(postgres) - 1;
	else
		return refuse("--log takes sqlite:FILE or postgres:CONNINFO");
	if (asked->log.file != NULL && asked->log.file[0] == '\0')
		return refuse("--log sqlite: needs a FILE");
	if (asked->log.file != NULL && given->schema != NULL)
		return refuse("--schema needs a log in PostgreSQL");
	asked->log.schema = given->schema;
	asked->has_log = true;

	const char *const fault = log_place_fault(&asked->log);

	if (fault == NULL)
		return true;
	fprintf(stderr, "reprise serve --log %s\n", fault);
	return false;
}

/* The options that need one another. */
static bool
may_combine(const struct serve_request *asked, const struct given *given)
{
	const bool has_log = given->log != NULL;
	const char *const tenant = asked->gateway.tenant;
	const char *fault = NULL;

	if (!has_log && given->schema != NULL)
		fault = "--schema needs --log";
	else if (!has_log && asked->gateway.reads_only != 0)
		fault = "--reads-only needs --log";
	else if (!has_log && given->is_given[OPTION_LINGER])
		fault = "--linger needs --log";
	else if (!has_log && given->numbers[OPTION_RECORDED_WAIT] != 0)
		fault = "--recorded-wait needs --log";
	else if ((asked->gateway.tls_certificate_file == NULL) !=
		 (asked->gateway.tls_key_file == NULL))
		fault = "--tls-cert and --tls-key need each other";
	else if (tenant != NULL &&
		 (tenant[0] == '\0' || strlen(tenant) > REPRISE_SESSION_ID_BYTES_MAX ||
		  !log_text_is_utf8(tenant, strlen(tenant))))
		fault = "--tenant takes 1 to 128 bytes of UTF-8";
	return fault == NULL || refuse(fault);
}

static void
take_numbers(const uint64_t *numbers, struct serve_request *asked)
{
	struct reprise_gateway_options *const gateway = &asked->gateway;

	asked->session.events_max = numbers[OPTION_EVENTS_MAX];
	asked->session.bytes_max = numbers[OPTION_BYTES_MAX];
	/* 0 is the recorder's own default, and the client of an append waits for the commit. */
	asked->linger_ns = numbers[OPTION_LINGER] == 0 ? 1 : numbers[OPTION_LINGER] * 1000000;
	asked->drain_ms = (uint32_t)numbers[OPTION_DRAIN] * 1000;
	gateway->sessions_max = numbers[OPTION_SESSIONS_MAX];
	gateway->body_bytes_max = numbers[OPTION_BODY_BYTES_MAX];
	gateway->connections_max = (uint32_t)numbers[OPTION_CONNECTIONS_MAX];
	gateway->connections_per_peer_max = (uint32_t)numbers[OPTION_CONNECTIONS_PER_PEER_MAX];
	gateway->requests_per_second_max = (uint32_t)numbers[OPTION_REQUESTS_PER_SECOND];
	gateway->recorded_wait_ms = (uint32_t)numbers[OPTION_RECORDED_WAIT];
	gateway->heartbeat_ms = (uint32_t)numbers[OPTION_HEARTBEAT];
	gateway->durable_poll_ms = (uint32_t)numbers[OPTION_LONG_POLL];
	gateway->workers = (uint32_t)numbers[OPTION_WORKERS];
}

bool
serve_arguments(int argc, char **argv, struct serve_request *ret_request)
{
	static char name[] = "reprise serve"; /* the prefix of getopt's errors */
	struct given given = { .numbers = { [OPTION_DRAIN] = DRAIN_SECONDS } };
	int option;

	*ret_request = (struct serve_request){ .gateway = REPRISE_GATEWAY_OPTIONS_INIT,
					       .session = REPRISE_SESSION_OPTIONS_INIT };
	argv[0] = name;
	optind = 1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!take_option(option, ret_request, &given))
			return false;
	if (optind < argc) {
		fprintf(stderr, "reprise serve: takes options alone, not '%s'\n", argv[optind]);
		return false;
	}
	if (!may_combine(ret_request, &given))
		return false;
	if (given.log != NULL && !take_place(&given, ret_request))
		return false;
	take_numbers(given.numbers, ret_request);
	/* An append waits for the log rather than displace an event without a record. */
	if (ret_request->has_log)
		ret_request->session.when_full = REPRISE_WHEN_FULL_REFUSE;
	ret_request->gateway.listen = ret_request->addresses;
	ret_request->gateway.origins = ret_request->origins;
#ifndef TOOL_HAS_GATEWAY
	return refuse("this program was built without libevent");
#else
	return true;
#endif
}
