/* SPDX-License-Identifier: MIT */
#include "log_sqlite/checksum_functions.h"

#include <string.h>

#include "log/adapter.h"

static uint64_t
number_of(sqlite3_value *value)
{
	return (uint64_t)sqlite3_value_int64(value);
}

static uint64_t
revision_of(sqlite3_value *value)
{
	return number_of(value) ^ (UINT64_C(1) << 63);
}

/* Of the first two arguments. A NULL has no text: the key is none, and no row will match it. */
static uint32_t
key_of(sqlite3_value **values)
{
	const char *const tenant = (const char *)sqlite3_value_text(values[0]);
	const char *const thread = (const char *)sqlite3_value_text(values[1]);

	return log_key_checksum(tenant != NULL ? tenant : "", thread != NULL ? thread : "");
}

static void
head_checksum(sqlite3_context *context, int count, sqlite3_value **values)
{
	const struct log_head head = {
		.id = sqlite3_value_int64(values[2]),
		.kind = (uint32_t)number_of(values[3]),
		.has_ended = number_of(values[4]) != 0,
		.end_status = (int32_t)sqlite3_value_int(values[5]),
		.end_ordinal = number_of(values[6]),
		.head = number_of(values[7]),
		.watermark = number_of(values[8]),
		.revision_max = revision_of(values[9]),
		.life.number = number_of(values[10]),
		.moved = { .revision = revision_of(values[11]), .ordinal = number_of(values[12]) },
	};

	(void)count;
	sqlite3_result_int64(context, log_head_checksum(key_of(values), &head));
}

static void
life_checksum(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct reprise_life life = {
		.number = number_of(values[2]),
		.first = number_of(values[4]),
		.end = number_of(values[5]),
		.state = (reprise_life_state)number_of(values[6]),
	};
	const void *const incarnation = sqlite3_value_blob(values[3]);

	(void)count;
	if (incarnation != NULL && sqlite3_value_bytes(values[3]) == (int)sizeof(life.incarnation))
		memcpy(&life.incarnation, incarnation, sizeof(life.incarnation));
	sqlite3_result_int64(context, log_life_checksum(key_of(values), &life));
}

static void
mark_checksum(sqlite3_context *context, int count, sqlite3_value **values)
{
	const struct log_mark mark = {
		.revision = revision_of(values[3]),
		.ordinal = number_of(values[4]),
	};

	(void)count;
	sqlite3_result_int64(
		context,
		log_mark_checksum(key_of(values), (enum log_mark_type)number_of(values[2]), &mark));
}

int
checksum_functions_create(sqlite3 *db)
{
	static const struct {
		const char *name;
		int arguments;
		void (*function)(sqlite3_context *, int, sqlite3_value **);
	} functions[] = {
		{ "reprise_head_checksum", 13, head_checksum },
		{ "reprise_life_checksum", 7, life_checksum },
		{ "reprise_mark_checksum", 5, mark_checksum },
	};
	int answer = SQLITE_OK;

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]) && answer == SQLITE_OK; i++)
		answer = sqlite3_create_function_v2(db, functions[i].name, functions[i].arguments,
						    SQLITE_UTF8 | SQLITE_DETERMINISTIC |
							    SQLITE_DIRECTONLY,
						    NULL, functions[i].function, NULL, NULL, NULL);
	return answer;
}
