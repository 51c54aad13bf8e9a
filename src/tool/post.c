/* SPDX-License-Identifier: MIT */

/*
 * `reprise post`: the lines of standard input become events of a session. The lines of 20 ms are
 * one request, so a fast program costs few requests, and no line of a slow program waits long.
 * (rule V92)
 */

#include "tool/post.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/arguments.h"
#include "tool/interrupt.h"
#include "tool/json_text.h"
#include "tool/kind_field.h"
#include "tool/log_output.h"
#include "tool/post_arguments.h"
#include "tool/post_batch.h"
#include "tool/post_input.h"
#include "tool/post_send.h"

enum {
	GATHER_MS = 20,
	SIGNAL_STATUS = 128, /* plus the signal: the status that shells use */
};

struct posting {
	struct post_request request;
	struct post_input input;
	struct post_batch batch;
	struct post_sender sender;
};

static bool
is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r';
}

/* An empty line is no event. With --json a line of white space is empty, as for the gateway. */
static bool
is_empty(const struct post_request *request, const struct post_line *line)
{
	size_t blanks = 0;

	if (!request->is_json)
		return line->bytes_count == 0;
	while (blanks < line->bytes_count && is_blank(line->bytes[blanks]))
		blanks++;
	return blanks == line->bytes_count;
}

static bool
send_all(struct posting *posting, bool is_last)
{
	const bool goes_on =
		posting->batch.count == 0 ||
		post_send(&posting->sender, &posting->batch, posting->batch.count, is_last);

	post_batch_keep(&posting->batch, 0);
	return goes_on;
}

/* Sends what was gathered. With --commit the newest line, which may be the last, is held back. */
static void
send_gathered(struct posting *posting)
{
	struct post_batch *const batch = &posting->batch;

	if (!posting->request.is_commit) {
		(void)send_all(posting, false);
	} else if (batch->count > 1) {
		(void)post_send(&posting->sender, batch, batch->count - 1, false);
		post_batch_keep(batch, 1);
	}
}

static void
take_line(struct posting *posting, const struct post_line *line)
{
	const struct post_request *const request = &posting->request;
	struct post_batch *const batch = &posting->batch;

	if (is_empty(request, line))
		return;
	const bool is_json = request->is_json || json_text_is_valid(line->bytes, line->bytes_count);
	const uint16_t kind =
		request->kind_field != NULL
			? kind_field_of(request->kind_field, line->bytes, line->bytes_count)
			: request->kind;
	enum post_added added =
		post_batch_add(batch, line->bytes, line->bytes_count, line->number, kind, is_json);

	if (added == POST_DOES_NOT_FIT && send_all(posting, false))
		added = post_batch_add(batch, line->bytes, line->bytes_count, line->number, kind,
				       is_json);
	if (added == POST_NO_MEMORY) {
		fprintf(stderr, "reprise post: no memory for line %" PRIu64 "\n", line->number);
		post_stop(&posting->sender, EXIT_FAILURE);
	}
	if (batch->count == 1)
		batch->since_ms = post_now_ms();
}

static void
take_end(struct posting *posting)
{
	const bool has_lines = posting->batch.count > 0;

	if (!send_all(posting, true))
		return;
	if (posting->request.has_end && !has_lines)
		(void)post_send_end(&posting->sender);
}

/* The input fails. The lines before are sent, unless a signal says to stop. */
static void
fail(struct posting *posting, enum post_found found)
{
	const int error = errno;

	if (found == POST_INTERRUPTED) {
		post_stop(&posting->sender, SIGNAL_STATUS + interrupt_number());
		return;
	}
	(void)send_all(posting, false);
	if (found == POST_TOO_LONG)
		fprintf(stderr, "reprise post: line %" PRIu64 " is longer than 64 MiB\n",
			posting->input.line + 1);
	else
		fprintf(stderr, "reprise post: cannot read standard input: %s\n", strerror(error));
	post_stop(&posting->sender, EXIT_FAILURE);
}

/* How long to wait for the next line. */
static uint64_t
find_until(const struct posting *posting)
{
	const size_t held_back = posting->request.is_commit ? 1 : 0;

	return posting->batch.count > held_back ? posting->batch.since_ms + GATHER_MS : UINT64_MAX;
}

static void
post_all(struct posting *posting)
{
	struct post_line line;
	enum post_found found = POST_LINE;

	while (!posting->sender.is_stopped && found != POST_END) {
		found = post_input_next(&posting->input, find_until(posting), &line);
		switch (found) {
		case POST_LINE:
			take_line(posting, &line);
			break;
		case POST_NOTHING:
			send_gathered(posting);
			break;
		case POST_END:
			take_end(posting);
			break;
		case POST_INTERRUPTED:
		case POST_TOO_LONG:
		case POST_FAILED:
			fail(posting, found);
			break;
		}
	}
}

static int
post(struct posting *posting)
{
	const struct client_options options = { .command = "reprise post",
						.token_file = posting->request.token_file,
						.ca_file = posting->request.ca_file };

	posting->sender.request = &posting->request;
	posting->sender.client = client_open(&options);
	if (posting->sender.client == NULL)
		return EXIT_USAGE;
	post_all(posting);
	const int status = post_report(&posting->sender);

	client_close(posting->sender.client);
	post_batch_close(&posting->batch);
	post_input_close(&posting->input);
	return status;
}

int
post_command(int argc, char **argv)
{
	struct posting *const posting = calloc(1, sizeof(*posting));
	int status = EXIT_FAILURE;

	if (posting == NULL) {
		fputs("reprise post: no memory\n", stderr);
	} else if (!post_arguments(argc, argv, &posting->request)) {
		fputs("Run 'reprise post --help' for the arguments.\n", stderr);
		status = EXIT_USAGE;
	} else {
		log_output_begin();
		interrupt_catch();
		interrupt_admit();
		status = post(posting);
	}
	free(posting);
	return status;
}
