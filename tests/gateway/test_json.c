/* SPDX-License-Identifier: MIT */
/*
 * V10: JSON is checked by RFC 8259, and cut without a change. The classes of cases are the ones of
 * the JSON test suite of Nicolas Seriot; the cases are this file's.
 */
#include <stdlib.h>

#include "gateway/json.h"
#include "support.h"

TestSuite(json, .timeout = 60);

/* A text with its size, so that a NUL may be inside. */
#define TEXT(bytes)                        \
	{                                  \
		(bytes), sizeof(bytes) - 1 \
	}

static const struct http_text accepted[] = {
	/* Values alone, and white space. */
	TEXT("null"),
	TEXT("true"),
	TEXT("false"),
	TEXT("0"),
	TEXT("\"\""),
	TEXT("[]"),
	TEXT("{}"),
	TEXT(" \t\r\n[ \t\r\n] \t\r\n"),
	TEXT("\n{\t\"a\"\r:\n1 , \"b\" : 2 }"),
	/* Arrays and objects. */
	TEXT("[[]   ]"),
	TEXT("[1,null,null,null,2]"),
	TEXT("[[[[[]]]]]"),
	TEXT("[{}]"),
	TEXT("[1, \"a\", {\"b\": [true]}, null]"),
	TEXT("{\"a\":\"b\",\"a\":\"b\"}"),
	TEXT("{\"\":0}"),
	TEXT("{\"a\\u0000b\":{}}"),
	TEXT("{\"min\":-1.0e+28,\"max\":1.0e+28}"),
	/* Numbers. */
	TEXT("-0"),
	TEXT("-0.0"),
	TEXT("-123"),
	TEXT("123.456789"),
	TEXT("0e1"),
	TEXT("0E+1"),
	TEXT("20e1"),
	TEXT("1E22"),
	TEXT("1e-2"),
	TEXT("123.456e78"),
	TEXT("-0.000000000000000000000000000000000000000000000000000000000000000000000001"),
	TEXT("1e999999999"),
	TEXT("100000000000000000000000000000000000000000000000"),
	/* Escapes. */
	TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
	TEXT("\"\\u0060\\u012a\\u12AB\\uabCD\""),
	TEXT("\"\\u0000\""),
	TEXT("\"\\ud83d\\ude39\""),
	TEXT("\"\\\\u0000\""),
	TEXT("\"a/*b*/c/*d//e\""),
	/* A half of a surrogate pair has the form of an escape: RFC 8259, section 8.2. */
	TEXT("\"\\ud800\""),
	TEXT("\"\\udc00\\ud800\""),
	TEXT("\"\\ud800abc\""),
	/* Characters as UTF-8. */
	TEXT("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""),
	TEXT("\"\xf4\x8f\xbf\xbf\""),
	TEXT("\"\xe2\x80\xa8\xe2\x80\xa9\""),
	TEXT("\"\x7f\""),
	TEXT("\"\xef\xbb\xbf\""),
	TEXT("\"\xef\xbf\xbf\""),
};

static const struct http_text refused[] = {
	/* Nothing, or too much. */
	TEXT(""),
	TEXT(" "),
	TEXT("[] []"),
	TEXT("1 2"),
	TEXT("{}}"),
	TEXT("[]]"),
	TEXT("\"a\"x"),
	TEXT("null,"),
	TEXT("{\"a\":1}#"),
	TEXT("{\"a\":1}/**/"),
	TEXT("// a\n1"),
	TEXT("1\f"),
	TEXT("\v1"),
	TEXT("1\0"),
	TEXT("\xc2\xa0[]"),
	/* Words. */
	TEXT("nul"),
	TEXT("nulll"),
	TEXT("True"),
	TEXT("tru"),
	TEXT("fals"),
	TEXT("NaN"),
	TEXT("Infinity"),
	TEXT("-Infinity"),
	TEXT("undefined"),
	TEXT("a"),
	/* Arrays. */
	TEXT("["),
	TEXT("]"),
	TEXT("[1"),
	TEXT("[1,"),
	TEXT("[,1]"),
	TEXT("[1,,2]"),
	TEXT("[1,]"),
	TEXT("[,]"),
	TEXT("[1 2]"),
	TEXT("[1:2]"),
	TEXT("[a"),
	TEXT("[[1]"),
	TEXT("[1}"),
	TEXT("[\"a\",\n4\n,1,"),
	/* Objects. */
	TEXT("{"),
	TEXT("}"),
	TEXT("{\"a\""),
	TEXT("{\"a\":"),
	TEXT("{\"a\":1"),
	TEXT("{\"a\":1,"),
	TEXT("{\"a\":1,}"),
	TEXT("{,\"a\":1}"),
	TEXT("{\"a\":1,,\"b\":2}"),
	TEXT("{\"a\" 1}"),
	TEXT("{\"a\",1}"),
	TEXT("{\"a\"::1}"),
	TEXT("{\"a\":}"),
	TEXT("{a:1}"),
	TEXT("{'a':1}"),
	TEXT("{1:1}"),
	TEXT("{null:1}"),
	TEXT("{[]:1}"),
	TEXT("{\"a\":1]"),
	TEXT("{\"a\":1 \"b\":2}"),
	TEXT("{\"a\":\"b\":\"c\"}"),
	/* Numbers. */
	TEXT("-"),
	TEXT("+1"),
	TEXT("++1"),
	TEXT("--1"),
	TEXT("-a"),
	TEXT("- 1"),
	TEXT("01"),
	TEXT("-01"),
	TEXT("00"),
	TEXT("0."),
	TEXT("1."),
	TEXT("-1."),
	TEXT(".1"),
	TEXT("-.1"),
	TEXT("1.e1"),
	TEXT("0.e1"),
	TEXT("1e"),
	TEXT("1e+"),
	TEXT("1E-"),
	TEXT("1e1.5"),
	TEXT("1e+-1"),
	TEXT("1eE2"),
	TEXT("1.2.3"),
	TEXT("0x1"),
	TEXT("1_000"),
	TEXT("1 000"),
	TEXT("1a"),
	TEXT("1+2"),
	TEXT("\xef\xbc\x91"),
	/* Strings. */
	TEXT("\""),
	TEXT("\"a"),
	TEXT("\"\\"),
	TEXT("\"\\\""),
	TEXT("\"\\a\""),
	TEXT("\"\\'\""),
	TEXT("\"\\x41\""),
	TEXT("\"\\0\""),
	TEXT("\"\\\0\""),
	TEXT("\"\\U0041\""),
	TEXT("\"\\u\""),
	TEXT("\"\\u1\""),
	TEXT("\"\\u12\""),
	TEXT("\"\\u123\""),
	TEXT("\"\\u123"),
	TEXT("\"\\u12g4\""),
	TEXT("\"\\u 123\""),
	TEXT("\"\\ud800\\u\""),
	TEXT("\"\\\xf0\x9f\x98\x80\""),
	TEXT("'a'"),
	TEXT("\"a\tb\""),
	TEXT("\"a\nb\""),
	TEXT("\"a\0b\""),
	TEXT("\"\x1f\""),
	/* Bytes that are not UTF-8. */
	TEXT("\xef\xbb\xbf{}"),
	TEXT("\xfe\xff\0[\0]"),
	TEXT("[\0]\0"),
	TEXT("\"\xff\""),
	TEXT("\"\xe9\""),
	TEXT("\"\x80\""),
	TEXT("\"\xc0\xaf\""),
	TEXT("\"\xe0\x80\xaf\""),
	TEXT("\"\xf0\x80\x80\x80\""),
	TEXT("\"\xed\xa0\x80\""),
	TEXT("\"\xf4\x90\x80\x80\""),
	TEXT("\"\xfc\x83\xbf\xbf\xbf\xbf\""),
	TEXT("\"\xe2\x82\""),
	TEXT("\"\xf0\x9f\x98"),
	TEXT("\xc3\xa9"),
	TEXT("[\xe9]"),
};

/* A copy of the exact size: a sanitizer sees a look behind the end. */
static bool
is_valid(struct http_text text)
{
	char *const copy = malloc(text.size == 0 ? 1 : text.size);
	bool valid;

	cr_assert(copy != NULL);
	if (text.size != 0)
		memcpy(copy, text.data, text.size);
	valid = json_is_valid((struct http_text){ copy, text.size });
	free(copy);
	return valid;
}

Test(json, V10_a_text_of_the_grammar_is_accepted)
{
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++)
		cr_assert(is_valid(accepted[i]), "%.*s", (int)accepted[i].size, accepted[i].data);
}

