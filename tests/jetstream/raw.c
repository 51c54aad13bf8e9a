/* SPDX-License-Identifier: MIT */
#include "raw.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nats_folder.h"
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
		if (headers->other_name != NULL)
			set_header(message, headers->other_name, headers->other_value);
	}
	expect_done(js_PublishMsg(&ack, raw->js, message, NULL, NULL), subject);
	const uint64_t sequence = ack->Sequence;

	jsPubAck_Destroy(ack);
	natsMsg_Destroy(message);
	return sequence;
}

/* Until those bytes have come, or the test is over. */
static void
read_until(int one, const char *words)
{
	char text[8192] = "";
	size_t size = 0;

	while (strstr(text, words) == NULL) {
		const ssize_t more = recv(one, text + size, sizeof(text) - 1 - size, 0);

		cr_assert(gt(i64, more, 0), "\"%s\" instead of \"%s\"", text, words);
		size += (size_t)more;
		text[size] = '\0';
	}
}

void
raw_publish_block(const char *url, const char *subject, const char *block)
{
	const struct sockaddr_in address =
		nats_folder_address((int)strtol(strrchr(url, ':') + 1, NULL, 10));
	const struct timeval patience = { 20, 0 };
	const int one = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char text[1024];

	cr_assert(ge(int, one, 0));
	setsockopt(one, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	cr_assert(eq(int, connect(one, (const struct sockaddr *)&address, sizeof(address)), 0));
	read_until(one, "\r\n");
	const int size = snprintf(text, sizeof(text),
				  "CONNECT {\"verbose\":false,\"headers\":true}\r\n"
				  "HPUB %s %zu %zu\r\n%s\r\nPING\r\n",
				  subject, strlen(block), strlen(block), block);

	cr_assert(eq(i64, send(one, text, (size_t)size, MSG_NOSIGNAL), size));
	read_until(one, "PONG");
	close(one);
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
