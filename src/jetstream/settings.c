/* SPDX-License-Identifier: MIT */
#include "jetstream/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/numbers.h"
#include "base/sized.h"
#include "base/sizes.h"

#define NS_PER_MS UINT64_C(1000000)

static const uint64_t deadline_ns_default = 5 * NS_PER_S;
static const uint64_t deadline_ns_least = 10 * NS_PER_MS;
static const uint64_t deadline_ns_most = 3600 * NS_PER_S;
static const uint64_t max_bytes_default = UINT64_C(1) << 30;
static const uint64_t max_bytes_least = UINT64_C(64) << 10;
static const uint64_t max_age_ns_least = 100 * NS_PER_MS;
static const uint64_t idle_purge_ms_default = UINT64_C(7) * 86400 * 1000;

enum {
	WINDOW_DEFAULT = 256,
};

static bool
name_is_good(const char *name)
{
	const size_t bytes = strnlen(name, NAME_ROOM);

	return bytes >= 1 && bytes < NAME_ROOM &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") ==
		       bytes;
}

static const char *
check_names(struct settings *settings, const struct reprise_jetstream_options *known)
{
	const char *const stream = known->stream == NULL ? "THREAD_DELTAS" : known->stream;
	const char *const subject = known->subject == NULL ? "thread" : known->subject;

	if (!name_is_good(stream))
		return "stream";
	if (!name_is_good(subject))
		return "subject";
	snprintf(settings->stream, sizeof(settings->stream), "%s", stream);
	snprintf(settings->dead_stream, sizeof(settings->dead_stream), "%s_DEAD", stream);
	snprintf(settings->subject, sizeof(settings->subject), "%s", subject);
	return NULL;
}

/*
 * Of one URL: behind the host, a port is a number up to 65535. libnats would tell as it connects.
 */
static bool
port_is_good(const char *url, size_t bytes)
{
	const char *const end = url + bytes;
	const char *const proof_end = memrchr(url, '@', bytes);
	const char *port = end;

	/* "user:password@host" */
	if (proof_end != NULL) {
		url = proof_end + 1;
		bytes = (size_t)(end - url);
	}

	while (port > url && port[-1] >= '0' && port[-1] <= '9')
		port--;
	const bool is_number = port < end && end - port <= 5 && strtoul(port, NULL, 10) <= 65535;
	const char *const colon = memrchr(url, ':', bytes);

	/* "host", "tls://host", "[::1]": no port. */
	if (colon == NULL || (bytes > 0 && end[-1] == ']') || strncmp(colon, "://", 3) == 0)
		return true;
	return is_number && port == colon + 1;
}

/* libnats writes them between quotes into a line of the protocol, without escapes. */
static bool
proof_is_good(const char *text)
{
	for (; text != NULL && *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 127 || *text == '"' || *text == '\\')
			return false;
	return true;
}

static const char *
check_servers(const char *servers)
{
	bool has_one = false;

	while (*servers != '\0') {
		const size_t bytes = strcspn(servers, ", ");

		if (!port_is_good(servers, bytes) || !proof_is_good(servers))
			return "servers";
		has_one |= bytes > 0;
		servers += bytes + (servers[bytes] != '\0');
	}
	return has_one ? NULL : "servers";
}

static const char *
check_proofs(const struct reprise_jetstream_options *known)
{
	const int ways = (known->credentials_file != NULL) +
			 (known->user != NULL || known->password != NULL) + (known->token != NULL);

	if ((known->user == NULL) != (known->password == NULL))
		return known->user == NULL ? "user" : "password";
	if (!proof_is_good(known->user))
		return "user";
	if (!proof_is_good(known->password))
		return "password";
	if (!proof_is_good(known->token))
		return "token";
	if (ways > 1)
		return known->credentials_file != NULL ? "credentials_file" : "token";
	if ((known->tls_certificate_file == NULL) != (known->tls_key_file == NULL))
		return known->tls_certificate_file == NULL ? "tls_certificate_file"
							   : "tls_key_file";
	return NULL;
}

static const char *
check_numbers(struct settings *settings, const struct reprise_jetstream_options *known,
	      const struct thread_limits *limits)
{
	const uint64_t idle_ms_most = limits->horizon_ms / 2;

	settings->replicas = known->replicas == 0 ? 1 : known->replicas;
	settings->window = known->window == 0 ? WINDOW_DEFAULT : known->window;
	settings->max_bytes = known->max_bytes == 0 ? max_bytes_default : known->max_bytes;
	settings->max_age_ns = known->max_age_ns;
	settings->deadline_ns = known->deadline_ns == 0 ? deadline_ns_default : known->deadline_ns;
	settings->idle_purge_ms = known->idle_purge_ns == 0
					  ? least(idle_purge_ms_default, idle_ms_most)
					  : known->idle_purge_ns / NS_PER_MS;
	if (settings->replicas != 1 && settings->replicas != 3 &&
	    settings->replicas != REPRISE_JETSTREAM_REPLICAS_MAX)
		return "replicas";
	if (settings->window > REPRISE_JETSTREAM_WINDOW_MAX)
		return "window";
	if (settings->max_bytes < max_bytes_least || settings->max_bytes > INT64_MAX)
		return "max_bytes";
	if (settings->max_age_ns != 0 &&
	    (settings->max_age_ns < max_age_ns_least || settings->max_age_ns > INT64_MAX))
		return "max_age_ns";
	if (settings->deadline_ns < deadline_ns_least || settings->deadline_ns > deadline_ns_most)
		return "deadline_ns";
	return settings->idle_purge_ms > idle_ms_most ? "idle_purge_ns" : NULL;
}

reprise_status
settings_choose(const struct reprise_jetstream_options *given, const struct thread_limits *limits,
		struct settings *ret_settings, struct reprise_error *error)
{
	struct reprise_jetstream_options known = { .size = sizeof(known) };
	struct settings settings = { 0 };

	if (given != NULL &&
	    !sized_read(&known, sizeof(known), SIZE_MIN(reprise_jetstream_options), given))
		return error_size(error, "options: size", given, sizeof(known));
	settings.servers = known.servers == NULL ? "nats://127.0.0.1:4222" : known.servers;
	const char *bad = check_servers(settings.servers);

	if (bad == NULL)
		bad = check_names(&settings, &known);
	if (bad == NULL)
		bad = check_proofs(&known);
	if (bad == NULL)
		bad = check_numbers(&settings, &known, limits);
	if (bad != NULL)
		return error_invalid(error, bad);
	settings.credentials_file = known.credentials_file;
	settings.user = known.user;
	settings.password = known.password;
	settings.token = known.token;
	settings.tls_ca_file = known.tls_ca_file;
	settings.tls_certificate_file = known.tls_certificate_file;
	settings.tls_key_file = known.tls_key_file;
	*ret_settings = settings;
	return REPRISE_OK;
}
