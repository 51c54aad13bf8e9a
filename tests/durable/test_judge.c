/* SPDX-License-Identifier: MIT */
/* V63: a POST is judged in one order: closed, type, producer, Stream-Seq. */
#include "states.h"

#include <stdio.h>

SUITE(durable_judge);

/* "p" has the epoch 2 and the number 5; the last order is "b"; producers of other names beside. */
static struct durable_state
open_state(void)
{
	const struct durable_settings settings = plain_settings();
	struct durable_state state = created(&settings);
	struct durable_change change = { 0 };

	durable_change_number(&change, "o", 9, 9, 1);
	durable_change_number(&change, "p", 2, 5, 1);
	durable_change_number(&change, "q", 9, 9, 1);
	durable_change_order(&change, "b");
	expect_applied(&state, 2, &change);
	apply_data(&state, 3);
	return state;
}

static struct durable_state
closed_state(const char *producer, uint64_t epoch, uint64_t number)
{
	struct durable_state state = open_state();
	struct durable_change change = { 0 };

	durable_change_close(&change, producer, epoch, number);
	expect_applied(&state, 4, &change);
	return state;
}

static const struct durable_request data = { .has_data = true, .type = "text/plain" };
static const struct durable_request close_alone = { .closes = true };

static struct durable_request
of_producer(const struct durable_request *request, const char *producer, uint64_t epoch,
	    uint64_t number)
{
	struct durable_request with = *request;

	with.has_producer = true;
	with.producer = producer;
	with.epoch = epoch;
	with.number = number;
	return with;
}

static const struct durable_producer *judged_producer;

static int
judge(const struct durable_state *state, const struct durable_request *request)
{
	static const struct durable_producer none;

	judged_producer = &none;
	return (int)durable_state_judge(state, request, &judged_producer);
}

static int
judge_numbers(const char *producer, uint64_t epoch, uint64_t number)
{
	struct durable_state state = open_state();
	const struct durable_request request = of_producer(&data, producer, epoch, number);
	const int verdict = judge(&state, &request);

	if (strcmp(producer, "p") == 0) {
		cr_assert(eq(str, judged_producer->id, "p"));
		cr_assert(eq(u64, judged_producer->epoch, 2));
		cr_assert(eq(u64, judged_producer->number, 5));
	} else {
		cr_assert(eq(ptr, (void *)judged_producer, NULL));
	}
	durable_state_free(&state);
	return verdict;
}

Test(durable_judge, V63_each_number_of_a_producer_is_accepted_once_and_in_order)
{
	cr_assert(eq(int, judge_numbers("p", 2, 6), DURABLE_ACCEPT));
	cr_assert(eq(int, judge_numbers("p", 2, 5), DURABLE_DUPLICATE));
	cr_assert(eq(int, judge_numbers("p", 2, 0), DURABLE_DUPLICATE));
	cr_assert(eq(int, judge_numbers("p", 2, 7), DURABLE_REFUSE_GAP));
	cr_assert(eq(int, judge_numbers("p", 2, DURABLE_NUMBER_MAX), DURABLE_REFUSE_GAP));
}

Test(durable_judge, V63_an_epoch_begins_at_0_and_fences_the_older_ones)
{
	cr_assert(eq(int, judge_numbers("p", 3, 0), DURABLE_ACCEPT));
	cr_assert(eq(int, judge_numbers("p", DURABLE_NUMBER_MAX, 0), DURABLE_ACCEPT));
	cr_assert(eq(int, judge_numbers("p", 3, 1), DURABLE_REFUSE_BEGINNING));
	cr_assert(eq(int, judge_numbers("p", 3, 6), DURABLE_REFUSE_BEGINNING));
	cr_assert(eq(int, judge_numbers("p", 1, 0), DURABLE_REFUSE_EPOCH));
	cr_assert(eq(int, judge_numbers("p", 1, 6), DURABLE_REFUSE_EPOCH));
	cr_assert(eq(int, judge_numbers("p", 0, 5), DURABLE_REFUSE_EPOCH));
}

Test(durable_judge, V63_a_new_producer_begins_at_0_in_any_epoch)
{
	cr_assert(eq(int, judge_numbers("new", 0, 0), DURABLE_ACCEPT));
	cr_assert(eq(int, judge_numbers("new", 7, 0), DURABLE_ACCEPT));
	cr_assert(eq(int, judge_numbers("new", 0, 1), DURABLE_REFUSE_BEGINNING));
	cr_assert(eq(int, judge_numbers("pp", 2, 6), DURABLE_REFUSE_BEGINNING));
	cr_assert(eq(int, judge_numbers("P", 2, 6), DURABLE_REFUSE_BEGINNING));
}

Test(durable_judge, V63_without_a_producer_data_are_accepted)
{
	struct durable_state state = open_state();
	struct durable_request close_with_data = data;

	close_with_data.closes = true;
	cr_assert(eq(int, judge(&state, &data), DURABLE_ACCEPT));
	cr_assert(eq(ptr, (void *)judged_producer, NULL));
	cr_assert(eq(int, judge(&state, &close_with_data), DURABLE_ACCEPT));
	cr_assert(eq(int, judge(&state, &close_alone), DURABLE_ACCEPT));
	durable_state_free(&state);
}

