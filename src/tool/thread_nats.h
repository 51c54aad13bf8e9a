/* SPDX-License-Identifier: MIT */
#ifndef TOOL_THREAD_NATS_H
#define TOOL_THREAD_NATS_H

/* How `reprise thread` reaches the NATS server that buffers deltas. */

#include <stdint.h>

#include <reprise/base.h>

struct reprise_jetstream;
struct reprise_thread_store;

/* All optional: NULL and 0 stand for the library's defaults. */
struct thread_nats {
	const char *servers;
	const char *credentials;
	const char *user, *password_file, *token_file; /* the files have one line each */
	const char *tls_ca, *tls_certificate, *tls_key;
	const char *stream, *subject;
	uint64_t replicas, max_bytes, max_age_ms, deadline_ms;
};

/* Why the options do not go together or this program has no NATS, or NULL. */
const char *thread_nats_fault(const struct thread_nats *nats);

reprise_status thread_nats_open(const struct thread_nats *nats, struct reprise_thread_store *store,
				struct reprise_jetstream **ret_writer, struct reprise_error *error);

#endif /* TOOL_THREAD_NATS_H */
