/* SPDX-License-Identifier: MIT */
/*
 * TLS by OpenSSL. A context is never changed: new files make a new context, and the connections of
 * the old one keep it until they end.
 */
#include "http/tls.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/error.h"

struct http_tls {
	uint64_t holds; /* the loader's, and the server's */
	SSL_CTX *context;
};

/* HTTP/1.1 if the client names it; a client that names others alone goes on without. */
static int
choose_protocol(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_size,
		const unsigned char *names, unsigned int names_bytes, void *unused)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen;

	(void)ssl;
	(void)unused;
	if (SSL_select_next_proto(&chosen, ret_size, ours, sizeof(ours) - 1, names, names_bytes) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*ret_name = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static reprise_status
fail(const char *what, struct reprise_error *error)
{
	/* The first error is the cause; the last one names a part of OpenSSL alone. */
	const unsigned long cause = ERR_peek_error();
	const char *const words = ERR_SYSTEM_ERROR(cause) ? strerrordesc_np(ERR_GET_REASON(cause))
							  : ERR_reason_error_string(cause);

	ERR_clear_error();
	return error_detailed(error, REPRISE_E_INVALID, what, words == NULL ? "" : words);
}

/* OpenSSL would ask the terminal for the passphrase, and the loop would wait. */
static int
refuse_passphrase(char *text, int room, int encrypts, void *was_asked)
{
	(void)text;
	(void)room;
	(void)encrypts;
	*(bool *)was_asked = true;
	return -1;
}

static reprise_status
load_files(SSL_CTX *context, const char *certificate_file, const char *key_file,
	   struct reprise_error *error)
{
	if (SSL_CTX_use_certificate_chain_file(context, certificate_file) != 1)
		return fail("certificate", error);
	if (SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(context) != 1)
		return fail("key", error);
	return REPRISE_OK;
}

static reprise_status
load(SSL_CTX *context, const char *certificate_file, const char *key_file,
     struct reprise_error *error)
{
	bool was_asked = false;
	reprise_status status;

	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
	SSL_CTX_set_default_passwd_cb(context, refuse_passphrase);
	SSL_CTX_set_default_passwd_cb_userdata(context, &was_asked);
	status = load_files(context, certificate_file, key_file, error);
	SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
	return was_asked
		       ? error_detailed(error, REPRISE_E_INVALID, "key", "the key has a passphrase")
		       : status;
}

reprise_status
http_tls_load(const char *certificate_file, const char *key_file, struct http_tls **ret_tls,
	      struct reprise_error *error)
{
	struct http_tls *const tls = malloc(sizeof(*tls));
	SSL_CTX *const context = tls == NULL ? NULL : SSL_CTX_new(TLS_server_method());
	reprise_status status;

	*ret_tls = NULL;
	if (context == NULL) {
		free(tls);
		ERR_clear_error();
		return error_plain(error, REPRISE_E_NO_MEMORY);
	}
	*tls = (struct http_tls){ .holds = 1, .context = context };
	status = load(context, certificate_file, key_file, error);
	if (status == REPRISE_OK)
		*ret_tls = tls;
	else
		http_tls_release(tls);
	return status;
}

void
http_tls_release(struct http_tls *tls)
{
	if (tls == NULL || --tls->holds != 0)
		return;
	SSL_CTX_free(tls->context);
	free(tls);
}

void
tls_hold(struct http_tls *tls)
{
	tls->holds++;
}

struct bufferevent *
tls_socket(struct http_tls *tls, struct event_base *base, int fd)
{
	SSL *const ssl = SSL_new(tls->context);
	struct bufferevent *socket;

	if (ssl == NULL)
		return NULL;
	socket = bufferevent_openssl_socket_new(base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING,
						BEV_OPT_CLOSE_ON_FREE);
	if (socket == NULL) {
		SSL_free(ssl);
		return NULL;
	}
	/* Many clients close without a word; where a request ends, its own framing says. */
	bufferevent_openssl_set_allow_dirty_shutdown(socket, 1);
	return socket;
}

void
tls_shut(struct bufferevent *socket)
{
	SSL *const ssl = bufferevent_openssl_get_ssl(socket);

	if (ssl == NULL)
		return;
	SSL_shutdown(ssl);
	ERR_clear_error();
}
