/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_CREDENTIALS_H
#define JETSTREAM_CREDENTIALS_H

/*
 * An operator, an account and a user of a NATS server, as NATS' own tool for them would make them:
 * keys, signed claims, and a user's credentials file.
 */

#include <stdbool.h>

enum {
	CREDENTIALS_LINES_BYTES = 16384
};

/*
 * Makes all of it in the servers' folder. @ret_lines is for the server's configuration. Skips the
 * test where there is no openssl.
 */
void credentials_make(char ret_lines[CREDENTIALS_LINES_BYTES]);

/* A file of the user's, or of a user that another account has signed. */
const char *credentials_file(bool is_stranger);

#endif /* JETSTREAM_CREDENTIALS_H */
