/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_REPRISE_HPP
#define REPRISE_REPRISE_HPP

/*
 * reprise/reprise.hpp - the C++17 interface: handles that close themselves, and ranges of events
 *
 *    auto store = reprise::store::open();
 *    auto writer = store->open_writer("chat-7");
 *    reprise_status status = writer->append("hello");
 *    auto host = store->subscribe_after(*store->earliest_cursor("chat-7"));
 *    for (const reprise_event &event : host->events([](const reprise_gap &gap) { report(gap); }))
 *            show(reprise::text(event));
 *
 * A call that makes an object returns a result: the value, or the error. Test a result before you
 * use the value. Access to the value of a failed result aborts the process, or throws
 * reprise::failure if REPRISE_EXCEPTIONS is defined. The only other exception is std::bad_alloc.
 *
 * Handles can be moved, and cannot be copied. Declare a store before the writers and subscriptions
 * of the store: the destructor of a store with an open handle aborts the process. get() returns the
 * C handle, for calls without a wrapper. Threads, errors and limits are those of the C headers.
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
	explicit failure(const reprise_error &reason)
		: std::runtime_error(reprise_status_text(reason.status)), error(reason) {}
	reprise_error error;
};
#endif

/* The value of a call, or the error of a failed call. */
template <typename T> class [[nodiscard]] result
{
    public:
	result(T value) : content(std::move(value)) {}
	result(const reprise_error &reason) : content(reason) {}
	explicit operator bool() const noexcept { return content.index() == 0; }
	T *operator->() { return &value(); }
	T &operator*() { return value(); }
	T &value()
	{
		if (T *const success = std::get_if<0>(&content))
			return *success;
#ifdef REPRISE_EXCEPTIONS
		throw failure(error());
#else
		std::abort();
#endif
	}
	/* The error of a failed call. The result must have no value. */
	const reprise_error &error() const noexcept { return *std::get_if<1>(&content); }

    private:
	std::variant<T, reprise_error> content;
};

/* Conversions without a copy. The bytes belong to the text, the text to the event. */
inline reprise_bytes bytes(std::string_view text) noexcept { return { text.data(), text.size() }; }
inline std::string_view text(const reprise_event &event) noexcept
{ return { static_cast<const char *>(event.payload.data), event.payload.size }; }

/* Calls a C function with two last arguments for the output and the error. */
template <typename value, typename output, typename function, typename... arguments>
result<value> call(function called, arguments... given)
{
	reprise_error error = REPRISE_ERROR_INIT;
	output created = {};

	if (called(given..., &created, &error) != REPRISE_OK)
		return error;
	return value(created);
}

inline result<reprise_cursor> parse_cursor(std::string_view text)
{ return call<reprise_cursor, reprise_cursor>(reprise_cursor_parse, text.data(), text.size()); }
inline result<std::string> format_cursor(const reprise_cursor &cursor)
{
	char text[REPRISE_CURSOR_TEXT_BYTES_MAX];
	const auto size = call<size_t, size_t>(reprise_cursor_format, &cursor, text, sizeof(text));

	return size ? result<std::string>(text) : result<std::string>(size.error());
}

/* The owner of a C handle. */
template <typename T, void (*close)(T *)> class handle
{
	struct closer { void operator()(T *object) const noexcept { close(object); } };
	std::unique_ptr<T, closer> owned;

    public:
	explicit handle(T *opened) noexcept : owned(opened) {}
	T *get() const noexcept { return owned.get(); }
};

/* The writer of a session: see writer.h. */
class writer : public handle<reprise_writer, reprise_writer_close>
{
    public:
	using handle::handle;
	[[nodiscard]] reprise_status append(std::string_view payload, uint64_t revision = 0,
					    uint16_t kind = 0, uint16_t flags = 0,
					    reprise_position *ret_position = nullptr) noexcept
	{ return reprise_append(get(), revision, kind, flags, bytes(payload), ret_position); }
	[[nodiscard]] reprise_status end(int32_t status) noexcept { return reprise_writer_end(get(), status); }
};

/* The available events, for one loop. Each gap goes to the function, before later events. */
template <typename on_gap> class event_range
{
    public:
	struct iterator {
		event_range *range;
		const reprise_event &operator*() const noexcept { return range->event; }
		iterator &operator++() { return range->advance(), *this; }
		bool operator!=(std::nullptr_t) const noexcept { return range->outcome == REPRISE_NEXT_EVENT; }
	};
	event_range(reprise_subscription *from, on_gap function) : source(from), report_gap(std::move(function)) {}
	iterator begin() { return advance(), iterator{ this }; }
	std::nullptr_t end() const noexcept { return nullptr; }
	/* After the loop: the end of the subscription, or NULL if more events may come. */
	const reprise_end *ended() const noexcept { return outcome == REPRISE_NEXT_ENDED ? &last : nullptr; }

    private:
	void advance()
	{
		for (reprise_gap gap; (outcome = reprise_next(source, &event, &gap, &last)) == REPRISE_NEXT_GAP;)
			report_gap(static_cast<const reprise_gap &>(gap));
	}
	reprise_subscription *source;
	on_gap report_gap;
	reprise_outcome outcome = REPRISE_NEXT_EMPTY;
	reprise_event event = {};
	reprise_end last = {};
};

/* The host's side of a session: see subscription.h. */
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

/* A store of sessions: see store.h. */
class store : public handle<reprise_store, close_store>
{
	template <typename... types> static result<subscription> subscribe(types... given)
	{ return call<subscription, reprise_subscription *>(given...); }
	template <typename function> result<reprise_cursor> get_cursor(function called, const char *id, uint64_t revision)
	{
		return call<reprise_cursor, reprise_cursor>([&](reprise_cursor *cursor, reprise_error *error) {
			return error->status = called(get(), id, revision, cursor);
		});
	}

    public:
	using settings = const reprise_subscription_options *;
	using handle::handle;
	static result<store> open(const reprise_store_options *options = nullptr)
	{ return call<store, reprise_store *>(reprise_store_open, options); }
	result<writer> open_writer(const char *id, const reprise_session_options *options = nullptr)
	{ return call<writer, reprise_writer *>(reprise_writer_open, get(), id, options); }
	result<reprise_cursor> current_cursor(const char *id, uint64_t revision = 0)
	{ return get_cursor(reprise_session_current_cursor, id, revision); }
	result<reprise_cursor> earliest_cursor(const char *id, uint64_t revision = 0)
	{ return get_cursor(reprise_session_earliest_cursor, id, revision); }
	result<subscription> subscribe_after(const reprise_cursor &cursor, settings options = nullptr)
	{ return subscribe(reprise_subscribe_after, get(), &cursor, options); }
	result<subscription> replay_after(const reprise_cursor &cursor, settings options = nullptr)
	{ return subscribe(reprise_replay_after, get(), &cursor, options); }
	result<subscription> resume_after(const reprise_cursor &cursor, uint64_t revision, settings options = nullptr)
	{ return subscribe(reprise_resume_after, get(), &cursor, revision, options); }
};
} /* namespace reprise */
#endif /* REPRISE_REPRISE_HPP */
