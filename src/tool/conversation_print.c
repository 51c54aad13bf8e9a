/* SPDX-License-Identifier: MIT */
#include "tool/conversation_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <reprise/conversation_upkeep.h>

#include "tool/log_text.h"

struct counts {
	uint64_t messages;
	uint64_t in_progress, finished, with_error;
};

/*
 * Sets the number of events in each snapshot, the newest snapshot first. Returns the number of
 * snapshots.
 */
static size_t
snapshots_of(const struct reprise_conversation *conversation, uint64_t ret_events[2])
{
	struct reprise_conversation_snapshots snapshots = { .size = sizeof(snapshots) };

	(void)!reprise_conversation_snapshots(conversation, &snapshots);
	ret_events[0] = snapshots.newest;
	ret_events[1] = snapshots.older;
	return (size_t)(snapshots.newest != 0) + (snapshots.older != 0);
}

static bool
count_one(const struct reprise_message_info *info, void *context)
{
	struct counts *const counts = context;

	counts->messages++;
	counts->in_progress += info->is_in_progress != 0;
	counts->finished += info->is_finished != 0;
	counts->with_error += info->has_error != 0;
	return true;
}

static struct counts
count(const struct reprise_conversation *conversation)
{
	struct counts counts = { 0 };

	reprise_conversation_each(conversation, count_one, &counts);
	return counts;
}

static void
print_counts_object(const struct reprise_conversation *conversation)
{
	const char *const id = reprise_conversation_id(conversation);
	const struct counts counts = count(conversation);
	uint64_t events[2];

	(void)snapshots_of(conversation, events);
	printf("{\"conversation\":");
	log_text_json(stdout, id, strlen(id));
	log_text_member(stdout, "expected_sequence",
			reprise_conversation_expected_sequence(conversation));
	log_text_member(stdout, "messages", counts.messages);
	log_text_member(stdout, "in_progress", counts.in_progress);
	log_text_member(stdout, "finished", counts.finished);
	log_text_member(stdout, "with_error", counts.with_error);
	log_text_member(stdout, "newest_snapshot", events[0]);
	log_text_member(stdout, "older_snapshot", events[1]);
	printf("}\n");
}

static void
print_escaped(const char *text)
{
	log_text_escaped(stdout, text, strlen(text), SIZE_MAX);
}

void
conversation_print_heading(void)
{
	printf("%12s  %12s  %12s  %12s  %12s  %s\n", "events", "messages", "in progress",
	       "finished", "with error", "conversation");
}

void
conversation_print_row(const struct reprise_conversation *conversation, bool is_json)
{
	if (is_json) {
		print_counts_object(conversation);
		return;
	}
	const struct counts counts = count(conversation);

	printf("%12" PRIu64 "  %12" PRIu64 "  %12" PRIu64 "  %12" PRIu64 "  %12" PRIu64 "  ",
	       reprise_conversation_expected_sequence(conversation), counts.messages,
	       counts.in_progress, counts.finished, counts.with_error);
	print_escaped(reprise_conversation_id(conversation));
	putchar('\n');
}

static const char *
state_name(const struct reprise_message_info *info)
{
	if (info->is_finished)
		return "finished";
	if (info->is_in_progress)
		return "in progress";
	if (info->has_error)
		return "failed";
	return info->is_received ? "received" : "unknown";
}

static bool
print_object(const struct reprise_message_info *info, void *context)
{
	(void)context;
	printf("{\"message\":");
	log_text_json(stdout, info->id, strlen(info->id));
	printf(",\"state\":\"%s\"", state_name(info));
	if (info->is_received)
		log_text_member(stdout, "received_at_ms", info->received_at_ms);
	else
		printf(",\"received_at_ms\":null");
	if (info->has_steps)
		log_text_member(stdout, "last_step", info->last_step);
	else
		printf(",\"last_step\":null");
	printf(",\"error\":");
	if (info->has_error)
		log_text_json(stdout, info->error, info->error_bytes);
	else
		printf("null");
	printf("}\n");
	return true;
}

static bool
print_row(const struct reprise_message_info *info, void *context)
{
	static const uint64_t ns_per_ms = 1000000;
	char time[32] = "-", step[16] = "-";

	(void)context;
	/* A worker may record any time. A time beyond the calendar is printed as a number. */
	if (info->is_received && info->received_at_ms > UINT64_MAX / ns_per_ms)
		snprintf(time, sizeof(time), "%" PRIu64 " ms", info->received_at_ms);
	else if (info->is_received)
		log_text_time(time, sizeof(time), info->received_at_ms * ns_per_ms, ' ', 3);
	if (info->has_steps)
		snprintf(step, sizeof(step), "%" PRIu32, info->last_step);
	printf("%-23s  %-11s  %10s  ", time, state_name(info), step);
	print_escaped(info->id);
	if (info->has_error) {
		printf(": ");
		log_text_escaped(stdout, info->error, info->error_bytes, SIZE_MAX);
	}
	putchar('\n');
	return true;
}

void
conversation_print(const struct reprise_conversation *conversation, bool is_json)
{
	if (is_json) {
		print_counts_object(conversation);
		reprise_conversation_each(conversation, print_object, NULL);
		return;
	}
	const struct counts counts = count(conversation);
	uint64_t events[2];
	const size_t snapshots = snapshots_of(conversation, events);

	print_escaped(reprise_conversation_id(conversation));
	printf(": %" PRIu64 " events; %" PRIu64 " messages: %" PRIu64 " in progress, %" PRIu64
	       " finished, %" PRIu64 " with an error\n",
	       reprise_conversation_expected_sequence(conversation), counts.messages,
	       counts.in_progress, counts.finished, counts.with_error);
	for (size_t i = 0; i < snapshots; i++)
		printf("%s snapshot covers %" PRIu64 " events\n",
		       i == 0 ? "the newest" : "the older", events[i]);
	putchar('\n');
	printf("%-23s  %-11s  %10s  %s\n", "received", "state", "last step", "message");
	reprise_conversation_each(conversation, print_row, NULL);
}
