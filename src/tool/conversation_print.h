/* SPDX-License-Identifier: MIT */
#ifndef TOOL_CONVERSATION_PRINT_H
#define TOOL_CONVERSATION_PRINT_H

/* Prints conversations, for people and as JSON. */

#include <stdbool.h>

#include <reprise/conversation.h>

void conversation_print_heading(void);

/* Prints the counts of the messages in one line. */
void conversation_print_row(const struct reprise_conversation *conversation, bool is_json);

/* Prints the counts, then each message. */
void conversation_print(const struct reprise_conversation *conversation, bool is_json);

#endif /* TOOL_CONVERSATION_PRINT_H */
