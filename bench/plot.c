/* SPDX-License-Identifier: MIT */
#include "plot.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	NAMES_BYTES = 512,
	STATUS_NO_PROGRAM = 127,
};

/* Every curve that a plot may have; only curves with results are drawn. */
static const char *const curves[] = {
	"limit",
	"reprise",
	"reprise_polling",
	"reprise_parked",
	"reprise_stalled",
	"reprise.first",
	"reprise.later",
	"limit.first",
	"limit.later",
	"mutex_deque",
	"boost_spsc",
	"wfcqueue",
	"disruptor",
	"tokio_broadcast",
	"tokio_window",
	"zeromq",
	"redis_streams",
	"nats_jetstream",
	"first_event",
	"snapshot",
	"crossbeam",
	"lttng_ust",
	NULL,
};

static const struct {
	const char *name;
	const char *suffix;
} plots[] = {
	{ "payload", "dat" },    { "fanout", "dat" },   { "live", "seen.hgrm" },
	{ "over-time", "hgrm" }, { "recovery", "dat" },
};

static void
path_of(const struct harness *harness, const char *plot, const char *side, const char *suffix,
	char *ret_path, size_t bytes)
{
	if ((size_t)snprintf(ret_path, bytes, "%s/%s.%s.%s", harness->plot_dir, plot, side,
			     suffix) >= bytes)
		harness_die("the name of the folder for plots is too long");
}

void
plot_begin(const struct harness *harness, const char *plot)
{
	char path[PATH_BYTES];

	if (harness->plot_dir == NULL)
		return;
	for (size_t i = 0; curves[i] != NULL; i++) {
		path_of(harness, plot, curves[i], "dat", path, sizeof(path));
		unlink(path);
	}
}

FILE *
plot_file(const struct harness *harness, const char *plot, const char *side, const char *suffix,
	  const char *mode)
{
	char path[PATH_BYTES];
	FILE *file;

	path_of(harness, plot, side, suffix, path, sizeof(path));
	if ((file = fopen(path, mode)) == NULL)
		harness_die("cannot write into the folder for plots");
	return file;
}

void
plot_point(const struct harness *harness, const char *plot, const char *side, double x, double y)
{
	if (harness->plot_dir == NULL)
		return;
	FILE *const file = plot_file(harness, plot, side, "dat", "a");

	fprintf(file, "%g %.4g\n", x, y);
	fclose(file);
}

/* The curves that there are files of, as a list of words. */
static bool
find_curves(const struct harness *harness, const char *plot, const char *suffix, char *ret_names)
{
	char path[PATH_BYTES];

	ret_names[0] = '\0';
	for (size_t i = 0; curves[i] != NULL; i++) {
		path_of(harness, plot, curves[i], suffix, path, sizeof(path));
		if (access(path, R_OK) == 0) {
			strncat(ret_names, curves[i], NAMES_BYTES - strlen(ret_names) - 1);
			strncat(ret_names, " ", NAMES_BYTES - strlen(ret_names) - 1);
		}
	}
	return ret_names[0] != '\0';
}

/* For a string in gnuplot's single quotes. */
static void
quote(const char *from, char *to, size_t bytes)
{
	size_t used = 0;

	for (; *from != '\0' && used + 2 < bytes; from++) {
		to[used++] = *from;
		if (*from == '\'')
			to[used++] = '\'';
	}
	to[used] = '\0';
}

static bool
draw(const struct harness *harness, const char *plot, const char *names)
{
	char dir[PATH_BYTES], machine[2 * MACHINE_BYTES];
	char settings[3 * PATH_BYTES], script[PATH_BYTES + 64];
	int status;
	pid_t child;

	quote(harness->plot_dir, dir, sizeof(dir));
	quote(harness->machine, machine, sizeof(machine));
	snprintf(settings, sizeof(settings), "dir='%s'; curves='%s'; machine='%s'; plots='%s'", dir,
		 names, machine, harness->plots_dir);
	snprintf(script, sizeof(script), "%s/%s.gp", harness->plots_dir, plot);
	if ((child = fork()) < 0)
		return false;
	if (child == 0) {
		execlp("gnuplot", "gnuplot", "-e", settings, script, (char *)NULL);
		_exit(STATUS_NO_PROGRAM);
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return false;
	if (WEXITSTATUS(status) == STATUS_NO_PROGRAM)
		harness_progress("no plots: gnuplot is not installed; the data is there");
	return WEXITSTATUS(status) == 0;
}

bool
plot_draw(const struct harness *harness)
{
	char names[NAMES_BYTES];

	if (harness->plot_dir == NULL)
		return true;
	for (size_t i = 0; i < sizeof(plots) / sizeof(plots[0]); i++)
		if (find_curves(harness, plots[i].name, plots[i].suffix, names) &&
		    !draw(harness, plots[i].name, names))
			return false;
	return true;
}
