/* SPDX-License-Identifier: MIT */
#include "matrix.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "scenario.h"

enum {
	FAILURES = 6, /* in a row: the parts that a call makes once are there by the last but one */
};

#define BYTES_MAX (UINT64_C(8) << 20) /* as large as the first reservation: each takes another */

static const struct scenario *const all[] = { scenarios_of_base,         scenarios_of_store,
					      scenarios_of_session,      scenarios_of_sessions,
					      scenarios_of_subscription, scenarios_of_doors,
					      scenarios_of_groups };

static uint64_t runs, reported, absorbed;

static bool
is_memory_status(const struct plan *plan, reprise_status status)
{
	return status == REPRISE_E_NO_MEMORY && (plan->is_memory || kinds[plan->call].is_memory);
}

/*
 * The failure is one that the header promises for such a call, and says what the header promises.
 */
static void
judge(const struct scenario *scenario, const struct plan *plan, reprise_status status,
      const struct reprise_error *error)
{
	const char *const what =
		plan->is_memory ? kinds[CALL_MAP].reported : kinds[plan->call].reported;
	const bool is_no_memory = is_memory_status(plan, status);

	CHECK(is_no_memory || (status == REPRISE_E_SYSTEM && what != NULL));
	if (!scenario->tells_error)
		return;
	CHECK(error->size == sizeof(*error) && error->status == status && error->byte == 0);
	CHECK(error->os_error == (is_no_memory ? 0 : plan->error));
	CHECK(strcmp(error->what, is_no_memory ? "" : what) == 0);
	CHECK(error->expected_id[0] == '\0' && error->actual_id[0] == '\0');
}

/* Whether such a call may, and must, be said to have failed. */
static void
judge_absence(const struct scenario *scenario, const struct plan *plan, bool is_said)
{
	const uint64_t asked = plan->is_memory ? MEMORY : BIT(plan->call);
	const bool is_random_again = plan->call == CALL_RANDOM && plan->error == EINTR;

	if (plan->is_memory || (scenario->either & asked) != 0)
		CHECK(!is_said || ((scenario->refuses | scenario->either) & asked) != 0);
	else if (fault_failures() != 0)
		CHECK(is_said == ((scenario->refuses & asked) != 0 && !is_random_again));
	else
		CHECK(!is_said);
}

static reprise_status
call_by(const struct scenario *scenario, struct world *world, const struct plan *plan,
	struct reprise_error *error)
{
	memset(error, 0, sizeof(*error));
	error->size = sizeof(*error);
	memset(&world->out, OUT_UNTOUCHED, sizeof(world->out));
	fault_arm(plan);
	const reprise_status status = scenario->call(world, error);

	fault_disarm();
	if (status == scenario->expected && scenario->expected == REPRISE_OK)
		CHECK(error->status == REPRISE_OK);
	return status;
}

static void
is_untouched(const struct out *out)
{
	struct out untouched;

	memset(&untouched, OUT_UNTOUCHED, sizeof(untouched));
	/* Every byte was set, padding, too. */
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-*) */
	CHECK(memcmp(out, &untouched, sizeof(untouched)) == 0);
}

/*
 * Fails as planned, several times, and has changed nothing; or does without. Then everything
 * is as ever.
 */
