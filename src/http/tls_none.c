/* SPDX-License-Identifier: MIT */
/* Built where OpenSSL or libevent's part for it is missing. */
#include "base/error.h"
#include "http/tls.h"

reprise_status
http_tls_load(const char *certificate_file, const char *key_file, struct http_tls **ret_tls,
	      struct reprise_error *error)
{
	(void)certificate_file;
	(void)key_file;
	*ret_tls = NULL;
	return error_detailed(error, REPRISE_E_INVALID, "tls", "built without OpenSSL");
}

void
http_tls_release(struct http_tls *tls)
{
	(void)tls;
}

void
tls_hold(struct http_tls *tls)
{
	(void)tls;
}

struct bufferevent *
tls_socket(struct http_tls *tls, struct event_base *base, int fd)
{
	(void)tls;
	(void)base;
	(void)fd;
	return NULL;
}

void
tls_shut(struct bufferevent *socket)
{
	(void)socket;
}
