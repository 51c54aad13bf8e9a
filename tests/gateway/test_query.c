/* SPDX-License-Identifier: MIT */
/* V20: queries are decoded once, and nothing in a query is guessed. */
#include <stdio.h>

#include "gateway/query.h"
#include "support.h"

SUITE(gateway_query);

#define BIT(name) (UINT32_C(1) << QUERY_##name)

static struct http_text
text_of(const char *text)
{
	return (struct http_text){ text, strlen(text) };
}

static const char *
parse(struct query *query, const char *text)
{
	return query_parse(query, text_of(text), BIT(LIMIT) | BIT(AFTER) | BIT(CURSOR));
}

Test(gateway_query, V20_escapes_are_decoded_once)
{
	char decoded[16];

	cr_assert(query_decode(text_of("a%2fb%2525"), false, decoded, sizeof(decoded)));
	cr_assert(eq(str, decoded, "a/b%25"));
	cr_assert(query_decode(text_of("a+b"), false, decoded, sizeof(decoded)));
	cr_assert(eq(str, decoded, "a+b"));
	cr_assert(query_decode(text_of("a+b%2B"), true, decoded, sizeof(decoded)));
	cr_assert(eq(str, decoded, "a b+"));
	cr_assert(query_decode(text_of(""), true, decoded, 1));
}

Test(gateway_query, V20_bad_escapes_and_NUL_are_refused)
{
	static const char *const bad[] = { "%", "a%4", "%zz", "%4g", "%00", "%%41" };
	char decoded[16];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_assert(not(query_decode(text_of(bad[i]), true, decoded, sizeof(decoded))), "%s",
			  bad[i]);
	cr_assert(
		not(query_decode((struct http_text){ "a\0b", 3 }, true, decoded, sizeof(decoded))));
}

Test(gateway_query, V20_a_text_must_fit_with_its_end)
{
	char decoded[4] = "xyz";

	cr_assert(query_decode(text_of("abc"), false, decoded, 4));
	cr_assert(not(query_decode(text_of("abcd"), false, decoded, 4)));
	cr_assert(not(query_decode(text_of(""), false, decoded, 0)));
}

Test(gateway_query, V20_values_are_found_by_name)
{
	struct query query;

	cr_assert(eq(ptr, (void *)parse(&query, "limit=10&after=a%20b&&cursor="), NULL));
	cr_assert(eq(str, (char *)query_value(&query, QUERY_LIMIT), "10"));
	cr_assert(eq(str, (char *)query_value(&query, QUERY_AFTER), "a b"));
	cr_assert(eq(str, (char *)query_value(&query, QUERY_CURSOR), ""));
	cr_assert(eq(ptr, (void *)query_value(&query, QUERY_AT), NULL));
	cr_assert(eq(ptr, (void *)query_parse(&query, (struct http_text){ NULL, 0 }, 0), NULL));
	cr_assert(eq(u32, query.present, 0));
}

Test(gateway_query, V20_a_parameter_that_is_unknown_or_twice_or_malformed_is_refused)
{
	static const char *const bad[] = {
		"limits=1", "Limit=1",   "at=oldest", "limit=1&limit=1", "limit=%zz", "after=%ff",
		"=1",       "limit=%00", "l%69mit=1", "limit=1&x=2",     "%"
	};
	struct query query;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_assert(ne(ptr, (void *)parse(&query, bad[i]), NULL), "%s", bad[i]);
}

Test(gateway_query, V20_a_route_may_pass_other_parameters_over)
{
	struct query query;
	const char text[] = "foo=bar&offset=-1&foo=%zz&limit=1&=&x";

	cr_assert(eq(ptr, (void *)query_parse(&query, text_of(text), BIT(OFFSET) | QUERY_OTHERS),
		     NULL));
	cr_assert(eq(str, (char *)query_value(&query, QUERY_OFFSET), "-1"));
	cr_assert(eq(ptr, (void *)query_value(&query, QUERY_LIMIT), NULL));
	cr_assert(ne(ptr,
		     (void *)query_parse(&query, text_of("offset=1&offset=1"),
					 BIT(OFFSET) | QUERY_OTHERS),
		     NULL));
}

Test(gateway_query, V20_values_are_bounded)
{
	char text[QUERY_VALUE_BYTES_MAX + 16];
	struct query query;
	const int room = QUERY_VALUE_BYTES_MAX;

	snprintf(text, sizeof(text), "after=%0*d", room, 1);
	cr_assert(eq(ptr, (void *)parse(&query, text), NULL));
	snprintf(text, sizeof(text), "after=%0*d", room + 1, 1);
	cr_assert(ne(ptr, (void *)parse(&query, text), NULL));
}

Test(gateway_query, V20_numbers_are_decimal_without_signs_and_leading_zeros)
{
	static const char *const bad[] = { "",
					   "01",
					   "00",
					   "+1",
					   "-1",
					   " 1",
					   "1 ",
					   "1a",
					   "0x1",
					   "101",
					   "99999999999999999999999" };
	uint64_t number = 0;

	cr_assert(query_number("0", 100, &number) && number == 0);
	cr_assert(query_number("100", 100, &number) && number == 100);
	cr_assert(query_number("18446744073709551615", UINT64_MAX, &number));
	cr_assert(eq(u64, number, UINT64_MAX));
	cr_assert(not(query_number("18446744073709551616", UINT64_MAX, &number)));
	cr_assert(not(query_number("7", 5, &number)));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_assert(not(query_number(bad[i], 100, &number)), "%s", bad[i]);
}
