/* SPDX-License-Identifier: MIT */
#ifndef CONTRACT_CONVERSATIONS_H
#define CONTRACT_CONVERSATIONS_H

/* Instances of the stream of ("t", "k"), for the tests of conversations (D03 to D06). */

#include <reprise/conversation.h>

#include "contract.h"

struct reprise_conversation *new_conversation(struct reprise_log *log);
struct reprise_conversation *recovered(struct reprise_log *log);

/* Receives the message. */
void expect_decision(struct reprise_conversation *conversation, const char *id,
		     reprise_decision_type type, uint32_t step);
void complete(struct reprise_conversation *conversation, const char *id, uint32_t step,
	      const char *output);
void finish(struct reprise_conversation *conversation, const char *id);
void expect_output(struct reprise_conversation *conversation, const char *id, uint32_t step,
		   const char *output);

#endif /* CONTRACT_CONVERSATIONS_H */
