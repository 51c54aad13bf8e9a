/* SPDX-License-Identifier: MIT */
/* V21: tokens of a file. V22: without tokens, pages of other sites are kept out. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/tokens.h"
#include "heads.h"

SUITE(gateway_access);

#define GUEST  "guest-token-00001"
#define WRITER "writer-token-0001"
#define ADMIN  "admin-token-00001"

static struct tokens
parsed(const char *text)
{
	struct tokens tokens = { .table = NULL };
	struct reprise_error error = REPRISE_ERROR_INIT;
	const reprise_status status =
		tokens_parse((struct http_text){ text, strlen(text) }, "acme", &tokens, &error);

	cr_assert(eq(int, (int)status, REPRISE_OK), "%s", error.detail);
	return tokens;
}

static void
assert_refused(const char *text, const char *detail)
{
	struct tokens tokens = { .table = NULL };
	struct reprise_error error = REPRISE_ERROR_INIT;
	const reprise_status status =
		tokens_parse((struct http_text){ text, strlen(text) }, "acme", &tokens, &error);

	cr_assert(eq(int, (int)status, REPRISE_E_INVALID), "%s", text);
	cr_assert(eq(str, error.what, "token_file"));
	cr_assert(ne(ptr, strstr(error.detail, detail), NULL), "%s", error.detail);
	cr_assert(eq(ptr, (void *)tokens.table, NULL));
}

Test(gateway_access, V21_a_line_is_a_token_a_tenant_a_pattern_and_a_level)
{
	struct tokens tokens = parsed("# tokens\n\n" GUEST " acme chat-* read\r\n"
				      "\t" WRITER "\tacme  chat-1 write \n"
				      "other-token-00001 else * admin\n" ADMIN " acme * admin");
	const struct access_token *token;

	cr_assert(eq(sz, tokens.count, 3));
	token = tokens_find(&tokens, (struct http_text){ GUEST, strlen(GUEST) });
	cr_assert(ne(ptr, (void *)token, NULL));
	cr_assert(eq(int, (int)token->level, ACCESS_READ));
	cr_assert(token_has_session(token, "chat-"));
	cr_assert(token_has_session(token, "chat-2"));
	cr_assert(not(token_has_session(token, "chat")));
	token = tokens_find(&tokens, (struct http_text){ WRITER, strlen(WRITER) });
	cr_assert(token_has_session(token, "chat-1"));
	cr_assert(not(token_has_session(token, "chat-11")));
	token = tokens_find(&tokens, (struct http_text){ ADMIN, strlen(ADMIN) });
	cr_assert(token_has_session(token, "anything"));
	tokens_free(&tokens);
}

Test(gateway_access, V21_a_token_is_found_only_whole)
{
	struct tokens tokens = parsed(GUEST " acme * read\n" GUEST "0 acme * write\n");
	char longer[TOKEN_BYTES_MAX + 2];

	memset(longer, 'a', sizeof(longer));
	cr_assert(eq(int, (int)tokens_find(&tokens, (struct http_text){ GUEST "0", 18 })->level,
		     ACCESS_WRITE));
	cr_assert(eq(ptr, (void *)tokens_find(&tokens, (struct http_text){ GUEST, 16 }), NULL));
	cr_assert(eq(ptr, (void *)tokens_find(&tokens, (struct http_text){ GUEST "1", 18 }), NULL));
	cr_assert(
		eq(ptr, (void *)tokens_find(&tokens, (struct http_text){ GUEST "\0", 18 }), NULL));
	cr_assert(eq(ptr,
		     (void *)tokens_find(&tokens, (struct http_text){ longer, sizeof(longer) }),
		     NULL));
	cr_assert(eq(ptr, (void *)tokens_find(&tokens, (struct http_text){ "", 0 }), NULL));
	tokens_free(&tokens);
}

Test(gateway_access, V21_one_bad_line_refuses_the_file_and_is_named)
{
	assert_refused("\n" GUEST " acme chat-*\n", "line 2: a line is");
	assert_refused(GUEST " acme chat-* read more\n", "line 1: a line is");
	assert_refused("short acme * read\n", "line 1: the token");
	assert_refused("guest-token-\x21\x21\x21\x21 acme * read\n", "line 1: the token");
	assert_refused("================= acme * read\n", "line 1: the token");
	assert_refused(GUEST " acme a*b read\n", "line 1: the pattern");
	assert_refused(GUEST " acme ** read\n", "line 1: the pattern");
	assert_refused(GUEST " acme * Read\n", "line 1: the level");
	assert_refused(GUEST " else * none\n", "line 1: the level");
	assert_refused(GUEST " acme * read\n\n" GUEST " acme a write\n", "line 3: the token is");
	assert_refused(GUEST " acme \xff read\n", "not UTF-8");
}

Test(gateway_access, V21_the_file_has_at_most_ten_thousand_lines)
{
	const size_t lines = TOKEN_FILE_LINES_MAX;
	char *const text = malloc(lines + 2);

	memset(text, '\n', lines);
	text[lines] = '\0';
	struct tokens tokens = parsed(text);

	tokens_free(&tokens);
	memcpy(text + lines, "\n", 2);
	assert_refused(text, "10,000 lines");
	free(text);
}

static reprise_status
read_with_mode(mode_t mode, struct reprise_error *error)
{
	char file[] = "/tmp/reprise-tokens-XXXXXX";
	const char line[] = GUEST " acme * read\n";
	const int fd = mkstemp(file);
	struct tokens tokens = { .table = NULL };
	reprise_status status;

	cr_assert(fd >= 0);
	cr_assert(eq(int, (int)write(fd, line, sizeof(line) - 1), (int)sizeof(line) - 1));
	cr_assert(eq(int, fchmod(fd, mode), 0));
	status = tokens_read(file, "acme", &tokens, error);
	cr_assert(eq(sz, tokens.count, status == REPRISE_OK ? 1 : 0));
	tokens_free(&tokens);
	close(fd);
	unlink(file);
	return status;
}

Test(gateway_access, V21_the_file_is_its_owners_alone)
{
	struct reprise_error error = REPRISE_ERROR_INIT;
	struct tokens tokens;

	cr_assert(eq(int, (int)read_with_mode(0600, &error), REPRISE_OK));
	cr_assert(eq(int, (int)read_with_mode(0640, &error), REPRISE_E_INVALID));
	cr_assert(ne(ptr, strstr(error.detail, "chmod 600"), NULL));
	cr_assert(eq(int, (int)read_with_mode(0602, &error), REPRISE_E_INVALID));
	cr_assert(eq(int, (int)tokens_read("/tmp", "acme", &tokens, &error), REPRISE_E_INVALID));
	cr_assert(eq(int, (int)tokens_read("/nowhere/tokens", "acme", &tokens, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "token_file"));
}

/* Judges a request that is written as a method, a space and lines of fields. */
static struct access_answer
judge(const struct access *access, const char *method, const char *fields, enum access_level level,
      const char *session_id)
{
	const struct access_need need = { .level = level, .session_id = session_id };
	struct access_answer answer;
	struct http_head head;
	char bytes[2048];

	snprintf(bytes, sizeof(bytes), "%s /v1/sessions HTTP/1.1\r\n%s\r\n", method, fields);
	head = head_of(bytes);
	access_judge(access, &head, &need, &answer);
	return answer;
}

