/* SPDX-License-Identifier: MIT */
/* V62: a control event has one encoding, and anything else is malformed. */
#include "states.h"

#include <stdio.h>

SUITE(durable_wire);

/* One change of each kind, with every field. */
static void
each_change(void (*visit)(const char *name, const struct durable_change *change))
{
	struct durable_settings settings = plain_settings();
	struct durable_state state;
	struct durable_change changes[9] = { { 0 } };
	static const char *const names[] = { "create", "number",      "order", "close",   "renew",
					     "fork",   "remove fork", "gone",  "snapshot" };

	settings.has_ttl = settings.has_expiry = settings.has_fork_offset = true;
	settings.ttl_s = 300;
	settings.expires_ns = UINT64_C(1) << 60;
	snprintf(settings.source, sizeof(settings.source), "source");
	settings.fork_offset = 1000;
	settings.fork_sub_offset = 3;
	state = created(&settings);
	durable_change_number(&changes[1], "producer", 2, 1000, 5);
	durable_change_number(&changes[0], "other", DURABLE_NUMBER_MAX, 0, 0);
	durable_change_add_fork(&changes[0], "fork");
	durable_change_close(&changes[0], "producer", 2, 1000);
	durable_change_order(&changes[0], "0007");
	expect_applied(&state, 2, &changes[0]);
	durable_change_create(&changes[0], SESSION, &settings, 12345);
	durable_change_order(&changes[2], "0007");
	durable_change_close(&changes[3], "producer", 2, 1000);
	durable_change_renew(&changes[4], UINT64_MAX);
	durable_change_add_fork(&changes[5], "fork");
	durable_change_remove_fork(&changes[6], "fork");
	durable_change_gone(&changes[7]);
	durable_change_snapshot(&changes[8], SESSION, &state);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		cr_assert(not(changes[i].failed));
		visit(names[i], &changes[i]);
		durable_change_free(&changes[i]);
	}
	durable_state_free(&state);
	expect_no_leaks();
}

static void
expect_cuts_malformed(const char *name, const struct durable_change *change)
{
	cr_assert(eq(int, (int)apply_bytes(change->data, change->size), DURABLE_APPLIED), "%s",
		  name);
	for (size_t size = 0; size < change->size; size++)
		cr_assert(eq(int, (int)apply_bytes(change->data, size), DURABLE_MALFORMED),
			  "%s, %zu bytes", name, size);
}

Test(durable_wire, V62_an_event_that_is_cut_off_anywhere_is_malformed)
{
	each_change(expect_cuts_malformed);
}

/* Fields that are cut off, with a length that says so. */
static void
expect_fewer_malformed(const char *name, const struct durable_change *change)
{
	const size_t length_bytes = change->data[2] > 0x7f ? 2 : 1, head = 2 + length_bytes;
	unsigned char bytes[512] = { change->data[0], change->data[1] };

	for (size_t size = 0; size < change->size - head; size++) {
		const size_t begin = size > 0x7f ? 4 : 3;

		bytes[2] = (unsigned char)(size > 0x7f ? 0x80 | (size & 0x7f) : size);
		bytes[3] = (unsigned char)(size >> 7);
		memcpy(bytes + begin, change->data + head, size);
		cr_assert(eq(int, (int)apply_bytes(bytes, begin + size), DURABLE_MALFORMED),
			  "%s, %zu bytes of fields", name, size);
	}
}

Test(durable_wire, V62_fields_that_are_cut_off_anywhere_are_malformed)
{
	each_change(expect_fewer_malformed);
}

/* The length of each change is one byte, but for the longest ones. */
static void
expect_more_malformed(const char *name, const struct durable_change *change)
{
	unsigned char bytes[512];

	memcpy(bytes, change->data, change->size);
	bytes[change->size] = 0;
	cr_assert(eq(int, (int)apply_bytes(bytes, change->size + 1), DURABLE_MALFORMED), "%s",
		  name);
	if (bytes[2] >= 0x7f)
		return;
	bytes[2]++;
	cr_assert(eq(int, (int)apply_bytes(bytes, change->size + 1), DURABLE_MALFORMED),
		  "%s: a field more", name);
	bytes[2] = (unsigned char)(bytes[2] - 2);
	if (change->size > 3)
		cr_assert(eq(int, (int)apply_bytes(bytes, change->size - 1), DURABLE_MALFORMED),
			  "%s: a byte less", name);
}

Test(durable_wire, V62_bytes_behind_the_fields_are_malformed)
{
	each_change(expect_more_malformed);
}

static void
expect_bytes(struct durable_change *change, const char *bytes, size_t size)
{
	cr_assert(eq(sz, change->size, size));
	cr_assert(eq(int, memcmp(change->data, bytes, size), 0));
	durable_change_free(change);
}

#define EXPECT_BYTES(bytes) expect_bytes(&change, bytes, sizeof(bytes) - 1)

