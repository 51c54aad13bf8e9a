/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_TOKENS_H
#define GATEWAY_TOKENS_H

/*
 * A file of bearer tokens: one token a line, as `TOKEN TENANT PATTERN LEVEL`, separated by spaces
 * and tabs. Empty lines, and lines that begin with `#`, are skipped.
 *
 *    TOKEN    16 to 256 characters of RFC 6750
 *    TENANT   lines of other tenants are checked, and not taken
 *    PATTERN  a session id; `*` at the end stands for any rest, so `*` alone is every session
 *    LEVEL    read, write or admin
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/base.h>

#include "gateway/access.h"
#include "http/text.h"

enum {
	TOKEN_BYTES_MIN = 16,
	TOKEN_BYTES_MAX = 256,
	TOKEN_FILE_BYTES_MAX = 1 << 20,
	TOKEN_FILE_LINES_MAX = 10000,
};

struct access_token {
	unsigned char bytes[TOKEN_BYTES_MAX]; /* zeros behind the token */
	uint32_t size;
	uint32_t line; /* in the file, from 1 on */
	enum access_level level;
	bool is_prefix; /* the pattern ended with `*`, which `pattern` is without */
	char pattern[REPRISE_SESSION_ID_BYTES_MAX + 1];
};

struct tokens {
	struct access_token *table;
	size_t count;
};

/*
 * Reads a file that belongs to its owner alone. On failure *error names the line, and nothing is
 * returned. The file may not have a token twice for the tenant.
 */
reprise_status tokens_read(const char *file, const char *tenant, struct tokens *ret_tokens,
			   struct reprise_error *error);
/* Parses the text of such a file. */
reprise_status tokens_parse(struct http_text text, const char *tenant, struct tokens *ret_tokens,
			    struct reprise_error *error);
void tokens_free(struct tokens *tokens);

/*
 * The token of the table that is @given, or NULL. The time depends on the table's length alone: not
 * on how much of a token is right, and not on which token of the table is meant.
 */
const struct access_token *tokens_find(const struct tokens *tokens, struct http_text given);
/* Whether the pattern of a token has the session. */
bool token_has_session(const struct access_token *token, const char *session_id);

#endif /* GATEWAY_TOKENS_H */
