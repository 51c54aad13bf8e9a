/* SPDX-License-Identifier: MIT */
#include "coverage.h"

/* The statuses that each call must have answered by the end, in one word: a bit for each. */
#define IS(name) (UINT32_C(1) << -(REPRISE_##name))

static const uint32_t statuses_expected[CALLS_COUNT] = {
	[CALL_OPEN] = IS(OK) | IS(E_INVALID) | IS(E_BUSY) | IS(E_FULL),
	[CALL_END] = IS(OK) | IS(E_CLOSED) | IS(E_BUSY),
	[CALL_APPEND] = IS(OK) | IS(E_INVALID) | IS(E_TOO_LARGE) | IS(E_CLOSED) | IS(E_BUSY),
	[CALL_APPENDV] = IS(OK) | IS(E_INVALID) | IS(E_TOO_LARGE) | IS(E_CLOSED) | IS(E_BUSY),
	[CALL_BATCH] = IS(OK) | IS(E_INVALID) | IS(E_TOO_LARGE) | IS(E_CLOSED) | IS(E_BUSY),
	[CALL_APPEND_ONCE] = IS(OK) | IS(E_INVALID) | IS(E_TOO_LARGE) | IS(E_CLOSED) | IS(E_BUSY) |
			     IS(E_CONFLICT),
	[CALL_RESERVE] = IS(OK) | IS(E_TOO_LARGE) | IS(E_CLOSED) | IS(E_BUSY),
	[CALL_PUBLISH] = IS(OK) | IS(E_INVALID) | IS(E_CLOSED),
	[CALL_ABORT] = IS(OK) | IS(E_INVALID),
	[CALL_TRIM_SESSION] = IS(OK),
	[CALL_TRIM_TO] = IS(OK),
	[CALL_INVALIDATE] = IS(OK),
	[CALL_INVALIDATE_ALL] = IS(OK),
	[CALL_EXPIRE] = IS(OK),
	[CALL_STAMP] = IS(OK),
	[CALL_CREATE] = IS(OK) | IS(E_INVALID) | IS(E_FULL),
	[CALL_CURRENT] = IS(OK) | IS(E_NOT_FOUND),
	[CALL_EARLIEST] = IS(OK) | IS(E_NOT_FOUND),
	[CALL_SESSION_CURSOR] = IS(OK) | IS(E_INVALID) | IS(E_NOT_FOUND) | IS(E_CLOSED),
	[CALL_TEXT] = IS(OK) | IS(E_TOO_LARGE),
	[CALL_BAD_TEXT] = IS(E_MALFORMED_CURSOR),
	[CALL_FOR_SESSION] = IS(OK) | IS(E_WRONG_SESSION),
	[CALL_SUBSCRIBE] = IS(OK) | IS(E_INVALID),
	[CALL_REPLAY] = IS(OK) | IS(E_INVALID),
	[CALL_RESUME] = IS(OK) | IS(E_INVALID),
	[CALL_SNAPSHOT] = IS(OK) | IS(E_INVALID),
	[CALL_WAIT] = IS(OK) | IS(E_TIMEOUT) | IS(E_INTERRUPTED),
	[CALL_FD] = IS(OK),
	[CALL_NOTIFY] = IS(OK),
	[CALL_INTERRUPT] = IS(OK),
	[CALL_GROUP_OPEN] = IS(OK) | IS(E_INVALID),
	[CALL_GROUP_ADD] = IS(OK) | IS(E_INVALID) | IS(E_BUSY),
	[CALL_GROUP_REMOVE] = IS(OK) | IS(E_NOT_FOUND),
	[CALL_GROUP_NEXT] = IS(OK) | IS(E_NOT_FOUND),
	[CALL_GROUP_POLL] = IS(OK),
	[CALL_GROUP_WAIT] = IS(OK) | IS(E_TIMEOUT) | IS(E_INTERRUPTED),
	[CALL_GROUP_INTERRUPT] = IS(OK),
	[CALL_GROUP_STATS] = IS(OK),
	[CALL_SUB_CURSOR] = IS(OK),
	[CALL_SUB_STATS] = IS(OK),
	[CALL_SESSION_STATS] = IS(OK) | IS(E_NOT_FOUND),
	[CALL_LIST] = IS(OK) | IS(E_NOT_FOUND),
	[CALL_STORE_CLOSE] = IS(OK) | IS(E_BUSY),
	[CALL_BAD] = IS(E_INVALID),
};

static const char *const call_names[CALLS_COUNT] = {
#define CALL_NAME(name) #name,
	PROGRAM_CALLS(CALL_NAME)
#undef CALL_NAME
};

static const char *const mark_names[MARKS_COUNT] = {
#define MARK_NAME(name) #name,
	ENGINE_MARKS(MARK_NAME)
#undef MARK_NAME
};

unsigned int
coverage_report(const struct coverage *coverage, FILE *to)
{
	unsigned int missing = 0;

	for (int call = 0; call < CALLS_COUNT; call++) {
		if (coverage->calls[call] == 0) {
			fprintf(to, "never called: %s\n", call_names[call]);
			missing++;
		}
		for (int status = 0; status < STATUSES; status++) {
			const bool is_expected = (statuses_expected[call] >> status & 1) != 0;

			if (!is_expected || coverage->statuses[call][status] != 0)
				continue;
			fprintf(to, "never seen: %s answering %s\n", call_names[call],
				reprise_status_name((reprise_status)-status));
			missing++;
		}
	}
	for (int mark = 0; mark < MARKS_COUNT; mark++) {
		if (coverage->marks[mark] != 0)
			continue;
		fprintf(to, "never seen: %s\n", mark_names[mark]);
		missing++;
	}
	return missing;
}
