/* SPDX-License-Identifier: MIT */
#include "llhttp_judge.h"

#ifdef HAS_LLHTTP
#include <string.h>

#include <llhttp/llhttp.h>

static int
on_body(llhttp_t *parser, const char *at, size_t size)
{
	struct llhttp_verdict *const verdict = parser->data;

	memcpy(verdict->body + verdict->body_size, at, size);
	verdict->body_size += size;
	return 0;
}

/* Ends the parsing, so that the place of the end is known. */
static int
on_end(llhttp_t *parser)
{
	(void)parser;
	return HPE_PAUSED;
}

bool
llhttp_is_here(void)
{
	return true;
}

void
llhttp_judge(const char *bytes, size_t bytes_count, struct llhttp_verdict *ret_verdict)
{
	llhttp_settings_t settings;
	llhttp_errno_t error;
	llhttp_t parser;

	llhttp_settings_init(&settings);
	settings.on_body = on_body;
	settings.on_message_complete = on_end;
	llhttp_init(&parser, HTTP_REQUEST, &settings);
	parser.data = ret_verdict;
	ret_verdict->body_size = 0;
	error = llhttp_execute(&parser, bytes, bytes_count);
	ret_verdict->reason = error == HPE_OK ? "not whole" : llhttp_get_error_reason(&parser);
	/* llhttp may pause at the last byte, or behind it. */
	ret_verdict->is_whole =
		error == HPE_PAUSED && bytes + bytes_count - llhttp_get_error_pos(&parser) <= 1;
	ret_verdict->is_refused = error != HPE_OK && error != HPE_PAUSED;
}
#else

bool
llhttp_is_here(void)
{
	return false;
}

void
llhttp_judge(const char *bytes, size_t bytes_count, struct llhttp_verdict *ret_verdict)
{
	(void)bytes;
	(void)bytes_count;
	*ret_verdict = (struct llhttp_verdict){ .reason = "not here" };
}
#endif
