/* SPDX-License-Identifier: MIT */

/*
 * The events of a script. Each part of a script has a head, pieces and a tail, as templates of
 * JSON. A NULL template makes no event. A template has marks for the values of the moment:
 *
 *   ^  the text of the piece      ~  the name of the tool        #  the number of the block
 *   $  the number of the answer   %  the number of the tool use  @  the revision
 */

#include "tool/serve_demo_script.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <reprise/writer.h>

enum {
	NUMBER_ROOM = 24,
	JSON_PIECE_BYTES = 9, /* of the input of a tool */
};

struct shape {
	uint16_t kind;      /* of the pieces */
	uint16_t edge_kind; /* of the head and the tail */
	const char *head, *piece, *tail;
	bool is_whole; /* the text is one piece */
};

#define CHUNK(choice)                                                                     \
	"{\"id\":\"chatcmpl-$\",\"object\":\"chat.completion.chunk\",\"model\":\"demo\"," \
	"\"choices\":[{\"index\":0," choice "}]}"
#define BLOCK_STOP "{\"type\":\"content_block_stop\",\"index\":#}"

static const struct shape openai_shapes[] = {
	[PART_ASK] = { .kind = KIND_RUN,
		       .piece = "{\"role\":\"user\",\"content\":\"^\"}",
		       .is_whole = true },
	[PART_OPEN] = { .edge_kind = KIND_RUN,
			.head = CHUNK("\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
				      "\"finish_reason\":null") },
	[PART_SAY] = { .kind = KIND_TOKEN,
		       .piece = CHUNK("\"delta\":{\"content\":\"^\"},\"finish_reason\":null") },
	[PART_STOP] = { .edge_kind = KIND_STOP,
			.head = CHUNK("\"delta\":{},\"finish_reason\":\"stop\"") },
	[PART_REST] = { 0 },
};

static const struct shape anthropic_shapes[] = {
	[PART_ASK] = { .kind = KIND_RUN,
		       .piece = "{\"role\":\"user\",\"content\":\"^\"}",
		       .is_whole = true },
	[PART_OPEN] = { .edge_kind = KIND_RUN,
			.head = "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_$\","
				"\"type\":\"message\",\"role\":\"assistant\",\"model\":\"demo\","
				"\"content\":[],\"stop_reason\":null}}" },
	[PART_THINK] = { .kind = KIND_THINKING,
			 .edge_kind = KIND_THINKING,
			 .head = "{\"type\":\"content_block_start\",\"index\":#,"
				 "\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\"}}",
			 .piece = "{\"type\":\"content_block_delta\",\"index\":#,\"delta\":"
				  "{\"type\":\"thinking_delta\",\"thinking\":\"^\"}}",
			 .tail = BLOCK_STOP },
	[PART_SAY] = { .kind = KIND_TOKEN,
		       .edge_kind = KIND_TOKEN,
		       .head = "{\"type\":\"content_block_start\",\"index\":#,"
			       "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}",
		       .piece = "{\"type\":\"content_block_delta\",\"index\":#,"
				"\"delta\":{\"type\":\"text_delta\",\"text\":\"^\"}}",
		       .tail = BLOCK_STOP },
	[PART_USE] = { .kind = KIND_TOOL_USE,
		       .edge_kind = KIND_TOOL_USE,
		       .head = "{\"type\":\"content_block_start\",\"index\":#,\"content_block\":"
			       "{\"type\":\"tool_use\",\"id\":\"toolu_%\",\"name\":\"~\","
			       "\"input\":{}}}",
		       .piece = "{\"type\":\"content_block_delta\",\"index\":#,\"delta\":"
				"{\"type\":\"input_json_delta\",\"partial_json\":\"^\"}}",
		       .tail = BLOCK_STOP },
	[PART_PAUSE] = { .edge_kind = KIND_STOP,
			 .head = "{\"type\":\"message_delta\",\"delta\":"
				 "{\"stop_reason\":\"pause_turn\"}}",
			 .tail = "{\"type\":\"message_stop\"}" },
	[PART_STOP] = { .edge_kind = KIND_STOP,
			.head = "{\"type\":\"message_delta\",\"delta\":"
				"{\"stop_reason\":\"end_turn\"}}",
			.tail = "{\"type\":\"message_stop\"}" },
	[PART_RESULT] = { .kind = KIND_TOOL_RESULT,
			  .edge_kind = KIND_TOOL_RESULT,
			  .piece = "{\"type\":\"content_block_start\",\"index\":#,"
				   "\"content_block\":{\"type\":\"tool_result\","
				   "\"tool_use_id\":\"toolu_%\",\"content\":\"^\"}}",
			  .tail = BLOCK_STOP,
			  .is_whole = true },
	[PART_COMMIT] = { .edge_kind = KIND_COMMIT,
			  .head = "{\"type\":\"commit\",\"revision\":@}" },
	[PART_FAIL] = { .kind = KIND_STOP,
			.piece = "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
				 "\"message\":\"^\"}}",
			.is_whole = true },
	[PART_END] = { 0 },
	[PART_REST] = { 0 },
};

/* --- the texts of events --------------------------------------------------------------------- */

struct output {
	char *text;
	size_t bytes;
};

