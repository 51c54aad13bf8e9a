/* SPDX-License-Identifier: MIT */
/*
 * H22: a handler whose callbacks act on the exchanges of others.
 *
 *   /open     a stream that begins with "open", and belongs to the crowd
 *   /ACT      acts on the whole crowd, and answers with the number of the exchanges: /tell,
 *             /block, /finish, /cut
 *   /N        the number N
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host.h"

SUITE(http_crowd);

#define END  " HTTP/1.1\r\nHost: h\r\n\r\n"
#define LAST " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

enum {
	CROWD = 1000,
};

enum act {
	NOTHING,
	TELL,
	TELL_BLOCK,
	FINISH,
	CUT,
};

static const char *const acts[] = { "nothing", "tell", "block", "finish", "cut" };

struct crowd {
	struct host host; /* the first member: host_join frees the crowd */
	struct http_exchange *members[CROWD];
	int members_count;
	bool is_inside;                                       /* of a callback */
	atomic_int by_notify, by_tick, by_close, by_shutdown; /* enum act */
};

/* No callback is called inside of another one. */
static void
enter(struct crowd *crowd)
{
	cr_expect(not(crowd->is_inside));
	crowd->is_inside = true;
}

static void
leave(struct crowd *crowd)
{
	crowd->is_inside = false;
}

static void
act_on(struct http_exchange *exchange, struct http_block *block, enum act act)
{
	reprise_status status = REPRISE_OK;

	switch (act) {
	case NOTHING:
		return;
	case TELL:
		status = http_write(exchange, (struct http_text){ "told.", 5 });
		break;
	case TELL_BLOCK:
		status = http_write_block(exchange, block);
		break;
	case FINISH:
		status = http_finish(exchange);
		break;
	case CUT:
		http_abort(exchange);
		break;
	}
	/* Another callback may have finished or cut the exchange. */
	cr_expect(status == REPRISE_OK || status == REPRISE_E_CLOSED);
}

static void
act_on_all(struct crowd *crowd, enum act act)
{
	for (int i = 0; i < crowd->members_count; i++)
		act_on(crowd->members[i], crowd->host.block, act);
}

static void
on_request(void *crowd_, struct http_exchange *exchange, const struct http_head *head)
{
	struct crowd *const crowd = crowd_;
	struct http_text answer = { head->path.data + 1, head->path.size - 1 };
	char number[16];

	enter(crowd);
	crowd->host.requests++;
	for (int act = TELL; act <= CUT; act++)
		if (answer.size == strlen(acts[act]) &&
		    memcmp(answer.data, acts[act], answer.size) == 0) {
			act_on_all(crowd, (enum act)act);
			snprintf(number, sizeof(number), "%d", crowd->members_count);
			answer = (struct http_text){ number, strlen(number) };
			break;
		}
	if (answer.size == 4 && memcmp(answer.data, "open", 4) == 0) {
		cr_expect(eq(int, http_stream(exchange, 200, NULL, 0), REPRISE_OK));
		cr_expect(eq(int, http_write(exchange, answer), REPRISE_OK));
		crowd->members[crowd->members_count++] = exchange;
	} else {
		cr_expect(eq(int, http_respond(exchange, 200, NULL, 0, answer), REPRISE_OK));
	}
	leave(crowd);
}

static void
on_close(void *crowd_, struct http_exchange *exchange)
{
	struct crowd *const crowd = crowd_;

	enter(crowd);
	crowd->host.closes++;
	for (int i = 0; i < crowd->members_count; i++)
		if (crowd->members[i] == exchange) {
			crowd->members[i] = crowd->members[--crowd->members_count];
			act_on_all(crowd, (enum act)(int)crowd->by_close);
			break;
		}
	leave(crowd);
}

static void
on_shutdown(void *crowd_, struct http_exchange *exchange)
{
	struct crowd *const crowd = crowd_;

	(void)exchange;
	enter(crowd);
	crowd->host.shutdowns++;
	act_on_all(crowd, (enum act)(int)crowd->by_shutdown);
	leave(crowd);
}

static void
on_notify(void *crowd_, struct http_server *server)
{
	struct crowd *const crowd = crowd_;

	enter(crowd);
	act_on_all(crowd, (enum act)atomic_exchange(&crowd->by_notify, NOTHING));
	if (crowd->host.drain_ms != 0)
		http_server_drain(server, (uint32_t)crowd->host.drain_ms);
	leave(crowd);
	crowd->host.notifies++;
}

static void
on_tick(void *crowd_, struct http_server *server)
{
	struct crowd *const crowd = crowd_;

	(void)server;
	enter(crowd);
	act_on_all(crowd, (enum act)atomic_exchange(&crowd->by_tick, NOTHING));
	leave(crowd);
}

static struct crowd *
start(void)
{
	struct crowd *const crowd = calloc(1, sizeof(*crowd));
	const struct http_handler handler = { .context = crowd,
					      .on_request = on_request,
					      .on_shutdown = on_shutdown,
					      .on_close = on_close,
					      .on_notify = on_notify,
					      .on_tick = on_tick };
	const struct http_options options = { .connections_per_peer_max = 2 * CROWD,
					      .tick_ms = 10 };

	cr_assert(crowd != NULL);
	host_allow_descriptors();
	host_begin(&crowd->host, &options, &handler);
	return crowd;
}

/* @fds become members, each with a request that waits behind the stream. */
static void
gather(struct crowd *crowd, int fds[], int count)
{
	const int before = crowd->host.requests;

	for (int i = 0; i < count; i++) {
		fds[i] = client_open(&crowd->host);
		client_send(fds[i], "GET /open" END "GET /behind" LAST);
	}
	wait_until(has_requests, &crowd->host, before + count);
	for (int i = 0; i < count; i++)
		expect_has(client_read(fds[i], "open\r\n"), "HTTP/1.1 200");
}

