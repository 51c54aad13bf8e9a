/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include <reprise/reprise.h>

#define SETTLE_NS      25000000
#define CALIBRATION_NS UINT64_C(20000000)

static volatile sig_atomic_t is_interrupted;

static void
interrupt(int signal)
{
	(void)signal;
	is_interrupted = 1;
}

bool
harness_is_interrupted(void)
{
	return is_interrupted != 0;
}

void
harness_catch_signals(void)
{
	struct sigaction action = { .sa_handler = interrupt };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* The value of the first line in /proc/cpuinfo that begins with @key. */
static void
look_up_cpu(const char *key, char *ret_value, size_t bytes)
{
	FILE *const file = fopen("/proc/cpuinfo", "r");
	char line[512];

	snprintf(ret_value, bytes, "unknown");
	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL) {
		char *const colon = strchr(line, ':');

		if (strncmp(line, key, strlen(key)) != 0 || colon == NULL)
			continue;
		colon[strcspn(colon, "\n")] = '\0';
		snprintf(ret_value, bytes, "%s", colon + 2);
		break;
	}
	fclose(file);
}

/* Whether the kernel says that both are threads of one core. */
static bool
are_siblings(const struct harness *harness)
{
	char path[128], siblings[2][64] = { "?", "!" };

	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path),
			 "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
			 i == 0 ? harness->writer_core : harness->host_core);
		FILE *const file = fopen(path, "r");

		if (file == NULL)
			return false;
		if (fscanf(file, "%63s", siblings[i]) != 1)
			siblings[i][0] = '\0';
		fclose(file);
	}
	return strcmp(siblings[0], siblings[1]) == 0;
}

static void
name_machine(struct harness *harness)
{
	struct utsname system;
	char cpu[96], flags[4096];

	look_up_cpu("model name", cpu, sizeof(cpu));
	look_up_cpu("flags", flags, sizeof(flags));
	for (char *c = cpu; *c != '\0'; c++)
		if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ')
			*c = ' ';
	uname(&system);
	snprintf(harness->machine, sizeof(harness->machine),
		 "%ld processors, writer on %d, hosts on %d%s, %s%s, %s %.40s, gcc %s",
		 sysconf(_SC_NPROCESSORS_ONLN), harness->writer_core, harness->host_core,
		 are_siblings(harness) ? " (threads of one core)" : "", cpu,
		 strstr(flags, "hypervisor") != NULL ? " (virtual)" : "", system.sysname,
		 system.release, __VERSION__);
}

/* The first two cores that we may run on; the second is the first where there is but one. */
static void
choose_cores(struct harness *harness)
{
	cpu_set_t cores;
	int found = 0;

	CPU_ZERO(&cores);
	sched_getaffinity(0, sizeof(cores), &cores);
	for (int core = 0; core < CPU_SETSIZE && found < 2; core++)
		if (CPU_ISSET(core, &cores)) {
			if (found++ == 0)
				harness->writer_core = core;
			harness->host_core = core;
		}
	if (found < 2)
		fprintf(stderr,
			"bench: one core for all: what two threads do is not measured well\n");
}

static void
find_peers(struct harness *harness)
{
	char path[PATH_BYTES - 16];
	const ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	path[length < 0 ? 0 : length] = '\0';
	if ((slash = strrchr(path, '/')) != NULL)
		*slash = '\0';
	snprintf(harness->peers_dir, sizeof(harness->peers_dir), "%s/peers", path);
}

void
harness_init(struct harness *harness)
{
	const char *const commit = getenv("REPRISE_COMMIT");
	const char *const plots = getenv("REPRISE_PLOTS");

	choose_cores(harness);
	name_machine(harness);
	find_peers(harness);
	snprintf(harness->commit, sizeof(harness->commit), "%s",
		 commit == NULL ? "unknown" : commit);
	snprintf(harness->plots_dir, sizeof(harness->plots_dir), "%s", plots == NULL ? "" : plots);
	if (!harness_pin(harness->writer_core))
		fprintf(stderr, "bench: not pinned\n");
}

void
harness_progress(const char *format, ...)
{
	va_list arguments;

	fputs("bench: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

_Noreturn void
harness_die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

void *
harness_allocate(size_t count, size_t bytes)
{
	void *const memory = calloc(count == 0 ? 1 : count, bytes);

	if (memory == NULL)
		harness_die("no memory");
	return memory;
}

bool
harness_pin(int core)
{
	cpu_set_t cores;

	CPU_ZERO(&cores);
	CPU_SET(core, &cores);
	return sched_setaffinity(0, sizeof(cores), &cores) == 0;
}

uint64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t
now_ticks(void)
{
#if defined(__x86_64__)
	return __rdtsc();
#else
	return now_ns();
#endif
}

double
ticks_per_ns(void)
{
	static double ratio;

	if (ratio == 0) {
		const uint64_t begin_ns = now_ns(), begin = now_ticks();

		while (now_ns() - begin_ns < CALIBRATION_NS)
			;
		ratio = (double)(now_ticks() - begin) / (double)(now_ns() - begin_ns);
	}
	return ratio;
}

void
harness_settle(struct reprise_writer *writer)
{
	if (reprise_append(writer, 0, 0, 0, (struct reprise_bytes){ "", 0 }, NULL) != REPRISE_OK)
		harness_die("append failed");
	nanosleep(&(struct timespec){ .tv_nsec = SETTLE_NS }, NULL);
}

uint64_t
random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 32;
}

uint64_t
random_below(uint64_t *state, uint64_t bound)
{
	return random_next(state) * bound >> 32;
}

bool
harness_may_have_descriptors(size_t count)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return false;
	if (limit.rlim_cur >= count)
		return true;
	limit.rlim_cur = count;
	if (limit.rlim_max < limit.rlim_cur)
		limit.rlim_max = limit.rlim_cur;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}
