/* SPDX-License-Identifier: MIT */
/*
 * The query of an alias in the file of a route map: the target, the values that the file sets, and
 * the parameters of the front end. A value is judged here like a value of a request: no bad value
 * waits for a request.
 */
#include <string.h>

#include "gateway/route_map_read.h"
#include "gateway/routes.h"

#define BIT(name) (UINT32_C(1) << QUERY_##name)

enum {
	NUMBER_DIGITS_MAX = 6,
	PAGE_EVENTS_MAX = 10000,
};

struct target {
	const char *name;
	const struct route_calls *calls;
	uint32_t settable; /* bit n: the parameter n may be fixed, or have a default */
	uint32_t dropped;  /* the same: a request may not have it, since the alias decides */
};

static const struct target targets[] = {
	{ "events", &stream_calls,
	  BIT(FRAME) | BIT(DONE) | BIT(FROM) | BIT(NAMES) | BIT(RECORDED) | BIT(KINDS) | BIT(WAIT),
	  0 },
	{ "page", &page_calls, BIT(FROM) | BIT(RECORDED) | BIT(KINDS) | BIT(LIMIT), BIT(FORMAT) },
	{ "append", &append_calls, BIT(WAIT), 0 },
};

/* A whole number without a fraction or an exponent, from -@max to @max. */
static bool
parse_number(struct http_text value, int32_t max, int32_t *ret_number)
{
	const bool is_negative = value.size != 0 && value.data[0] == '-';
	char digits[NUMBER_DIGITS_MAX + 1];
	uint64_t number;

	value.data += is_negative;
	value.size -= is_negative;
	if (value.size == 0 || value.size > NUMBER_DIGITS_MAX)
		return false;
	memcpy(digits, value.data, value.size);
	digits[value.size] = '\0';
	if (!query_number(digits, (uint64_t)max, &number))
		return false;
	*ret_number = (int32_t)(is_negative ? -(int64_t)number : (int64_t)number);
	return true;
}

bool
reading_take_target(struct reading *reading, struct http_text value)
{
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++)
		if (reading_is_word(value, targets[i].name)) {
			reading->alias->route = *route_of(targets[i].calls);
			reading->alias->route.parameters &= ~targets[i].dropped;
			return true;
		}
	return reading_refuse(reading, value.data, "to is events, page or append");
}

static const struct target *
target_of(const struct route_alias *alias)
{
	const struct target *target = targets;

	while (target->calls != alias->route.calls)
		target++;
	return target;
}

/* The parameter of the target that a name of the file means; QUERY_NAMES_COUNT: none. */
static enum query_name
find_parameter(struct http_text name)
{
	char text[WORD_BYTES];

	if (!json_read_string(name, text, sizeof(text)))
		return QUERY_NAMES_COUNT;
	return query_find((struct http_text){ text, strlen(text) });
}

static bool
take_value(struct reading *reading, struct http_text name, struct http_text value, bool is_fixed)
{
	struct route_alias *const alias = reading->alias;
	const enum query_name parameter = find_parameter(name);
	char *text;

	if (parameter == QUERY_NAMES_COUNT ||
	    (target_of(alias)->settable & UINT32_C(1) << parameter) == 0)
		return reading_refuse_quoted(reading, name, "cannot be set for this target");
	if (parameter == QUERY_NAMES && alias->own_names.count != 0)
		return reading_refuse_quoted(reading, name,
					     "is in the way of the names of the route");
	for (size_t i = 0; i < alias->values_count; i++)
		if (alias->values[i].name == parameter)
			return reading_refuse_quoted(reading, name, "is set twice");
	/* The settable parameters of a target are at most 7. */
	if (!reading_take_string(reading, value, QUERY_VALUE_BYTES_MAX, &text))
		return false;
	alias->values[alias->values_count++] = (struct alias_value){ parameter, text };
	if (is_fixed)
		alias->route.parameters &= ~(UINT32_C(1) << parameter);
	return true;
}

bool
reading_take_values(struct reading *reading, struct http_text value, bool is_fixed)
{
	struct http_text name, text;
	size_t offset = 0;

	if (!reading_is_object(reading, value))
		return false;
	while (json_next_member(value, &offset, &name, &text))
		if (!take_value(reading, name, text, is_fixed))
			return false;
	return true;
}

