/* SPDX-License-Identifier: MIT */
/*
 * GET / and GET /viewer/NAME: the viewer's files, as the build has embedded them. The files have no
 * secrets, so no token is needed; every request that the page makes needs a token as usual.
 */
#include "gateway/viewer.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/durable_read.h"
#include "gateway/routes.h"

/* The page runs its own scripts alone, asks this gateway alone, and stands in no other page. */
#define POLICY                                                                          \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " \
	"img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " \
	"require-trusted-types-for 'script'"

#define FOLDER "/viewer/"

struct viewing {
	const struct viewer_file *file;
	bool is_known; /* to the client, by If-None-Match */
};

/* NULL: the viewer has no such file. Names are matched as sent: no name needs an escape. */
static const struct viewer_file *
find_file(struct http_text path)
{
	const size_t folder = strlen(FOLDER);
	const struct http_text name =
		path.size < folder ? (struct http_text){ "index.html", strlen("index.html") }
				   : (struct http_text){ path.data + folder, path.size - folder };

	for (size_t i = 0; i < viewer_files_count; i++)
		if (strlen(viewer_files[i].name) == name.size &&
		    memcmp(viewer_files[i].name, name.data, name.size) == 0)
			return &viewer_files[i];
	return NULL;
}

static bool
is_known(const struct http_head *head, const struct viewer_file *file)
{
	const struct http_field *const field = http_head_field(head, "if-none-match");
	char *value;
	bool matches;

	if (field == NULL)
		return false;
	value = strndup(field->value.data, field->value.size);
	/* Without memory the file is sent once more. */
	matches = value != NULL && durable_etag_matches(value, file->etag);
	free(value);
	return matches;
}

static void
begin(struct request *request, const struct http_head *head)
{
	const struct viewer_file *const file = find_file(head->path);
	struct viewing *viewing;

	if (file == NULL) {
		request_refuse(request, ERROR_NO_ROUTE, "the viewer has no file of that name");
		return;
	}
	viewing = malloc(sizeof(*viewing));
	if (viewing == NULL) {
		request_refuse(request, ERROR_NO_MEMORY, NULL);
		return;
	}
	*viewing = (struct viewing){ .file = file, .is_known = is_known(head, file) };
	request->state = viewing;
}

static void
answer(struct request *request)
{
	const struct viewing *const viewing = request->state;
	const struct http_field_out fields[] = {
		{ "ETag", viewing->file->etag },         { "Cache-Control", "no-cache" },
		{ "Content-Security-Policy", POLICY },   { "Referrer-Policy", "no-referrer" },
		{ "Content-Type", viewing->file->type },
	};
	const size_t count = sizeof(fields) / sizeof(*fields);

	if (viewing->is_known)
		request_respond(request, 304, fields, count - 1, (struct http_text){ "", 0 });
	else
		request_respond(request, 200, fields, count, viewing->file->bytes);
}

static void
release(struct request *request)
{
	free(request->state);
}

const struct route_calls viewer_calls = {
	.begin = begin,
	.body_end = answer,
	.release = release,
};
