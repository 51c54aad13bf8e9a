/* SPDX-License-Identifier: MIT */
/*
 * The options of a gateway: defaults, and a judgement of each value before anything is opened. The
 * error names the option, and the detail says what is wrong (rule V24).
 */
#include "gateway/options.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "base/utf8.h"
#include "gateway/access.h"

static const char *const listen_default[] = { "127.0.0.1:0" };

enum {
	BODY_BYTES_MOST = 64 << 20,
	HEARTBEAT_MS_LEAST = 1000,
	HEARTBEAT_MS_MOST = 60000,
	RETRY_MS_MOST = 600000,
	POLL_MS_MOST = 600000,
	WORKERS_MOST = 64,
};

static reprise_status
refuse(struct reprise_error *error, const char *what, const char *words)
{
	return error_detailed(error, REPRISE_E_INVALID, what, words);
}

static void
set_defaults(struct reprise_gateway_options *options)
{
#define DEFAULT(name, value)    \
	if (options->name == 0) \
	options->name = (value)
	DEFAULT(connections_max, 10000);
	DEFAULT(connections_per_peer_max, 1000);
	DEFAULT(head_ms, 10000);
	DEFAULT(body_ms, 30000);
	DEFAULT(idle_ms, 60000);
	DEFAULT(write_ms, 30000);
	DEFAULT(body_bytes_max, 1 << 20);
	DEFAULT(sessions_max, 100000);
	DEFAULT(heartbeat_ms, 12000);
	DEFAULT(retry_ms, 1000);
	DEFAULT(recorded_wait_ms, 5000);
	DEFAULT(writer_idle_ms, 5000);
	DEFAULT(durable_poll_ms, 20000);
	DEFAULT(workers, 4);
#undef DEFAULT
	if (options->tenant == NULL)
		options->tenant = "default";
	if (options->listen_count == 0 && options->listen_fds_count == 0) {
		options->listen = listen_default;
		options->listen_count = 1;
	}
}

static reprise_status
judge_numbers(const struct reprise_gateway_options *options, struct reprise_error *error)
{
	if (options->body_bytes_max > BODY_BYTES_MOST)
		return refuse(error, "body_bytes_max", "at most 64 MiB");
	if (options->heartbeat_ms < HEARTBEAT_MS_LEAST || options->heartbeat_ms > HEARTBEAT_MS_MOST)
		return refuse(error, "heartbeat_ms", "1,000 to 60,000");
	if (options->retry_ms > RETRY_MS_MOST)
		return refuse(error, "retry_ms", "1 to 600,000");
	if (options->durable_poll_ms > POLL_MS_MOST)
		return refuse(error, "durable_poll_ms", "at most 600,000");
	if (options->no_viewer != 0 && options->no_viewer != 1)
		return refuse(error, "no_viewer", "0 or 1");
	if (options->workers > WORKERS_MOST)
		return refuse(error, "workers", "at most 64");
	if (options->is_insecure != 0 && options->is_insecure != 1)
		return refuse(error, "is_insecure", "0 or 1");
	if (options->reads_only != 0 && options->reads_only != 1)
		return refuse(error, "reads_only", "0 or 1");
	if (options->is_quiet != 0 && options->is_quiet != 1)
		return refuse(error, "is_quiet", "0 or 1");
	return REPRISE_OK;
}

static bool
is_loopback_fd(int fd)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t size = sizeof(address);
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;

	if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
		return true; /* http_server_adopt refuses the descriptor */
	if (address.ss_family == AF_INET) {
		memcpy(&ipv4, &address, sizeof(ipv4));
		return ntohl(ipv4.sin_addr.s_addr) >> 24 == 127;
	}
	if (address.ss_family == AF_INET6) {
		memcpy(&ipv6, &address, sizeof(ipv6));
		return IN6_IS_ADDR_LOOPBACK(&ipv6.sin6_addr);
	}
	return false;
}