Test(gateway_access, V21_a_token_permits_its_level_and_its_sessions)
{
	char file[] = "/tmp/reprise-tokens-XXXXXX";
	const char lines[] = GUEST " acme a-* read\n" ADMIN " acme * admin\n";
	const int fd = mkstemp(file);
	struct reprise_error error = REPRISE_ERROR_INIT;
	struct access *access = NULL;

	cr_assert(eq(int, (int)write(fd, lines, sizeof(lines) - 1), (int)sizeof(lines) - 1));
	cr_assert(eq(int, (int)access_open(file, "acme", NULL, 0, false, &access, &error),
		     REPRISE_OK));

	static const struct {
		const char *method, *fields, *session_id;
		enum access_level level;
		int refusal; /* -1: allowed */
	} rows[] = {
		{ "GET", "Host: h\r\n", NULL, ACCESS_NONE, -1 },
		{ "GET", "Host: h\r\n", NULL, ACCESS_READ, ERROR_TOKEN_MISSING },
		{ "GET", "Host: h\r\nAuthorization: Basic abc\r\n", NULL, ACCESS_READ,
		  ERROR_TOKEN_MISSING },
		{ "GET", "Host: h\r\nAuthorization: Bearer nobodys-token-000\r\n", NULL,
		  ACCESS_READ, ERROR_TOKEN_UNKNOWN },
		{ "GET", "Host: h\r\nAuthorization: Bearer " GUEST "\r\n", NULL, ACCESS_READ, -1 },
		{ "GET", "Host: h\r\nAuthorization: bEARER  " GUEST "\r\n", "a-1", ACCESS_READ,
		  -1 },
		{ "GET", "Host: h\r\nAuthorization: Bearer " GUEST "\r\n", "b-1", ACCESS_READ,
		  ERROR_NOT_PERMITTED },
		{ "POST", "Host: h\r\nAuthorization: Bearer " GUEST "\r\n", "a-1", ACCESS_WRITE,
		  ERROR_NOT_PERMITTED },
		/* With a token neither the origin nor the type matters. */
		{ "POST",
		  "Host: h\r\nOrigin: https://evil.example\r\nAuthorization: Bearer " ADMIN "\r\n",
		  "b-1", ACCESS_ADMIN, -1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct access_answer answer = judge(access, rows[i].method, rows[i].fields,
							  rows[i].level, rows[i].session_id);

		cr_assert(eq(int, answer.is_allowed ? -1 : (int)answer.refusal, rows[i].refusal),
			  "row %zu", i);
	}
	cr_assert(eq(int, ftruncate(fd, 5), 0));
	cr_assert(eq(int, (int)access_reload(access, &error), REPRISE_E_INVALID));
	cr_assert(judge(access, "GET", "Host: h\r\nAuthorization: Bearer " GUEST "\r\n",
			ACCESS_READ, NULL)
			  .is_allowed);
	cr_assert(eq(int, ftruncate(fd, 0), 0));
	cr_assert(eq(int, (int)access_reload(access, &error), REPRISE_OK));
	cr_assert(not(judge(access, "GET", "Host: h\r\nAuthorization: Bearer " GUEST "\r\n",
			    ACCESS_READ, NULL)
			      .is_allowed));
	access_close(access);
	close(fd);
	unlink(file);
}

static struct access *
open_without_tokens(bool is_insecure)
{
	static const char *const origins[] = { "https://app.example" };
	struct access *access = NULL;

	cr_assert(eq(int, (int)access_open(NULL, "default", origins, 1, is_insecure, &access, NULL),
		     REPRISE_OK));
	return access;
}

Test(gateway_access, V22_without_tokens_the_host_is_a_loopback_name)
{
	static const struct {
		const char *host;
		bool is_loopback;
	} rows[] = {
		{ "localhost", true },
		{ "LocalHost:8080", true },
		{ "s0.localhost:1", true },
		{ "127.0.0.1", true },
		{ "127.9.8.7:8080", true },
		{ "[::1]", true },
		{ "[::1]:8080", true },
		{ "evil.example", false },
		{ "127.evil.example", false },
		{ "127.0.0.1.evil.example", false },
		{ "localhost.evil.example", false },
		{ "evillocalhost", false },
		{ ".localhost.", false },
		{ "127.0.0.256", false },
		{ "127.0.0.01", false },
		{ "127.0.1", false },
		{ "128.0.0.1", false },
		{ "[::2]", false },
		{ "0.0.0.0", false },
	};
	struct access *const access = open_without_tokens(false);
	struct access *const open = open_without_tokens(true);
	char fields[128];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(fields, sizeof(fields), "Host: %s\r\n", rows[i].host);
		const struct access_answer answer = judge(access, "GET", fields, ACCESS_NONE, NULL);

		cr_assert(eq(int, answer.is_allowed, rows[i].is_loopback), "%s", rows[i].host);
		if (!answer.is_allowed)
			cr_assert(eq(int, (int)answer.refusal, ERROR_FOREIGN_HOST));
		cr_assert(judge(open, "GET", fields, ACCESS_READ, NULL).is_allowed);
	}
	access_close(access);
	access_close(open);
}

