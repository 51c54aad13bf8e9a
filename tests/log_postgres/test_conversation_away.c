/* SPDX-License-Identifier: MIT */
/* A conversation whose server is away, or whose commit gets no answer (D05). */
#include <reprise/conversation.h>

#include "proxy.h"
#include "server.h"

SUITE(conversation_away);

static const struct reprise_log_key key = { "acme", "chat" };

static struct reprise_conversation *
recovered(struct reprise_log *log)
{
	struct reprise_conversation *conversation = NULL;

	cr_assert(eq(int, reprise_conversation_new(log, &key, NULL, &conversation, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_conversation_recover(conversation, NULL), REPRISE_OK));
	return conversation;
}

static reprise_status
finish(struct reprise_conversation *conversation)
{
	return reprise_conversation_record_processing_finished(conversation, "m", NULL);
}

/* "m" was received, and nothing else is known. */
static void
expect_received(struct reprise_conversation *conversation)
{
	struct reprise_message_info info = { .size = sizeof(info) };

	cr_assert(eq(u64, reprise_conversation_expected_sequence(conversation), 1));
	cr_assert(eq(int, reprise_conversation_find(conversation, "m", &info), REPRISE_OK));
	cr_assert(eq(int, info.is_finished, 0));
}

Test(conversation_away, D05_while_the_server_is_away_the_state_stays_and_the_instance_is_stale)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "away");
	struct reprise_log *const log = opened(&options);
	struct reprise_conversation *const conversation = recovered(log);
	struct reprise_decision decision;

	cr_assert(eq(int,
		     reprise_conversation_receive_message(conversation, "m", 1, &decision, NULL),
		     REPRISE_OK));
	control("--kill");
	cr_assert(eq(int, finish(conversation), REPRISE_E_IO));
	expect_received(conversation);
	cr_assert(eq(int, finish(conversation), REPRISE_E_STALE));
	cr_assert(eq(int, reprise_conversation_recover(conversation, NULL), REPRISE_E_IO));
	expect_received(conversation);
	/* The instance still answers from its state. */
	cr_assert(eq(int,
		     reprise_conversation_receive_message(conversation, "m", 1, &decision, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, decision.type, REPRISE_DECISION_RESUME_FROM));
	control("--start");
	cr_assert(eq(int, reprise_conversation_recover(conversation, NULL), REPRISE_OK));
	cr_assert(eq(int, finish(conversation), REPRISE_OK));
	cr_assert(eq(u64, head_of(log, key.tenant, key.thread), 2));
	reprise_conversation_close(conversation);
	reprise_log_close(log);
	expect_no_leaks();
}

/* The event is in the log or not: after a recovery the instance knows. */
static void
expect_known_after_cut(enum proxy_cut cut, const char *schema, uint64_t head)
{
	struct reprise_log_postgres_options options = options_of(NULL, schema);
	struct reprise_decision decision;
	struct proxy proxy;

	proxy_open(&proxy);
	options.connection = proxy.connection;
	struct reprise_log *const log = opened(&options);
	struct reprise_conversation *const conversation = recovered(log);

	cr_assert(eq(int,
		     reprise_conversation_receive_message(conversation, "m", 1, &decision, NULL),
		     REPRISE_OK));
	proxy_cut(&proxy, cut);
	cr_assert(eq(int, finish(conversation), REPRISE_E_IO));
	expect_received(conversation);
	cr_assert(reprise_conversation_is_stale(conversation));
	cr_assert(eq(int, reprise_conversation_recover(conversation, NULL), REPRISE_OK));
	cr_assert(eq(u64, reprise_conversation_expected_sequence(conversation), head));
	cr_assert(eq(int,
		     reprise_conversation_receive_message(conversation, "m", 1, &decision, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, decision.type,
		     head == 2 ? REPRISE_DECISION_SKIP : REPRISE_DECISION_RESUME_FROM));
	cr_assert(eq(int, finish(conversation), REPRISE_OK));
	reprise_conversation_close(conversation);
	reprise_log_close(log);
	proxy_close(&proxy);
	expect_no_leaks();
}

Test(conversation_away, D05_a_commit_without_an_answer_is_known_after_a_recovery)
{
	expect_known_after_cut(CUT_AFTER_COMMIT, "away_after", 2);
	expect_known_after_cut(CUT_BEFORE_COMMIT, "away_before", 1);
}
