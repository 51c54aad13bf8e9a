/* SPDX-License-Identifier: MIT */
#include "jetstream/stream.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/numbers.h"
#include "jetstream/failure.h"

/* The server's memory of message ids, which only saves work. */
#define DUPLICATES_NS (UINT64_C(120) * 1000000000)

enum {
	PATTERN_ROOM = NAME_ROOM + 16,
	MADE_TRIES = 10,
	MADE_POLL_NS = 20000000,
};

struct wanted {
	const char *name;
	char pattern[PATTERN_ROOM];
	const char *subjects[1];
	jsStreamConfig config;
};

static void
fill(struct wanted *wanted, const struct settings *settings)
{
	jsStreamConfig *const config = &wanted->config;

	(void)jsStreamConfig_Init(config);
	wanted->subjects[0] = wanted->pattern;
	config->Name = wanted->name;
	config->Subjects = wanted->subjects;
	config->SubjectsLen = 1;
	config->Storage = js_FileStorage;
	config->Discard = js_DiscardNew;
	config->MaxBytes = (int64_t)settings->max_bytes;
	config->Replicas = settings->replicas;
}

static void
want_deltas(struct wanted *wanted, const struct settings *settings)
{
	wanted->name = settings->stream;
	snprintf(wanted->pattern, sizeof(wanted->pattern), "%s.*.deltas", settings->subject);
	fill(wanted, settings);
	wanted->config.Retention = js_WorkQueuePolicy;
	wanted->config.MaxAge = (int64_t)settings->max_age_ns;
	wanted->config.Duplicates =
		(int64_t)(settings->max_age_ns == 0 ? DUPLICATES_NS
						    : least(DUPLICATES_NS, settings->max_age_ns));
}

static void
want_dead(struct wanted *wanted, const struct settings *settings)
{
	wanted->name = settings->dead_stream;
	snprintf(wanted->pattern, sizeof(wanted->pattern), "%s-dead.*", settings->subject);
	fill(wanted, settings);
	wanted->config.Retention = js_LimitsPolicy;
	wanted->config.Duplicates = (int64_t)DUPLICATES_NS;
}

static bool
is_number(char *ret_words, size_t room, const char *setting, int64_t there, int64_t wanted)
{
	if (there == wanted)
		return true;
	snprintf(ret_words, room, "%s is %lld, not %lld", setting, (long long)there,
		 (long long)wanted);
	return false;
}

/* The first setting that differs, in words; false: none does. */
static bool
find_difference(const struct wanted *wanted, const jsStreamConfig *there, char *ret_words,
		size_t room)
{
	const jsStreamConfig *const config = &wanted->config;

	if (there->SubjectsLen != 1 || strcmp(there->Subjects[0], wanted->pattern) != 0) {
		snprintf(ret_words, room, "subjects are not \"%s\" alone", wanted->pattern);
		return true;
	}
	return !is_number(ret_words, room, "retention", there->Retention, config->Retention) ||
	       !is_number(ret_words, room, "storage", there->Storage, config->Storage) ||
	       !is_number(ret_words, room, "discard", there->Discard, config->Discard) ||
	       !is_number(ret_words, room, "max_bytes", there->MaxBytes, config->MaxBytes) ||
	       !is_number(ret_words, room, "max_age", there->MaxAge, config->MaxAge) ||
	       !is_number(ret_words, room, "num_replicas", there->Replicas, config->Replicas) ||
	       !is_number(ret_words, room, "duplicate_window", there->Duplicates,
			  config->Duplicates) ||
	       !is_number(ret_words, room, "max_msgs", there->MaxMsgs, -1) ||
	       !is_number(ret_words, room, "max_consumers", there->MaxConsumers, -1) ||
	       !is_number(ret_words, room, "allow_rollup_hdrs", there->AllowRollup, false) ||
	       !is_number(ret_words, room, "republish", there->RePublish != NULL, false) ||
	       !is_number(ret_words, room, "discard_new_per_subject", there->DiscardNewPerSubject,
			  false) ||
	       !is_number(ret_words, room, "max_msgs_per_subject", there->MaxMsgsPerSubject, -1) ||
	       !is_number(ret_words, room, "max_msg_size", there->MaxMsgSize, -1) ||
	       !is_number(ret_words, room, "sealed", there->Sealed, false) ||
	       !is_number(ret_words, room, "deny_delete", there->DenyDelete, false) ||
	       !is_number(ret_words, room, "deny_purge", there->DenyPurge, false) ||
	       !is_number(ret_words, room, "no_ack", there->NoAck, false) ||
	       !is_number(ret_words, room, "mirror", there->Mirror != NULL, false) ||
	       !is_number(ret_words, room, "sources", there->SourcesLen, 0);
}