static void
run(const struct scenario *scenario, unsigned int store, const struct plan *plan)
{
	static const struct plan none;
	const struct process before = process_now();
	struct world world = { .has_hooks = store & 1,
			       .wake = store & 2 ? REPRISE_WAKE_DEFERRED : REPRISE_WAKE_RELAY,
			       .sessions_max = scenario->sessions_max,
			       .bytes_max =
				       scenario->bytes_max != 0 ? scenario->bytes_max : BYTES_MAX };
	struct reprise_error error;

	world_build(&world, scenario->stage);
	if (scenario->prepare != NULL)
		scenario->prepare(&world);
	const struct snapshot snapshot = world_snapshot(&world);
	reprise_status status = call_by(scenario, &world, plan, &error);
	const bool is_said = status != scenario->expected;

	judge_absence(scenario, plan, is_said);
	for (int i = 0; i < FAILURES && status != scenario->expected; i++) {
		const uint64_t control_bytes = world_control_bytes(&world);

		judge(scenario, plan, status, &error);
		is_untouched(&world.out);
		world_is_unchanged(&world, &snapshot);
		status = call_by(scenario, &world, i < FAILURES - 1 ? plan : &none, &error);
		if (i == FAILURES - 2 && status != scenario->expected)
			CHECK(world_control_bytes(&world) == control_bytes);
	}
	CHECK(status == scenario->expected);
	if (is_said)
		reported++;
	else if (plan->n != 0)
		absorbed++;
	runs++;
	if (scenario->verify != NULL)
		scenario->verify(&world);
	if (world.store != NULL)
		world_works(&world);
	world_end(&world);
	process_is_as(&before);
}

static void
run_kind(const struct scenario *scenario, unsigned int store, enum call call, uint64_t count)
{
	for (uint64_t n = 1; n <= count; n++)
		for (unsigned int i = 0; i < 2 * ERRORS_MAX; i++) {
			const struct plan plan = { .call = call,
						   .n = n,
						   .error = kinds[call].errors[i / 2],
						   .is_for_ever = i % 2 != 0 };

			if (plan.error == 0)
				continue;
			fault_say("%s, %s; store %u, %s number %" PRIu64 " fails with %s%s",
				  scenario->function, scenario->title, store, kinds[call].name, n,
				  strerrorname_np(plan.error), plan.is_for_ever ? " for ever" : "");
			run(scenario, store, &plan);
		}
}

static void
run_all(const struct scenario *scenario, unsigned int store)
{
	static const struct plan none;
	uint64_t counts[CALLS_THAT_FAIL];

	fault_say("%s, %s; store %u, no fault", scenario->function, scenario->title, store);
	run(scenario, store, &none);
	run(scenario, store, &none); /* what is done once a process, or a thread, is done by now */
	/* Of the call alone: later calls are not armed. */
	for (size_t call = 0; call < CALLS_THAT_FAIL; call++)
		counts[call] = fault_count((enum call)call);
	const uint64_t memory = fault_count_memory();
	const bool is_urcu_asking = fault_count(CALL_URCU_MEMORY) != 0;

	CHECK(!scenario->is_silent || fault_count_all() == 0);
	for (size_t call = 0; call < CALLS_THAT_FAIL; call++)
		run_kind(scenario, store, (enum call)call, counts[call]);
	/* Also if nobody has asked malloc before liburcu does: that would be the end of it. */
	if (is_urcu_asking && counts[CALL_MALLOC] == 0)
		run_kind(scenario, store, CALL_MALLOC, 1);
	for (uint64_t n = 1; n <= memory; n++) {
		const struct plan plan = { .n = n, .error = ENOMEM, .is_memory = true };

		fault_say("%s, %s; store %u, no memory from number %" PRIu64 " on",
			  scenario->function, scenario->title, store, n);
		run(scenario, store, &plan);
	}
}

void
matrix_run(const char *only, unsigned int stores)
{
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (const struct scenario *scenario = all[i]; scenario->function != NULL;
		     scenario++) {
			if (only != NULL && strcmp(only, scenario->function) != 0)
				continue;
			for (unsigned int store = 0; store < stores; store++)
				run_all(scenario, store);
		}
	CHECK(runs > 0);
	printf("%" PRIu64 " runs: %" PRIu64 " failures were said, %" PRIu64 " done without\n", runs,
	       reported, absorbed);
}

void
matrix_list(void)
{
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (const struct scenario *scenario = all[i]; scenario->function != NULL;
		     scenario++)
			puts(scenario->function);
}
