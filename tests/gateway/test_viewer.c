/* SPDX-License-Identifier: MIT */
/* V97 and V98 over sockets: the files of the viewer. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"
#include "gateway/viewer.h"
#include "log_sqlite/scratch.h"

TestSuite(viewer, .fini = scratch_remove, .timeout = 60);

enum {
	TARGET_BYTES = 256,
	FIELDS_BYTES = 256,
};

static void
target_of(const struct viewer_file *file, char target[TARGET_BYTES])
{
	snprintf(target, TARGET_BYTES, "/viewer/%s", file->name);
}

static const char *
type_of(const char *name)
{
	const char *const end = strrchr(name, '.');

	return strcmp(end, ".html") == 0  ? "text/html; charset=utf-8"
	       : strcmp(end, ".css") == 0 ? "text/css; charset=utf-8"
	       : strcmp(end, ".js") == 0  ? "text/javascript; charset=utf-8"
					  : "image/svg+xml; charset=utf-8";
}

Test(viewer, V97_each_file_is_the_one_of_the_source)
{
	struct place *const place = place_without_log();
	char target[TARGET_BYTES], source[TARGET_BYTES];

	cr_assert(ge(sz, viewer_files_count, 3));
	for (size_t i = 0; i < viewer_files_count; i++) {
		const struct viewer_file *const file = &viewer_files[i];
		struct reply reply;
		char *text;

		target_of(file, target);
		snprintf(source, sizeof(source), "../src/gateway/viewer/%s", file->name);
		text = fixture_text(source);
		reply = ask(place, "GET", target, NULL, NULL);
		cr_assert(eq(int, reply.status, 200), "%s", target);
		cr_assert(eq(sz, reply.body_size, file->bytes.size));
		cr_assert(eq(str, (char *)reply.body, text), "%s", target);
		cr_assert(eq(str, (char *)reply_field(&reply, "Content-Type"),
			     (char *)type_of(file->name)));
		free(text);
	}
	place_close(place);
}

Test(viewer, V97_the_page_itself_is_at_the_root)
{
	struct place *const place = place_without_log();
	char *const text = fixture_text("../src/gateway/viewer/index.html");
	struct reply reply = ask(place, "GET", "/", NULL, NULL);

	cr_assert(eq(int, reply.status, 200));
	cr_assert(eq(str, (char *)reply.body, text));
	reply = ask(place, "GET", "/?from=a&page=of-another-program", NULL, NULL);
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	reply = ask(place, "GET", "/viewer/index.html", NULL, NULL);
	cr_assert(eq(str, (char *)reply.body, text));
	free(text);
	place_close(place);
}

Test(viewer, V97_head_other_methods_and_other_names_are_answered_as_everywhere)
{
	static const char *const names[] = { "/viewer/",
					     "/viewer",
					     "/viewer/none.js",
					     "/viewer/Viewer.css",
					     "/viewer/viewer.cs",
					     "/viewer/viewer.css2",
					     "/viewer/viewer%2ecss",
					     "/viewer/a/viewer.css",
					     "/viewer.css",
					     "/index.html" };
	struct place *const place = place_without_log();
	struct reply reply = ask(place, "HEAD", "/viewer/viewer.css", NULL, NULL);
	char size[32];

	cr_assert(eq(int, reply.status, 200));
	cr_assert(eq(sz, reply.body_size, 0));
	snprintf(size, sizeof(size), "%s", reply_field(&reply, "Content-Length"));
	reply = ask(place, "GET", "/viewer/viewer.css", NULL, NULL);
	cr_assert(eq(str, (char *)reply_field(&reply, "Content-Length"), size));
	reply = ask(place, "POST", "/", "Content-Type: application/json\r\n", "1");
	expect_error(&reply, 405, "method_not_allowed");
	cr_assert(eq(str, (char *)reply_field(&reply, "Allow"), "GET, HEAD, OPTIONS"));
	reply = ask(place, "OPTIONS", "/viewer/viewer.css", NULL, NULL);
	cr_assert(eq(int, reply.status, 204));
	cr_assert(eq(str, (char *)reply_field(&reply, "Allow"), "GET, HEAD, OPTIONS"));
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		reply = ask(place, "GET", names[i], NULL, NULL);
		expect_error(&reply, 404, "no_route");
	}
	place_close(place);
}

Test(viewer, V97_a_client_that_has_the_file_gets_304)
{
	static const char *const forms[] = { "%s", "W/%s", "\"other\", %s", "*" };
	struct place *const place = place_without_log();
	char fields[FIELDS_BYTES], form[FIELDS_BYTES], target[TARGET_BYTES];
	struct reply reply;

	for (size_t i = 0; i < viewer_files_count; i++) {
		target_of(&viewer_files[i], target);
		for (size_t j = 0; j < sizeof(forms) / sizeof(*forms); j++) {
			snprintf(form, sizeof(form), "If-None-Match: %s\r\n", forms[j]);
			snprintf(fields, sizeof(fields), form, viewer_files[i].etag);
			reply = ask(place, "GET", target, fields, NULL);
			cr_assert(eq(int, reply.status, 304), "%s%s", target, fields);
			cr_assert(eq(sz, reply.body_size, 0));
			cr_assert(eq(str, (char *)reply_field(&reply, "ETag"),
				     (char *)viewer_files[i].etag));
			cr_assert(
				eq(str, (char *)reply_field(&reply, "Cache-Control"), "no-cache"));
		}
		/* The tag of another file is no tag of this one. */
		snprintf(fields, sizeof(fields), "If-None-Match: %s\r\n",
			 viewer_files[(i + 1) % viewer_files_count].etag);
		reply = ask(place, "GET", target, fields, NULL);
		cr_assert(eq(int, reply.status, 200), "%s", target);
	}
	place_close(place);
}