Test(gateway_access, V22_without_tokens_a_write_comes_from_no_foreign_page)
{
	static const struct {
		const char *method, *fields;
		int refusal; /* -1: allowed */
	} rows[] = {
		{ "POST", "Content-Type: application/json\r\n", -1 },
		{ "POST", "Content-Type: application/octet-stream\r\n", -1 },
		{ "DELETE", "", -1 },
		{ "POST", "Content-Length: 1\r\n", ERROR_SIMPLE_TYPE },
		{ "POST", "Transfer-Encoding: chunked\r\n", ERROR_SIMPLE_TYPE },
		{ "POST", "Content-Type:\r\n", ERROR_SIMPLE_TYPE },
		{ "POST", "", -1 },
		{ "POST", "Content-Length: 0\r\n", -1 },
		{ "POST", "Content-Length: 0\r\nOrigin: https://evil.example\r\n",
		  ERROR_FOREIGN_ORIGIN },
		{ "POST", "Origin: null\r\n", ERROR_FOREIGN_ORIGIN },
		{ "POST", "Sec-Fetch-Site: cross-site\r\n", ERROR_FOREIGN_ORIGIN },
		{ "POST", "Sec-Fetch-Site: same-origin\r\n", -1 },
		{ "POST", "Content-Type: text/plain\r\n", ERROR_SIMPLE_TYPE },
		{ "POST", "Content-Type: Text/Plain;charset=utf-8\r\n", ERROR_SIMPLE_TYPE },
		{ "POST", "Content-Type: multipart/form-data; boundary=x\r\n", ERROR_SIMPLE_TYPE },
		{ "POST", "Content-Type: application/x-www-form-urlencoded\r\n",
		  ERROR_SIMPLE_TYPE },
		{ "POST", "Content-Type: ;application/json\r\n", ERROR_SIMPLE_TYPE },
		{ "POST", "Content-Type: application/json\r\nOrigin: https://evil.example\r\n",
		  ERROR_FOREIGN_ORIGIN },
		{ "POST", "Content-Type: application/json\r\nOrigin: null\r\n",
		  ERROR_FOREIGN_ORIGIN },
		{ "POST", "Content-Type: application/json\r\nOrigin: http://localhost.evil\r\n",
		  ERROR_FOREIGN_ORIGIN },
		{ "DELETE", "Origin: https://evil.example\r\n", ERROR_FOREIGN_ORIGIN },
		{ "POST", "Content-Type: application/json\r\nOrigin: http://localhost:8080\r\n",
		  -1 },
		{ "POST", "Content-Type: application/json\r\nOrigin: https://app.example\r\n", -1 },
	};
	struct access *const access = open_without_tokens(false);
	char fields[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(fields, sizeof(fields), "Host: localhost:8080\r\n%s", rows[i].fields);
		const struct access_answer answer =
			judge(access, rows[i].method, fields, ACCESS_WRITE, "a");

		cr_assert(eq(int, answer.is_allowed ? -1 : (int)answer.refusal, rows[i].refusal),
			  "row %zu", i);
	}
	access_close(access);
}

