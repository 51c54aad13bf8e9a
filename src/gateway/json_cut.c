/* SPDX-License-Identifier: MIT */
/*
 * Cuts JSON that json_check has accepted: elements, members and lines are pieces of the text. Only
 * a string is decoded, and only where the gateway itself has to know the string.
 */
#include "gateway/json.h"

#include <string.h>

static bool
is_space(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Behind the white space at @at. */
static const char *
behind_space(const char *at, const char *end)
{
	while (at < end && is_space(*at))
		at++;
	return at;
}

struct http_text
json_trim(struct http_text text)
{
	while (text.size != 0 && is_space(text.data[text.size - 1]))
		text.size--;
	while (text.size != 0 && is_space(text.data[0])) {
		text.data++;
		text.size--;
	}
	return text;
}

/* The bytes of a valid string, from the opening quote to the closing one. */
static size_t
string_size(const char *at, const char *end)
{
	const char *const begin = at++;

	while (at < end && *at != '"')
		at += *at == '\\' && end - at > 1 ? 2 : 1;
	return (size_t)(at - begin) + (at < end);
}

/* The end of the value at @at: the comma behind the value, or the end of its array or object. */
static const char *
value_end(const char *at, const char *end)
{
	unsigned int depth = 0;

	while (at < end) {
		if (depth == 0 && (*at == ',' || *at == ']' || *at == '}'))
			break;
		if (*at == '"') {
			at += string_size(at, end);
			continue;
		}
		if (*at == '[' || *at == '{')
			depth++;
		if (*at == ']' || *at == '}')
			depth--;
		at++;
	}
	return at;
}

bool
json_next_element(struct http_text array, size_t *offset, struct http_text *ret_element)
{
	const char *const end = array.data + array.size;
	const char *at = array.data + *offset;
	struct http_text element;

	/* Before the first element there is a bracket, and before each further element a comma. */
	if (*offset == 0)
		at = behind_space(at, end);
	if (at == end || *at != (*offset == 0 ? '[' : ','))
		return false;
	element.data = at + 1;
	at = value_end(at + 1, end);
	element.size = (size_t)(at - element.data);
	element = json_trim(element);
	if (element.size == 0)
		return false;
	*ret_element = element;
	*offset = (size_t)(at - array.data);
	return true;
}

bool
json_next_member(struct http_text object, size_t *offset, struct http_text *ret_name,
		 struct http_text *ret_value)
{
	const char *const end = object.data + object.size;
	const char *at = object.data + *offset;

	/* Before the first member there is a brace, and before each further member a comma. */
	if (*offset == 0)
		at = behind_space(at, end);
	if (at == end || *at != (*offset == 0 ? '{' : ','))
		return false;
	at = behind_space(at + 1, end);
	if (at == end || *at != '"')
		return false;
	*ret_name = (struct http_text){ at, string_size(at, end) };
	at = behind_space(at + ret_name->size, end) + 1; /* and behind the colon */
	ret_value->data = at;
	at = value_end(at, end);
	ret_value->size = (size_t)(at - ret_value->data);
	*ret_value = json_trim(*ret_value);
	*offset = (size_t)(at - object.data);
	return true;
}

static uint32_t
hex_of(const char *digits)
{
	uint32_t number = 0;

	for (int i = 0; i < 4; i++)
		number = number << 4 | http_hex(digits[i]);
	return number;
}

static bool
is_surrogate(uint32_t code, uint32_t half)
{
	return code >= half && code < half + 0x400;
}

/* The code of an escape, behind the backslash; 0: none that a text may have. */
static uint32_t
decode_escape(const char **at, const char *end)
{
	static const char letters[] = "\"\\/bfnrt", codes[] = "\"\\/\b\f\n\r\t";
	const char letter = *(*at)++;
	uint32_t code, low;

	if (letter != 'u')
		return (unsigned char)codes[strchr(letters, letter) - letters];
	code = hex_of(*at);
	*at += 4;
	if (is_surrogate(code, 0xdc00))
		return 0;
	if (!is_surrogate(code, 0xd800))
		return code;
	if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
		return 0;
	low = hex_of(*at + 2);
	*at += 6;
	return is_surrogate(low, 0xdc00) ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) : 0;
}

/* UTF-8; the number of bytes. */
static size_t
encode(uint32_t code, char bytes[4])
{
	const size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const unsigned int marks[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = size - 1; i > 0; i--) {
		bytes[i] = (char)(0x80 | (code & 0x3f));
		code >>= 6;
	}
	bytes[0] = (char)(marks[size] | code);
	return size;
}

bool
json_read_string(struct http_text value, char *decoded, size_t room)
{
	const char *const end = value.data + value.size - 1;
	const char *at = value.data + 1;
	size_t used = 0;

	if (value.size < 2 || value.data[0] != '"' || room == 0)
		return false;
	while (at < end) {
		char bytes[4] = { *at++ };
		size_t size = 1;

		if (bytes[0] == '\\') {
			const uint32_t code = decode_escape(&at, end);

			if (code == 0)
				return false;
			size = encode(code, bytes);
		}
		if (used + size >= room)
			return false;
		memcpy(decoded + used, bytes, size);
		used += size;
	}
	decoded[used] = '\0';
	return true;
}

bool
json_next_line(struct http_text *rest, struct http_text *ret_line)
{
	while (rest->size != 0) {
		const char *const end = memchr(rest->data, '\n', rest->size);
		const size_t size = end == NULL ? rest->size : (size_t)(end - rest->data) + 1;

		*ret_line = json_trim((struct http_text){ rest->data, size });
		rest->data += size;
		rest->size -= size;
		if (ret_line->size != 0)
			return true;
	}
	return false;
}
