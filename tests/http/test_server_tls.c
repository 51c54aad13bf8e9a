/* SPDX-License-Identifier: MIT */
/* H20: TLS under a connection. Built where OpenSSL is there. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "host.h"

SUITE(http_tls);

#define END  " HTTP/1.1\r\nHost: h\r\n\r\n"
#define LAST " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

/* Files in a folder of the test's own. */
struct files {
	char folder[32], certificate[64], key[64];
};

static void
write_pair(const struct files *files, const char *name)
{
	EVP_PKEY *const key = EVP_EC_gen("P-256");
	X509 *const certificate = X509_new();
	X509_NAME *const subject = X509_get_subject_name(certificate);
	FILE *file;

	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
				   0);
	X509_set_issuer_name(certificate, subject);
	cr_assert(gt(int, X509_sign(certificate, key, EVP_sha256()), 0));
	file = fopen(files->certificate, "w");
	cr_assert(eq(int, PEM_write_X509(file, certificate), 1));
	fclose(file);
	file = fopen(files->key, "w");
	cr_assert(eq(int, PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1));
	fclose(file);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static struct files
make_files(const char *name)
{
	struct files files = { .folder = "/tmp/http_tls_XXXXXX" };

	cr_assert(mkdtemp(files.folder) != NULL);
	snprintf(files.certificate, sizeof(files.certificate), "%s/certificate", files.folder);
	snprintf(files.key, sizeof(files.key), "%s/key", files.folder);
	write_pair(&files, name);
	return files;
}

static void
remove_files(const struct files *files)
{
	unlink(files->certificate);
	unlink(files->key);
	rmdir(files->folder);
}

/* Asks over TLS until the server closes. The certificate's subject goes into @ret_subject. */
static const char *
ask(struct host *host, const char *request, char *ret_subject, size_t room)
{
	static char answer[1 << 18];
	SSL_CTX *const context = SSL_CTX_new(TLS_client_method());
	SSL *const ssl = SSL_new(context);
	const int fd = client_open(host);
	X509 *certificate;
	int size = 0, some;

	signal(SIGPIPE, SIG_IGN); /* OpenSSL writes by write */
	SSL_set_fd(ssl, fd);
	SSL_set_alpn_protos(ssl, (const unsigned char *)"\x02h2\x08http/1.1", 12);
	cr_assert(eq(int, SSL_connect(ssl), 1));
	certificate = SSL_get1_peer_certificate(ssl);
	X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, ret_subject,
				  (int)room);
	X509_free(certificate);
	cr_assert(eq(int, SSL_write(ssl, request, (int)strlen(request)), (int)strlen(request)));
	while ((some = SSL_read(ssl, answer + size, (int)sizeof(answer) - 1 - size)) > 0)
		size += some;
	/* The end is told, and not cut off. */
	cr_assert(eq(int, SSL_get_error(ssl, some), SSL_ERROR_ZERO_RETURN));
	answer[size] = '\0';
	for (int i = 0; i < size; i++)
		if (answer[i] == '\0')
			answer[i] = '.';
	SSL_free(ssl);
	SSL_CTX_free(context);
	close(fd);
	return answer;
}

static void
use(struct host *host, const struct files *files)
{
	struct http_tls *tls;

	cr_assert(eq(int, http_tls_load(files->certificate, files->key, &tls, NULL), REPRISE_OK));
	/* Between two connections, while the loop has nothing to do. */
	cr_assert(eq(int, http_server_use_tls(host->server, tls), REPRISE_OK));
	http_tls_release(tls);
}

Test(http_tls, H20_requests_are_served_over_tls)
{
	struct host *const host = host_start(NULL);
	const struct files files = make_files("one");
	char subject[32];
	const char *text;

	use(host, &files);
	text = ask(host,
		   "GET /1" END "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
		   "GET /pull?100000" LAST,
		   subject, sizeof(subject));
	expect_has(text, "\r\n\r\n1HTTP/1.1 200");
	expect_has(text, "\r\n\r\nhelloHTTP/1.1 200");
	cr_assert(eq(int, count_of(text, "\r\n4000\r\na"), 6));
	cr_assert(strcmp(text + strlen(text) - 5, "0\r\n\r\n") == 0);
	cr_assert(eq(str, subject, (char *)"one"));
	wait_until(has_connections, host, 0);
	host_stop(host);
	remove_files(&files);
}

Test(http_tls, H20_a_new_certificate_is_for_new_connections)
{
	struct host *const host = host_start(NULL);
	const struct files one = make_files("one"), other = make_files("other");
	char subject[32];

	use(host, &one);
	ask(host, "GET /1" LAST, subject, sizeof(subject));
	cr_assert(eq(str, subject, (char *)"one"));
	use(host, &other);
	ask(host, "GET /1" LAST, subject, sizeof(subject));
	cr_assert(eq(str, subject, (char *)"other"));
	cr_assert(eq(int, http_server_use_tls(host->server, NULL), REPRISE_OK));
	expect_has(client_ask(host, "GET /1" LAST), "\r\n\r\n1");
	host_stop(host);
	remove_files(&one);
	remove_files(&other);
}

Test(http_tls, H20_a_client_without_tls_is_closed)
{
	struct host *const host = host_start(&(struct http_options){ .idle_ms = 200 });
	const struct files files = make_files("one");
	const int silent = client_open(host);
	char subject[32];

	use(host, &files);
	cr_assert(strstr(client_ask(host, "GET /1" LAST), "HTTP/1.1") == NULL);
	/* A handshake that does not go on is bounded by the idle time. */
	cr_assert(eq(str, (char *)client_read(silent, NULL), ""));
	expect_has(ask(host, "GET /1" LAST, subject, sizeof(subject)), "\r\n\r\n1");
	cr_assert(eq(int, host->requests, 1));
	close(silent);
	host_stop(host);
	remove_files(&files);
}

Test(http_tls, H20_files_that_do_not_fit_are_refused_with_words)
{
	const struct files one = make_files("one"), other = make_files("other");
	struct reprise_error error = REPRISE_ERROR_INIT;
	struct http_tls *tls;

	cr_assert(eq(int, http_tls_load("/nowhere", one.key, &tls, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, (char *)"certificate"));
	cr_assert(error.detail[0] != '\0');
	cr_assert(eq(int, http_tls_load(one.certificate, "/nowhere", &tls, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, (char *)"key"));
	cr_assert(eq(int, http_tls_load(one.certificate, other.key, &tls, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, (char *)"key"));
	expect_has(error.detail, "mismatch");
	cr_assert(tls == NULL);
	remove_files(&one);
	remove_files(&other);
}