Test(json, V10_a_text_beside_the_grammar_is_refused)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		cr_assert(not(is_valid(refused[i])), "%.*s", (int)refused[i].size, refused[i].data);
}

Test(json, V10_no_beginning_of_a_text_is_accepted)
{
	static const char text[] = "{\"a\":[1.5e-3,\"b\\u00e9\\n\",true,{\"c\":null}],\"d\":{}}";

	for (size_t size = 0; size < sizeof(text) - 1; size++)
		cr_assert(not(is_valid((struct http_text){ text, size })), "%zu", size);
	cr_assert(is_valid((struct http_text){ text, sizeof(text) - 1 }));
}

static bool
is_nested(size_t depth, const char *open, const char *middle, const char *close)
{
	struct buffer buffer = { 0 };
	bool valid;

	for (size_t i = 0; i < depth; i++)
		buffer_text(&buffer, open);
	buffer_text(&buffer, middle);
	for (size_t i = 0; i < depth; i++)
		buffer_text(&buffer, close);
	valid = is_valid((struct http_text){ buffer.data, buffer.size });
	buffer_free(&buffer);
	return valid;
}

Test(json, V10_a_text_is_nested_512_deep_at_most)
{
	cr_assert(is_nested(512, "[", "1", "]"));
	cr_assert(not(is_nested(513, "[", "1", "]")));
	cr_assert(is_nested(512, "{\"a\":", "1", "}"));
	cr_assert(not(is_nested(513, "{\"a\":", "1", "}")));
	cr_assert(is_nested(256, "[{\"a\":", "[]", "}]") == false);
	cr_assert(is_nested(255, "[{\"a\":", "[{}]", "}]"));
	cr_assert(not(is_nested(100000, "[", "", "")));
	cr_assert(not(is_nested(100000, "[{\"\":", "", "")));
}

