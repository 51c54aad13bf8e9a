/* SPDX-License-Identifier: MIT */
/* The clocks: the cost of a reading, the step of the coarse clock, and the date. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>

#include "tool/doctor_checks.h"
#include "tool/log_text.h"

enum {
	READINGS = 2000,
	READING_NS_MOST = 500,     /* of a clock that is read without a system call: some 30 */
	COARSE_NS_MOST = 10000000, /* the age of an event is judged within 10 ms */
	NAME_BYTES = 64,
};

#define SOURCE_S INT64_C(1735689600) /* 2025-01-01; this program is younger */
#define NS_PER_S INT64_C(1000000000)

static int64_t
read_ns(clockid_t clock)
{
	struct timespec now = { 0 };

	(void)clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int64_t
reading_ns(void)
{
	const int64_t begin = read_ns(CLOCK_MONOTONIC);

	for (int i = 0; i < READINGS; i++)
		(void)read_ns(CLOCK_MONOTONIC);
	return (read_ns(CLOCK_MONOTONIC) - begin) / READINGS;
}

static void
check_reading(struct doctor_report *report)
{
	char source[NAME_BYTES];
	const int64_t ns = reading_ns();

	if (!doctor_read_line("/sys/devices/system/clocksource/clocksource0/current_clocksource",
			      source, sizeof(source)))
		snprintf(source, sizeof(source), "unknown");
	doctor_say(report, ns > READING_NS_MOST ? DOCTOR_WARN : DOCTOR_OK, "clock",
		   "choose the clock source tsc or that of the hypervisor: with others each "
		   "reading is a system call",
		   "the clock source is %s; a reading takes %lld ns", source, (long long)ns);
}

static void
check_coarse(struct doctor_report *report)
{
	struct timespec resolution;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &resolution) != 0) {
		doctor_say_unknown(report, "clock-coarse", "CLOCK_MONOTONIC_COARSE");
		return;
	}
	const int64_t ns = resolution.tv_sec * NS_PER_S + resolution.tv_nsec;

	doctor_say(report, ns > COARSE_NS_MOST ? DOCTOR_WARN : DOCTOR_OK, "clock-coarse",
		   "expect stamps and ages of events to be as coarse as this clock",
		   "stamps of events are exact within %.1f ms", (double)ns / 1e6);
}

/* The time of the program's file; 0: unknown. A clock that went back to 1970 is behind the file. */
static int64_t
file_s(void)
{
	struct stat status;

	return stat("/proc/self/exe", &status) == 0 ? status.st_mtim.tv_sec : 0;
}

static void
check_wall(struct doctor_report *report)
{
	const int64_t now = read_ns(CLOCK_REALTIME) / NS_PER_S;
	const bool is_past = now < SOURCE_S;
	const bool is_behind = now < file_s();
	char text[NAME_BYTES];

	log_text_time(text, sizeof(text), (uint64_t)(now > 0 ? now : 0) * (uint64_t)NS_PER_S, ' ',
		      0);
	text[strcspn(text, ".")] = '\0';
	doctor_say(report,
		   is_past     ? DOCTOR_FAIL
		   : is_behind ? DOCTOR_WARN
			       : DOCTOR_OK,
		   "wall-clock",
		   "set the clock: times in a log are wrong, and certificates seem not yet valid",
		   "%s UTC%s", text,
		   is_past     ? " is before this program was written"
		   : is_behind ? " is before the time of the program's file"
			       : "");
}

static void
check_synchronized(struct doctor_report *report)
{
	struct timex clock = { .modes = 0 }; /* asks alone */
	const int state = adjtimex(&clock);

	if (state < 0)
		doctor_say_unknown(report, "time-sync", "adjtimex(2)");
	else if (state == TIME_ERROR || (clock.status & STA_UNSYNC) != 0)
		doctor_say(report, DOCTOR_WARN, "time-sync",
			   "start a time service (systemd-timesyncd, chrony), here or on the host; "
			   "machines that share a log need the same time",
			   "the kernel knows of no time service");
	else
		doctor_say(report, DOCTOR_OK, "time-sync", NULL,
			   "synchronized; the error is at most %.1f ms",
			   (double)clock.maxerror / 1000);
}

void
doctor_check_clock(struct doctor_report *report)
{
	check_reading(report);
	check_coarse(report);
	check_wall(report);
	check_synchronized(report);
}
