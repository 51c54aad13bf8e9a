/* SPDX-License-Identifier: MIT */
/* V88: each form of an address leads to the same session, and a wrong address is refused. */
#include <string.h>

#include "support.h"
#include "tool/address.h"

SUITE(tool_address);

static void
leads_to(const char *text, const char *base, const char *session)
{
	struct address address;
	const char *const fault = address_parse(text, &address);

	cr_assert(fault == NULL, "%s: %s", text, fault);
	cr_assert(eq(str, address.base, (char *)base), "%s", text);
	cr_assert(eq(str, address.session, (char *)session), "%s", text);
}

static void
refused(const char *text, const char *words)
{
	struct address address;
	const char *const fault = address_parse(text, &address);

	cr_assert(fault != NULL, "%s is accepted", text);
	cr_assert(strstr(fault, words) != NULL, "%s: %s", text, fault);
}

Test(tool_address, V88_the_forms_of_a_gateway_lead_to_its_base)
{
	leads_to("http://h:1", "http://h:1", "");
	leads_to("http://h:1/", "http://h:1", "");
	leads_to("http://h:1/#", "http://h:1", "");
	leads_to("http://h:1/#/", "http://h:1", "");
	leads_to("http://h:1/v1/sessions", "http://h:1", "");
	leads_to("http://h:1/v1/sessions/", "http://h:1", "");
	leads_to("HTTPS://[::1]:1/a/b/", "HTTPS://[::1]:1/a/b", "");
}

Test(tool_address, V88_the_forms_of_a_session_lead_to_its_id)
{
	leads_to("http://h/v1/sessions/chat-7", "http://h", "chat-7");
	leads_to("http://h/v1/sessions/chat-7/", "http://h", "chat-7");
	leads_to("http://h/v1/sessions/chat-7/events", "http://h", "chat-7");
	leads_to("http://h/#/s/chat-7", "http://h", "chat-7");
	leads_to("https://h/below/#/s/chat-7", "https://h/below", "chat-7");
	leads_to("http://h/below/v1/sessions/chat-7/events", "http://h/below", "chat-7");
	leads_to("http://h/v1/sessions/v1/sessions/x", "http://h/v1/sessions", "x");
	leads_to("http://h/v1/sessionsx", "http://h/v1/sessionsx", "");
}

Test(tool_address, V88_escapes_of_an_id_are_decoded_once)
{
	leads_to("http://h/v1/sessions/a%2Fb%2525", "http://h", "a/b%25");
	leads_to("http://h/#/s/%C3%A9", "http://h", "\xc3\xa9");
	refused("http://h/v1/sessions/a%2", "escapes");
	refused("http://h/v1/sessions/a%zz", "escapes");
	refused("http://h/v1/sessions/a%00", "escapes");
	refused("http://h/v1/sessions/a%0a", "control");
	refused("http://h/v1/sessions/%ff", "UTF-8");
}

Test(tool_address, V88_the_viewers_address_has_a_cursor_or_a_beginning)
{
	struct address address;

	cr_assert(address_parse("http://h/#/s/x?cursor=rp1.a%20b", &address) == NULL);
	cr_assert(eq(str, address.cursor, "rp1.a b"));
	cr_assert(not(address.is_from_newest));
	cr_assert(address_parse("http://h/#/s/x?from=newest", &address) == NULL);
	cr_assert(address.is_from_newest);
	cr_assert(address_parse("http://h/#/s/x?from=oldest&", &address) == NULL);
	cr_assert(not(address.is_from_newest));
	refused("http://h/#/s/x?from=middle", "nothing else");
	refused("http://h/#/s/x?cursor=%4", "escape");
}

Test(tool_address, V88_a_wrong_address_is_refused)
{
	refused("ftp://h/", "http");
	refused("h:1", "http");
	refused("http://", "no host");
	refused("http:///v1", "no host");
	refused("http://user:word@h/", "password");
	refused("http://h/?a=b", "query");
	refused("http://h/v1/sessions/x/events?from=newest", "query");
	refused("http://h/v1/sessions/x/end", "only /events");
	refused("http://h/v1/sessions/x/events/y", "only /events");
	refused("http://h/#/s/", "no session id");
	refused("http://h/#/t/x", "viewer");
	refused("http://h/v1/sessions/x#/s/y", "behind #");
	refused("http://h/a b", "space");
}

Test(tool_address, V88_long_texts_are_refused)
{
	char text[ADDRESS_BASE_ROOM + 64] = "http://h/";
	const size_t head = strlen(text);

	memset(text + head, 'a', ADDRESS_BASE_ROOM - 1 - head);
	leads_to(text, text, "");
	text[ADDRESS_BASE_ROOM - 1] = 'a';
	refused(text, "too long");
	memcpy(text, "http://h/#/s/", 13);
	memset(text + 13, 'b', 128);
	text[13 + 128] = '\0';
	leads_to(text, "http://h", text + 13);
	text[13 + 128] = 'b';
	text[13 + 129] = '\0';
	refused(text, "128");
}

Test(tool_address, V88_a_session_of_any_id_has_a_url)
{
	char url[ADDRESS_URL_ROOM];
	struct address address = { .base = "http://h:1/p" };

	memcpy(address.session, "a/b%\xc3\xa9 ..", 10);
	address_of_session(&address, "/events", url);
	cr_assert(eq(str, url, "http://h:1/p/v1/sessions/a%2Fb%25%C3%A9%20../events"));
	address_of_sessions(&address, "?limit=2", url);
	cr_assert(eq(str, url, "http://h:1/p/v1/sessions?limit=2"));
}