Test(durable_judge, V63_another_type_is_refused_unless_there_are_no_data)
{
	struct durable_state state = open_state();
	struct durable_request request = data;

	request.type = "text/html";
	cr_assert(eq(int, judge(&state, &request), DURABLE_REFUSE_TYPE));
	request.type = "text/plai";
	cr_assert(eq(int, judge(&state, &request), DURABLE_REFUSE_TYPE));
	/* A duplicate and a gap of another type, too: the type is looked at first. */
	request = of_producer(&request, "p", 2, 5);
	cr_assert(eq(int, judge(&state, &request), DURABLE_REFUSE_TYPE));
	cr_assert(eq(str, judged_producer->id, "p"));
	request.number = 9;
	cr_assert(eq(int, judge(&state, &request), DURABLE_REFUSE_TYPE));
	request = data;
	request.type = NULL;
	cr_assert(eq(int, judge(&state, &request), DURABLE_ACCEPT), "left to the caller");
	request = close_alone;
	request.type = "text/html";
	cr_assert(eq(int, judge(&state, &request), DURABLE_ACCEPT));
	durable_state_free(&state);
}

static int
judge_order(const char *order)
{
	struct durable_state state = open_state();
	struct durable_request request = data;
	int verdict;

	request.order = order;
	verdict = judge(&state, &request);
	durable_state_free(&state);
	return verdict;
}

Test(durable_judge, V63_a_Stream_Seq_grows_by_its_bytes)
{
	cr_assert(eq(int, judge_order("c"), DURABLE_ACCEPT));
	cr_assert(eq(int, judge_order("ba"), DURABLE_ACCEPT));
	cr_assert(eq(int, judge_order("b\x01"), DURABLE_ACCEPT));
	cr_assert(eq(int, judge_order("\xc3\xa9"), DURABLE_ACCEPT), "bytes have no sign");
	cr_assert(eq(int, judge_order("b"), DURABLE_REFUSE_ORDER));
	cr_assert(eq(int, judge_order("a"), DURABLE_REFUSE_ORDER));
	cr_assert(eq(int, judge_order("azzz"), DURABLE_REFUSE_ORDER));
	cr_assert(eq(int, judge_order("B"), DURABLE_REFUSE_ORDER), "case counts");
	cr_assert(eq(int, judge_order("C"), DURABLE_REFUSE_ORDER));
	cr_assert(eq(int, judge_order("10"), DURABLE_REFUSE_ORDER));
	cr_assert(eq(int, judge_order(""), DURABLE_REFUSE_ORDER));
}

Test(durable_judge, V63_the_first_Stream_Seq_is_any)
{
	const struct durable_settings settings = plain_settings();
	struct durable_state state = created(&settings);
	struct durable_request request = data;

	request.order = "0";
	cr_assert(eq(int, judge(&state, &request), DURABLE_ACCEPT));
	durable_state_free(&state);
}

Test(durable_judge, V63_the_producer_is_looked_at_before_Stream_Seq)
{
	struct durable_state state = open_state();
	struct durable_request request = of_producer(&data, "p", 2, 5);

	request.order = "a";
	cr_assert(eq(int, judge(&state, &request), DURABLE_DUPLICATE));
	request.number = 7;
	cr_assert(eq(int, judge(&state, &request), DURABLE_REFUSE_GAP));
	request.number = 6;
	cr_assert(eq(int, judge(&state, &request), DURABLE_REFUSE_ORDER));
	request.order = "c";
	cr_assert(eq(int, judge(&state, &request), DURABLE_ACCEPT));
	request = of_producer(&close_alone, "p", 2, 6);
	request.order = "a";
	cr_assert(eq(int, judge(&state, &request), DURABLE_ACCEPT), "without data no order");
	durable_state_free(&state);
}

Test(durable_judge, V63_a_close_alone_has_its_number_like_data)
{
	struct durable_state state = open_state();
	struct durable_request request = of_producer(&close_alone, "p", 2, 6);

	cr_assert(eq(int, judge(&state, &request), DURABLE_ACCEPT));
	request.number = 5;
	cr_assert(eq(int, judge(&state, &request), DURABLE_DUPLICATE));
	request.number = 7;
	cr_assert(eq(int, judge(&state, &request), DURABLE_REFUSE_GAP));
	request.epoch = 1;
	cr_assert(eq(int, judge(&state, &request), DURABLE_REFUSE_EPOCH));
	durable_state_free(&state);
}

