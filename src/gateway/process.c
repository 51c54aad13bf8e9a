/* SPDX-License-Identifier: MIT */
#include "gateway/process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	STAT_BYTES = 1024,
	STATM_BYTES = 128,
	STAT_START = 22, /* the field `starttime` of /proc/PID/stat, from 1 */
	STAT_STATE = 3,  /* the first field behind the name */
};

static uint64_t
now_ms(clockid_t clock)
{
	struct timespec now = { .tv_sec = 0 };

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t
process_wall_ms(void)
{
	return now_ms(CLOCK_REALTIME);
}

/* The name of the program is in brackets, and may have brackets and spaces. */
static bool
read_start(const char *stat, uint64_t *ret_ticks)
{
	const char *at = strrchr(stat, ')');

	for (int field = STAT_STATE; at != NULL && field <= STAT_START; field++)
		at = strchr(at + 1, ' ');
	if (at == NULL)
		return false;
	*ret_ticks = strtoull(at + 1, NULL, 10);
	return true;
}

/* The kernel tells the start in ticks since the boot. */
static bool
find_start(uint64_t *ret_ms)
{
	const long ticks_per_s = sysconf(_SC_CLK_TCK);
	const int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	const uint64_t boot_ms = now_ms(CLOCK_REALTIME) - now_ms(CLOCK_BOOTTIME);
	char text[STAT_BYTES];
	uint64_t ticks;
	ssize_t size;

	if (fd < 0)
		return false;
	size = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (size <= 0 || ticks_per_s <= 0)
		return false;
	text[size] = '\0';
	if (!read_start(text, &ticks))
		return false;
	*ret_ms = boot_ms + ticks * 1000 / (uint64_t)ticks_per_s;
	return true;
}

void
process_open(struct process *process)
{
	process->has_start = find_start(&process->start_ms);
	process->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
}

void
process_close(struct process *process)
{
	if (process->statm >= 0)
		close(process->statm);
	process->statm = -1;
}

bool
process_resident(const struct process *process, uint64_t *ret_bytes)
{
	const long page = sysconf(_SC_PAGESIZE);
	char text[STATM_BYTES];
	const char *resident;
	ssize_t size;

	if (process->statm < 0)
		return false;
	size = pread(process->statm, text, sizeof(text) - 1, 0);
	if (size <= 0 || page <= 0)
		return false;
	text[size] = '\0';
	resident = strchr(text, ' ');
	if (resident == NULL)
		return false;
	*ret_bytes = strtoull(resident + 1, NULL, 10) * (uint64_t)page;
	return true;
}