/* Each level remembers whether it is an array or an object. */
Test(json, V10_an_array_and_an_object_do_not_close_each_other)
{
	for (size_t depth = 1; depth <= 130; depth++) {
		cr_assert(not(is_nested(depth, "[", "1", "}")));
		cr_assert(not(is_nested(depth, "{\"a\":", "1", "]")));
		cr_assert(is_nested(depth, "[[1],{\"a\":", "[{}]", "}]"));
	}
}

/* Joins the elements of an array, and expects the array as it was without its white space. */
static void
expect_cut(const char *array, const char *joined)
{
	const struct http_text text = { array, strlen(array) };
	struct buffer buffer = { 0 };
	struct http_text element;
	size_t offset = 0;

	buffer_text(&buffer, "[");
	while (json_next_element(text, &offset, &element)) {
		cr_assert(json_is_valid(element), "%.*s", (int)element.size, element.data);
		if (buffer.size != 1)
			buffer_text(&buffer, ",");
		buffer_add(&buffer, element.data, element.size);
	}
	buffer_add(&buffer, "]", 2);
	cr_assert(eq(str, buffer.data, (char *)joined));
	buffer_free(&buffer);
}

Test(json, V10_an_array_cut_and_joined_again_is_the_same)
{
	static const char *const arrays[] = {
		"[]",
		"[1]",
		"[1,2,3]",
		"[\"a,b\",\"]\",\"\\\"],\",\"\\\\\",\"[{\"]",
		"[[1,[2,3]],{\"a\":[4,5],\"b\":{}},[],{}]",
		"[1.50,-0,1E+5,0.10e-7]",
		"[\"\\u00e9\",\"\xc3\xa9\",\"\\ud800\"]",
		"[{\"a]\":\"}\"},null,true,false]",
		"[\"\",\"\"]",
	};

	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
		expect_cut(arrays[i], arrays[i]);
	expect_cut(" \n[ 1 ,\t[ 2, 3 ]\r\n, \" 4 \" ] \n", "[1,[ 2, 3 ],\" 4 \"]");
	expect_cut(" [ ] ", "[]");
}

