/* SPDX-License-Identifier: MIT */
#include "tool/client_token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/log_text.h"

enum {
	FILE_BYTES_MAX = 1 << 20,
};

/* The same question as the gateway's: of the owner alone, or a credential of systemd. */
static bool
is_of_owner_alone(const struct stat *stat)
{
	const mode_t mode = stat->st_mode & (S_IRWXU | S_IRWXG | S_IRWXO);

	return (stat->st_uid == 0 && stat->st_gid == 0 && mode == (S_IRUSR | S_IRGRP)) ||
	       (mode & (S_IRWXG | S_IRWXO)) == 0;
}

static bool
refuse(const char *command, const char *file, const char *fault)
{
	fprintf(stderr, "%s: ", command);
	if (file != NULL) {
		fputs("--token-file ", stderr);
		log_text_escaped(stderr, file, strlen(file), SIZE_MAX);
		fputs(": ", stderr);
	}
	fprintf(stderr, "%s\n", fault);
	return false;
}

/* The bytes of a token in a field of HTTP: visible, and no space. */
static bool
is_token(const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return bytes > 0;
}

static bool
take(const char *command, const char *file, const char *text, size_t bytes,
     char ret_token[CLIENT_TOKEN_ROOM])
{
	const char *const from = file == NULL ? "REPRISE_TOKEN: " : "";
	char fault[96];

	if (bytes >= CLIENT_TOKEN_ROOM || !is_token(text, bytes)) {
		snprintf(fault, sizeof(fault), "%sa token has 1 to %d visible characters of ASCII",
			 from, CLIENT_TOKEN_ROOM - 1);
		return refuse(command, file, fault);
	}
	memcpy(ret_token, text, bytes);
	ret_token[bytes] = '\0';
	return true;
}

/* The first word of the first line that is no comment. */
static bool
take_first(const char *command, const char *file, const char *text,
	   char ret_token[CLIENT_TOKEN_ROOM])
{
	while (*text != '\0') {
		text += strspn(text, " \t\r\n");
		if (*text == '#') {
			text += strcspn(text, "\n");
			continue;
		}
		const size_t bytes = strcspn(text, " \t\r\n");

		if (bytes > 0)
			return take(command, file, text, bytes, ret_token);
	}
	return refuse(command, file, "the file has no token");
}

static bool
read_file(const char *command, const char *file, int fd, char ret_token[CLIENT_TOKEN_ROOM])
{
	char *const text = malloc(FILE_BYTES_MAX + 1);
	size_t bytes = 0;
	ssize_t got = 1;

	if (text == NULL)
		return refuse(command, file, "no memory");
	while (got > 0 && bytes < FILE_BYTES_MAX) {
		got = read(fd, text + bytes, FILE_BYTES_MAX - bytes);
		if (got > 0)
			bytes += (size_t)got;
		else if (got < 0 && errno == EINTR)
			got = 1;
	}
	text[bytes] = '\0';
	const bool is_read = got < 0 ? refuse(command, file, strerror(errno))
				     : take_first(command, file, text, ret_token);

	explicit_bzero(text, bytes);
	free(text);
	return is_read;
}

bool
client_token_read(const char *command, const char *file, char ret_token[CLIENT_TOKEN_ROOM])
{
	const char *const given = getenv("REPRISE_TOKEN");
	struct stat stat;

	ret_token[0] = '\0';
	if (file == NULL && (given == NULL || given[0] == '\0'))
		return true;
	if (file == NULL)
		return take(command, NULL, given, strlen(given), ret_token);
	/* A FIFO would have the open wait. */
	const int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool is_read;

	if (fd < 0 || fstat(fd, &stat) != 0)
		is_read = refuse(command, file, strerror(errno));
	else if (!S_ISREG(stat.st_mode))
		is_read = refuse(command, file, "not a regular file");
	else if (!is_of_owner_alone(&stat))
		is_read = refuse(command, file,
				 "other users can read or write the file: chmod 600 is needed");
	else
		is_read = read_file(command, file, fd, ret_token);
	if (fd >= 0)
		close(fd);
	return is_read;
}
