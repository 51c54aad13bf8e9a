/* SPDX-License-Identifier: MIT */
#include "http/text.h"

#include <string.h>

/* The kinds of bytes there are, by the classes that they have. */
enum {
	NO = 0,
	ESCAPE = HTTP_CLASS_VALUE, /* the quotation mark and the backslash */
	SHOWN = ESCAPE | HTTP_CLASS_QUOTED,
	SIGN = SHOWN | HTTP_CLASS_TOKEN,
	ASK = SHOWN | HTTP_CLASS_QUERY,
	SUB = ASK | HTTP_CLASS_PATH,
	MARK = SUB | HTTP_CLASS_TOKEN,
	LETTER = MARK | HTTP_CLASS_HOST,
	HEX = LETTER | HTTP_CLASS_HEX,
	DIGIT = HEX | HTTP_CLASS_DIGIT,
};

/* clang-format off */
/*
 * By code, eight a line: NUL, BS, DLE, CAN, space, (, 0, 8, @, H, P, X, `, h, p, x are the first
 * ones.
 */
static const uint8_t classes[128] = {
	NO, NO, NO, NO, NO, NO, NO, NO,
	NO, SHOWN, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO,
	SHOWN, MARK, ESCAPE, SIGN, MARK, SIGN, MARK, MARK,
	SUB, SUB, MARK, MARK, SUB, LETTER, LETTER, SUB,
	DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT,
	DIGIT, DIGIT, SUB, SUB, SHOWN, SUB, SHOWN, ASK,
	SUB, HEX, HEX, HEX, HEX, HEX, HEX, LETTER,
	LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER,
	LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER,
	LETTER, LETTER, LETTER, SHOWN, ESCAPE, SHOWN, SIGN, LETTER,
	SIGN, HEX, HEX, HEX, HEX, HEX, HEX, LETTER,
	LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER,
	LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER,
	LETTER, LETTER, LETTER, SHOWN, SIGN, SHOWN, LETTER, NO,
};
/* clang-format on */

bool
http_is(char byte, enum http_class class)
{
	const unsigned char code = (unsigned char)byte;

	return ((code < sizeof(classes) ? classes[code] : SHOWN) & (unsigned int)class) != 0;
}

bool
http_are_all(struct http_text text, enum http_class class)
{
	for (size_t i = 0; i < text.size; i++)
		if (!http_is(text.data[i], class))
			return false;
	return text.size != 0;
}

static unsigned int
lower(char letter)
{
	return (unsigned char)letter | (letter >= 'A' && letter <= 'Z' ? 0x20U : 0U);
}

bool
http_is_name(struct http_text text, const char *name)
{
	if (text.size != strlen(name))
		return false;
	for (size_t i = 0; i < text.size; i++)
		if (lower(text.data[i]) != (unsigned char)name[i])
			return false;
	return true;
}

static bool
is_space(char byte)
{
	return byte == ' ' || byte == '\t';
}

struct http_text
http_trim(struct http_text text)
{
	while (text.size != 0 && is_space(text.data[0])) {
		text.data++;
		text.size--;
	}
	while (text.size != 0 && is_space(text.data[text.size - 1]))
		text.size--;
	return text;
}

unsigned int
http_hex(char digit)
{
	if (digit >= '0' && digit <= '9')
		return (unsigned int)(digit - '0');
	return lower(digit) - 'a' + 10;
}

bool
http_list_next(struct http_text *list, struct http_text *ret_element)
{
	const char *comma;
	size_t size;

	if (list->data == NULL)
		return false;
	comma = list->size == 0 ? NULL : memchr(list->data, ',', list->size);
	size = comma == NULL ? list->size : (size_t)(comma - list->data);
	*ret_element = http_trim((struct http_text){ list->data, size });
	if (comma == NULL)
		*list = (struct http_text){ NULL, 0 };
	else
		*list = (struct http_text){ comma + 1, list->size - size - 1 };
	return true;
}