static reprise_status
compare(const struct wanted *wanted, const jsStreamInfo *info, struct reprise_error *error)
{
	char words[REPRISE_ERROR_DETAIL_BYTES];

	return find_difference(wanted, info->Config, words, sizeof(words))
		       ? error_detailed(error, REPRISE_E_EXISTS, wanted->name, words)
		       : REPRISE_OK;
}

static reprise_status
tell(natsStatus status, jsErrCode code, struct reprise_error *error)
{
	if (status == NATS_TIMEOUT)
		return error_detailed(error, REPRISE_E_TIMEOUT, "server",
				      "the server did not answer within the deadline");
	if (code == 0)
		return failure_tell(status, error);
	return error_detailed(error, REPRISE_E_IO, "server", failure_words(status));
}

/*
 * Another writer was faster: the server says so by the name, or, while it is still at it,
 * by the subjects.
 */
static natsStatus
find_made(jsStreamInfo **ret_info, jsCtx *context, const struct wanted *wanted, jsOptions *options,
	  jsErrCode *code)
{
	const struct timespec pause = { 0, MADE_POLL_NS };
	const jsErrCode refused = *code;
	natsStatus status = NATS_NOT_FOUND;
	bool is_missing = true;

	for (int i = 0; i < MADE_TRIES && is_missing; i++) {
		if (i > 0)
			nanosleep(&pause, NULL);
		*code = 0;
		status = js_GetStreamInfo(ret_info, context, wanted->name, options, code);
		is_missing = status == NATS_NOT_FOUND || *code == JSStreamNotFoundErr;
	}
	if (is_missing)
		*code = refused;
	return status;
}

static reprise_status
set_up(jsCtx *context, struct wanted *wanted, uint64_t due_ns, struct reprise_error *error)
{
	jsStreamInfo *info = NULL;
	jsOptions options;
	jsErrCode code = 0;

	(void)jsOptions_Init(&options);
	options.Wait = (int64_t)greatest(1, (uint64_t)ms_until(due_ns));
	natsStatus status = js_GetStreamInfo(&info, context, wanted->name, &options, &code);

	if (status == NATS_NOT_FOUND || code == JSStreamNotFoundErr) {
		options.Wait = (int64_t)greatest(1, (uint64_t)ms_until(due_ns));
		code = 0;
		status = js_AddStream(&info, context, &wanted->config, &options, &code);
		if (code == JSStreamNameExistErr || code == JSStreamSubjectOverlapErr)
			status = find_made(&info, context, wanted, &options, &code);
	}
	if (code == JSStreamSubjectOverlapErr)
		return error_detailed(error, REPRISE_E_EXISTS, wanted->name,
				      "another stream has the same subjects");
	if (status != NATS_OK)
		return tell(status, code, error);
	const reprise_status compared = compare(wanted, info, error);

	jsStreamInfo_Destroy(info);
	return compared;
}

reprise_status
streams_set_up(struct reprise_jetstream *writer, uint64_t due_ns, struct reprise_error *error)
{
	struct wanted deltas, dead;
	jsCtx *context = NULL;
	const natsStatus made = natsConnection_JetStream(&context, writer->connection, NULL);

	if (made != NATS_OK)
		return failure_tell(made, error);
	want_deltas(&deltas, &writer->settings);
	want_dead(&dead, &writer->settings);
	reprise_status status = set_up(context, &deltas, due_ns, error);

	if (status == REPRISE_OK)
		status = set_up(context, &dead, due_ns, error);
	jsCtx_Destroy(context);
	return status;
}
