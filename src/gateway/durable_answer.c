/* SPDX-License-Identifier: MIT */
/* Answers of durable streams: the fields of the protocol. */
#include <inttypes.h>
#include <stdio.h>

#include "base/assert.h"
#include "gateway/durable.h"

void
durable_add(struct durable_fields *fields, const char *name, const char *value)
{
	REPRISE_ASSERT(fields->count < DURABLE_FIELDS_MAX);
	fields->array[fields->count++] = (struct http_field_out){ name, value };
}

void
durable_add_number(struct durable_fields *fields, const char *name, uint64_t value)
{
	REPRISE_ASSERT(fields->texts_count < sizeof(fields->texts) / sizeof(*fields->texts));
	char *const text = fields->texts[fields->texts_count++];

	snprintf(text, sizeof(*fields->texts), "%" PRIu64, value);
	durable_add(fields, name, text);
}

void
durable_add_offset(struct durable_fields *fields, reprise_position position)
{
	durable_offset_format(position, fields->offset);
	durable_add(fields, "Stream-Next-Offset", fields->offset);
}

void
durable_answer(struct request *request, int status, const struct durable_fields *fields,
	       struct http_text body)
{
	request_respond(request, status, fields->array, fields->count, body);
}

bool
durable_stream(struct request *request, int status, const struct durable_fields *fields)
{
	return request_respond_stream(request, status, fields->array, fields->count);
}

void
durable_refuse(struct request *request, enum error_code code, const char *detail,
	       const struct durable_fields *fields)
{
	request_refuse_fields(request, code, detail, fields->array, fields->count);
}