Test(durable_judge, V63_a_closed_stream_takes_the_repetition_of_its_close_alone)
{
	struct durable_state state = closed_state("p", 2, 6);
	struct durable_request request = data;

	request.type = "text/html";
	request.order = "a";
	cr_assert(eq(int, judge(&state, &request), DURABLE_REFUSE_CLOSED), "closed comes first");
	request.closes = true;
	cr_assert(eq(int, judge(&state, &request), DURABLE_REFUSE_CLOSED));
	cr_assert(eq(int, judge(&state, &close_alone), DURABLE_CLOSED_ALREADY));
	request = of_producer(&request, "p", 2, 6);
	cr_assert(eq(int, judge(&state, &request), DURABLE_DUPLICATE), "with other data");
	cr_assert(eq(str, judged_producer->id, "p"));
	request = of_producer(&close_alone, "p", 2, 6);
	cr_assert(eq(int, judge(&state, &request), DURABLE_DUPLICATE));
	request.number = 7;
	cr_assert(eq(int, judge(&state, &request), DURABLE_REFUSE_CLOSED));
	request.number = 5;
	cr_assert(eq(int, judge(&state, &request), DURABLE_REFUSE_CLOSED));
	request = of_producer(&data, "p", 2, 5);
	cr_assert(eq(int, judge(&state, &request), DURABLE_REFUSE_CLOSED));
	request = of_producer(&data, "p", 1, 6);
	cr_assert(eq(int, judge(&state, &request), DURABLE_REFUSE_CLOSED));
	request = of_producer(&data, "q", 2, 6);
	cr_assert(eq(int, judge(&state, &request), DURABLE_REFUSE_CLOSED));
	durable_state_free(&state);
}

Test(durable_judge, V63_a_stream_closed_by_no_producer_has_no_duplicates)
{
	struct durable_state state = closed_state(NULL, 0, 0);
	struct durable_request request = of_producer(&data, "p", 0, 0);

	cr_assert(eq(int, judge(&state, &request), DURABLE_REFUSE_CLOSED));
	request = of_producer(&close_alone, "", 0, 0);
	cr_assert(eq(int, judge(&state, &request), DURABLE_REFUSE_CLOSED));
	cr_assert(eq(int, judge(&state, &close_alone), DURABLE_CLOSED_ALREADY));
	durable_state_free(&state);
}

Test(durable_judge, V63_a_producer_too_many_is_refused)
{
	struct durable_state state = open_state();
	struct durable_request request = of_producer(&data, "new", 0, 0);
	const size_t count = state.producers_count;
	struct durable_change change = { 0 };
	char id[32];

	for (size_t i = count; i < DURABLE_PRODUCERS_MAX - 1; i++) {
		snprintf(id, sizeof(id), "x%zu", i);
		durable_change_number(&change, id, 0, 0, 0);
	}
	expect_applied(&state, 4, &change);
	cr_assert(eq(int, judge(&state, &request), DURABLE_ACCEPT));
	durable_change_number(&change, "last", 0, 0, 0);
	expect_applied(&state, 5, &change);
	cr_assert(eq(int, judge(&state, &request), DURABLE_REFUSE_PRODUCERS));
	request.number = 1;
	cr_assert(eq(int, judge(&state, &request), DURABLE_REFUSE_BEGINNING));
	request = of_producer(&data, "last", 1, 0);
	cr_assert(eq(int, judge(&state, &request), DURABLE_ACCEPT), "a known one goes on");
	durable_state_free(&state);
}

static void
expect_different(const struct durable_settings *a, const struct durable_settings *b)
{
	cr_assert(not(durable_settings_are_equal(a, b)));
	cr_assert(not(durable_settings_are_equal(b, a)));
}

Test(durable_judge, V63_equal_settings_make_a_second_PUT_succeed)
{
	struct durable_settings a = plain_settings(), b = plain_settings();

	snprintf(b.type_sent, sizeof(b.type_sent), "TEXT/plain");
	a.ttl_s = a.expires_ns = 9;
	cr_assert(durable_settings_are_equal(&a, &b), "as sent, and what is not set");
	a.has_ttl = true;
	expect_different(&a, &b);
	b.has_ttl = true;
	expect_different(&a, &b);
	b.ttl_s = 9;
	cr_assert(durable_settings_are_equal(&a, &b));
	a.has_expiry = true;
	expect_different(&a, &b);
	b.has_expiry = true;
	expect_different(&a, &b);
	b.expires_ns = 9;
	cr_assert(durable_settings_are_equal(&a, &b));
	a.is_created_closed = true;
	expect_different(&a, &b);
	b.is_created_closed = true;
	snprintf(b.type, sizeof(b.type), "text/html");
	expect_different(&a, &b);
}

Test(durable_judge, V63_a_fork_is_equal_with_its_source_and_offsets)
{
	struct durable_settings stream = plain_settings(), put = plain_settings();

	snprintf(stream.source, sizeof(stream.source), "source");
	expect_different(&stream, &put);
	snprintf(put.source, sizeof(put.source), "source");
	cr_assert(durable_settings_are_equal(&stream, &put));
	/* The stream's offset was resolved; the PUT may leave the offset out. */
	stream.fork_offset = 7;
	cr_assert(durable_settings_are_equal(&stream, &put));
	put.has_fork_offset = true;
	put.fork_offset = 6;
	cr_assert(not(durable_settings_are_equal(&stream, &put)));
	put.fork_offset = 7;
	cr_assert(durable_settings_are_equal(&stream, &put));
	stream.has_fork_offset = true;
	cr_assert(durable_settings_are_equal(&stream, &put));
	put.fork_sub_offset = 1;
	expect_different(&stream, &put);
}
