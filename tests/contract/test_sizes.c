/* SPDX-License-Identifier: MIT */

/* Structs of older and newer programs, of a log and of a conversation over the log (rule X16). */

#include "sized_struct.h"

#include <reprise/conversation_upkeep.h>

#include "conversations.h"

static reprise_status
log_stats(void *stats, void *log)
{
	return reprise_log_stats(log, &k, stats, NULL);
}

static reprise_status
verify(void *report, void *log)
{
	return reprise_log_verify(log, &k, report, NULL);
}

Test(contract, X16_facts_of_a_log_are_written_into_a_struct_of_any_release)
{
	struct reprise_log *const log = contract_open();

	(void)append_count(log, &k, 3);
	EXPECT_SIZES_WRITTEN(reprise_log_stats, log_stats, log);
	EXPECT_SIZES_WRITTEN(reprise_log_report, verify, log);
	close_log(log);
}

static reprise_status
new_with(void *options, void *log)
{
	struct reprise_conversation *conversation = NULL;
	const reprise_status status =
		reprise_conversation_new(log, &k, options, &conversation, NULL);

	cr_assert(eq(int, conversation != NULL, status == REPRISE_OK));
	if (conversation != NULL)
		reprise_conversation_close(conversation);
	return status;
}

static reprise_status
find(void *info, void *conversation)
{
	return reprise_conversation_find(conversation, "m", info);
}

static reprise_status
snapshots(void *counts, void *conversation)
{
	return reprise_conversation_snapshots(conversation, counts);
}

static reprise_status
prune(void *pruned, void *log)
{
	static const struct reprise_log_retention retention = { .size = sizeof(retention),
								.entries_max = 1 };

	return reprise_log_prune(log, k.tenant, &retention, pruned, NULL);
}

static reprise_status
prune_within(void *retention, void *log)
{
	return reprise_log_prune(log, k.tenant, retention, NULL, NULL);
}

Test(contract, X16_retention_and_the_result_of_pruning_are_structs_of_any_release)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_retention retention = { .size = sizeof(retention),
							 .entries_max = 1 };

	(void)append_count(log, &k, 3);
	EXPECT_SIZES_READ(reprise_log_retention, &retention, prune_within, log);
	EXPECT_SIZES_WRITTEN(reprise_log_pruned, prune, log);
	close_log(log);
}

Test(contract, X16_a_result_of_a_bad_size_leaves_everything_as_it_was)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_retention retention = { .size = sizeof(retention),
							 .entries_max = 1,
							 .includes_direct = 1 };
	struct reprise_log_pruned pruned = { .size = sizeof(pruned) - 1 };
	struct reprise_log_stats stats = { .size = sizeof(stats) };

	(void)append_count(log, &k, 3);
	cr_assert(eq(int, reprise_log_prune(log, k.tenant, &retention, &pruned, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_log_stats(log, &k, &stats, NULL), REPRISE_OK));
	cr_assert(eq(u64, stats.watermark, 0));
	pruned.size = sizeof(pruned);
	cr_assert(eq(int, reprise_log_prune(log, k.tenant, &retention, &pruned, NULL), REPRISE_OK));
	cr_assert(eq(u64, pruned.ordinals, 2));
	close_log(log);
}

Test(contract, X16_a_conversation_takes_structs_of_any_release)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_conversation_options options = { .size = sizeof(options),
							      .snapshot_events = 9 };
	struct reprise_conversation *const conversation = new_conversation(log);

	expect_decision(conversation, "m", REPRISE_DECISION_START, 0);
	EXPECT_SIZES_READ(reprise_conversation_options, &options, new_with, log);
	EXPECT_SIZES_WRITTEN(reprise_message_info, find, conversation);
	EXPECT_SIZES_WRITTEN(reprise_conversation_snapshots, snapshots, conversation);
	reprise_conversation_close(conversation);
	close_log(log);
}
