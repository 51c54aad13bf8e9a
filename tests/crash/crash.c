/* SPDX-License-Identifier: MIT */
#include "crash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <reprise/log_sqlite.h>
#ifdef CRASH_POSTGRES
#include <libpq-fe.h>

#include <reprise/log_postgres.h>
#endif

_Noreturn void
crash_die(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, what);
	_exit(1);
}

void
crash_check_ok(const char *file, int line, const char *what, reprise_status status)
{
	if (status == REPRISE_OK)
		return;
	fprintf(stderr, "%s: ", reprise_status_name(status));
	crash_die(file, line, what);
}

uint64_t
crash_random(uint64_t *state)
{
	uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ mixed >> 31;
}

void
crash_nap(uint64_t nanoseconds)
{
	const struct timespec some = { .tv_sec = (time_t)(nanoseconds / 1000000000),
				       .tv_nsec = (long)(nanoseconds % 1000000000) };

	nanosleep(&some, NULL);
}

const char *
crash_id(unsigned int session)
{
	static const char *const ids[CRASH_SESSIONS] = { "c0", "c1", "c2", "c3" };

	return ids[session];
}

/* The beginning of every payload. */
struct head {
	uint64_t session, life, position, seed, bytes;
};

static uint32_t
checksum(const unsigned char *bytes, size_t count)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < count; i++)
		sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
	return (uint32_t)(sum ^ sum >> 32) | 2;
}

size_t
crash_payload(unsigned int session, uint64_t life, reprise_position position, uint64_t seed,
	      unsigned char payload[CRASH_PAYLOAD_MAX])
{
	uint64_t state = seed;
	const uint64_t chance = crash_random(&state);
	const size_t most = CRASH_PAYLOAD_MAX - sizeof(struct head) - sizeof(uint32_t);
	const size_t body = chance / 8 % ((chance % 8 == 0 ? most : 200) + 1);
	const struct head head = { session, life, position, seed, body };
	size_t bytes = sizeof(head);

	memcpy(payload, &head, sizeof(head));
	for (size_t i = 0; i < body; i++)
		payload[bytes++] = (unsigned char)crash_random(&state);
	const uint32_t sum = checksum(payload, bytes);

	memcpy(payload + bytes, &sum, sizeof(sum));
	return bytes + sizeof(sum);
}

uint32_t
crash_verify(unsigned int session, reprise_position position, struct reprise_bytes bytes,
	     uint64_t *ret_life)
{
	unsigned char payload[CRASH_PAYLOAD_MAX];
	struct head head;

	CHECK(bytes.size >= sizeof(head) + sizeof(uint32_t) && bytes.size <= CRASH_PAYLOAD_MAX);
	memcpy(&head, bytes.data, sizeof(head));
	CHECK(head.session == session);
	CHECK(head.position == position);
	CHECK(crash_payload(session, head.life, position, head.seed, payload) == bytes.size);
	CHECK(memcmp(payload, bytes.data, bytes.size) == 0);
	if (ret_life != NULL)
		*ret_life = head.life;
	return checksum(bytes.data, bytes.size);
}

uint16_t
crash_kind(size_t i, size_t count)
{
	return (uint16_t)(i << 8 | count);
}

void
crash_tell(struct crash_told *told, const struct reprise_cursor *cursor, uint32_t sum)
{
	const unsigned int turn = atomic_load(&told->turn) == 1 ? 2 : 1;

	told->halves[turn - 1] = (struct crash_place){ .cursor = *cursor, .checksum = sum };
	atomic_store(&told->turn, turn);
}

const struct crash_place *
crash_place(const struct crash_told *told)
{
	const unsigned int turn = atomic_load(&told->turn);

	return turn == 0 ? NULL : &told->halves[turn - 1];
}

struct reprise_log *
crash_log(const struct crash *crash)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log *log = NULL;
	reprise_status status = REPRISE_E_INVALID;

	if (!crash->is_postgres) {
		const struct reprise_log_sqlite_options options = {
			.size = sizeof(options),
			.path = crash->where,
			.deadline_ns = UINT64_C(20000000000),
			.durability = crash->durability,
		};

		status = reprise_log_sqlite_open(&options, &log, &error);
	}
#ifdef CRASH_POSTGRES
	if (crash->is_postgres) {
		const struct reprise_log_postgres_options options = {
			.size = sizeof(options),
			.connection = getenv("REPRISE_POSTGRES"),
			.schema = crash->where,
			.deadline_ns = UINT64_C(20000000000),
			.durability = crash->durability,
		};

		status = reprise_log_postgres_open(&options, &log, &error);
	}
#endif
	if (status != REPRISE_OK)
		fprintf(stderr, "%s: %s\n", error.what, error.detail);
	CHECK_OK(status);
	return log;
}

void
crash_await_gone(const struct crash *crash)
{
	bool is_gone = !crash->is_postgres;

#ifdef CRASH_POSTGRES
	PGconn *const connection = is_gone ? NULL : PQconnectdb(getenv("REPRISE_POSTGRES"));

	while (!is_gone) {
		PGresult *const answer =
			PQexec(connection, "SELECT 1 FROM pg_stat_activity WHERE pid <> "
					   "pg_backend_pid() AND backend_type = 'client backend'");

		CHECK(PQresultStatus(answer) == PGRES_TUPLES_OK);
		is_gone = PQntuples(answer) == 0;
		PQclear(answer);
		if (!is_gone)
			crash_nap(2000000);
	}
	PQfinish(connection);
#endif
	CHECK(is_gone);
}

struct crash_runtime
crash_open(const struct crash *crash)
{
	struct crash_runtime runtime = { .log = crash_log(crash) };
	const struct reprise_recorder_options options = {
		.size = sizeof(options),
		.durability = crash->durability,
		.deadline_ns = UINT64_C(20000000000),
		.heal_wait_ns = UINT64_C(20000000000),
		.batch_events_max = crash->is_limited ? 1 : 0,
		.batch_bytes_max = crash->is_limited ? 1 : 0,
	};

	CHECK_OK(reprise_store_open(NULL, &runtime.store, NULL));
	CHECK_OK(reprise_recorder_open(runtime.store, runtime.log, &options, &runtime.recorder,
				       NULL));
	return runtime;
}

void
crash_close(struct crash_runtime *runtime)
{
	CHECK_OK(reprise_recorder_close(runtime->recorder));
	CHECK_OK(reprise_store_close(runtime->store));
	reprise_log_close(runtime->log);
}
