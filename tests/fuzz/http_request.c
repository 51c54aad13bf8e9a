/* SPDX-License-Identifier: MIT */

/*
 * The parser of HTTP requests (rules H01 to H09). The bytes are requests that a client sends at
 * once. However the bytes are cut, the parser finds the same requests, with the same bodies and the
 * same refusal. And what the parser accepts, llhttp accepts in its strict mode, and finds the same
 * end and the same body: llhttp.h. The oracle is left out where llhttp's sources are missing.
 */

#include <stdbool.h>
#include <string.h>

#include "fuzz.h"
#include "http/parse.h"
#include "llhttp_judge.h"

enum {
	REQUESTS_MAX = 64,
	BODY_BYTES_MAX = 1 << 16,
};

struct request {
	size_t begin, end;           /* of its bytes; as far as they were taken */
	size_t body_begin, body_end; /* of the data, of all requests together */
	bool has_head, is_whole;
	enum http_refusal refusal;
};

struct outcome {
	struct request requests[REQUESTS_MAX];
	int count;
	size_t data_size;
	char data[BODY_BYTES_MAX];
};

/*
 * The bytes come in pieces of at most @most bytes, whose sizes follow from the seed; 0: all at
 * once.
 */
struct feed {
	const char *bytes;
	size_t size, come;
	unsigned int seed, most;
};

static bool
feed_more(struct feed *feed)
{
	size_t piece = feed->size;

	if (feed->come == feed->size)
		return false;
	if (feed->seed != 0) {
		feed->seed = feed->seed * 1103515245U + 12345U;
		piece = 1 + (feed->seed >> 16) % feed->most;
	}
	feed->come += piece < feed->size - feed->come ? piece : feed->size - feed->come;
	return true;
}

/* True if the head is whole and in order. */
static bool
take_head(struct feed *feed, struct request *request, struct http_head *ret_head)
{
	struct http_scan scan = { 0 };

	for (;;) {
		/* A copy of what has come, and no more: a sanitizer sees a look behind it. */
		const size_t size = feed->come - request->begin;
		char *const copy = malloc(size + 1);
		enum http_progress progress;

		MUST(copy != NULL);
		memcpy(copy, feed->bytes + request->begin, size);
		progress = http_scan_head(&scan, copy, size, &request->refusal);
		if (progress == HTTP_COMPLETE)
			request->refusal = http_parse_head(copy, scan.scanned, ret_head);
		free(copy);
		request->end = request->begin + scan.scanned;
		if (progress == HTTP_COMPLETE)
			return request->refusal == HTTP_REFUSAL_NONE;
		if (progress == HTTP_REFUSED || !feed_more(feed))
			return false;
	}
}

static void
take_body(struct feed *feed, struct request *request, struct http_body *body,
	  struct outcome *outcome)
{
	while (!http_body_is_over(body) && body->state != HTTP_BODY_REFUSED) {
		struct http_text piece;

		if (request->end == feed->come && !feed_more(feed))
			return;
		request->end += http_body_take(body, feed->bytes + request->end,
					       feed->come - request->end, &piece);
		MUST(outcome->data_size + piece.size <= BODY_BYTES_MAX);
		memcpy(outcome->data + outcome->data_size, piece.size == 0 ? "" : piece.data,
		       piece.size);
		outcome->data_size += piece.size;
	}
	request->refusal = body->refusal;
	request->is_whole = http_body_is_over(body);
}

static void
take_requests(const char *bytes, size_t size, unsigned int seed, struct outcome *outcome)
{
	struct feed feed = { bytes, size, 0, seed, size < 256 ? 4 : 64 };
	bool goes_on = size != 0;

	memset(outcome->requests, 0, sizeof(outcome->requests));
	outcome->count = 0;
	outcome->data_size = 0;
	for (size_t begin = 0; goes_on && outcome->count < REQUESTS_MAX && begin < size;) {
		struct request *const request = &outcome->requests[outcome->count++];
		static struct http_head head;
		struct http_body body;

		request->begin = begin;
		request->body_begin = outcome->data_size;
		request->has_head = take_head(&feed, request, &head);
		if (request->has_head) {
			request->refusal = http_body_begin(&body, &head, BODY_BYTES_MAX / 2);
			if (request->refusal == HTTP_REFUSAL_NONE)
				take_body(&feed, request, &body, outcome);
		}
		request->body_end = outcome->data_size;
		begin = request->end;
		goes_on = request->is_whole && head.keeps_alive;
	}
}

static void
must_be_same(const struct outcome *a, const struct outcome *b)
{
	MUST(a->count == b->count);
	for (int i = 0; i < a->count; i++) {
		const struct request *const one = &a->requests[i], *const other = &b->requests[i];

		MUST(one->begin == other->begin && one->end == other->end);
		MUST(one->body_begin == other->body_begin && one->body_end == other->body_end);
		MUST(one->has_head == other->has_head && one->is_whole == other->is_whole);
		MUST(one->refusal == other->refusal);
	}
	MUST(a->data_size == b->data_size);
	MUST(memcmp(a->data, b->data, a->data_size) == 0);
}

static void
ask_llhttp(const char *bytes, const struct outcome *outcome)
{
	static struct llhttp_verdict verdict;

	for (int i = 0; i < outcome->count; i++) {
		const struct request *const request = &outcome->requests[i];
		const size_t size = request->body_end - request->body_begin;

		if (!request->has_head || request->refusal != HTTP_REFUSAL_NONE)
			continue;
		llhttp_judge(bytes + request->begin, request->end - request->begin, &verdict);
		if (verdict.is_refused || verdict.is_whole != request->is_whole)
			fprintf(stderr, "llhttp: %s\n", verdict.reason);
		MUST(!verdict.is_refused);
		MUST(verdict.is_whole == request->is_whole);
		MUST(verdict.body_size == size);
		MUST(memcmp(verdict.body, outcome->data + request->body_begin, size) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_count)
{
	static struct outcome whole, cut;
	const size_t size = bytes_count < BODY_BYTES_MAX ? bytes_count : BODY_BYTES_MAX;

	take_requests((const char *)bytes, size, 0, &whole);
	for (unsigned int seed = 1; seed <= 2; seed++) {
		take_requests((const char *)bytes, size, seed + (unsigned int)size, &cut);
		must_be_same(&whole, &cut);
	}
	if (llhttp_is_here())
		ask_llhttp((const char *)bytes, &whole);
	return 0;
}
