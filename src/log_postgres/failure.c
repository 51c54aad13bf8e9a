/* SPDX-License-Identifier: MIT */
#include "log_postgres/failure.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

/* By the beginning of SQLSTATE: a whole code, a class. The first that fits. */
static const struct {
	const char *begin;
	reprise_status status;
} meanings[] = {
	{ "55P03", REPRISE_E_TIMEOUT }, /* lock_timeout */
	{ "57014", REPRISE_E_TIMEOUT }, /* statement_timeout, or somebody cancelled it */
	{ "40", REPRISE_E_TIMEOUT },    /* a deadlock, or no serial order: others were in the way */
	{ "XX001", REPRISE_E_CORRUPT }, /* a page's checksum */
	{ "XX002", REPRISE_E_CORRUPT }, /* an index */
	{ "23", REPRISE_E_CORRUPT },    /* what we hold the lock of is there already */
	{ "42P01", REPRISE_E_CORRUPT }, /* a table that is missing */
	{ "42P07", REPRISE_E_CORRUPT }, /* one that is there already */
	{ "42703", REPRISE_E_CORRUPT }, /* a column */
	{ "42804", REPRISE_E_CORRUPT }, /* a column's type */
	{ "42883", REPRISE_E_CORRUPT }, { "42P08", REPRISE_E_CORRUPT },
	{ "42939", REPRISE_E_INVALID }, /* schemas cannot be called that */
	{ "", REPRISE_E_IO },
};

static reprise_status
meaning_of(const char *state)
{
	size_t i = 0;

	while (strncmp(state, meanings[i].begin, strlen(meanings[i].begin)) != 0)
		i++;
	return meanings[i].status;
}

void
failure_note(struct failure *failure, reprise_status status, const char *words)
{
	if (failure->status != REPRISE_OK)
		return;
	failure->status = status;
	snprintf(failure->words, sizeof(failure->words), "%s", words);
	for (size_t end = strlen(failure->words); end > 0 && failure->words[end - 1] == '\n'; end--)
		failure->words[end - 1] = '\0';
	/* libpq breaks its sentences into lines; here they are one text. */
	for (char *at = failure->words; *at != '\0'; at++)
		if (*at == '\n' || *at == '\t')
			*at = ' ';
}

void
failure_note_answer(struct failure *failure, const PGconn *connection, const PGresult *answer)
{
	const char *const state = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
	const char *const words = PQresultErrorField(answer, PG_DIAG_MESSAGE_PRIMARY);
	char both[REPRISE_ERROR_DETAIL_BYTES];

	if (state != NULL) {
		/*
		 * "57P..": the server ends the session, and may have done what it was asked before.
		 */
		failure->is_answer |=
			failure->status == REPRISE_OK && strncmp(state, "57P", 3) != 0;
		snprintf(both, sizeof(both), "%s: %s", state, words == NULL ? "" : words);
		failure_note(failure, meaning_of(state), both);
	} else if (PQstatus(connection) == CONNECTION_OK) {
		/* libpq's own words, and the connection holds: it has no room for the answer. */
		failure_note(failure, REPRISE_E_NO_MEMORY, PQresultErrorMessage(answer));
	} else {
		failure_note(failure, REPRISE_E_IO, PQresultErrorMessage(answer));
	}
}

reprise_status
failure_tell(const struct failure *failure, struct reprise_error *error)
{
	return error_detailed(error, failure->status, "connection", failure->words);
}
