/* SPDX-License-Identifier: MIT */
/*
 * The file of tokens. A file is taken whole or not at all: one bad line refuses the file, since a
 * line that is skipped may be the line that was meant to forbid something.
 */
#include "gateway/tokens.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/utf8.h"
#include "gateway/file.h"

enum {
	LINE_FIELDS = 4,
};

/* A file while it is parsed. */
struct parse {
	const char *tenant;
	struct tokens tokens;
	uint32_t line;
};

static reprise_status
refuse_file(struct reprise_error *error, const char *words)
{
	return error_detailed(error, REPRISE_E_INVALID, "token_file", words);
}

static reprise_status
refuse_line(struct reprise_error *error, uint32_t line, const char *words)
{
	char text[REPRISE_ERROR_DETAIL_BYTES];

	snprintf(text, sizeof(text), "line %u: %s", line, words);
	return refuse_file(error, text);
}

static bool
is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

/* Cuts the next word of a line off; empty at the line's end. */
static struct http_text
take_word(struct http_text *line)
{
	struct http_text word;

	*line = http_trim(*line);
	word = (struct http_text){ line->data, 0 };
	while (word.size < line->size && !is_blank(word.data[word.size]))
		word.size++;
	line->data += word.size;
	line->size -= word.size;
	return word;
}

/* b64token of RFC 6750: letters, digits and "-._~+/", then equals signs. */
static bool
is_token(struct http_text text)
{
	size_t end = text.size;

	if (text.size < TOKEN_BYTES_MIN || text.size > TOKEN_BYTES_MAX)
		return false;
	while (end > 0 && text.data[end - 1] == '=')
		end--;
	for (size_t i = 0; i < end; i++) {
		const char byte = text.data[i], letter = (char)(byte | 0x20);

		if (!(letter >= 'a' && letter <= 'z') && !http_is(byte, HTTP_CLASS_DIGIT) &&
		    (byte == '\0' || strchr("-._~+/", byte) == NULL))
			return false;
	}
	return end > 0;
}

static bool
is_name(struct http_text text)
{
	return text.size >= 1 && text.size <= REPRISE_SESSION_ID_BYTES_MAX &&
	       utf8_text_prefix(text.data, text.size) == text.size;
}

static bool
take_pattern(struct access_token *token, struct http_text text)
{
	token->is_prefix = text.size != 0 && text.data[text.size - 1] == '*';
	if (token->is_prefix)
		text.size--;
	if ((text.size != 0 || !token->is_prefix) && !is_name(text))
		return false;
	if (text.size != 0 && memchr(text.data, '*', text.size) != NULL)
		return false;
	memcpy(token->pattern, text.data, text.size);
	token->pattern[text.size] = '\0';
	return true;
}

static bool
take_level(struct access_token *token, struct http_text text)
{
	static const struct {
		const char *word;
		enum access_level level;
	} levels[] = { { "read", ACCESS_READ },
		       { "write", ACCESS_WRITE },
		       { "admin", ACCESS_ADMIN } };

	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
		if (text.size == strlen(levels[i].word) &&
		    memcmp(text.data, levels[i].word, text.size) == 0) {
			token->level = levels[i].level;
			return true;
		}
	return false;
}

/* NULL on success, else what is wrong with the line. */
static const char *
read_line(struct http_text words[LINE_FIELDS], struct access_token *ret_token)
{
	if (words[LINE_FIELDS - 1].size == 0)
		return "a line is TOKEN TENANT PATTERN LEVEL";
	if (!is_token(words[0]))
		return "the token is not 16 to 256 characters of RFC 6750";
	if (!is_name(words[1]))
		return "the tenant is not 1 to 128 bytes of UTF-8";
	if (!take_pattern(ret_token, words[2]))
		return "the pattern is not a session id, with * at its end alone";
	if (!take_level(ret_token, words[3]))
		return "the level is not read, write or admin";
	memcpy(ret_token->bytes, words[0].data, words[0].size);
	ret_token->size = (uint32_t)words[0].size;
	return NULL;
}

static reprise_status
take_line(struct parse *parse, struct http_text line, struct reprise_error *error)
{
	struct access_token token = { .line = parse->line };
	struct http_text words[LINE_FIELDS];
	const char *wrong;

	line = http_trim(line);
	if (line.size == 0 || line.data[0] == '#')
		return REPRISE_OK;
	for (int i = 0; i < LINE_FIELDS; i++)
		words[i] = take_word(&line);
	wrong = http_trim(line).size != 0 ? "a line is TOKEN TENANT PATTERN LEVEL"
					  : read_line(words, &token);
	if (wrong != NULL)
		return refuse_line(error, parse->line, wrong);
	if (strlen(parse->tenant) == words[1].size &&
	    memcmp(parse->tenant, words[1].data, words[1].size) == 0)
		parse->tokens.table[parse->tokens.count++] = token;
	return REPRISE_OK;
}