Test(json, V10_only_an_array_has_elements)
{
	struct http_text element;
	size_t offset = 0;

	cr_assert(not(json_next_element((struct http_text)TEXT("{\"a\":1}"), &offset, &element)));
	cr_assert(not(json_next_element((struct http_text)TEXT("\"[1]\""), &offset, &element)));
	cr_assert(not(json_next_element((struct http_text)TEXT("1"), &offset, &element)));
	cr_assert(eq(sz, offset, 0));
}

Test(json, V10_white_space_is_cut_off_a_text)
{
	struct http_text text = json_trim((struct http_text)TEXT(" \t\r\n a b \n"));

	cr_assert(text.size == 3 && memcmp(text.data, "a b", 3) == 0);
	cr_assert(eq(sz, json_trim((struct http_text)TEXT(" \n ")).size, 0));
	cr_assert(eq(sz, json_trim((struct http_text){ NULL, 0 }).size, 0));
}

static void
expect_string(struct http_text bytes, const char *json)
{
	struct buffer buffer = { 0 };

	buffer_string(&buffer, bytes.data, bytes.size);
	cr_assert(json_is_valid((struct http_text){ buffer.data, buffer.size }));
	buffer_add(&buffer, "", 1);
	cr_assert(eq(str, buffer.data, (char *)json));
	buffer_free(&buffer);
}

Test(json, V10_any_bytes_become_a_string_without_control_characters)
{
	expect_string((struct http_text)TEXT(""), "\"\"");
	expect_string((struct http_text)TEXT("a\"b\\c/"), "\"a\\\"b\\\\c/\"");
	expect_string((struct http_text)TEXT("\0\x1b[1m\n\r\t\x7f"),
		      "\"\\u0000\\u001b[1m\\n\\r\\t\\u007f\"");
	expect_string((struct http_text)TEXT("\xc2\x80\xc2\x9f\xc2\xa0"),
		      "\"\\u0080\\u009f\xc2\xa0\"");
	expect_string((struct http_text)TEXT("\xff\xc3\xa9\xe2\x82"),
		      "\"\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\"");
	expect_string((struct http_text)TEXT("\xc2"), "\"\xef\xbf\xbd\"");
}

Test(json, V10_bytes_are_written_as_base64_and_numbers_as_digits)
{
	struct buffer buffer = { 0 };

	/* The vectors of RFC 4648, section 10. */
	buffer_base64(&buffer, "", 0);
	for (size_t size = 1; size <= 6; size++) {
		buffer_base64(&buffer, "foobar", size);
		buffer_text(&buffer, " ");
	}
	buffer_number(&buffer, 0);
	buffer_text(&buffer, " ");
	buffer_number(&buffer, UINT64_MAX);
	buffer_add(&buffer, "", 1);
	cr_assert(eq(str, buffer.data,
		     "Zg== Zm8= Zm9v Zm9vYg== Zm9vYmE= Zm9vYmFy 0 18446744073709551615"));
	buffer_free(&buffer);
}

/* --- V50: the file of a route map ------------------------------------------------------------ */

