/* SPDX-License-Identifier: MIT */
#ifndef FAULT_SCENARIO_H
#define FAULT_SCENARIO_H

/* One public call in one situation, which is made again and again, with another fault each time. */

#include "world.h"

#define BIT(call) (UINT64_C(1) << (call))
#define MEMORY    (BIT(CALL_ALLOCATE) | BIT(CALL_MAP) | BIT(CALL_MALLOC))

struct scenario {
	const char *function;
	const char *title; /* as the rest of a sentence */
	enum stage stage;
	uint64_t sessions_max; /* of the store; 0: default */
	uint64_t bytes_max;    /* of each window; 0: so large that each takes pages of its own */
	void (*prepare)(struct world *world);
	reprise_status (*call)(struct world *world, struct reprise_error *error);
	void (*verify)(struct world *world); /* the call has answered @expected */
	reprise_status expected;

	/*
	 * Kinds of calls that it cannot do without: then it says so, and has changed nothing. In
	 * @either are those that it can do without sometimes; of all others it succeeds without.
	 */
	uint64_t refuses, either;
	bool tells_error; /* it takes a struct reprise_error */
	bool is_silent;   /* it makes none of these calls at all */
};

#define SCENARIOS_END            \
	{                        \
		.function = NULL \
	}

extern const struct scenario scenarios_of_base[], scenarios_of_store[], scenarios_of_session[],
	scenarios_of_sessions[], scenarios_of_subscription[], scenarios_of_doors[],
	scenarios_of_groups[];

#endif /* FAULT_SCENARIO_H */