Test(viewer, V97_without_the_viewer_there_is_nothing_at_its_paths)
{
	const struct reprise_gateway_options options = { .size = sizeof(options), .no_viewer = 1 };
	struct place *const place = place_open(&(struct place_setup){ .gateway = &options });
	struct reply reply = ask(place, "GET", "/", NULL, NULL);

	expect_error(&reply, 404, "no_route");
	reply = ask(place, "OPTIONS", "/", NULL, NULL);
	expect_error(&reply, 404, "no_route");
	reply = ask(place, "GET", "/viewer/viewer.css", NULL, NULL);
	expect_error(&reply, 404, "no_route");
	reply = ask(place, "GET", "/v1/sessions", NULL, NULL);
	cr_assert(eq(int, reply.status, 200));
	place_close(place);
}

Test(viewer, V97_a_file_needs_no_token_and_what_the_page_asks_for_does)
{
	const char *const file = scratch_path("tokens");
	const int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .token_file = file };
	struct place *place;
	struct reply reply;

	cr_assert(fd >= 0 && dprintf(fd, "admin-token-0000000 default * admin\n") > 0);
	close(fd);
	place = place_open(&(struct place_setup){ .gateway = &options });
	reply = ask(place, "GET", "/", NULL, NULL);
	cr_assert(eq(int, reply.status, 200));
	reply = ask(place, "GET", "/viewer/viewer.js", "Authorization: Bearer none-of-these-00\r\n",
		    NULL);
	cr_assert(eq(int, reply.status, 200));
	reply = ask(place, "GET", "/v1/sessions", NULL, NULL);
	expect_error(&reply, 401, "token_missing");
	reply = ask(place, "GET", "/v1/sessions/a", NULL, NULL);
	expect_error(&reply, 401, "token_missing");
	place_close(place);
}

Test(viewer, V97_a_gateway_that_only_reads_has_the_viewer)
{
	const struct reprise_gateway_options options = { .size = sizeof(options), .reads_only = 1 };
	struct place *const place = place_open(&(struct place_setup){ .gateway = &options });

	cr_assert(eq(int, ask(place, "GET", "/", NULL, NULL).status, 200));
	cr_assert(eq(int, ask(place, "GET", "/viewer/viewer.js", NULL, NULL).status, 200));
	place_close(place);
}

Test(viewer, V98_the_page_runs_its_own_scripts_alone)
{
	static const char policy[] =
		"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
		"img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
		"require-trusted-types-for 'script'";
	static const char *const targets[] = { "/", "/viewer/viewer.js", "/viewer/viewer.css" };
	struct place *const place = place_without_log();

	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		const struct reply reply = ask(place, "GET", targets[i], NULL, NULL);

		cr_assert(eq(str, (char *)reply_field(&reply, "Content-Security-Policy"),
			     (char *)policy));
		cr_assert(
			eq(str, (char *)reply_field(&reply, "X-Content-Type-Options"), "nosniff"));
		cr_assert(eq(str, (char *)reply_field(&reply, "Referrer-Policy"), "no-referrer"));
		cr_assert(eq(str, (char *)reply_field(&reply, "Cache-Control"), "no-cache"));
		cr_assert(eq(str, (char *)reply_field(&reply, "Cross-Origin-Resource-Policy"),
			     "same-origin"));
	}
	place_close(place);
}
