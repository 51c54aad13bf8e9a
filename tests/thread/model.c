/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TEXT_BYTES = 1 << 20,
};

void
model_clear(struct model *model)
{
	memset(model, 0, sizeof(*model));
}

static bool
has_id(const struct model *model, unsigned int id)
{
	for (size_t i = 0; i < model->messages_count; i++)
		if (model->messages[i].id == id)
			return true;
	return false;
}

void
model_apply(struct model *model, const struct model_delta *delta)
{
	if (delta->has_snapshot) {
		model->has_state = true;
		model->state = delta->snapshot;
		model->patches_count = 0;
	}
	for (size_t i = 0; i < delta->patches_count; i++)
		model->patches[model->patches_count++] = delta->patches[i];
	for (size_t i = 0; i < delta->messages_count; i++)
		if (delta->messages[i].id == 0 || !has_id(model, delta->messages[i].id))
			model->messages[model->messages_count++] = delta->messages[i];
	model->version++;
}

struct text {
	char *at, *end;
};

static void __attribute__((format(printf, 2, 3))) add(struct text *text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	/* The analyzer of clang 14 does not see va_start. */
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
	const int bytes = vsnprintf(text->at, (size_t)(text->end - text->at), format, arguments);

	va_end(arguments);
	if (bytes < 0 || bytes >= text->end - text->at)
		abort();
	text->at += bytes;
}

/* Bodies, patches and states are numbers that jansson would not print as they are. */
static void
add_messages(struct text *text, const struct model_message *messages, size_t count,
	     const char *space)
{
	add(text, "[");
	for (size_t i = 0; i < count; i++) {
		add(text, "%s{\"body\":%s%u.50", i != 0 ? "," : "", space, messages[i].body);
		if (messages[i].id != 0)
			add(text, "%s,\"id\":\"m%u\"", space, messages[i].id);
		add(text, "}");
	}
	add(text, "]");
}

static void
add_patches(struct text *text, const unsigned int *patches, size_t count, const char *space)
{
	add(text, "[");
	for (size_t i = 0; i < count; i++)
		add(text, "%s{\"p\":%s%ue+99}", i != 0 ? "," : "", space, patches[i]);
	add(text, "]");
}

const char *
model_text(const struct model *model, const char *id, const char *uid)
{
	static char bytes[TEXT_BYTES];
	struct text text = { bytes, bytes + sizeof(bytes) };

	add(&text, "{\"id\":\"%s\",\"messages\":", id);
	add_messages(&text, model->messages, model->messages_count, "");
	add(&text, ",\"patches\":");
	add_patches(&text, model->patches, model->patches_count, "");
	if (model->has_state)
		add(&text, ",\"state\":%u00000000000000000000", model->state);
	else
		add(&text, ",\"state\":{}");
	if (uid != NULL)
		add(&text, ",\"uid\":\"%s\"", uid);
	add(&text, ",\"version\":%llu}", (unsigned long long)model->version);
	return bytes;
}

static void
add_member(struct text *text, const struct model_delta *delta, size_t member, const char *space)
{
	switch (member) {
	case 0:
		add(text, "\"messages\":%s", space);
		add_messages(text, delta->messages, delta->messages_count, space);
		break;
	case 1:
		add(text, "\"patches\" :");
		add_patches(text, delta->patches, delta->patches_count, space);
		break;
	case 2:
		if (delta->has_snapshot)
			add(text, "\"snapshot\":%s%u00000000000000000000", space, delta->snapshot);
		else
			add(text, "\"snapshot\":null");
		break;
	case 3:
		add(text, "\"run_id\":%s\"r\"", space);
		break;
	case 4:
		add(text, "\"reason\":%s\"%s\"", space,
		    delta->style % 3 == 0 ? "RunFinished" : "UserMessage");
		break;
	default:
		if (delta->number != 0)
			add(text, "\"delta_id\":\"d%u\",%s\"created_at\":%llu", delta->number,
			    space, (unsigned long long)delta->created_ms);
		else
			add(text, "\"host\":\"\\u0001n\"");
		break;
	}
}

const char *
model_delta_text(const struct model_delta *delta, char ret_text[static MODEL_DELTA_TEXT_BYTES])
{
	static const char *const spaces[] = { "", " ", "\n", "\t\r\n " };
	struct text text = { ret_text, ret_text + MODEL_DELTA_TEXT_BYTES };
	const char *const space = spaces[delta->style / 6 % 4];

	add(&text, "{");
	for (size_t i = 0; i < 6; i++) {
		add(&text, "%s", i != 0 ? "," : "");
		add_member(&text, delta, (i + delta->style) % 6, space);
	}
	add(&text, "}%s", space);
	return ret_text;
}

void
model_delta_choose(struct model_delta *delta,
		   unsigned int (*random)(void *context, unsigned int choices), void *context)
{
	delta->has_snapshot = random(context, 8) == 0;
	delta->snapshot = delta->has_snapshot ? 1 + random(context, 100) : 0;
	delta->patches_count = random(context, MODEL_DELTA_PATCHES_MAX + 1);
	for (size_t i = 0; i < delta->patches_count; i++)
		delta->patches[i] = 1 + random(context, 100);
	delta->messages_count = random(context, MODEL_DELTA_MESSAGES_MAX + 1);
	for (size_t i = 0; i < delta->messages_count; i++)
		delta->messages[i] = (struct model_message){
			.id = random(context, 40),
			.body = random(context, 100),
		};
	delta->style = random(context, 24);
}
