/* SPDX-License-Identifier: MIT */
/*
 * One timer for each connection, which stands for two deadlines: the next bytes of the request, and
 * the next bytes that the client takes. The timer is armed for the earlier one, and stays armed
 * when that moves on: it looks again when it fires. So a busy connection arms its timer once in a
 * while, and not for each request.
 */
#include "base/clock.h"
#include "base/numbers.h"
#include "http/server.h"

#define NS_PER_MS UINT64_C(1000000)

static uint64_t
sent_bytes(const struct http_exchange *exchange)
{
	return exchange->added_bytes - http_pending(exchange);
}

static void
fail_for_memory(struct http_exchange *exchange)
{
	exchange->server->stats.no_memory++;
	exchange->is_doomed = true;
	exchange_schedule(exchange);
}

static void
arm(struct http_exchange *exchange)
{
	const uint64_t read = exchange->read_deadline_ns, write = exchange->write_deadline_ns;
	const uint64_t wanted =
		read == 0 || write == 0 ? greatest(read, write) : least(read, write);
	const uint64_t now = clock_ns();
	struct timeval wait;

	if (wanted == 0 || (exchange->armed_ns != 0 && exchange->armed_ns <= wanted))
		return;
	/* Rounded up, so that the deadline has passed when the timer fires. */
	wait.tv_sec = wanted <= now ? 0 : (time_t)((wanted - now) / NS_PER_S);
	wait.tv_usec = wanted <= now ? 0 : (suseconds_t)((wanted - now) % NS_PER_S / 1000 + 1);
	if (event_add(&exchange->timer, &wait) == 0) {
		exchange->armed_ns = wanted;
		return;
	}
	fail_for_memory(exchange);
}

void
timer_set_read(struct http_exchange *exchange, uint64_t ms)
{
	exchange->read_deadline_ns = ms == 0 ? 0 : clock_ns() + ms * NS_PER_MS;
	arm(exchange);
}

void
timer_watch_output(struct http_exchange *exchange)
{
	if (http_pending(exchange) == 0) {
		exchange->write_deadline_ns = 0;
		return;
	}
	if (exchange->write_deadline_ns != 0)
		return;
	/*
	 * libevent does this itself, but goes on in silence if there is no memory for its callback
	 * or its event.
	 */
	if (bufferevent_enable(exchange->socket, EV_WRITE) != 0) {
		fail_for_memory(exchange);
		return;
	}
	exchange->sent_seen_bytes = sent_bytes(exchange);
	exchange->write_deadline_ns = clock_ns() + exchange->server->options.write_ms * NS_PER_MS;
	arm(exchange);
}

/* Whether the client took bytes since the deadline was set; it gets another one then. */
static bool
has_taken_bytes(struct http_exchange *exchange)
{
	if (sent_bytes(exchange) == exchange->sent_seen_bytes)
		return false;
	exchange->write_deadline_ns = 0;
	timer_watch_output(exchange);
	return true;
}

void
timer_fired(evutil_socket_t fd, short what, void *exchange_)
{
	struct http_exchange *const exchange = exchange_;
	const uint64_t now = clock_ns();
	bool is_late = exchange->read_deadline_ns != 0 && exchange->read_deadline_ns <= now;

	(void)fd;
	(void)what;
	exchange->armed_ns = 0;
	/*
	 * A client that still takes its last response is not idle: the write deadline is the one
	 * that counts.
	 */
	if (is_late && exchange->input == INPUT_HEAD && exchange->scan.scanned == 0 &&
	    http_pending(exchange) != 0) {
		exchange->read_deadline_ns = now + exchange->server->options.idle_ms * NS_PER_MS;
		is_late = false;
	}
	if (!is_late && exchange->write_deadline_ns != 0 && exchange->write_deadline_ns <= now)
		is_late = !has_taken_bytes(exchange);
	if (!is_late) {
		arm(exchange);
		return;
	}
	exchange->server->stats.timeouts += exchange->input != INPUT_DISCARD;
	exchange->read_deadline_ns = 0;
	exchange->write_deadline_ns = 0;
	/* A request that is half there is told; a client that takes nothing would not hear. */
	if ((exchange->input == INPUT_HEAD && exchange->scan.scanned != 0) ||
	    (exchange->input == INPUT_BODY && exchange->output == OUTPUT_NONE)) {
		refuse_request(exchange, 408, "timeout");
		exchange->input = INPUT_WHOLE;
	} else {
		exchange->is_doomed = true;
	}
	exchange_advance(exchange);
}
