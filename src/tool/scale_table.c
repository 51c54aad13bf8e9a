/* SPDX-License-Identifier: MIT */
#include "tool/scale_table.h"

#include <inttypes.h>
#include <stdio.h>

#include "tool/progress.h"

enum {
	FAULTS_PRINTED = 10,
};

struct row {
	struct progress books;
	uint64_t hosts, doubled, faults;
};

static void
print_fault(const struct host *host, const char *fault)
{
	printf("session %s, host %s: %s (appended %" PRIu64 ", delivered %" PRIu64 ", lost %" PRIu64
	       ")\n",
	       host->stage->session_id, host_way_names[host->way], fault, host->stage->appended,
	       host->delivered, host->lost);
}

static void
add_host(struct row *row, const struct host *host)
{
	progress_add(&row->books, host);
	row->hosts++;
	row->doubled += host->doubled;
	row->faults += host_fault(host) != NULL;
}

static void
print_row(const char *name, const struct row *row)
{
	printf("%-8s %9" PRIu64 " %11" PRIu64 " %11" PRIu64 " %9" PRIu64 " %10" PRIu64 " %10" PRIu64
	       " %6" PRIu64 "\n",
	       name, row->hosts, row->books.delivered, row->books.lost, row->books.gaps,
	       row->books.reconnects, row->doubled, row->faults);
}

/* Returns the number of sessions that failed. */
static size_t
print_appended(const struct act *acts, size_t acts_count)
{
	const struct stage *const first = &acts[0].stage;
	const uint64_t wanted = first->rate * first->seconds * acts_count;
	uint64_t appended = 0;
	size_t failed = 0;

	for (size_t i = 0; i < acts_count; i++) {
		appended += acts[i].stage.appended;
		failed += acts[i].stage.is_failed;
	}
	printf("\nappended %" PRIu64 " events to %zu session%s\n", appended, acts_count,
	       acts_count == 1 ? "" : "s");
	if (failed > 0)
		printf("%zu sessions failed: the library refused an append or the end\n", failed);
	else if (appended < wanted)
		printf("(planned: %" PRIu64 "; this machine does not keep the rate)\n", wanted);
	return failed;
}

size_t
scale_table_print(const struct act *acts, size_t acts_count, const struct member *members,
		  size_t hosts_a_session)
{
	const size_t hosts_count = acts_count * hosts_a_session;
	struct row rows[HOST_WAYS] = { 0 }, all = { 0 };

	for (size_t i = 0; i < hosts_count; i++) {
		add_host(&rows[members[i].host.way], &members[i].host);
		add_host(&all, &members[i].host);
	}
	printf("%-8s %9s %11s %11s %9s %10s %10s %6s\n", "host", "hosts", "delivered", "lost",
	       "gaps", "reconnects", "duplicates", "faults");
	for (size_t way = 0; way < HOST_WAYS; way++)
		if (rows[way].hosts > 0)
			print_row(host_way_names[way], &rows[way]);
	print_row("all", &all);

	const size_t failed = print_appended(acts, acts_count);

	if (all.faults + failed == 0) {
		printf("Each payload equals its line. For each host, delivered + lost = "
		       "appended.\n");
		return 0;
	}
	printf("\n%zu faults%s\n", (size_t)all.faults + failed,
	       all.faults > FAULTS_PRINTED ? "; the first 10:" : ":");
	for (size_t i = 0, printed = 0; i < hosts_count && printed < FAULTS_PRINTED; i++) {
		const char *const fault = host_fault(&members[i].host);

		if (fault != NULL) {
			print_fault(&members[i].host, fault);
			printed++;
		}
	}
	return all.faults + failed;
}
