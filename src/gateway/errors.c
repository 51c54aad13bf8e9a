/* SPDX-License-Identifier: MIT */
#include "gateway/errors.h"

static const struct {
	int status;
	const char *code, *sentence;
} errors[] = {
#define ERROR_ROW(name, status, code, sentence) { (status), (code), (sentence) },
	ERROR_TABLE(ERROR_ROW)
#undef ERROR_ROW
};

int
error_http_status(enum error_code code)
{
	return errors[code].status;
}

const char *
error_code_text(enum error_code code)
{
	return errors[code].code;
}

const char *
error_sentence(enum error_code code)
{
	return errors[code].sentence;
}

enum error_code
error_of_status(reprise_status status)
{
	switch (status) {
	case REPRISE_E_INVALID:
		return ERROR_BAD_QUERY;
	case REPRISE_E_MALFORMED_CURSOR:
		return ERROR_MALFORMED_CURSOR;
	case REPRISE_E_WRONG_SESSION:
		return ERROR_WRONG_SESSION;
	case REPRISE_E_TOO_LARGE:
		return ERROR_TOO_LARGE;
	case REPRISE_E_CLOSED:
		return ERROR_SESSION_ENDED;
	case REPRISE_E_BUSY:
		return ERROR_SESSION_BUSY;
	case REPRISE_E_FULL:
		return ERROR_STORE_FULL;
	case REPRISE_E_NO_MEMORY:
		return ERROR_NO_MEMORY;
	case REPRISE_E_NOT_FOUND:
		return ERROR_UNKNOWN_SESSION;
	case REPRISE_E_CONFLICT:
	case REPRISE_E_STALE:
		return ERROR_TAKEN_OVER;
	case REPRISE_E_EXPIRED:
		return ERROR_INVALIDATED;
	case REPRISE_E_TIMEOUT:
	case REPRISE_E_ABORTED:
	case REPRISE_E_IO:
		return ERROR_LOG_UNAVAILABLE;
	case REPRISE_E_SYSTEM:
		return ERROR_NO_RESOURCES;
	case REPRISE_E_INTERRUPTED: /* the workers are gone */
	case REPRISE_E_FORKED:
		return ERROR_SHUTTING_DOWN;
	case REPRISE_OK:
	case REPRISE_E_EXISTS:
	case REPRISE_E_CORRUPT:
	case REPRISE_E_VERSION:
		break;
	}
	return ERROR_INTERNAL;
}
