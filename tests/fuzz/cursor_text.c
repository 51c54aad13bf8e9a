/* SPDX-License-Identifier: MIT */

/*
 * The cursor's text. The bytes are taken three times: as a text; as a text whose check is put
 * right, so that the code behind the check is reached; as a cursor to be written. An accepted text
 * must be written as the same bytes again, by the library and by the model, and be refused with any
 * one of its bits turned over, or spelt in another way under a right check.
 */

#include <string.h>

#include "fuzz.h"
#include "model.h"

enum {
	BITS_TURNED_BYTES_MAX = 600,
};

static bool
parses(const char *text, size_t bytes, struct reprise_cursor *ret_cursor)
{
	struct reprise_error error = { .size = sizeof(error) };
	const reprise_status status = reprise_cursor_parse(text, bytes, ret_cursor, &error);

	MUST(status == REPRISE_OK || status == REPRISE_E_MALFORMED_CURSOR);
	if (status != REPRISE_OK) {
		MUST(error.status == status);
		MUST(error.byte <= bytes);
	}
	return status == REPRISE_OK;
}

static void
turn_bits(char *text, size_t bytes)
{
	struct reprise_cursor cursor;

	MUST(bytes <= BITS_TURNED_BYTES_MAX);
	for (size_t bit = 0; bit < 8 * bytes; bit++) {
		text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
		MUST(!parses(text, bytes, &cursor));
		text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
	}
}

/* The same cursor spelt in another way, with the right check: accepted texts are the only ones. */
static void
refuse_respelt(const char *text, size_t bytes, size_t at, const char *instead, size_t taken)
{
	char all[REPRISE_CURSOR_TEXT_BYTES_MAX + 8], without[REPRISE_CURSOR_TEXT_BYTES_MAX + 8];
	const size_t more = strlen(instead);
	struct reprise_cursor cursor;
	size_t dots = 0, check = 0;
	char digits[9];

	memcpy(all, text, at);
	/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): the rest comes behind it */
	memcpy(all + at, instead, more);
	memcpy(all + at + more, text + at + taken, bytes - at - taken);
	bytes = bytes - taken + more;
	while (dots < 4)
		dots += all[check++] == '.';
	memcpy(without, all, check);
	memcpy(without + check, all + check + 9, bytes - check - 9);
	snprintf(digits, sizeof(digits), "%08x", (unsigned int)model_check(without, bytes - 9));
	memcpy(all + check, digits, 8);
	MUST(!parses(all, bytes, &cursor));
}

static void
respell(const char *text, size_t bytes)
{
	size_t dots = 0;

	for (size_t at = 0; at < bytes; at++) {
		const char byte = text[at];
		char instead[4] = "";

		if (byte == '.')
			dots++;
		/* The incarnation in capitals. */
		if (dots == 1 && byte >= 'a' && byte <= 'f') {
			instead[0] = (char)(byte - 'a' + 'A');
			refuse_respelt(text, bytes, at, instead, 1);
		}
		/* Numbers with a zero or a sign before them. */
		if (byte == '.' && (dots == 2 || dots == 3)) {
			refuse_respelt(text, bytes, at + 1, "0", 0);
			refuse_respelt(text, bytes, at + 1, "+", 0);
		}
		if (dots < 5)
			continue;
		/* An escape in small letters; one that is not needed. */
		if (byte == '~') {
			snprintf(instead, sizeof(instead), "~%c%c", text[at + 1] | 0x20,
				 text[at + 2] | 0x20);
			if (memcmp(instead, text + at, 3) != 0)
				refuse_respelt(text, bytes, at, instead, 3);
			at += 2;
		} else if (byte != '.') {
			snprintf(instead, sizeof(instead), "~%02X", (unsigned char)byte);
			refuse_respelt(text, bytes, at, instead, 1);
		}
	}
}

static void
take_text(const char *given, size_t bytes)
{
	char written[REPRISE_CURSOR_TEXT_BYTES_MAX], modelled[REPRISE_CURSOR_TEXT_BYTES_MAX];
	struct reprise_cursor cursor;
	size_t written_bytes = 0;
	char *const text = malloc(bytes + (bytes == 0));

	MUST(text != NULL);
	memcpy(text, given, bytes);
	if (parses(text, bytes, &cursor)) {
		MUST(bytes < REPRISE_CURSOR_TEXT_BYTES_MAX);
		MUST(reprise_cursor_format(&cursor, written, sizeof(written), &written_bytes,
					   NULL) == REPRISE_OK);
		MUST(written_bytes == bytes && memcmp(written, text, bytes) == 0);
		MUST(model_format(&cursor, modelled) == bytes);
		MUST(memcmp(modelled, text, bytes) == 0);
		turn_bits(text, bytes);
		respell(text, bytes);
	}
	free(text);
}

/* rp1.incarnation.revision.position.CHECK.id: puts the check right, if there is a place for it. */
static void
take_repaired(const char *given, size_t bytes)
{
	char text[1024], without[1024];
	size_t at = 0, dots = 0;
	char check[9];

	if (bytes >= sizeof(text))
		return;
	while (at < bytes && dots < 4)
		dots += given[at++] == '.';
	if (dots < 4 || bytes - at < 9)
		return;
	memcpy(text, given, bytes);
	memcpy(without, text, at);
	memcpy(without + at, text + at + 9, bytes - at - 9);
	snprintf(check, sizeof(check), "%08x", (unsigned int)model_check(without, bytes - 9));
	memcpy(text + at, check, 8);
	text[at + 8] = '.';
	take_text(text, bytes);
}

static bool
same(const struct reprise_cursor *a, const struct reprise_cursor *b)
{
	return memcmp(&a->incarnation, &b->incarnation, sizeof(a->incarnation)) == 0 &&
	       a->revision == b->revision && a->position == b->position &&
	       strcmp(a->session_id, b->session_id) == 0;
}

static void
take_cursor(const uint8_t *bytes, size_t bytes_count)
{
	struct reprise_cursor cursor = { .revision = 0 }, parsed;
	const size_t head = sizeof(cursor.incarnation) + 8 + 8;
	char text[REPRISE_CURSOR_TEXT_BYTES_MAX];
	size_t text_bytes = 0;

	if (bytes_count < head)
		return;
	memcpy(&cursor.incarnation, bytes, 16);
	memcpy(&cursor.revision, bytes + 16, 8);
	memcpy(&cursor.position, bytes + 24, 8);
	/* It need not end in NUL, either. */
	bytes_count -= head;
	memcpy(cursor.session_id, bytes + head,
	       bytes_count < sizeof(cursor.session_id) ? bytes_count : sizeof(cursor.session_id));
	const reprise_status status =
		reprise_cursor_format(&cursor, text, sizeof(text), &text_bytes, NULL);

	MUST(status == REPRISE_OK || status == REPRISE_E_INVALID);
	if (status != REPRISE_OK)
		return;
	MUST(strlen(text) == text_bytes);
	MUST(parses(text, text_bytes, &parsed));
	MUST(same(&cursor, &parsed));
	/* The room is just enough, or a byte too small. */
	char *const room = malloc(text_bytes + 1);

	MUST(room != NULL);
	MUST(reprise_cursor_format(&cursor, room, text_bytes, NULL, NULL) == REPRISE_E_TOO_LARGE);
	MUST(reprise_cursor_format(&cursor, room, text_bytes + 1, NULL, NULL) == REPRISE_OK);
	free(room);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_count)
{
	take_text((const char *)bytes, bytes_count);
	take_repaired((const char *)bytes, bytes_count);
	take_cursor(bytes, bytes_count);
	return 0;
}
