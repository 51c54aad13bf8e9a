/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_REPRISE_HPP
#define REPRISE_REPRISE_HPP

/*
 * reprise/reprise.hpp - the ring and its subscriptions for C++17: handles that close themselves, and ranges of events
 *
 *    auto store = reprise::store::open();
 *    auto writer = store->open_writer("chat-7");
 *    reprise_status status = writer->append("hello");
 *    auto host = store->subscribe_after(*store->earliest_cursor("chat-7"));
 *    for (const reprise_event &event : host->events([](const reprise_gap &gap) { tell(gap); }))
 *            show(reprise::text(event));
 *
 * A call that makes something returns a result: the value, or the reason why there is none. A result is asked first;
 * the value of one without a value ends the process, or throws reprise::failure if REPRISE_EXCEPTIONS is defined.
 * Nothing else throws, but for std::string out of memory.
 *
 * Handles move and are not copied. A store is declared before its writers and subscriptions; a store that is destroyed
 * before them ends the process. get() is the C handle, for the calls that this header does not wrap. Everything else is
 * as the C headers say.
 */

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#ifdef REPRISE_EXCEPTIONS
#include <stdexcept>
#endif
#include <reprise/reprise.h>

namespace reprise
{
#ifdef REPRISE_EXCEPTIONS
struct failure : std::runtime_error {
	explicit failure(const reprise_error &given)
		: std::runtime_error(reprise_status_text(given.status)), error(given) {}
	reprise_error error;
};
#endif

/* A value, or the reason why there is none. */
template <typename T> class [[nodiscard]] result
{
    public:
	result(T value) : held(std::move(value)) {}
	result(const reprise_error &reason) : held(reason) {}
	explicit operator bool() const noexcept { return held.index() == 0; }
	T *operator->() { return &value(); }
	T &operator*() { return value(); }
	T &value()
	{
		if (T *const found = std::get_if<0>(&held))
			return *found;
#ifdef REPRISE_EXCEPTIONS
		throw failure(error());
#else
		std::abort();
#endif
	}
	/* Of a result without a value. */
	const reprise_error &error() const noexcept { return *std::get_if<1>(&held); }

    private:
	std::variant<T, reprise_error> held;
};

/* Bytes, borrowed from the text or the event. */
inline reprise_bytes bytes(std::string_view text) noexcept { return { text.data(), text.size() }; }
inline std::string_view text(const reprise_event &event) noexcept
{ return { static_cast<const char *>(event.payload.data), event.payload.size }; }

/* Calls a function of the C interface that sets one thing and has an error for its last arguments. */
template <typename value, typename set, typename call, typename... arguments>
result<value> ask(call function, arguments... given)
{
	reprise_error error = REPRISE_ERROR_INIT;
	set answer = {};

	if (function(given..., &answer, &error) != REPRISE_OK)
		return error;
	return value(answer);
}

inline result<reprise_cursor> parse_cursor(std::string_view text)
{ return ask<reprise_cursor, reprise_cursor>(reprise_cursor_parse, text.data(), text.size()); }
inline result<std::string> format_cursor(const reprise_cursor &cursor)
{
	char text[REPRISE_CURSOR_TEXT_BYTES_MAX];
	const auto size = ask<size_t, size_t>(reprise_cursor_format, &cursor, text, sizeof(text));

	return size ? result<std::string>(text) : result<std::string>(size.error());
}

/* Owns a handle of the C interface. */
template <typename T, void (*close)(T *)> class handle
{
	struct closer { void operator()(T *it) const noexcept { close(it); } };
	std::unique_ptr<T, closer> owned;

    public:
	explicit handle(T *given) noexcept : owned(given) {}
	T *get() const noexcept { return owned.get(); }
};

/* The writer: see writer.h. */
class writer : public handle<reprise_writer, reprise_writer_close>
{
    public:
	using handle::handle;
	[[nodiscard]] reprise_status append(std::string_view payload, uint64_t revision = 0,
					    uint16_t kind = 0, uint16_t flags = 0,
					    reprise_position *ret_position = nullptr) noexcept
	{ return reprise_append(get(), revision, kind, flags, bytes(payload), ret_position); }
	[[nodiscard]] reprise_status end(int32_t why) noexcept { return reprise_writer_end(get(), why); }
};

/* The events that are there now, for one loop. Each gap goes to the function, before the events that follow it. */
template <typename on_gap> class event_range
{
    public:
	struct iterator {
		event_range *range;
		const reprise_event &operator*() const noexcept { return range->event; }
		iterator &operator++() { return range->advance(), *this; }
		bool operator!=(std::nullptr_t) const noexcept { return range->found == REPRISE_NEXT_EVENT; }
	};
	event_range(reprise_subscription *of, on_gap function) : from(of), tell(std::move(function)) {}
	iterator begin() { return advance(), iterator{ this }; }
	std::nullptr_t end() const noexcept { return nullptr; }
	/* After the loop: why no event will follow, or NULL. */
	const reprise_end *ended() const noexcept { return found == REPRISE_NEXT_ENDED ? &why : nullptr; }

    private:
	void advance()
	{
		for (reprise_gap gap; (found = reprise_next(from, &event, &gap, &why)) == REPRISE_NEXT_GAP;)
			tell(static_cast<const reprise_gap &>(gap));
	}
	reprise_subscription *from;
	on_gap tell;
	reprise_outcome found = REPRISE_NEXT_EMPTY;
	reprise_event event = {};
	reprise_end why = {};
};

/* A host's side: see subscription.h. */
class subscription : public handle<reprise_subscription, reprise_subscription_close>
{
    public:
	using handle::handle;
	template <typename on_gap> event_range<on_gap> events(on_gap function) { return { get(), std::move(function) }; }
	[[nodiscard]] reprise_status wait(uint64_t timeout_ns) noexcept { return reprise_wait(get(), timeout_ns); }
	[[nodiscard]] reprise_status interrupt() noexcept { return reprise_subscription_interrupt(get()); }
	[[nodiscard]] reprise_status cursor(reprise_cursor &ret_cursor) const noexcept
	{ return reprise_subscription_cursor(get(), &ret_cursor); }
};

inline void close_store(reprise_store *store)
{
	if (reprise_store_close(store) == REPRISE_E_BUSY)
		std::abort();
}

/* See store.h. */
class store : public handle<reprise_store, close_store>
{
	template <typename... types> static result<subscription> follow(types... given)
	{ return ask<subscription, reprise_subscription *>(given...); }
	template <typename call> result<reprise_cursor> find(call function, const char *id, uint64_t revision)
	{
		return ask<reprise_cursor, reprise_cursor>([&](reprise_cursor *found, reprise_error *error) {
			return error->status = function(get(), id, revision, found);
		});
	}

    public:
	using options = const reprise_subscription_options *;
	using handle::handle;
	static result<store> open(const reprise_store_options *given = nullptr)
	{ return ask<store, reprise_store *>(reprise_store_open, given); }
	result<writer> open_writer(const char *id, const reprise_session_options *given = nullptr)
	{ return ask<writer, reprise_writer *>(reprise_writer_open, get(), id, given); }
	result<reprise_cursor> current_cursor(const char *id, uint64_t revision = 0)
	{ return find(reprise_session_current_cursor, id, revision); }
	result<reprise_cursor> earliest_cursor(const char *id, uint64_t revision = 0)
	{ return find(reprise_session_earliest_cursor, id, revision); }
	result<subscription> subscribe_after(const reprise_cursor &at, options given = nullptr)
	{ return follow(reprise_subscribe_after, get(), &at, given); }
	result<subscription> replay_after(const reprise_cursor &at, options given = nullptr)
	{ return follow(reprise_replay_after, get(), &at, given); }
	result<subscription> resume_after(const reprise_cursor &at, uint64_t revision, options given = nullptr)
	{ return follow(reprise_resume_after, get(), &at, revision, given); }
};
} /* namespace reprise */
#endif /* REPRISE_REPRISE_HPP */