static void
expect_member(struct http_text object, size_t *offset, const char *name, const char *value)
{
	struct http_text got_name, got_value;

	cr_assert(json_next_member(object, offset, &got_name, &got_value));
	cr_assert(eq(sz, got_name.size, strlen(name)));
	cr_assert(memcmp(got_name.data, name, got_name.size) == 0, "%s", name);
	cr_assert(eq(sz, got_value.size, strlen(value)));
	cr_assert(memcmp(got_value.data, value, got_value.size) == 0, "%s", value);
}

Test(json, V50_the_members_of_an_object_are_cut_in_their_order)
{
	static const struct http_text object =
		TEXT(" {\"a\" : 1 ,\n\"b,}\\\"\":{\"c\":[1,2],\"d\":\"}\"}, \"a\":[{}, "
		     "{}],\"\":\"x\" } ");
	static const struct http_text none[] = { TEXT("{}"), TEXT(" { } "), TEXT("[1]"), TEXT("1"),
						 TEXT("\"a\"") };
	struct http_text name, value;
	size_t offset = 0;

	expect_member(object, &offset, "\"a\"", "1");
	expect_member(object, &offset, "\"b,}\\\"\"", "{\"c\":[1,2],\"d\":\"}\"}");
	expect_member(object, &offset, "\"a\"", "[{}, {}]");
	expect_member(object, &offset, "\"\"", "\"x\"");
	cr_assert(not(json_next_member(object, &offset, &name, &value)));
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		offset = 0;
		cr_assert(not(json_next_member(none[i], &offset, &name, &value)));
	}
}

static void
expect_decoded(struct http_text value, const char *text)
{
	char decoded[64];

	cr_assert(json_is_valid(value));
	if (text == NULL) {
		cr_assert(not(json_read_string(value, decoded, sizeof(decoded))), "%s", value.data);
		return;
	}
	cr_assert(json_read_string(value, decoded, sizeof(decoded)), "%s", value.data);
	cr_assert(eq(str, decoded, (char *)text));
	cr_assert(json_read_string(value, decoded, strlen(text) + 1));
	cr_assert(not(json_read_string(value, decoded, strlen(text))));
}

Test(json, V50_a_string_is_decoded_once)
{
	expect_decoded((struct http_text)TEXT("\"\""), "");
	expect_decoded((struct http_text)TEXT("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
		       "a\"\\/\b\f\n\r\t");
	expect_decoded((struct http_text)TEXT("\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\""),
		       "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	expect_decoded((struct http_text)TEXT("\"\\\\u0041\""), "\\u0041");
	expect_decoded((struct http_text)TEXT("\"\\u0000\""), NULL);
	expect_decoded((struct http_text)TEXT("\"\\ud83d\""), NULL);
	expect_decoded((struct http_text)TEXT("\"\\ud83dx12345\""), NULL);
	expect_decoded((struct http_text)TEXT("\"\\ud83d\\u0041\""), NULL);
	expect_decoded((struct http_text)TEXT("\"\\ud83d\\n12345\""), NULL);
	expect_decoded((struct http_text)TEXT("\"\\ude00\""), NULL);
	expect_decoded((struct http_text)TEXT("1"), NULL);
	expect_decoded((struct http_text)TEXT("{\"a\":\"b\"}"), NULL);
}

Test(json, V50_a_text_that_is_no_JSON_has_a_place)
{
	static const struct {
		struct http_text text;
		size_t offset;
	} rows[] = {
		{ TEXT(""), 0 },          { TEXT("{\"a\":1,}"), 7 }, { TEXT("[1, 2\n x]"), 7 },
		{ TEXT("[1] 2"), 4 },     { TEXT("[1"), 2 },         { TEXT("[1, tru]"), 4 },
		{ TEXT("{\"a\" 1}"), 1 },
	};
	size_t offset;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cr_assert(not(json_check(rows[i].text, &offset)));
		cr_assert(eq(sz, offset, rows[i].offset), "%s", rows[i].text.data);
	}
	cr_assert(json_check((struct http_text)TEXT("[1, 2] "), &offset));
}