static void
notify(struct crowd *crowd, enum act act)
{
	crowd->by_notify = act;
	cr_assert(eq(int, http_server_notify(crowd->host.server), REPRISE_OK));
}

static void
expect_each(const int fds[], int count, const char *text)
{
	for (int i = 0; i < count; i++)
		cr_assert(eq(str, (char *)client_read(fds[i], text), (char *)text));
}

static void
expect_finished(const int fds[], int count)
{
	for (int i = 0; i < count; i++) {
		const char *const text = client_read(fds[i], NULL);

		expect_begins(text, "0\r\n\r\nHTTP/1.1 200 OK\r\n");
		expect_has(text, "\r\n\r\nbehind");
		close(fds[i]);
	}
}

static void
expect_cut(const int fds[], int count)
{
	for (int i = 0; i < count; i++) {
		cr_assert(eq(str, (char *)client_read(fds[i], NULL), ""));
		close(fds[i]);
	}
}

Test(http_crowd, H22_a_callback_writes_to_a_thousand_streams)
{
	struct crowd *const crowd = start();
	static int fds[CROWD];

	gather(crowd, fds, CROWD);
	notify(crowd, TELL);
	expect_each(fds, CROWD, "5\r\ntold.\r\n");
	notify(crowd, TELL_BLOCK);
	expect_each(fds, CROWD, "5\r\nblock\r\n");
	crowd->by_tick = TELL_BLOCK;
	expect_each(fds, CROWD, "5\r\nblock\r\n");
	expect_has(client_ask(&crowd->host, "GET /block" LAST), "\r\n\r\n1000");
	expect_each(fds, CROWD, "5\r\nblock\r\n");
	notify(crowd, FINISH);
	expect_finished(fds, CROWD);
	wait_until(has_closes, &crowd->host, 2 * CROWD + 1);
	host_stop(&crowd->host);
	expect_no_leaks();
}

Test(http_crowd, H22_a_callback_finishes_other_streams)
{
	struct crowd *const crowd = start();
	int fds[20];

	gather(crowd, fds, 20);
	expect_has(client_ask(&crowd->host, "GET /finish" LAST), "\r\n\r\n20");
	expect_finished(fds, 20);
	wait_until(has_closes, &crowd->host, 41);
	gather(crowd, fds, 20);
	crowd->by_tick = FINISH;
	expect_finished(fds, 20);
	wait_until(has_closes, &crowd->host, 81);
	host_stop(&crowd->host);
	expect_no_leaks();
}

Test(http_crowd, H22_a_callback_aborts_other_streams)
{
	struct crowd *const crowd = start();
	int fds[20];

	gather(crowd, fds, 20);
	expect_has(client_ask(&crowd->host, "GET /cut" LAST), "\r\n\r\n20");
	expect_cut(fds, 20);
	wait_until(has_closes, &crowd->host, 21);
	gather(crowd, fds, 20);
	notify(crowd, CUT);
	expect_cut(fds, 20);
	wait_until(has_closes, &crowd->host, 41);
	gather(crowd, fds, 20);
	crowd->by_tick = CUT;
	expect_cut(fds, 20);
	wait_until(has_closes, &crowd->host, 61);
	host_stop(&crowd->host);
	expect_no_leaks();
}

Test(http_crowd, H22_the_last_callback_of_an_exchange_reaches_others)
{
	struct crowd *const crowd = start();
	int fds[20];

	gather(crowd, fds, 20);
	crowd->by_close = TELL;
	close(fds[0]);
	expect_each(fds + 1, 19, "5\r\ntold.\r\n");
	crowd->by_close = CUT; /* from one to the next */
	close(fds[1]);
	expect_cut(fds + 2, 18);
	wait_until(has_closes, &crowd->host, 20);
	crowd->by_close = FINISH;
	gather(crowd, fds, 20);
	close(fds[0]);
	expect_finished(fds + 1, 19);
	crowd->by_close = TELL;
	gather(crowd, fds, 20);
	/* The server closes what is left, one after the other. */
	host_stop(&crowd->host);
	for (int i = 0; i < 20; i++)
		close(fds[i]);
	expect_no_leaks();
}

Test(http_crowd, H22_the_shutdown_of_an_exchange_reaches_others)
{
	struct crowd *const crowd = start();
	int fds[20];

	crowd->by_shutdown = FINISH;
	gather(crowd, fds, 20);
	host_drain(&crowd->host, 10000);
	for (int i = 0; i < 20; i++) {
		expect_begins(client_read(fds[i], NULL), "0\r\n\r\n");
		close(fds[i]);
	}
	host_join(&crowd->host);
	expect_no_leaks();
}

/* The clients are gone, and the loop has not seen their resets when the callback writes. */
Test(http_crowd, H22_a_fan_out_may_meet_clients_that_have_gone)
{
	struct crowd *const crowd = start();
	const struct linger reset = { 1, 0 };
	int fds[200];

	for (int round = 1; round <= 10; round++) {
		gather(crowd, fds, 200);
		for (int i = 0; i < 200; i += 2) {
			setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
			close(fds[i]);
			notify(crowd, i % 4 == 0 ? TELL : TELL_BLOCK);
		}
		notify(crowd, CUT);
		for (int i = 1; i < 200; i += 2) {
			client_read(fds[i], NULL);
			close(fds[i]);
		}
		wait_until(has_closes, &crowd->host, 200 * round);
	}
	host_stop(&crowd->host);
	expect_no_leaks();
}
