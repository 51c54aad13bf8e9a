/* SPDX-License-Identifier: MIT */

/*
 * `reprise conversation`: recovers conversations from a log as a worker does, and prints the
 * messages. The command only reads the log.
 */

#include "tool/conversation_command.h"

#include <stdio.h>
#include <string.h>

#include <reprise/conversation.h>
#include <reprise/log_blob.h>

#include "tool/arguments.h"
#include "tool/conversation_print.h"
#include "tool/log_output.h"
#include "tool/log_request.h"

const char conversation_usage[] =
	"usage: reprise conversation ls   PLACE\n"
	"       reprise conversation show PLACE ID\n"
	"\n"
	"PLACE is --file PATH (SQLite) or --postgres CONNINFO [--schema NAME].\n"
	"\n"
	"ls    lists the conversations of a tenant: the number of events and of known messages,\n"
	"      and the number of messages in progress, finished, and with an error\n"
	"show  prints each message of a conversation: the time of receipt, the state, the last\n"
	"      step and the error\n"
	"\n"
	"  --tenant T  the tenant (default: \"default\")\n"
	"  --json      prints one JSON object per line; a number of 2^53 or more is a string\n"
	"\n"
	"Exit status: 0 success; 1 a conversation is damaged, or the command failed; 2 wrong\n"
	"arguments.\n";

/* The first bytes of every event of a conversation (rule D02). */
static const char magic[] = { 'L', 'C', 'E', '1' };

struct visiting {
	const struct log_request *request;
	struct reprise_log *log;
	struct reprise_log_page *page;
	bool is_good;
};

/*
 * Other programs may keep other streams in the log. A stream is a conversation if the key has the
 * blob of rule D06, or if the first event is an event of a conversation.
 */
static reprise_status
look_at_key(struct visiting *visiting, const struct reprise_log_key *key, bool *ret_is_conversation,
	    struct reprise_error *error)
{
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	const struct reprise_log_entry *entry;
	struct reprise_bytes horizons;
	size_t count;
	reprise_status status = reprise_log_stats(visiting->log, key, &stats, error);

	*ret_is_conversation = false;
	if (status != REPRISE_OK || stats.kind != REPRISE_LOG_DIRECT)
		return status;
	status = reprise_log_blob_get(visiting->log, key, "horizons", visiting->page, &horizons,
				      error);
	*ret_is_conversation = status == REPRISE_OK;
	if (status != REPRISE_E_NOT_FOUND)
		return status;
	status = reprise_log_load_after(visiting->log, key, stats.watermark, 1, 0, visiting->page,
					error);
	if (status != REPRISE_OK)
		return status;
	entry = reprise_log_page_entries(visiting->page, &count);
	*ret_is_conversation = count > 0 && entry->payload.size >= sizeof(magic) &&
			       memcmp(entry->payload.data, magic, sizeof(magic)) == 0;
	return REPRISE_OK;
}

static reprise_status
recover(struct reprise_log *log, const struct reprise_log_key *key,
	struct reprise_conversation **ret_conversation, struct reprise_error *error)
{
	reprise_status status = reprise_conversation_new(log, key, NULL, ret_conversation, error);

	if (status != REPRISE_OK)
		return status;
	status = reprise_conversation_recover(*ret_conversation, error);
	if (status != REPRISE_OK)
		reprise_conversation_close(*ret_conversation);
	return status;
}

static bool
list_one(const struct reprise_log_key *key, void *context)
{
	struct visiting *const visiting = context;
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_conversation *conversation = NULL;
	bool is_conversation;
	reprise_status status = look_at_key(visiting, key, &is_conversation, &error);

	if (status == REPRISE_OK && !is_conversation)
		return true;
	if (status == REPRISE_OK)
		status = recover(visiting->log, key, &conversation, &error);
	if (status != REPRISE_OK) {
		log_say_failure("conversation ls", key->thread, status, &error);
		visiting->is_good = false;
		return true;
	}
	conversation_print_row(conversation, visiting->request->is_json);
	reprise_conversation_close(conversation);
	return true;
}

static bool
list(const struct log_request *request, struct reprise_log *log)
{
	struct visiting visiting = { .request = request, .log = log, .is_good = true };
	struct reprise_error error = { .size = sizeof(error) };
	reprise_status status = reprise_log_page_open(&visiting.page);

	if (!request->is_json)
		conversation_print_heading();
	if (status == REPRISE_OK)
		status = reprise_log_each(log, request->tenant, list_one, &visiting, &error);
	reprise_log_page_close(visiting.page);
	if (status == REPRISE_OK)
		return visiting.is_good;
	log_say_failure("conversation ls", NULL, status, &error);
	return false;
}

static bool
show(const struct log_request *request, struct reprise_log *log)
{
	const struct reprise_log_key key = { request->tenant, request->threads[0] };
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_conversation *conversation = NULL;
	/* For a worker a missing conversation is empty. For this command the id is a mistake. */
	reprise_status status = reprise_log_stats(log, &key, &stats, &error);

	if (status == REPRISE_OK)
		status = recover(log, &key, &conversation, &error);
	if (status != REPRISE_OK) {
		log_say_failure("conversation show", key.thread, status, &error);
		return false;
	}
	conversation_print(conversation, request->is_json);
	reprise_conversation_close(conversation);
	return true;
}

int
conversation_command(int argc, char **argv)
{
	struct log_request request;
	struct reprise_log *log = NULL;
	struct reprise_error error = { .size = sizeof(error) };

	if (!log_request_parse(argc, argv, &request)) {
		fputs("Run 'reprise conversation --help' for the arguments.\n", stderr);
		return EXIT_USAGE;
	}
	log_output_begin();
	const reprise_status status = log_place_open(&request.place, LOG_ACCESS_READ, &log, &error);

	if (status != REPRISE_OK) {
		log_say_failure(request.name, NULL, status, &error);
		return 1;
	}
	const bool is_good = request.verb == LOG_VERB_CONVERSATION_LS ? list(&request, log)
								      : show(&request, log);

	reprise_log_close(log);
	return log_output_end(is_good ? 0 : 1);
}
