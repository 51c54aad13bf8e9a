/* SPDX-License-Identifier: MIT */
#ifndef THREAD_POSTGRES_FAILURE_H
#define THREAD_POSTGRES_FAILURE_H

/* A failure on a connection, kept until a call can tell it. */

#include <stdbool.h>

#include <libpq-fe.h>

#include <reprise/base.h>

struct failure {
	reprise_status status; /* REPRISE_OK: nothing */
	bool is_answer;        /* the server said so; else nobody knows what it did */
	char words[REPRISE_ERROR_DETAIL_BYTES];
};

/* The first failure is kept: later ones are its consequence. Trailing newlines are cut. */
void failure_note(struct failure *failure, reprise_status status, const char *words);

/* The server's answer. @connection says what became of it, if the server did not. */
void failure_note_answer(struct failure *failure, const PGconn *connection, const PGresult *answer);

/* Fills @error, and answers the status. */
reprise_status failure_tell(const struct failure *failure, struct reprise_error *error);

#endif /* THREAD_POSTGRES_FAILURE_H */
