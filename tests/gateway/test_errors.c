/* SPDX-License-Identifier: MIT */
/* V23: each error has a status and a code. V24: each bad option is named. */
#include "gateway/errors.h"
#include "gateway/options.h"
#include "support.h"

SUITE(gateway_errors);

static const enum error_code codes[] = {
#define CODE(name, status, code, sentence) ERROR_##name,
	ERROR_TABLE(CODE)
#undef CODE
};

enum {
	CODES_COUNT = sizeof(codes) / sizeof(*codes)
};

Test(gateway_errors, V23_each_code_is_one_word_of_one_error)
{
	for (size_t i = 0; i < CODES_COUNT; i++) {
		const char *const text = error_code_text(codes[i]);

		cr_assert(error_http_status(codes[i]) >= 400 && error_http_status(codes[i]) < 600);
		cr_assert(ne(sz, strlen(error_sentence(codes[i])), 0));
		cr_assert(eq(ptr, (void *)strpbrk(error_sentence(codes[i]), "\"\\"), NULL));
		cr_assert(eq(sz, strspn(text, "abcdefghijklmnopqrstuvwxyz_"), strlen(text)));
		for (size_t j = 0; j < i; j++)
			cr_assert(ne(str, (char *)text, (char *)error_code_text(codes[j])));
	}
}

Test(gateway_errors, V23_each_status_of_the_library_has_an_error)
{
	static const struct {
		reprise_status status;
		int http;
	} rows[] = {
		{ REPRISE_E_INVALID, 400 },       { REPRISE_E_MALFORMED_CURSOR, 400 },
		{ REPRISE_E_WRONG_SESSION, 400 }, { REPRISE_E_TOO_LARGE, 413 },
		{ REPRISE_E_CLOSED, 409 },        { REPRISE_E_BUSY, 409 },
		{ REPRISE_E_FULL, 503 },          { REPRISE_E_NO_MEMORY, 503 },
		{ REPRISE_E_TIMEOUT, 503 },       { REPRISE_E_NOT_FOUND, 404 },
		{ REPRISE_E_STALE, 409 },         { REPRISE_E_EXPIRED, 410 },
		{ REPRISE_E_CORRUPT, 500 },       { REPRISE_E_IO, 503 },
		{ REPRISE_E_FORKED, 503 },        { REPRISE_E_SYSTEM, 503 },
		{ REPRISE_E_INTERRUPTED, 503 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		cr_assert(eq(int, error_http_status(error_of_status(rows[i].status)), rows[i].http),
			  "row %zu", i);
}

static const char *
refused(const struct reprise_gateway_options *options)
{
	static struct reprise_error error;
	struct reprise_gateway_options resolved;

	error = (struct reprise_error)REPRISE_ERROR_INIT;
	if (options_resolve(options, &resolved, &error) == REPRISE_OK)
		return "";
	cr_assert(eq(int, (int)error.status, REPRISE_E_INVALID));
	cr_assert(ne(sz, strlen(error.detail), 0));
	return error.what;
}

#define ASSERT_REFUSED(name, ...)                                                      \
	do {                                                                           \
		struct reprise_gateway_options options = REPRISE_GATEWAY_OPTIONS_INIT; \
		__VA_ARGS__;                                                           \
		cr_assert(eq(str, (char *)refused(&options), name));                   \
	} while (0)

Test(gateway_errors, V24_the_defaults_are_those_of_the_header)
{
	struct reprise_gateway_options resolved;

	cr_assert(eq(int, (int)options_resolve(NULL, &resolved, NULL), REPRISE_OK));
	cr_assert(eq(sz, resolved.listen_count, 1));
	cr_assert(eq(str, (char *)resolved.listen[0], "127.0.0.1:0"));
	cr_assert(eq(str, (char *)resolved.tenant, "default"));
	cr_assert(eq(u64, resolved.body_bytes_max, 1 << 20));
	cr_assert(eq(u32, resolved.heartbeat_ms, 12000));
	cr_assert(eq(u32, resolved.durable_poll_ms, 20000));
	cr_assert(eq(u32, resolved.workers, 4));
}

Test(gateway_errors, V24_each_bad_option_is_named)
{
	static const char *const any[] = { "0.0.0.0:80" }, *const none[] = { NULL };
	static const char *const path[] = { "https://app.example/" }, *const star[] = { "*x" };
	static const int bad_fd[] = { -1 };

	ASSERT_REFUSED("listen", options.listen = any; options.listen_count = 1);
	ASSERT_REFUSED("listen", options.listen = none; options.listen_count = 1);
	ASSERT_REFUSED("listen", options.listen_count = 1);
	ASSERT_REFUSED("listen", options.listen = any; options.listen_count = 9);
	ASSERT_REFUSED("listen_fds", options.listen_fds_count = 1);
	ASSERT_REFUSED("listen_fds", options.listen_fds = bad_fd; options.listen_fds_count = 1);
	ASSERT_REFUSED("open_log", options.recorder = (struct reprise_recorder *)&options);
	ASSERT_REFUSED("tenant", options.tenant = "");
	ASSERT_REFUSED("tenant", options.tenant = "a\nb");
	ASSERT_REFUSED("is_insecure", options.is_insecure = 2);
	ASSERT_REFUSED("reads_only", options.reads_only = -1);
	ASSERT_REFUSED("tls_key_file", options.tls_certificate_file = "a.pem");
	ASSERT_REFUSED("origins", options.origins_count = 1);
	ASSERT_REFUSED("origins", options.origins = path; options.origins_count = 1);
	ASSERT_REFUSED("origins", options.origins = star; options.origins_count = 1);
	ASSERT_REFUSED("body_bytes_max", options.body_bytes_max = (64 << 20) + 1);
	ASSERT_REFUSED("heartbeat_ms", options.heartbeat_ms = 999);
	ASSERT_REFUSED("heartbeat_ms", options.heartbeat_ms = 60001);
	ASSERT_REFUSED("retry_ms", options.retry_ms = 600001);
	ASSERT_REFUSED("durable_poll_ms", options.durable_poll_ms = 600001);
	ASSERT_REFUSED("no_viewer", options.no_viewer = 2);
	ASSERT_REFUSED("workers", options.workers = 65);
	ASSERT_REFUSED("is_quiet", options.is_quiet = 2);
	ASSERT_REFUSED("gateway options: size", options.size = 1);
	ASSERT_REFUSED("", options.listen = any; options.listen_count = 1; options.is_insecure = 1);
	ASSERT_REFUSED("", options.listen = any; options.listen_count = 1;
		       options.token_file = "tokens");
}
