/* SPDX-License-Identifier: MIT */
#include "tool/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "tool/pace.h"

void
progress_add(struct progress *progress, const struct host *host)
{
	progress->delivered += atomic_load(&host->delivered);
	progress->lost += atomic_load(&host->lost);
	progress->gaps += atomic_load(&host->gaps);
	progress->reconnects += atomic_load(&host->reconnects);
}

const char *
progress_over(void)
{
	return isatty(STDOUT_FILENO) ? "\r\033[K" : "";
}

void
progress_print(const struct progress *progress, uint64_t begin_ns)
{
	printf("%s%3.0f s  appended %" PRIu64 "  delivered %" PRIu64 "  lost %" PRIu64
	       "  reconnects %" PRIu64 "%s",
	       progress_over(), (double)(pace_now() - begin_ns) / 1e9, progress->appended,
	       progress->delivered, progress->lost, progress->reconnects,
	       isatty(STDOUT_FILENO) ? "" : "\n");
	fflush(stdout);
}

void
progress_end(void)
{
	printf(isatty(STDOUT_FILENO) ? "\n\n" : "\n");
}
