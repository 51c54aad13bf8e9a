/* SPDX-License-Identifier: MIT */
#include "jetstream/failure.h"

#include <string.h>

#include "base/error.h"

reprise_status
failure_tell(natsStatus status, struct reprise_error *error)
{
	switch ((int)status) {
	case NATS_NO_MEMORY:
		return error_plain(error, REPRISE_E_NO_MEMORY);
	case NATS_MAX_PAYLOAD:
		return error_detailed(error, REPRISE_E_TOO_LARGE, "delta",
				      natsStatus_GetText(status));
	case NATS_NO_RESPONDERS:
		return error_detailed(error, REPRISE_E_IO, "server",
				      "the server has no JetStream, or no such stream");
	case NATS_TIMEOUT:
		return error_detailed(error, REPRISE_E_IO, "server",
				      "the server did not answer within the deadline");
	case NATS_INSUFFICIENT_BUFFER:
		return failure_tell_away(error);
	default:
		return error_detailed(error, REPRISE_E_IO, "connection",
				      natsStatus_GetText(status));
	}
}

reprise_status
failure_tell_refusal(const struct answer *answer, struct reprise_error *error)
{
	switch ((int)answer->code) {
	case JSStreamStoreFailedErr:
		/*
		 * The code stands for each failure to store; the words are those of a limit
		 * that is reached.
		 */
		if (strncmp(answer->words, "maximum ", strlen("maximum ")) != 0)
			break;
		return error_detailed(error, REPRISE_E_FULL, "max_bytes", answer->words);
	case JSAccountResourcesExceededErr:
	case JSInsufficientResourcesErr:
	case JSMemoryResourcesExceededErr:
	case JSStorageResourcesExceededErr:
		return error_detailed(error, REPRISE_E_FULL, "server", answer->words);
	case JSStreamMessageExceedsMaximumErr:
		return error_detailed(error, REPRISE_E_TOO_LARGE, "delta", answer->words);
	default:
		break;
	}
	return error_detailed(error, REPRISE_E_IO, "server", answer->words);
}

reprise_status
failure_tell_garbled(const char *words, struct reprise_error *error)
{
	return error_detailed(error, REPRISE_E_IO, "server", words);
}

reprise_status
failure_tell_away(struct reprise_error *error)
{
	return error_detailed(error, REPRISE_E_IO, "connection", "no connection to a server");
}

const char *
failure_words(natsStatus status)
{
	const char *const words = nats_GetLastError(NULL);
	const char *const place_end =
		words != NULL && words[0] == '(' ? strstr(words, "): ") : NULL;

	if (words == NULL || words[0] == '\0')
		return natsStatus_GetText(status);
	return place_end == NULL ? words : place_end + strlen("): ");
}