Test(durable_wire, V62_the_encoding_stays_as_it_is)
{
	struct durable_settings settings = plain_settings();
	struct durable_change change = { 0 };
	struct durable_state state;

	durable_change_create(&change, SESSION, &settings, 300);
	durable_change_number(&change, "p", 2, 1000, 16383);
	EXPECT_BYTES("\x01\x01\x2e\x04" SESSION "\x00\x0atext/plain\x19text/plain; charset=utf-8"
		     "\x00\xac\x02\x02\x07\x01p\x02\xe8\x07\xff\x7f");
	durable_change_order(&change, "10");
	durable_change_close(&change, NULL, 3, 4);
	durable_change_close(&change, "p", 3, 4);
	durable_change_renew(&change, 7);
	durable_change_add_fork(&change, "x");
	durable_change_remove_fork(&change, "x");
	durable_change_gone(&change);
	EXPECT_BYTES("\x01\x03\x03\x02\x31\x30\x04\x03\x00\x00\x00\x04\x04\x01p\x03\x04\x05\x01\x07"
		     "\x06\x02\x01x\x07\x02\x01x\x08\x00");

	settings = (struct durable_settings){ .type = "a/b", .source = "s" };
	settings.has_ttl = settings.has_expiry = settings.has_fork_offset = true;
	settings.ttl_s = 1;
	settings.expires_ns = 2;
	settings.fork_offset = 3;
	settings.fork_sub_offset = 4;
	state = created(&settings);
	durable_change_number(&change, "p", 6, 7, 8);
	durable_change_add_fork(&change, "f");
	durable_change_order(&change, "o");
	durable_change_close(&change, "p", 6, 7);
	expect_applied(&state, 2, &change);
	apply_data(&state, 3);
	durable_change_snapshot(&change, SESSION, &state);
	EXPECT_BYTES("\x01\x09\x24\x04" SESSION "\x0b\x03"
		     "a/b\x00\x01\x02\x01s\x03\x04\x05\x03\x00\x03"
		     "\x01o\x01p\x06\x07\x01\x01p\x06\x07\x0a\x01\x01"
		     "f");
	durable_state_free(&state);
}

static void
expect_same_bytes(const struct durable_state *a, const struct durable_state *b)
{
	struct durable_change one = { 0 }, other = { 0 };

	durable_change_snapshot(&one, SESSION, a);
	durable_change_snapshot(&other, SESSION, b);
	cr_assert(eq(sz, one.size, other.size));
	cr_assert(eq(int, memcmp(one.data, other.data, one.size), 0));
	durable_change_free(&one);
	durable_change_free(&other);
}

Test(durable_wire, V62_equal_states_have_equal_bytes)
{
	const struct durable_settings settings = plain_settings();
	struct durable_state a = created(&settings), b = created(&settings), copy;
	struct durable_change change = { 0 };
	char id[16];

	for (int i = 0; i < 100; i++) {
		snprintf(id, sizeof(id), "%d", i);
		durable_change_number(&change, id, 1, 2, 3);
		durable_change_add_fork(&change, id);
	}
	expect_applied(&a, 2, &change);
	durable_change_add_fork(&change, "55x");
	for (int i = 99; i >= 0; i--) {
		snprintf(id, sizeof(id), "%d", i);
		durable_change_add_fork(&change, id);
		durable_change_number(&change, id, 1, 2, 3);
	}
	durable_change_remove_fork(&change, "55x");
	expect_applied(&b, 2, &change);
	expect_same_bytes(&a, &b);
	copy = copy_by_snapshot(&a, 9);
	expect_same_bytes(&a, &copy);
	durable_state_free(&a);
	durable_state_free(&b);
	durable_state_free(&copy);
	expect_no_leaks();
}

Test(durable_wire, V62_no_change_is_written_that_is_malformed)
{
	struct durable_settings settings = plain_settings();
	char text[DURABLE_ORDER_BYTES_MAX + 2];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
#define EXPECT_FAILED(call, ...)                      \
	do {                                          \
		struct durable_change change = { 0 }; \
                                                      \
		call(&change, __VA_ARGS__);           \
		cr_assert(change.failed);             \
		durable_change_free(&change);         \
		cr_assert(not(change.failed));        \
	} while (0)
	EXPECT_FAILED(durable_change_order, text);
	EXPECT_FAILED(durable_change_number, text + sizeof(text) - 2 - DURABLE_NAME_BYTES_MAX, 0, 0,
		      0);
	EXPECT_FAILED(durable_change_number, "", 0, 0, 0);
	EXPECT_FAILED(durable_change_number, "p", DURABLE_NUMBER_MAX + 1, 0, 0);
	EXPECT_FAILED(durable_change_number, "p", 0, DURABLE_NUMBER_MAX + 1, 0);
	EXPECT_FAILED(durable_change_close, "p", 0, DURABLE_NUMBER_MAX + 1);
	EXPECT_FAILED(durable_change_close, "p", DURABLE_NUMBER_MAX + 1, 0);
	EXPECT_FAILED(durable_change_add_fork, "");
	EXPECT_FAILED(durable_change_add_fork, text);
	EXPECT_FAILED(durable_change_remove_fork, "");
	EXPECT_FAILED(durable_change_create, "", &settings, 0);
	EXPECT_FAILED(durable_change_create, text, &settings, 0);
#undef EXPECT_FAILED
	expect_no_leaks();
}