Test(gateway_access, V22_an_open_gateway_takes_writes_of_its_own_pages_alone)
{
	struct access *const open = open_without_tokens(true);
	const char own[] = "Host: here.example:80\r\nOrigin: http://here.example:80\r\n"
			   "Content-Type: application/json\r\n";
	const char foreign[] = "Host: here.example:80\r\nOrigin: http://localhost\r\n"
			       "Content-Type: application/json\r\n";

	cr_assert(judge(open, "POST", own, ACCESS_WRITE, "a").is_allowed);
	cr_assert(eq(int, (int)judge(open, "POST", foreign, ACCESS_WRITE, "a").refusal,
		     ERROR_FOREIGN_ORIGIN));
	access_close(open);
}

Test(gateway_access, V22_an_origin_is_echoed_if_it_is_listed)
{
	struct access *const access = open_without_tokens(false);
	struct access_answer answer =
		judge(access, "GET", "Host: localhost\r\nOrigin: https://app.example\r\n",
		      ACCESS_READ, NULL);

	cr_assert(answer.has_origin);
	cr_assert(eq(str, answer.origin, "https://app.example"));
	answer = judge(access, "GET", "Host: localhost\r\nOrigin: https://app.example.evil\r\n",
		       ACCESS_READ, NULL);
	cr_assert(answer.is_allowed && !answer.has_origin);
	access_close(access);
}

Test(gateway_access, V22_addresses_of_loopback_are_told_from_others)
{
	cr_assert(access_is_loopback("127.0.0.1:8080"));
	cr_assert(access_is_loopback("[::1]:0"));
	cr_assert(not(access_is_loopback("0.0.0.0:8080")));
	cr_assert(not(access_is_loopback("[::]:8080")));
	cr_assert(not(access_is_loopback("192.168.1.1:80")));
	cr_assert(not(access_is_loopback("localhost:80")));
	cr_assert(not(access_is_loopback("")));
}
