/* SPDX-License-Identifier: MIT */
/* H11: the books of a stream whose client takes nothing yet: what is pending, what is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host.h"

SUITE(http_books);

enum {
	PENDING_MAX = 50000,
	BLOCK_BYTES = 1000, /* "3e8" */
};

struct books {
	struct host host;
	struct http_block *block, *large;
	bool is_filled;
	atomic_int blocks, bytes; /* that were accepted, without their framing */
};

static size_t
framed(const struct http_head *head, size_t size)
{
	return head->minor == 0 ? size : (size_t)snprintf(NULL, 0, "%zx\r\n\r\n", size) + size;
}

/* Writes until the stream is full, first by blocks and then to the last byte; judges each step. */
static void
fill(struct books *books, struct http_exchange *exchange, const struct http_head *head)
{
	static const char bytes[PENDING_MAX + 1];
	uint64_t expected = http_pending(exchange);
	reprise_status status;

	while ((status = http_write_block(exchange, books->block)) == REPRISE_OK) {
		expected += framed(head, BLOCK_BYTES);
		books->blocks++;
		cr_expect(eq(u64, http_pending(exchange), expected));
	}
	cr_expect(eq(int, status, REPRISE_E_FULL));
	cr_expect(gt(u64, expected + framed(head, BLOCK_BYTES), PENDING_MAX));
	for (size_t size = BLOCK_BYTES; size > 0; size--) {
		status = http_write(exchange, (struct http_text){ bytes, size });
		if (expected + framed(head, size) > PENDING_MAX) {
			cr_expect(eq(int, status, REPRISE_E_FULL), "%zu", size);
		} else {
			cr_expect(eq(int, status, REPRISE_OK), "%zu", size);
			expected += framed(head, size);
			books->bytes += (int)size;
		}
		cr_expect(eq(u64, http_pending(exchange), expected));
	}
	cr_expect(le(u64, expected, PENDING_MAX));
	cr_expect(gt(u64, expected + framed(head, 1), PENDING_MAX));
	status = http_write(exchange, (struct http_text){ bytes, PENDING_MAX + 1 });
	cr_expect(eq(int, status, REPRISE_E_TOO_LARGE));
	cr_expect(eq(int, http_write_block(exchange, books->large), REPRISE_E_TOO_LARGE));
	cr_expect(eq(int, http_write(exchange, (struct http_text){ "", 0 }), REPRISE_OK));
	cr_expect(eq(u64, http_pending(exchange), expected));
}

static void
on_request(void *books_, struct http_exchange *exchange, const struct http_head *head)
{
	struct books *const books = books_;

	books->host.requests++;
	cr_expect(eq(int, http_stream(exchange, 200, NULL, 0), REPRISE_OK));
	fill(books, exchange, head);
}

/* A refused write fits when the client has taken the rest. */
static void
on_drain(void *books_, struct http_exchange *exchange)
{
	struct books *const books = books_;

	cr_expect(eq(u64, http_pending(exchange), 0));
	cr_expect(eq(int, http_write_block(exchange, books->large), REPRISE_E_TOO_LARGE));
	cr_expect(eq(int, http_write_block(exchange, books->block), REPRISE_OK));
	books->blocks++;
	cr_expect(eq(int, http_finish(exchange), REPRISE_OK));
}

static void
on_close(void *books, struct http_exchange *exchange)
{
	(void)exchange;
	((struct books *)books)->host.closes++;
}

static void
on_notify(void *books_, struct http_server *server)
{
	struct books *const books = books_;

	if (books->host.drain_ms != 0)
		http_server_drain(server, (uint32_t)books->host.drain_ms);
	books->host.notifies++;
}

static struct books *
start(void)
{
	static const char ones[BLOCK_BYTES] = { '1' }, zeros[PENDING_MAX + 1];
	struct books *const books = calloc(1, sizeof(*books));
	const struct http_handler handler = { .context = books,
					      .on_request = on_request,
					      .on_drain = on_drain,
					      .on_close = on_close,
					      .on_notify = on_notify };
	const struct http_options options = { .pending_bytes_max = PENDING_MAX };

	cr_assert(books != NULL);
	books->block = http_block_new((struct http_text){ ones, sizeof(ones) });
	books->large = http_block_new((struct http_text){ zeros, sizeof(zeros) });
	cr_assert(books->block != NULL && books->large != NULL);
	host_begin(&books->host, &options, &handler);
	return books;
}

static void
stop(struct books *books)
{
	struct http_block *const block = books->block, *const large = books->large;

	host_stop(&books->host);
	http_block_release(block);
	http_block_release(large);
	expect_no_leaks();
}

Test(http_books, H11_a_full_stream_accounts_for_each_byte)
{
	struct books *const books = start();
	const char *text =
		client_ask(&books->host, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");

	cr_assert(eq(int, count_of(text, "\r\n3e8\r\n1"), books->blocks));
	expect_has(text, "\r\n0\r\n\r\n");
	stop(books);
}

Test(http_books, H11_a_full_stream_of_http10_accounts_for_each_byte)
{
	struct books *const books = start();
	const char *const text = client_ask(&books->host, "GET / HTTP/1.0\r\nHost: h\r\n\r\n");

	cr_assert(eq(sz, strlen(strstr(text, "\r\n\r\n") + 4),
		     (size_t)(BLOCK_BYTES * books->blocks + books->bytes)));
	stop(books);
}

/* Streams that are closed with the block in their buffers give their holds up. */
Test(http_books, H11_a_block_ends_with_its_last_stream)
{
	struct books *const books = start();
	int fds[20];

	for (int i = 0; i < 20; i++) {
		fds[i] = client_open(&books->host);
		client_send(fds[i], "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	}
	wait_until(has_requests, &books->host, 20);
	for (int i = 0; i < 20; i++)
		close(fds[i]);
	wait_until(has_closes, &books->host, 20);
	stop(books);
}
