/* SPDX-License-Identifier: MIT */

/* The promises of reprise/reprise.hpp. Each check that fails is told with its line. */

#include <cstdio>
#include <reprise/reprise.hpp>

static int failed;
#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition)) {                                            \
			std::printf("line %d: %s\n", __LINE__, #condition);    \
			failed = 1;                                            \
		}                                                              \
	} while (0)

static void a_refusal_is_a_result_with_a_reason(reprise::store &store)
{
	auto second = store.open_writer("chat-7");
	auto nobody = store.open_writer("");
	auto cursor = reprise::parse_cursor("nonsense");

	CHECK(!second && second.error().status == REPRISE_E_BUSY);
	CHECK(!nobody && nobody.error().status == REPRISE_E_INVALID);
	CHECK(!store.current_cursor("") && store.current_cursor("").error().status == REPRISE_E_INVALID);
	CHECK(!cursor && cursor.error().status == REPRISE_E_MALFORMED_CURSOR);
#ifdef REPRISE_EXCEPTIONS
	bool is_thrown = false;

	try {
		CHECK(second->append("x") == REPRISE_OK);
	} catch (const reprise::failure &failure) {
		is_thrown = failure.error.status == REPRISE_E_BUSY;
	}
	CHECK(is_thrown);
#endif
}

static void a_range_has_the_events_and_tells_the_gap(reprise::store &store, reprise::writer &writer)
{
	auto before = store.current_cursor("chat-7");
	auto text = reprise::format_cursor(*before);
	std::string seen;
	uint64_t lost = 0;

	for (const char *payload : { "a", "b", "c", "d", "e" })
		CHECK(writer.append(payload) == REPRISE_OK);
	auto cursor = reprise::parse_cursor(*text);
	auto host = store.subscribe_after(*cursor);
	auto events = host->events([&](const reprise_gap &gap) { lost += gap.lost; });

	for (const reprise_event &event : events)
		seen += reprise::text(event);
	CHECK(seen == "cde" && lost == 2);
	CHECK(events.ended() == nullptr);
	CHECK(host->wait(0) == REPRISE_E_TIMEOUT);
	CHECK(host->interrupt() == REPRISE_OK && host->wait(REPRISE_NO_LIMIT) == REPRISE_E_INTERRUPTED);

	/* A handle that moved goes on. */
	reprise::subscription moved = std::move(*host);
	reprise_cursor at;

	CHECK(host->get() == nullptr && moved.cursor(at) == REPRISE_OK && at.position == 5);
	CHECK(store.earliest_cursor("chat-7")->position == 2);
}

static void a_range_tells_the_end(reprise::store &store, reprise::writer &writer)
{
	auto host = store.replay_after(*store.earliest_cursor("chat-7"));
	auto resumed = store.resume_after(*store.current_cursor("chat-7"), 0);
	int count = 0;

	CHECK(writer.end(7) == REPRISE_OK);
	auto events = host->events([](const reprise_gap &) {});

	for (const reprise_event &event : events)
		count += event.payload.size == 1;
	CHECK(count == 3 && events.ended() != nullptr);
	auto none = resumed->events([](const reprise_gap &) {});

	for (const reprise_event &event : none)
		count += event.kind;
	CHECK(count == 3 && none.ended() != nullptr && none.ended()->status == 7);
}

int main()
{
	reprise_session_options three = REPRISE_SESSION_OPTIONS_INIT;
	auto store = reprise::store::open();

	if (!store)
		return 1;
	three.events_max = 3;
	auto writer = store->open_writer("chat-7", &three);

	if (!writer)
		return 1;
	a_refusal_is_a_result_with_a_reason(*store);
	a_range_has_the_events_and_tells_the_gap(*store, *writer);
	a_range_tells_the_end(*store, *writer);
	CHECK(reprise_bytes_from_string("four").size == 4);
	return failed;
}
