/* SPDX-License-Identifier: MIT */
#include "durable.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Threads that append: in every way that there is, in windows that are small. */

void
durable_nap(long microseconds)
{
	const struct timespec some = { .tv_nsec = microseconds * 1000 };

	nanosleep(&some, NULL);
}

void
durable_name(char name[16], const char *stem, unsigned int number)
{
	snprintf(name, 16, "%s%u", stem, number);
}

static reprise_status
append_one(struct reprise_writer *writer, reprise_position next)
{
	unsigned char payload[STRESS_PAYLOAD_MAX];
	const struct reprise_bytes bytes = { payload, stress_payload(next, payload) };
	reprise_position position = 0;
	const reprise_status status = reprise_append(
		writer, next / 7, (uint16_t)(next % DURABLE_KINDS), 0, bytes, &position);

	CHECK(status != REPRISE_OK || position == next);
	return status;
}

static reprise_status
append_some(struct reprise_writer *writer, reprise_position first, size_t count)
{
	static _Thread_local unsigned char payloads[4][STRESS_PAYLOAD_MAX];
	struct reprise_new_event events[4];
	reprise_position position = 0;

	for (size_t i = 0; i < count; i++)
		events[i] = (struct reprise_new_event){
			.revision = (first + i) / 7,
			.kind = (uint16_t)((first + i) % DURABLE_KINDS),
			.payload = { payloads[i], stress_payload(first + i, payloads[i]) },
		};
	const reprise_status status = reprise_append_batch(writer, events, count, &position);

	CHECK(status != REPRISE_OK || position == first);
	return status;
}

static reprise_status
append_in_place(struct reprise_writer *writer, reprise_position next)
{
	unsigned char payload[STRESS_PAYLOAD_MAX];
	const size_t bytes = stress_payload(next, payload);
	reprise_position position = 0;
	void *room;
	reprise_status status = reprise_reserve(writer, bytes + 64, &room);

	if (status != REPRISE_OK)
		return status;
	memcpy(room, payload, bytes);
	status = reprise_publish(writer, next / 7, (uint16_t)(next % DURABLE_KINDS), 0, bytes,
				 &position);
	CHECK(status != REPRISE_OK || position == next);
	return status;
}

/* Appends until it is told not to; false when the window is void. */
static bool
write_some(struct reprise_writer *writer, reprise_position *newest, uint64_t count,
	   unsigned int *random)
{
	while (count > 0) {
		const unsigned int way = stress_random(random) % 16;
		const size_t several = way == 0 ? 1 + stress_random(random) % 4 : 1;
		const reprise_status status = way == 0   ? append_some(writer, *newest + 1, several)
					      : way == 1 ? append_in_place(writer, *newest + 1)
							 : append_one(writer, *newest + 1);

		if (status == REPRISE_E_CLOSED)
			return false;
		if (status == REPRISE_E_FULL) {
			atomic_fetch_add(&durable.refused, 1);
			const reprise_status room =
				reprise_writer_wait_room(writer, REPRISE_NO_LIMIT);

			CHECK(room == REPRISE_OK || room == REPRISE_E_CLOSED);
			if (room == REPRISE_E_CLOSED)
				return false;
			continue;
		}
		CHECK(status == REPRISE_OK);
		*newest += several;
		atomic_fetch_add(&durable.appended, several);
		count -= several < count ? several : count;
		if (stress_random(random) % 64 == 0)
			durable_nap(200);
	}
	return true;
}

static struct reprise_writer *
come(const char *name, bool refuses, reprise_position *ret_newest)
{
	const struct reprise_session_options options = {
		.size = sizeof(options),
		.when_full = refuses ? REPRISE_WHEN_FULL_REFUSE : REPRISE_WHEN_FULL_DEFAULT,
	};
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	struct reprise_writer *writer = NULL;
	reprise_status status;

	do {
		status = reprise_writer_open(durable.store, name, &options, &writer, NULL);
		/* A window that is declared void while it is joined; no place for a guest. */
		CHECK(status == REPRISE_OK || status == REPRISE_E_CONFLICT ||
		      status == REPRISE_E_FULL);
		if (status == REPRISE_OK &&
		    reprise_session_stats(durable.store, name, &stats) != REPRISE_OK) {
			reprise_writer_close(writer);
			writer = NULL;
		}
		if (writer == NULL)
			durable_nap(100);
	} while (writer == NULL);
	atomic_fetch_add(&durable.opened, 1);
	*ret_newest = stats.newest;
	return writer;
}

static void
end_early(struct reprise_writer *writer, int32_t end_status)
{
	const reprise_status status = reprise_writer_end(writer, end_status);

	CHECK(status == REPRISE_OK || status == REPRISE_E_CLOSED);
}

void *
durable_write_session(void *argument)
{
	const unsigned int number = *(const unsigned int *)argument;
	unsigned int random = 77 + number;
	reprise_position newest = 0;
	char name[16];
	bool is_final = false;

	durable_name(name, "s", number);
	while (!is_final) {
		struct reprise_writer *const writer = come(name, number % 2 == 1, &newest);

		is_final = atomic_load(&durable.is_quiet);
		if (write_some(writer, &newest, 1 + stress_random(&random) % 3000, &random)) {
			if (is_final)
				CHECK_OK(reprise_writer_end(writer, DURABLE_FINAL));
			else if (stress_random(&random) % 3 == 0)
				end_early(writer, 1);
		} else {
			CHECK(!is_final);
		}
		reprise_writer_close(writer);
		if (stress_random(&random) % 2 == 0)
			durable_nap(300);
	}
	return NULL;
}

/* Sessions that come into few places, and go. */
void *
durable_write_guests(void *argument)
{
	unsigned int random = 5;
	reprise_position newest;
	char name[16];

	(void)argument;
	while (!atomic_load(&durable.is_over)) {
		durable_name(name, "g", stress_random(&random) % DURABLE_GUESTS);
		struct reprise_writer *const writer = come(name, false, &newest);

		(void)write_some(writer, &newest, stress_random(&random) % 60, &random);
		if (stress_random(&random) % 4 == 0)
			end_early(writer, 2);
		reprise_writer_close(writer);
	}
	return NULL;
}
