/* SPDX-License-Identifier: MIT */
#include "tool/thread_nats.h"

#include <stddef.h>

#define MS UINT64_C(1000000)

const char *
thread_nats_fault(const struct thread_nats *nats)
{
#ifndef TOOL_HAS_JETSTREAM
	(void)nats;
	return "is not available: this program was built without libnats";
#else
	if (nats->servers == NULL)
		return "needs --nats URL";
	if ((nats->user == NULL) != (nats->password_file == NULL))
		return "takes --user only together with --password-file";
	if ((nats->credentials != NULL) + (nats->user != NULL) + (nats->token_file != NULL) > 1)
		return "takes only one of --credentials, --user and --token-file";
	if ((nats->tls_certificate == NULL) != (nats->tls_key == NULL))
		return "takes --tls-cert only together with --tls-key";
	if (nats->replicas > UINT32_MAX || nats->max_age_ms > UINT64_MAX / MS ||
	    nats->deadline_ms > UINT64_MAX / MS)
		return "got a number that is too large";
	return NULL;
#endif
}

#ifdef TOOL_HAS_JETSTREAM

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <reprise/jetstream.h>

enum {
	SECRET_BYTES = 4096,
};

/* The first line of a file. With no file, the secret stays empty. */
static reprise_status
read_secret(const char *path, char ret_secret[SECRET_BYTES], struct reprise_error *error)
{
	const char *fault = NULL;

	if (path == NULL)
		return REPRISE_OK;
	FILE *const file = fopen(path, "re");

	if (file == NULL) {
		fault = strerror(errno);
	} else {
		/* The buffer of the stream would keep the secret. */
		(void)setvbuf(file, NULL, _IONBF, 0);
		if (fgets(ret_secret, SECRET_BYTES, file) == NULL)
			fault = "the file is empty";
		fclose(file);
	}
	ret_secret[strcspn(ret_secret, "\r\n")] = '\0';
	if (fault == NULL)
		return REPRISE_OK;
	snprintf(error->what, sizeof(error->what), "%.60s", path);
	snprintf(error->detail, sizeof(error->detail), "%s", fault);
	return REPRISE_E_IO;
}

reprise_status
thread_nats_open(const struct thread_nats *nats, struct reprise_thread_store *store,
		 struct reprise_jetstream **ret_writer, struct reprise_error *error)
{
	char password[SECRET_BYTES] = "", token[SECRET_BYTES] = "";
	const struct reprise_jetstream_options options = {
		.size = sizeof(options),
		.servers = nats->servers,
		.credentials_file = nats->credentials,
		.user = nats->user,
		.password = nats->password_file != NULL ? password : NULL,
		.token = nats->token_file != NULL ? token : NULL,
		.tls_ca_file = nats->tls_ca,
		.tls_certificate_file = nats->tls_certificate,
		.tls_key_file = nats->tls_key,
		.stream = nats->stream,
		.subject = nats->subject,
		.replicas = (uint32_t)nats->replicas,
		.max_bytes = nats->max_bytes,
		.max_age_ns = nats->max_age_ms * MS,
		.deadline_ns = nats->deadline_ms * MS,
	};
	reprise_status status = read_secret(nats->password_file, password, error);

	if (status == REPRISE_OK)
		status = read_secret(nats->token_file, token, error);
	if (status == REPRISE_OK)
		status = reprise_jetstream_open(store, &options, ret_writer, error);
	explicit_bzero(password, sizeof(password));
	explicit_bzero(token, sizeof(token));
	return status;
}

#endif
