/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_FILE_H
#define GATEWAY_FILE_H

/* Small files of the operator, read whole: tokens and routes. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* Opens a regular file; -1: *ret_words say why not. */
int file_open(const char *file, struct stat *ret_stat, const char **ret_words);
/* Reads up to the end of the file, or until the room is full. False with errno set. */
bool file_read(int fd, char *bytes, size_t room, size_t *ret_size);

#endif /* GATEWAY_FILE_H */
