/* SPDX-License-Identifier: MIT */
#include "tool/show_table.h"

#include <inttypes.h>
#include <stdio.h>

#include "tool/interrupt.h"

enum {
	RECONNECTS_LEAST = 3,
	WINDOWS_LEAST = 4, /* the appended events fill the window so often */
};

/*
 * With fewer events a host may never have been overtaken: the run was interrupted, or the machine
 * is too slow for lines of this size.
 */
static bool
is_cut_short(const struct stage *stage)
{
	return interrupt_happened() || stage->appended < WINDOWS_LEAST * stage->events_max;
}

/* Why a host has not shown its way of following a session; or NULL. */
static const char *
omission_of(const struct host *host)
{
	const bool is_recorded = host->stage->is_recorded;
	const bool is_overtaken = host->way == HOST_SLOW || host->way == HOST_LATE;

	if (is_recorded && host->lost != 0)
		return "lost events that the log should have";
	if (is_cut_short(host->stage))
		return NULL;
	if (is_overtaken && is_recorded && host->healed == 0)
		return "was not overtaken, and read nothing from the log";
	if (is_overtaken && !is_recorded && host->gaps == 0)
		return "was not overtaken, and met no gap";
	if (host->way == HOST_DROPS && host->reconnects < RECONNECTS_LEAST)
		return "came back fewer than 3 times";
	return NULL;
}

static void
print_heading(bool is_recorded)
{
	printf("%-42s %-8s %9s ", "session", "host", "appended");
	if (is_recorded)
		printf("%9s %9s", "from ring", "from log");
	else
		printf("%9s", "delivered");
	printf(" %9s %5s %10s %10s\n", "lost", "gaps", "reconnects", "duplicates");
}

static void
print_host(const struct host *host, const char *fault)
{
	const struct stage *const stage = host->stage;

	printf("%-42.42s %-8s %9" PRIu64 " ", host->way == 0 ? stage->input->name : "",
	       host_way_names[host->way], stage->appended);
	if (stage->is_recorded)
		printf("%9" PRIu64 " %9" PRIu64, host->delivered - host->healed, host->healed);
	else
		printf("%9" PRIu64, host->delivered);
	printf(" %9" PRIu64 " %5" PRIu64 " %10" PRIu64 " %10" PRIu64 "%s%s\n", host->lost,
	       host->gaps, host->reconnects, host->doubled, fault != NULL ? "  << " : "",
	       fault != NULL ? fault : "");
}

size_t
show_table_print(const struct show *shows, size_t shows_count)
{
	size_t faults = 0;

	print_heading(shows[0].act.stage.is_recorded);
	for (size_t i = 0; i < shows_count; i++) {
		faults += shows[i].act.stage.is_failed;
		for (size_t way = 0; way < HOST_WAYS; way++) {
			const struct host *const host = &shows[i].solos[way].host;
			const char *fault = host_fault(host);

			if (fault == NULL)
				fault = omission_of(host);
			print_host(host, fault);
			faults += fault != NULL;
		}
	}
	if (faults == 0)
		printf("\nEach payload equals its line. For each host, %s + lost = appended.\n",
		       shows[0].act.stage.is_recorded ? "from ring + from log" : "delivered");
	else
		printf("\n%zu fault%s, marked with <<.\n", faults, faults == 1 ? "" : "s");
	return faults;
}