/* {"position": N} */
static bool
take_position(struct reading *reading, struct http_text value, struct alias_parameter *parameter)
{
	struct http_text name, number;
	size_t offset = 0;

	if (!json_next_member(value, &offset, &name, &number) ||
	    !reading_is_word(name, "position") ||
	    !parse_number(number, ALIAS_ADDED_MAX, &parameter->added) ||
	    json_next_member(value, &offset, &name, &number))
		return reading_refuse(reading, value.data,
				      "a position is {\"position\": N} with N from -1000 to 1000");
	if ((reading->alias->route.parameters & BIT(CURSOR)) == 0)
		return reading_refuse(reading, value.data, "an append begins at no position");
	parameter->use = USE_POSITION;
	return true;
}

static bool
take_use(struct reading *reading, struct http_text value, struct alias_parameter *parameter)
{
	if (value.data[0] == '{')
		return take_position(reading, value, parameter);
	if (reading_is_word(value, "ignored")) {
		parameter->use = USE_IGNORED;
		return true;
	}
	parameter->use = USE_RENAMED;
	parameter->target = find_parameter(value);
	if (parameter->target == QUERY_NAMES_COUNT ||
	    (reading->alias->route.parameters & UINT32_C(1) << parameter->target) == 0)
		return reading_refuse_quoted(
			reading, value,
			"is not \"ignored\", {\"position\": N} or a parameter that is not fixed");
	return true;
}

static bool
take_parameter(struct reading *reading, struct http_text name, struct http_text value)
{
	struct route_alias *const alias = reading->alias;
	struct alias_parameter parameter = { .target = QUERY_NAMES_COUNT };
	char *text;

	if (alias->parameters_count == ALIAS_PARAMETERS_MAX)
		return reading_refuse_quoted(reading, name,
					     "is one parameter too many: 32 are allowed");
	if (!reading_take_string(reading, name, ALIAS_PARAMETER_BYTES_MAX, &text))
		return false;
	for (size_t i = 0; i < alias->parameters_count; i++)
		if (strcmp(alias->parameters[i].name, text) == 0)
			return reading_refuse_quoted(reading, name, "is there twice");
	parameter.name = text;
	if (!take_use(reading, value, &parameter))
		return false;
	alias->parameters[alias->parameters_count++] = parameter;
	return true;
}

bool
reading_take_parameters(struct reading *reading, struct http_text value)
{
	struct http_text name, use;
	size_t offset = 0;

	if (!reading_is_object(reading, value))
		return false;
	while (json_next_member(value, &offset, &name, &use))
		if (!take_parameter(reading, name, use))
			return false;
	return true;
}

/* The blocks of native frames have names of their own, and a request may ask for such frames. */
static const char *
judge_names(const struct route_alias *alias, const struct stream_shape *shape)
{
	static const char *const own[] = { "base64", "bye", "end", "gap", "hello", "live" };
	const bool is_bare = shape->is_bare && (alias->route.parameters & BIT(FRAME)) == 0;

	for (size_t i = 0; !is_bare && i < alias->own_names.count; i++)
		for (size_t j = 0; j < sizeof(own) / sizeof(*own); j++)
			if (strcmp(alias->names_table[i].name, own[j]) == 0)
				return "a name of events is a name of the gateway's own blocks";
	return NULL;
}

static bool
is_one_of(const char *value, const char *a, const char *b)
{
	return value == NULL || strcmp(value, a) == 0 || strcmp(value, b) == 0;
}

/* NULL, or words for a bad value. */
const char *
reading_judge_values(const struct route_alias *alias)
{
	const bool is_append = alias->route.calls == &append_calls;
	struct stream_shape shape = { .kinds_count = 0 };
	struct query query = { .present = 0 };
	const char *words = NULL, *limit;
	uint64_t number = 1;
	bool flag;

	for (size_t i = 0; words == NULL && i < alias->values_count; i++)
		words = query_put(&query, alias->values[i].name, alias->values[i].text);
	if (words == NULL)
		words = stream_shape_parse(&shape, "", &query);
	limit = query_value(&query, QUERY_LIMIT);
	if (words != NULL)
		return words;
	if (!is_one_of(query_value(&query, QUERY_FROM), "oldest", "newest"))
		return "from is oldest or newest";
	if (!query_flag(&query, QUERY_DONE, &flag))
		return "done is 0 or 1";
	if (!is_append && !query_flag(&query, QUERY_WAIT, &flag))
		return "wait is 0 or 1";
	if (is_append && !is_one_of(query_value(&query, QUERY_WAIT), "recorded", "none"))
		return "wait is recorded or none";
	if (limit != NULL && (!query_number(limit, 10000, &number) || number == 0))
		return "limit is a number from 1 to 10000";
	return judge_names(alias, &shape);
}
