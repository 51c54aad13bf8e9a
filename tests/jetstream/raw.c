/* SPDX-License-Identifier: MIT */
#include "raw.h"

#include <stdio.h>

#include "support.h"

static void
expect_done(natsStatus status, const char *what)
{
	cr_assert(eq(int, status, NATS_OK), "%s: %s", what, natsStatus_GetText(status));
}

struct raw
raw_open(const char *url)
{
	struct raw raw = { 0 };

	expect_done(natsConnection_ConnectTo(&raw.connection, url), "connect");
	expect_done(natsConnection_JetStream(&raw.js, raw.connection, NULL), "JetStream");
	return raw;
}

void
raw_close(struct raw *raw)
{
	jsCtx_Destroy(raw->js);
	natsConnection_Destroy(raw->connection);
	*raw = (struct raw){ 0 };
}

static void
set_header(natsMsg *message, const char *name, const char *value)
{
	if (value != NULL)
		expect_done(natsMsgHeader_Set(message, name, value), name);
}

uint64_t
raw_publish(const struct raw *raw, const char *subject, const struct raw_headers *headers,
	    struct reprise_bytes payload)
{
	natsMsg *message = NULL;
	jsPubAck *ack = NULL;

	expect_done(natsMsg_Create(&message, subject, NULL, payload.data, (int)payload.size),
		    subject);
	if (headers != NULL) {
		set_header(message, "Nats-Msg-Id", headers->message_id);
		set_header(message, "Reprise-Uid", headers->uid);
		set_header(message, "Reprise-Version", headers->version);
	}
	expect_done(js_PublishMsg(&ack, raw->js, message, NULL, NULL), subject);
	const uint64_t sequence = ack->Sequence;

	jsPubAck_Destroy(ack);
	natsMsg_Destroy(message);
	return sequence;
}

jsStreamInfo *
raw_info(const struct raw *raw, const char *stream)
{
	jsStreamInfo *info = NULL;

	expect_done(js_GetStreamInfo(&info, raw->js, stream, NULL, NULL), stream);
	return info;
}

struct raw_state
raw_state(const struct raw *raw, const char *stream)
{
	jsStreamInfo *const info = raw_info(raw, stream);
	const struct raw_state state = { .messages = info->State.Msgs,
					 .first = info->State.FirstSeq,
					 .last = info->State.LastSeq };

	jsStreamInfo_Destroy(info);
	return state;
}

static natsMsg *
message_of(const struct raw *raw, const char *stream, uint64_t sequence)
{
	natsMsg *message = NULL;

	return js_GetMsg(&message, raw->js, stream, sequence, NULL, NULL) == NATS_OK ? message
										     : NULL;
}

const char *
raw_header(const struct raw *raw, const char *stream, uint64_t sequence, const char *name)
{
	static char text[1024];
	natsMsg *const message = message_of(raw, stream, sequence);
	const char *value = NULL;
	const bool is_there =
		message != NULL && natsMsgHeader_Get(message, name, &value) == NATS_OK;

	if (is_there)
		snprintf(text, sizeof(text), "%s", value);
	natsMsg_Destroy(message);
	return is_there ? text : NULL;
}

const char *
raw_payload(const struct raw *raw, const char *stream, uint64_t sequence)
{
	static char text[65536];
	natsMsg *const message = message_of(raw, stream, sequence);

	if (message == NULL)
		return NULL;
	snprintf(text, sizeof(text), "%.*s", natsMsg_GetDataLength(message),
		 natsMsg_GetData(message));
	natsMsg_Destroy(message);
	return text;
}

void
raw_delete(const struct raw *raw, const char *stream, uint64_t sequence)
{
	expect_done(js_DeleteMsg(raw->js, stream, sequence, NULL, NULL), "delete");
}

void
raw_delete_stream(const struct raw *raw, const char *stream)
{
	expect_done(js_DeleteStream(raw->js, stream, NULL, NULL), stream);
}

void
raw_add_stream(const struct raw *raw, jsStreamConfig *settings)
{
	expect_done(js_AddStream(NULL, raw->js, settings, NULL, NULL), settings->Name);
}
