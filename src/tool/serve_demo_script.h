/* SPDX-License-Identifier: MIT */
#ifndef TOOL_SERVE_DEMO_SCRIPT_H
#define TOOL_SERVE_DEMO_SCRIPT_H

/*
 * Scripts for sessions of `reprise demo --serve`, in the forms of two vendors: "chat" has chunks of
 * OpenAI's chat completions, "agent" has the stream of Anthropic's API. A script is a list of
 * parts, and each part becomes one event or several events.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	KIND_TOKEN = 1,
	KIND_RUN = 2, /* the begin of a run, of a question or of an answer */
	KIND_THINKING = 3,
	KIND_TOOL_USE = 4,
	KIND_TOOL_RESULT = 5,
	KIND_COMMIT = 6,
	KIND_STOP = 7, /* the end of a block or of an answer */
};

/* Waits are counted in eighths of a tick. --rate is the number of ticks a second. */
enum {
	WAITS_PER_TICK = 8,
	SCRIPT_EVENT_ROOM = 1024,
};

enum script_part {
	PART_ASK,    /* a question of the user */
	PART_OPEN,   /* an answer of the model begins */
	PART_THINK,  /* a block of the answer */
	PART_SAY,    /* a block of the answer */
	PART_USE,    /* a block of the answer: the input of a tool */
	PART_RESULT, /* a block of the answer: the result of the tool */
	PART_PAUSE,  /* the answer ends, and the run goes on */
	PART_STOP,   /* the answer and the run end */
	PART_COMMIT, /* the turn is saved: the revision rises with the next turn */
	PART_FAIL,   /* an error */
	PART_END,    /* the session ends */
	PART_REST,   /* no event */
};

struct script_line {
	enum script_part part;
	uint32_t wait;    /* before the part */
	uint32_t pace;    /* between two pieces of the part */
	const char *text; /* NULL: none */
	const char *tool; /* PART_USE: the name */
	int32_t status;   /* PART_END */
};

struct script {
	const char *session_id;
	bool is_anthropic; /* false: OpenAI's form */
	const struct script_line *lines;
	size_t lines_count;
};

/* A zeroed place with a script is the begin of the script. */
struct script_place {
	const struct script *script;
	size_t line;
	bool has_begun, has_head, has_tail; /* of the line */
	size_t offset;                      /* in the line's text */
	uint64_t answers, blocks, tools;
	uint64_t turns; /* the revision of the turn, less 1 */
};

struct script_event {
	uint32_t wait; /* before the event */
	bool has_text;
	bool ends_session; /* with @status, in the place of an event */
	int32_t status;
	uint16_t kind;
	uint16_t flags;
	uint64_t revision;
	char text[SCRIPT_EVENT_ROOM];
};

/* Takes the next event of the script. Behind the last line the first line follows. */
void script_next(struct script_place *place, struct script_event *ret_event);

extern const struct script demo_scripts[];
extern const size_t demo_scripts_count;

#endif /* TOOL_SERVE_DEMO_SCRIPT_H */
