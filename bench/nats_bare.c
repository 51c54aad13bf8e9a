/* SPDX-License-Identifier: MIT */
#include "nats_bare.h"

#include <inttypes.h>
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness.h"

enum {
	PATIENCE_MS = 30000,
	TEXT_BYTES = 64,
};

static const char subject[] = "bare.bench.deltas";

struct nats_bare {
	natsConnection *connection;
	jsCtx *stream;
};

static void
must(natsStatus status, const char *what)
{
	if (status == NATS_OK)
		return;
	fprintf(stderr, "bench: NATS: %s\n", natsStatus_GetText(status));
	harness_die(what);
}

static void
on_refused(jsCtx *stream, jsPubAckErr *error, void *closure)
{
	(void)stream;
	(void)closure;
	fprintf(stderr, "bench: NATS: %s\n", error->ErrText == NULL ? "refused" : error->ErrText);
	harness_die("the bare client was refused");
}

static void
make_stream(struct nats_bare *bare, int64_t max_bytes)
{
	const char *subjects[] = { "bare.*.deltas" };
	jsStreamConfig config;

	jsStreamConfig_Init(&config);
	config.Name = "BARE";
	config.Subjects = subjects;
	config.SubjectsLen = 1;
	config.Retention = js_WorkQueuePolicy;
	config.Storage = js_FileStorage;
	config.Discard = js_DiscardNew;
	config.MaxBytes = max_bytes;
	config.AllowDirect = true;
	must(js_AddStream(NULL, bare->stream, &config, NULL, NULL), "the bare stream is refused");
}

struct nats_bare *
nats_bare_open(const char *url, uint32_t window, int64_t max_bytes)
{
	struct nats_bare *const bare = harness_allocate(1, sizeof(*bare));
	jsOptions options;

	must(natsConnection_ConnectTo(&bare->connection, url), "the bare client cannot connect");
	must(jsOptions_Init(&options), "no options");
	options.PublishAsync.MaxPending = window;
	options.PublishAsync.StallWait = PATIENCE_MS;
	options.PublishAsync.ErrHandler = on_refused;
	must(natsConnection_JetStream(&bare->stream, bare->connection, &options), "no JetStream");
	make_stream(bare, max_bytes);
	return bare;
}

void
nats_bare_publish(struct nats_bare *bare, uint64_t ordinal, struct reprise_bytes payload)
{
	static const char uid[] = "0123456789abcdef0123456789abcdef";
	char id[TEXT_BYTES + sizeof(uid)], version[TEXT_BYTES];
	natsMsg *sent = NULL;

	snprintf(id, sizeof(id), "%s/%016" PRIx64 "%016" PRIx64, uid, ordinal,
		 ordinal * UINT64_C(0x9e3779b97f4a7c15));
	snprintf(version, sizeof(version), "%" PRIu64, ordinal);
	must(natsMsg_Create(&sent, subject, NULL, payload.data, (int)payload.size), "no memory");
	must(natsMsgHeader_Set(sent, "Nats-Msg-Id", id), "no memory");
	must(natsMsgHeader_Set(sent, "Reprise-Uid", uid), "no memory");
	must(natsMsgHeader_Set(sent, "Reprise-Version", version), "no memory");
	must(js_PublishMsgAsync(bare->stream, &sent, NULL), "the bare client cannot publish");
}

void
nats_bare_complete(struct nats_bare *bare)
{
	jsPubOptions options;

	must(jsPubOptions_Init(&options), "no options");
	options.MaxWait = PATIENCE_MS;
	must(js_PublishAsyncComplete(bare->stream, &options), "the bare client gets no acks");
}

uint64_t
nats_bare_empty(struct nats_bare *bare)
{
	jsStreamInfo *info = NULL;

	must(js_GetStreamInfo(&info, bare->stream, "BARE", NULL, NULL), "no stream");
	const uint64_t kept = info->State.Msgs;

	jsStreamInfo_Destroy(info);
	must(js_PurgeStream(bare->stream, "BARE", NULL, NULL), "the bare stream stays");
	return kept;
}

void
nats_bare_close(struct nats_bare *bare)
{
	jsCtx_Destroy(bare->stream);
	natsConnection_Destroy(bare->connection);
	free(bare);
}
