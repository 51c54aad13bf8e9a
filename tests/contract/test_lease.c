/* SPDX-License-Identifier: MIT */
/* L30 to L33: the lease of a life, as an adapter keeps it. */
#include <time.h>

#include "contract.h"
#include "log/lease.h"

#define LEASE_NS UINT64_C(60000000000)

static struct log_write
write_of(enum log_write_type type, unsigned char incarnation, uint64_t lease_ns)
{
	return (struct log_write){ .type = type,
				   .incarnation = life_name(incarnation),
				   .lease_ns = lease_ns };
}

/* A write of ("t", "k") by itself. */
static reprise_status
do_write(struct reprise_log *log, enum log_write_type type, unsigned char incarnation,
	 uint64_t lease_ns)
{
	struct log_write write = write_of(type, incarnation, lease_ns);

	return write_one(log, &write);
}

static uint64_t
left_of_k(struct reprise_log *log)
{
	return stats_of(log, &k).lease_left_ns;
}

Test(contract, L30_no_other_life_begins_while_the_last_is_leased)
{
	struct reprise_log *const log = contract_open();
	struct log_write other = write_of(LOG_LIFE, 2, 0);

	cr_assert(eq(int, do_write(log, LOG_LIFE, 1, LEASE_NS), REPRISE_OK));
	cr_assert(eq(int, write_one(log, &other), REPRISE_E_BUSY));
	cr_assert(gt(u64, other.lease_left_ns, LEASE_NS / 2));
	cr_assert(le(u64, other.lease_left_ns, LEASE_NS));
	cr_assert(ne(str, (char *)log_refusal_text(&other), ""));
	cr_assert(eq(u64, stats_of(log, &k).lives, 1), "what was refused has changed nothing");
	cr_assert(gt(u64, left_of_k(log), LEASE_NS / 2));
	/* The owner goes on: the same again, events, and its name. */
	cr_assert(eq(int, do_write(log, LOG_LIFE, 1, LEASE_NS), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 3), REPRISE_OK));
	expect_fault(log, "", 0);
	close_log(log);
}

/*
 * The lease is a minute while another life is refused, so that no slow disk ends the lease before.
 * Then the lease is renewed for a moment.
 */
Test(contract, L30_a_lease_that_has_ended_keeps_nobody_out)
{
	struct reprise_log *const log = contract_open();
	struct log_write other = write_of(LOG_LIFE, 2, LEASE_NS);

	cr_assert(eq(int, do_write(log, LOG_LIFE, 1, LEASE_NS), REPRISE_OK));
	cr_assert(eq(int, write_one(log, &other), REPRISE_E_BUSY));
	cr_assert(eq(int, do_write(log, LOG_RENEW, 1, LEASE_NS / 300), REPRISE_OK));
	const uint64_t left_ns = left_of_k(log);
	const struct timespec pause = { .tv_nsec = (long)(left_ns + 10000000) };

	cr_assert(le(u64, left_ns, LEASE_NS / 300));
	nanosleep(&pause, NULL);
	cr_assert(eq(u64, left_of_k(log), 0));
	cr_assert(eq(int, write_one(log, &other), REPRISE_OK));
	cr_assert(eq(int, do_write(log, LOG_RENEW, 1, LEASE_NS), REPRISE_E_CONFLICT));
	cr_assert(eq(int, record(log, 1, 1, 1), REPRISE_E_CONFLICT), "the lease was a courtesy");
	cr_assert(gt(u64, left_of_k(log), LEASE_NS / 2));
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, L31_every_write_of_the_life_sets_its_lease)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_new_entry entry = entry_of("1");
	struct log_write recorded = write_of(LOG_RECORD, 1, LEASE_NS);

	recorded.first = recorded.last = 1;
	recorded.entries = &entry;
	recorded.entries_count = 1;
	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(u64, left_of_k(log), 0));
	cr_assert(eq(int, write_one(log, &recorded), REPRISE_OK));
	cr_assert(gt(u64, left_of_k(log), LEASE_NS / 2));
	cr_assert(eq(int, do_write(log, LOG_RENEW, 1, 4 * LEASE_NS), REPRISE_OK));
	cr_assert(gt(u64, left_of_k(log), 3 * LEASE_NS));
	/* An operator's archiving is no matter of the life's. */
	cr_assert(eq(int, reprise_log_archive_before(log, &k, 1, NULL, NULL), REPRISE_OK));
	cr_assert(gt(u64, left_of_k(log), 3 * LEASE_NS));
	cr_assert(eq(int, do_write(log, LOG_RENEW, 1, 0), REPRISE_OK));
	cr_assert(eq(u64, left_of_k(log), 0));
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, L31_a_life_that_is_closed_or_void_has_no_lease)
{
	struct reprise_log *const log = contract_open();

	cr_assert(eq(int, do_write(log, LOG_LIFE, 1, LEASE_NS), REPRISE_OK));
	cr_assert(eq(int, do_write(log, LOG_CLOSE, 1, LEASE_NS), REPRISE_OK));
	cr_assert(eq(u64, left_of_k(log), 0));
	cr_assert(eq(int, do_write(log, LOG_RENEW, 1, LEASE_NS), REPRISE_OK));
	cr_assert(eq(u64, left_of_k(log), 0), "a life that is closed is not leased again");
	cr_assert(eq(int, do_write(log, LOG_REOPEN, 1, LEASE_NS), REPRISE_OK));
	cr_assert(gt(u64, left_of_k(log), LEASE_NS / 2));
	cr_assert(eq(int, do_write(log, LOG_VOID, 1, LEASE_NS), REPRISE_OK));
	cr_assert(eq(u64, left_of_k(log), 0));
	cr_assert(eq(int, do_write(log, LOG_LIFE, 2, LEASE_NS), REPRISE_OK));
	/* An earlier life that becomes void leaves the lease of the last alone. */
	cr_assert(eq(int, do_write(log, LOG_VOID, 1, 0), REPRISE_OK));
	cr_assert(gt(u64, left_of_k(log), LEASE_NS / 2));
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, L33_a_lease_that_a_clock_has_made_too_long_is_none)
{
	struct log_head head = { .life = { .number = 1, .state = REPRISE_LIFE_OPEN },
				 .lease_ns = LEASE_NS,
				 .read_ns = 1000 * LEASE_NS };

	head.lease_end_ns = head.read_ns + LEASE_NS;
	cr_assert(eq(u64, lease_left(&head), LEASE_NS));
	/* The clock is corrected a little just after a renewal. */
	head.read_ns -= LEASE_NS / 2;
	cr_assert(eq(u64, lease_left(&head), LEASE_NS + LEASE_NS / 2));
	/* It is set back by hours, or the file has come from a machine whose clock is ahead. */
	head.read_ns -= 100 * LEASE_NS;
	cr_assert(eq(u64, lease_left(&head), 0));
	head.read_ns = head.lease_end_ns;
	cr_assert(eq(u64, lease_left(&head), 0));
	head.lease_end_ns = UINT64_MAX;
	cr_assert(eq(u64, lease_left(&head), 0));
}