static void
put(struct output *output, const char *text, size_t bytes)
{
	const size_t room = SCRIPT_EVENT_ROOM - 1 - output->bytes;
	const size_t taken = bytes < room ? bytes : room;

	memcpy(output->text + output->bytes, text, taken);
	output->bytes += taken;
}

static void
put_number(struct output *output, uint64_t number)
{
	char text[NUMBER_ROOM];

	put(output, text, (size_t)snprintf(text, sizeof(text), "%" PRIu64, number));
}

/* Scripts have no control characters but line feeds. */
static void
put_escaped(struct output *output, const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		if (text[i] == '\n') {
			put(output, "\\n", 2);
			continue;
		}
		if (text[i] == '"' || text[i] == '\\')
			put(output, "\\", 1);
		put(output, text + i, 1);
	}
}

static void
fill(const struct script_place *place, const char *form, const char *piece, size_t piece_bytes,
     char *ret_text)
{
	struct output output = { .text = ret_text };
	const char *const tool = place->script->lines[place->line].tool;

	for (; *form != '\0'; form++)
		if (*form == '^')
			put_escaped(&output, piece, piece_bytes);
		else if (*form == '~' && tool != NULL)
			put(&output, tool, strlen(tool));
		else if (*form == '#')
			put_number(&output, place->blocks);
		else if (*form == '$')
			put_number(&output, place->answers);
		else if (*form == '%')
			put_number(&output, place->tools);
		else if (*form == '@')
			put_number(&output, place->turns + 1);
		else
			put(&output, form, 1);
	ret_text[output.bytes] = '\0';
}

/* --- pieces ---------------------------------------------------------------------------------- */

enum stage {
	STAGE_HEAD,
	STAGE_PIECE,
	STAGE_TAIL,
	STAGE_OVER,
};

static enum stage
stage_of(const struct script_place *place, const struct shape *shape)
{
	const struct script_line *const line = &place->script->lines[place->line];

	if (shape->head != NULL && !place->has_head)
		return STAGE_HEAD;
	if (shape->piece != NULL && line->text[place->offset] != '\0')
		return STAGE_PIECE;
	return shape->tail != NULL && !place->has_tail ? STAGE_TAIL : STAGE_OVER;
}

/* A word with the space before; of the input of a tool some bytes. */
static size_t
piece_bytes_at(const struct script_place *place, const struct shape *shape)
{
	const struct script_line *const line = &place->script->lines[place->line];
	const char *const text = line->text + place->offset;
	const size_t rest = strlen(text), spaces = strspn(text, " \n");

	if (shape->is_whole)
		return rest;
	if (line->part == PART_USE)
		return rest < JSON_PIECE_BYTES ? rest : JSON_PIECE_BYTES;
	return spaces + strcspn(text + spaces, " \n");
}

static void
take_piece(struct script_place *place, const struct shape *shape, struct script_event *event)
{
	const char *const text = place->script->lines[place->line].text + place->offset;
	const size_t bytes = piece_bytes_at(place, shape);

	fill(place, shape->piece, text, bytes, event->text);
	event->kind = shape->kind;
	place->offset += bytes;
}

static void
take_edge(const struct script_place *place, const struct shape *shape, const char *form,
	  struct script_event *event)
{
	fill(place, form, "", 0, event->text);
	event->kind = shape->edge_kind;
}

/* --- lines ----------------------------------------------------------------------------------- */

static void
begin_line(struct script_place *place, enum script_part part)
{
	place->has_begun = true;
	if (part == PART_OPEN) {
		place->answers++;
		place->blocks = 0;
	}
	if (part == PART_USE)
		place->tools++;
}

static void
end_line(struct script_place *place, enum script_part part)
{
	if (part == PART_THINK || part == PART_SAY || part == PART_USE || part == PART_RESULT)
		place->blocks++;
	if (part == PART_COMMIT)
		place->turns++;
	place->line = (place->line + 1) % place->script->lines_count;
	place->has_begun = place->has_head = place->has_tail = false;
	place->offset = 0;
}

void
script_next(struct script_place *place, struct script_event *ret_event)
{
	const struct script_line *const line = &place->script->lines[place->line];
	const struct shape *const shape = place->script->is_anthropic
						  ? &anthropic_shapes[line->part]
						  : &openai_shapes[line->part];
	const enum stage stage = stage_of(place, shape);

	*ret_event = (struct script_event){
		.wait = place->has_begun ? line->pace : line->wait,
		.has_text = stage != STAGE_OVER,
		.ends_session = line->part == PART_END,
		.status = line->status,
		.flags = line->part == PART_COMMIT ? REPRISE_EVENT_COMMIT : 0,
		.revision = place->turns + 1,
	};
	if (!place->has_begun)
		begin_line(place, line->part);
	if (stage == STAGE_HEAD)
		take_edge(place, shape, shape->head, ret_event);
	else if (stage == STAGE_PIECE)
		take_piece(place, shape, ret_event);
	else if (stage == STAGE_TAIL)
		take_edge(place, shape, shape->tail, ret_event);
	place->has_head = true;
	place->has_tail = stage == STAGE_TAIL;
	if (stage_of(place, shape) == STAGE_OVER)
		end_line(place, line->part);
}
