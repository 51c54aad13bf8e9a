/* SPDX-License-Identifier: MIT */
/* V44: jobs for the workers, as the gateway's parts submit them. */
#include "client.h"
#include "gateway/gateway.h"
#include "log_sqlite/scratch.h"

TestSuite(work, .fini = scratch_remove, .timeout = 60);

struct told {
	struct job job;
	int runs, dones;
	reprise_status status;
};

static void
run(struct job *job, struct reprise_log *log)
{
	(void)log;
	((struct told *)job)->runs++;
}

static void
done(struct job *job)
{
	struct told *const told = (struct told *)job;

	told->dones++;
	told->status = job->status;
}

Test(work, V44_a_job_is_refused_at_once_when_the_workers_are_gone)
{
	struct place *const place = place_with_log();
	struct told told = { .job = { .run = run, .done = done, .status = REPRISE_OK } };

	(void)post(place, "s", "1");
	place_stop(place, 0);
	work_close(&place->gateway->work);
	work_submit(&place->gateway->work, &told.job);
	cr_assert(eq(int, told.dones, 1));
	cr_assert(eq(int, told.runs, 0));
	cr_assert(eq(int, told.status, REPRISE_E_INTERRUPTED));
	cr_assert(eq(u64, place_stats(place).jobs, 0));
	place_close(place);
}

/* A job that submits itself again while it is done. */
struct endless {
	struct job job;
	struct work *work;
	int dones;
};

static void
submit_again(struct job *job)
{
	struct endless *const endless = (struct endless *)job;

	if (++endless->dones < 3)
		work_submit(endless->work, job);
}

Test(work, V44_a_job_that_comes_in_the_middle_of_the_close_is_refused)
{
	struct place *const place = place_with_log();
	struct endless endless = { .job = { .done = submit_again } };

	endless.work = &place->gateway->work;
	place_stop(place, 0);
	work_submit(endless.work, &endless.job);
	work_close(endless.work);
	cr_assert(eq(int, endless.dones, 3));
	cr_assert(eq(u64, place_stats(place).jobs, 0));
	place_close(place);
}