static int
compare_tokens(const void *a_, const void *b_)
{
	const struct access_token *const a = a_, *const b = b_;
	const int order = memcmp(a->bytes, b->bytes, sizeof(a->bytes));

	return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

/* A token that comes twice would have two patterns, and only the first would be in force. */
static reprise_status
refuse_twice(struct tokens *tokens, struct reprise_error *error)
{
	qsort(tokens->table, tokens->count, sizeof(*tokens->table), compare_tokens);
	for (size_t i = 1; i < tokens->count; i++)
		if (memcmp(tokens->table[i - 1].bytes, tokens->table[i].bytes, TOKEN_BYTES_MAX) ==
		    0)
			return refuse_line(error, tokens->table[i].line,
					   "the token is there already");
	return REPRISE_OK;
}

static size_t
count_lines(struct http_text text)
{
	size_t lines = 1;

	for (size_t i = 0; i < text.size; i++)
		lines += text.data[i] == '\n';
	return lines;
}

static reprise_status
take_lines(struct parse *parse, struct http_text text, struct reprise_error *error)
{
	reprise_status status = REPRISE_OK;

	while (text.size != 0 && status == REPRISE_OK) {
		const char *const end = memchr(text.data, '\n', text.size);
		struct http_text line = text;

		if (end != NULL)
			line.size = (size_t)(end - text.data);
		text.data += line.size + (end != NULL);
		text.size -= line.size + (end != NULL);
		if (line.size != 0 && line.data[line.size - 1] == '\r')
			line.size--;
		parse->line++;
		status = take_line(parse, line, error);
	}
	return status == REPRISE_OK ? refuse_twice(&parse->tokens, error) : status;
}

reprise_status
tokens_parse(struct http_text text, const char *tenant, struct tokens *ret_tokens,
	     struct reprise_error *error)
{
	struct parse parse = { .tenant = tenant };
	const size_t lines = count_lines(text);
	reprise_status status;

	/* The last line's end may be missing, or begin one more line without a byte. */
	if (text.size > TOKEN_FILE_BYTES_MAX || lines > TOKEN_FILE_LINES_MAX + 1)
		return refuse_file(error, "the file has more than 1 MiB, or than 10,000 lines");
	if (!utf8_is_valid(text.data, text.size))
		return refuse_file(error, "the file is not UTF-8");
	parse.tokens.table = calloc(lines, sizeof(*parse.tokens.table));
	if (parse.tokens.table == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	status = take_lines(&parse, text, error);
	if (status == REPRISE_OK)
		*ret_tokens = parse.tokens;
	else
		tokens_free(&parse.tokens);
	return status;
}

/* A token that is gone leaves nothing in memory that is given back. */
void
tokens_free(struct tokens *tokens)
{
	if (tokens->table != NULL)
		explicit_bzero(tokens->table, tokens->count * sizeof(*tokens->table));
	free(tokens->table);
	*tokens = (struct tokens){ .table = NULL };
}

/*
 * A credential of systemd has the owner and the group root and the mode 0440: the list of the file
 * names the service alone, and the mode shows the list's mask as the group's permissions.
 */
static bool
is_of_owner_alone(const struct stat *stat)
{
	const mode_t mode = stat->st_mode & (S_IRWXU | S_IRWXG | S_IRWXO);
	const bool is_credential =
		stat->st_uid == 0 && stat->st_gid == 0 && mode == (S_IRUSR | S_IRGRP);

	return is_credential || (mode & (S_IRWXG | S_IRWXO)) == 0;
}

/* Opens a regular file of the owner alone; -1 with *error filled. */
static int
open_file(const char *file, struct reprise_error *error)
{
	const char *words = NULL;
	struct stat stat;
	const int fd = file_open(file, &stat, &words);

	if (fd >= 0 && is_of_owner_alone(&stat))
		return fd;
	if (fd >= 0) {
		close(fd);
		words = "other users may read or write the file: chmod 600";
	}
	(void)refuse_file(error, words);
	return -1;
}

reprise_status
tokens_read(const char *file, const char *tenant, struct tokens *ret_tokens,
	    struct reprise_error *error)
{
	const size_t room = TOKEN_FILE_BYTES_MAX + 1;
	reprise_status status;
	size_t size = 0;
	char *bytes;
	int fd;

	fd = open_file(file, error);
	if (fd < 0)
		return REPRISE_E_INVALID;
	bytes = malloc(room);
	if (bytes == NULL)
		status = error_plain(error, REPRISE_E_NO_MEMORY);
	else if (!file_read(fd, bytes, room, &size))
		status = refuse_file(error, strerrordesc_np(errno));
	else
		status = tokens_parse((struct http_text){ bytes, size }, tenant, ret_tokens, error);
	if (bytes != NULL)
		explicit_bzero(bytes, size);
	free(bytes);
	close(fd);
	return status;
}

const struct access_token *
tokens_find(const struct tokens *tokens, struct http_text given)
{
	unsigned char padded[TOKEN_BYTES_MAX] = { 0 };
	const bool fits = given.size >= TOKEN_BYTES_MIN && given.size <= TOKEN_BYTES_MAX;
	size_t found = SIZE_MAX;

	if (fits)
		memcpy(padded, given.data, given.size);
	for (size_t i = 0; i < tokens->count; i++) {
		const unsigned char *const bytes = tokens->table[i].bytes;
		uint64_t difference =
			(uint64_t)!fits | (tokens->table[i].size ^ (uint64_t)given.size);

		for (size_t j = 0; j < TOKEN_BYTES_MAX; j++)
			difference |= (uint64_t)(bytes[j] ^ padded[j]);
		/* All ones where there is no difference: no branch tells the row. */
		const size_t same = (size_t)((difference - 1) >> 63) * SIZE_MAX;

		found = (found & ~same) | (i & same);
	}
	return found == SIZE_MAX ? NULL : &tokens->table[found];
}

bool
token_has_session(const struct access_token *token, const char *session_id)
{
	return token->is_prefix ? strncmp(token->pattern, session_id, strlen(token->pattern)) == 0
				: strcmp(token->pattern, session_id) == 0;
}
