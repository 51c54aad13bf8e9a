/* SPDX-License-Identifier: MIT */
#include "jetstream/request.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "jetstream/failure.h"

enum {
	API_ROOM = 64 + DEAD_NAME_ROOM,
};

reprise_status
request_send(struct reprise_jetstream *writer, natsMsg *message, uint64_t due_ns,
	     natsMsg **ret_reply, struct reprise_error *error)
{
	const int64_t left_ms = ms_until(due_ns);

	if (load_acquire(&writer->is_connected) == 0)
		return failure_tell_away(error);
	if (left_ms == 0)
		return failure_tell(NATS_TIMEOUT, error);
	const natsStatus status =
		natsConnection_RequestMsg(ret_reply, writer->connection, message, left_ms);

	return status == NATS_OK ? REPRISE_OK : failure_tell(status, error);
}

reprise_status
request_ask(struct reprise_jetstream *writer, const char *what, const char *json, uint64_t due_ns,
	    natsMsg **ret_reply, struct answer *ret_answer, struct reprise_error *error)
{
	char subject[API_ROOM];
	natsMsg *message = NULL;

	snprintf(subject, sizeof(subject), "$JS.API.%s", what);
	const natsStatus made = natsMsg_Create(&message, subject, NULL, json, (int)strlen(json));

	if (made != NATS_OK)
		return failure_tell(made, error);
	const reprise_status status = request_send(writer, message, due_ns, ret_reply, error);

	natsMsg_Destroy(message);
	if (status != REPRISE_OK)
		return status;
	answer_read(payload_of(*ret_reply), ret_answer);
	if (ret_answer->is_whole)
		return REPRISE_OK;
	natsMsg_Destroy(*ret_reply);
	return failure_tell_garbled("the answer is not JSON", error);
}

void
request_quote(const char *subject, char ret_quoted[static 2 * SUBJECT_ROOM])
{
	size_t at = 0;

	ret_quoted[at++] = '"';
	for (; *subject != '\0'; subject++) {
		if (*subject == '"' || *subject == '\\')
			ret_quoted[at++] = '\\';
		ret_quoted[at++] = *subject;
	}
	ret_quoted[at++] = '"';
	ret_quoted[at] = '\0';
}

/* Asks @what of @stream, and frees the answer. */
static reprise_status
ask_shortly(struct reprise_jetstream *writer, const char *what, const char *stream,
	    const char *json, const char *path, uint64_t due_ns, uint64_t *ret_number,
	    struct answer *ret_answer, struct reprise_error *error)
{
	char subject[API_ROOM];
	natsMsg *reply = NULL;

	snprintf(subject, sizeof(subject), "%s.%s", what, stream);
	reprise_status status =
		request_ask(writer, subject, json, due_ns, &reply, ret_answer, error);

	if (status != REPRISE_OK)
		return status;
	if (ret_answer->code == 0 && path != NULL &&
	    !answer_number(payload_of(reply), path, ret_number))
		status = failure_tell_garbled("a number is missing in the answer", error);
	natsMsg_Destroy(reply);
	return status;
}

reprise_status
request_last_sequence(struct reprise_jetstream *writer, const char *subject, uint64_t due_ns,
		      uint64_t *ret_sequence, struct reprise_error *error)
{
	char json[REQUEST_ROOM], quoted[2 * SUBJECT_ROOM];
	struct answer answer = { 0 };

	request_quote(subject, quoted);
	snprintf(json, sizeof(json), "{\"last_by_subj\":%s}", quoted);
	*ret_sequence = 0;
	const reprise_status status =
		ask_shortly(writer, "STREAM.MSG.GET", writer->settings.stream, json, "message.seq",
			    due_ns, ret_sequence, &answer, error);

	if (status != REPRISE_OK || answer.code == 0 || answer.code == JSNoMessageFoundErr)
		return status;
	return failure_tell_refusal(&answer, error);
}

reprise_status
request_newest(struct reprise_jetstream *writer, uint64_t due_ns, uint64_t *ret_sequence,
	       struct reprise_error *error)
{
	struct answer answer = { 0 };
	const reprise_status status =
		ask_shortly(writer, "STREAM.INFO", writer->settings.stream, "", "state.last_seq",
			    due_ns, ret_sequence, &answer, error);

	return status != REPRISE_OK || answer.code == 0 ? status
							: failure_tell_refusal(&answer, error);
}

reprise_status
request_purge(struct reprise_jetstream *writer, const char *subject, uint64_t before,
	      uint64_t due_ns, struct reprise_error *error)
{
	char json[REQUEST_ROOM], quoted[2 * SUBJECT_ROOM];
	struct answer answer = { 0 };

	/* Without a sequence, or with 1, the server would purge the whole subject. */
	if (before <= 1)
		return REPRISE_OK;
	request_quote(subject, quoted);
	snprintf(json, sizeof(json), "{\"filter\":%s,\"seq\":%llu}", quoted,
		 (unsigned long long)before);
	const reprise_status status = ask_shortly(writer, "STREAM.PURGE", writer->settings.stream,
						  json, NULL, due_ns, NULL, &answer, error);

	return status != REPRISE_OK || answer.code == 0 ? status
							: failure_tell_refusal(&answer, error);
}

reprise_status
request_drop(struct reprise_jetstream *writer, const char *stream, uint64_t sequence,
	     uint64_t due_ns, struct reprise_error *error)
{
	char json[REQUEST_ROOM];
	struct answer answer = { 0 };

	snprintf(json, sizeof(json), "{\"seq\":%llu,\"no_erase\":true}",
		 (unsigned long long)sequence);
	const reprise_status status = ask_shortly(writer, "STREAM.MSG.DELETE", stream, json, NULL,
						  due_ns, NULL, &answer, error);

	if (status != REPRISE_OK || answer.code == 0)
		return status;
	switch ((int)answer.code) {
	case JSNoMessageFoundErr:
	case JSSequenceNotFoundErr:
	case JSStreamMsgDeleteFailed:
		return error_detailed(error, REPRISE_E_NOT_FOUND, "sequence", answer.words);
	default:
		return failure_tell_refusal(&answer, error);
	}
}
