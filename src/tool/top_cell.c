/* SPDX-License-Identifier: MIT */
#include "tool/top_cell.h"

#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

enum {
	DOTS = 3,
	ESCAPE_ROOM = 16,
};

static bool is_utf8;

void
top_cell_begin(bool wants_utf8)
{
	(void)setlocale(LC_CTYPE, "");
	is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	if (!is_utf8 && wants_utf8)
		is_utf8 = setlocale(LC_CTYPE, "C.UTF-8") != NULL;
}

/* --- text ------------------------------------------------------------------------------------ */

/* Characters without a width that would hide or turn the text around them. */
static bool
is_hidden(wchar_t found)
{
	return (found >= 0x200b && found <= 0x200f) || (found >= 0x2028 && found <= 0x202e) ||
	       (found >= 0x2060 && found <= 0x206f) || found == 0x061c || found == 0xfeff ||
	       found == 0x00ad;
}

/* One character, or its escape. */
struct piece {
	char text[ESCAPE_ROOM];
	size_t bytes, columns;
	size_t taken; /* bytes of the source */
};

static struct piece
escape(const char *format, unsigned int number, size_t taken)
{
	struct piece piece = { .taken = taken };

	/* NOLINTNEXTLINE(clang-diagnostic-format-nonliteral): both formats are below */
	piece.bytes = (size_t)snprintf(piece.text, sizeof(piece.text), format, number);
	piece.columns = piece.bytes;
	return piece;
}

static struct piece
take_piece(const char *text, size_t bytes)
{
	const unsigned char first = (unsigned char)text[0];
	struct piece piece = { .taken = 1 };
	mbstate_t state = { 0 };
	wchar_t found = (wchar_t)first;

	if (first >= 0x80) {
		piece.taken = is_utf8 ? mbrtowc(&found, text, bytes, &state) : 0;
		if (piece.taken == 0 || piece.taken > bytes)
			return escape("\\x%02x", first, 1);
	}
	const int columns =
		first < 0x80 ? (first >= 0x20 && first < 0x7f ? 1 : -1) : wcwidth(found);

	if (columns < 0 || is_hidden(found))
		return escape("\\u%04x", (unsigned int)found, piece.taken);
	if (first == '\\') {
		memcpy(piece.text, "\\\\", 2);
		piece.bytes = piece.columns = 2;
		return piece;
	}
	memcpy(piece.text, text, piece.taken);
	piece.bytes = piece.taken;
	piece.columns = (size_t)columns;
	return piece;
}

size_t
top_cell_text(const char *text, size_t columns, char ret_text[TOP_CELL_ROOM])
{
	const char *const end = text + strlen(text);
	size_t used = 0, bytes = 0;
	size_t cut_bytes = 0, cut_used = 0; /* where the dots would stand */

	while (text < end) {
		const struct piece piece = take_piece(text, (size_t)(end - text));
		const bool has_room = bytes + piece.bytes + DOTS < TOP_CELL_ROOM;

		if (!has_room || (columns != TOP_EXACT && used + piece.columns > columns)) {
			snprintf(ret_text + cut_bytes, TOP_CELL_ROOM - cut_bytes, "%.*s",
				 columns != TOP_EXACT && columns < DOTS ? (int)columns : DOTS,
				 "...");
			return cut_used + (columns != TOP_EXACT && columns < DOTS ? columns : DOTS);
		}
		memcpy(ret_text + bytes, piece.text, piece.bytes);
		bytes += piece.bytes;
		used += piece.columns;
		if (used + DOTS <= columns || columns == TOP_EXACT) {
			cut_bytes = bytes;
			cut_used = used;
		}
		text += piece.taken;
	}
	ret_text[bytes] = '\0';
	return used;
}

/* --- numbers --------------------------------------------------------------------------------- */

/* With a unit, so that at most @columns columns are in use: 12.3k, 4.56M. */
static void
shorten(double number, size_t columns, char ret_text[TOP_CELL_ROOM])
{
	static const char units[] = "kMGTPE";
	size_t unit = 0;

	for (number /= 1000; number >= 999.5 && unit < sizeof(units) - 2; unit++)
		number /= 1000;
	for (int digits = number < 9.995 ? 2 : number < 99.95 ? 1 : 0; digits >= 0; digits--) {
		snprintf(ret_text, TOP_CELL_ROOM, "%.*f%c", digits, number, units[unit]);
		if (strlen(ret_text) <= columns)
			return;
	}
	snprintf(ret_text, TOP_CELL_ROOM, "%.*s", (int)columns, ">>>>>>>>>>");
}

void
top_cell_number(struct top_number number, size_t columns, char ret_text[TOP_CELL_ROOM])
{
	snprintf(ret_text, TOP_CELL_ROOM, number.is_known ? "%" PRIu64 : "-", number.number);
	if (columns != TOP_EXACT && strlen(ret_text) > columns)
		shorten((double)number.number, columns, ret_text);
}

void
top_cell_rate(bool is_known, double rate, size_t columns, char ret_text[TOP_CELL_ROOM])
{
	snprintf(ret_text, TOP_CELL_ROOM, is_known ? "%.1f" : "-", rate);
	if (columns != TOP_EXACT && strlen(ret_text) > columns)
		shorten(rate, columns, ret_text);
}

static void
write_state(const struct top_row *row, size_t columns, char ret_text[TOP_CELL_ROOM])
{
	char words[32];

	switch (row->state) {
	case TOP_LIVE:
		snprintf(ret_text, TOP_CELL_ROOM, "live");
		break;
	case TOP_ENDED:
		snprintf(words, sizeof(words), "ended %" PRId32, row->end_status);
		(void)top_cell_text(words, columns, ret_text);
		break;
	case TOP_LOG_ONLY:
		snprintf(ret_text, TOP_CELL_ROOM, "log only");
		break;
	}
}

void
top_cell(const struct top_row *row, enum top_column column, size_t columns,
	 char ret_text[TOP_CELL_ROOM])
{
	const struct top_number numbers[TOP_COLUMNS] = {
		[TOP_NEWEST] = { true, row->newest },
		[TOP_RETAINED] = row->retained,
		[TOP_HOSTS] = row->hosts,
		[TOP_BEHIND] = row->behind,
		[TOP_HEADROOM] = row->headroom,
		[TOP_LOST] = row->lost,
		[TOP_LAG] = row->lag,
	};

	if (column == TOP_RATE)
		top_cell_rate(row->has_rate, row->rate, columns, ret_text);
	else if (column == TOP_STATE)
		write_state(row, columns, ret_text);
	else
		top_cell_number(numbers[column], columns, ret_text);
}

const char *
top_cell_heading(enum top_column column)
{
	static const char *const headings[TOP_COLUMNS] = {
		[TOP_SESSION] = "SESSION",   [TOP_RATE] = "EVENTS/S", [TOP_NEWEST] = "NEWEST",
		[TOP_RETAINED] = "RETAINED", [TOP_HOSTS] = "HOSTS",   [TOP_BEHIND] = "BEHIND",
		[TOP_HEADROOM] = "HEADROOM", [TOP_LOST] = "LOST",     [TOP_LAG] = "UNRECORDED",
		[TOP_STATE] = "STATE",
	};

	return headings[column];
}
