/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_SETTINGS_H
#define JETSTREAM_SETTINGS_H

/* The options of a writer: checked, and completed with the defaults. */

#include <reprise/jetstream.h>

#include "thread/adapter.h"

enum {
	NAME_ROOM = REPRISE_JETSTREAM_NAME_BYTES_MAX + 1,
	DEAD_NAME_ROOM = NAME_ROOM + 5, /* with "_DEAD" */
};

struct settings {
	/* Borrowed from the caller of reprise_jetstream_open. */
	const char *servers;
	const char *credentials_file, *user, *password, *token;
	const char *tls_ca_file, *tls_certificate_file, *tls_key_file;

	char stream[NAME_ROOM];
	char dead_stream[DEAD_NAME_ROOM];
	char subject[NAME_ROOM];
	uint32_t replicas;
	uint32_t window;
	uint64_t max_bytes;
	uint64_t max_age_ns;
	uint64_t deadline_ns;
	uint64_t idle_purge_ms;
};

/* @given may be NULL. E_INVALID names the option. */
reprise_status settings_choose(const struct reprise_jetstream_options *given,
			       const struct thread_limits *limits, struct settings *ret_settings,
			       struct reprise_error *error);

#endif /* JETSTREAM_SETTINGS_H */