/* Also names the text that is no address at all. */
static reprise_status
judge_loopback(const struct reprise_gateway_options *options, struct reprise_error *error)
{
	static const char words[] = "not a loopback address, and needs a token file or is_insecure";
	char text[REPRISE_ERROR_DETAIL_BYTES];

	for (size_t i = 0; i < options->listen_count; i++)
		if (!access_is_loopback(options->listen[i])) {
			snprintf(text, sizeof(text), "'%.80s' is %s", options->listen[i], words);
			return refuse(error, "listen", text);
		}
	for (size_t i = 0; i < options->listen_fds_count; i++)
		if (!is_loopback_fd(options->listen_fds[i])) {
			snprintf(text, sizeof(text), "the descriptor %d has %s",
				 options->listen_fds[i], words);
			return refuse(error, "listen_fds", text);
		}
	return REPRISE_OK;
}

static reprise_status
judge_listen(const struct reprise_gateway_options *options, struct reprise_error *error)
{
	if (options->listen_count > GATEWAY_LISTENS_MAX ||
	    options->listen_fds_count > GATEWAY_LISTENS_MAX ||
	    options->listen_count + options->listen_fds_count > GATEWAY_LISTENS_MAX)
		return refuse(error, "listen", "at most 8 addresses and descriptors");
	if (options->listen_count != 0 && options->listen == NULL)
		return refuse(error, "listen", "NULL, and listen_count is not 0");
	if (options->listen_fds_count != 0 && options->listen_fds == NULL)
		return refuse(error, "listen_fds", "NULL, and listen_fds_count is not 0");
	for (size_t i = 0; i < options->listen_count; i++)
		if (options->listen[i] == NULL)
			return refuse(error, "listen", "an address is NULL");
	for (size_t i = 0; i < options->listen_fds_count; i++)
		if (options->listen_fds[i] < 0)
			return refuse(error, "listen_fds", "a descriptor is negative");
	return options->token_file == NULL && options->is_insecure == 0
		       ? judge_loopback(options, error)
		       : REPRISE_OK;
}

/* "*", or a scheme and an authority as a browser sends both. */
static bool
is_origin(const char *origin)
{
	const char *authority;

	if (origin == NULL || strlen(origin) > GATEWAY_ORIGIN_BYTES_MAX)
		return false;
	if (strcmp(origin, "*") == 0)
		return true;
	authority = strstr(origin, "://");
	return authority != NULL && authority != origin && authority[3] != '\0' &&
	       strpbrk(authority + 3, "/?# \t") == NULL && strchr(origin, '*') == NULL;
}

static reprise_status
judge_texts(const struct reprise_gateway_options *options, struct reprise_error *error)
{
	const size_t tenant = strlen(options->tenant);

	if ((options->recorder == NULL) != (options->open_log == NULL))
		return refuse(error, "open_log", "a recorder and open_log: both or none");
	if (tenant == 0 || tenant > REPRISE_SESSION_ID_BYTES_MAX ||
	    utf8_text_prefix(options->tenant, tenant) != tenant)
		return refuse(error, "tenant", "1 to 128 bytes of UTF-8");
	if ((options->tls_certificate_file == NULL) != (options->tls_key_file == NULL))
		return refuse(error, "tls_key_file", "a certificate and a key: both or none");
	if (options->origins_count != 0 && options->origins == NULL)
		return refuse(error, "origins", "NULL, and origins_count is not 0");
	for (size_t i = 0; i < options->origins_count; i++)
		if (!is_origin(options->origins[i]))
			return refuse(error, "origins",
				      "an origin is \"*\", or such as \"https://app.example\"");
	return REPRISE_OK;
}

reprise_status
options_resolve(const struct reprise_gateway_options *given,
		struct reprise_gateway_options *ret_options, struct reprise_error *error)
{
	struct reprise_gateway_options known = { 0 };
	reprise_status status;

	if (given != NULL &&
	    !sized_read(&known, sizeof(known), SIZE_MIN(reprise_gateway_options), given))
		return error_size(error, "gateway options: size", given, sizeof(known));
	set_defaults(&known);
	status = judge_numbers(&known, error);
	if (status == REPRISE_OK)
		status = judge_texts(&known, error);
	if (status == REPRISE_OK)
		status = judge_listen(&known, error);
	if (status == REPRISE_OK)
		*ret_options = known;
	return status;
}

bool
options_are_loopback(const struct reprise_gateway_options *options)
{
	for (size_t i = 0; i < options->listen_count; i++)
		if (!access_is_loopback(options->listen[i]))
			return false;
	for (size_t i = 0; i < options->listen_fds_count; i++)
		if (!is_loopback_fd(options->listen_fds[i]))
			return false;
	return true;
}
