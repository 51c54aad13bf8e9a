/* SPDX-License-Identifier: MIT */

/*
 * Which executions to try. First depth-first: all with at most one deviation, then two, and so on
 * until the number of executions that was asked for is spent. Then random ones, with more. A
 * failure is printed as the choices that differ from the usual, to be given to --replay, which
 * tells step by step what happens.
 */

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "inside.h"

enum {
	CHOICES_MAX = 1 << 17,
	DEVIATIONS_MAX = 64,
	NOTES_MAX = 32,
};

int explorer_program(void);

static struct choice {
	unsigned int step;
	uint16_t chosen, count;
} choices[CHOICES_MAX];
static unsigned int choices_count; /* made in this execution */
static unsigned int prefix;        /* of them given beforehand */
static unsigned int longest;

static enum {
	FIRST,
	RANDOM,
	REPLAY
} mode;
static unsigned int deviations_max; /* of the depth-first search that runs */
static unsigned int depth;          /* all executions with so many were tried */
static bool is_cut;                 /* there are others, with more */
static uint64_t executions_max = 20000, random_count = 5000;
static unsigned int random_deviations = 8;
static uint64_t seed = 1, state;
static const char *name;
int model_case;
static uint64_t executions, executions_random, executions_begun;
bool is_tracing;

static struct {
	const char *what;
	uint64_t count;
} notes[NOTES_MAX];

/* At which choices of a random execution to deviate; at which steps of a replay, and how. */
static struct {
	unsigned int at, pick;
} points[DEVIATIONS_MAX];
static unsigned int points_count;

static uint64_t
random_next(void)
{
	uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void
search_trace(const char *format, ...)
{
	va_list arguments;

	if (!is_tracing)
		return;
	printf("%6u  thread %d: ", choices_count, current);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

bool
search_asks_always(void)
{
	return mode == REPLAY;
}

unsigned int
choose(unsigned int count, unsigned int step)
{
	unsigned int pick = 0;

	if (choices_count == CHOICES_MAX)
		search_limit("more choices than the explorer keeps");
	struct choice *const choice = &choices[choices_count];

	switch (mode) {
	case FIRST:
		if (choices_count < prefix) {
			if (choice->count != count)
				search_limit("the same choices lead elsewhere");
			pick = choice->chosen;
		}
		break;
	case RANDOM:
		for (unsigned int i = 0; i < points_count; i++)
			if (points[i].at == choices_count)
				pick = 1 + (unsigned int)(random_next() % (count - 1));
		break;
	case REPLAY:
		for (unsigned int i = 0; i < points_count; i++)
			if (points[i].at == step)
				pick = points[i].pick;
		if (pick >= count) {
			fprintf(stderr, "%s: step %u has %u possibilities\n", name, step, count);
			exit(2);
		}
		break;
	}
	*choice = (struct choice){ step, (uint16_t)pick, (uint16_t)count };
	choices_count++;
	return pick;
}

void
model_note(const char *what)
{
	for (unsigned int i = 0; i < NOTES_MAX; i++) {
		if (notes[i].what == NULL)
			notes[i].what = what;
		if (strcmp(notes[i].what, what) == 0) {
			notes[i].count++;
			return;
		}
	}
}

void
model_fail(const char *file, int line, const char *what)
{
	const char *const base = strrchr(file, '/');

	fflush(stdout);
	fprintf(stderr, "%s: %s: %s:%d: %s\n", name, model_cases[model_case].name,
		base != NULL ? base + 1 : file, line, what);
	fprintf(stderr, "in thread %d, execution %llu (%s)\nreplay with: %s --case %s --replay \"",
		current, (unsigned long long)executions + executions_random,
		mode == FIRST    ? "depth-first"
		: mode == RANDOM ? "random"
				 : "replayed",
		name, model_cases[model_case].name);
	for (unsigned int i = 0; i < choices_count; i++)
		if (choices[i].chosen != 0)
			fprintf(stderr, "%u:%u ", choices[i].step, choices[i].chosen);
	fprintf(stderr, "\"\n");
	_Exit(1);
}

/* On a stack of its own: a fiber's may be what is broken. */
static void
crash(int signal)
{
	(void)signal;
	model_fail(__FILE__, __LINE__, "a crash");
}

/*
 * A loop without a step, around a list that is broken perhaps: executions take less
 * than a millisecond.
 */
static void
look_for_progress(int signal)
{
	static uint64_t before;

	(void)signal;
	if (executions_begun == before)
		model_fail(__FILE__, __LINE__, "a loop that does not end");
	before = executions_begun;
}

static void
catch_crashes(void)
{
	static unsigned char stack[64 * 1024];
	const stack_t apart = { .ss_sp = stack, .ss_size = sizeof(stack) };
	const struct sigaction on_crash = { .sa_handler = crash, .sa_flags = SA_ONSTACK };
	const struct sigaction on_tick = { .sa_handler = look_for_progress,
					   .sa_flags = SA_ONSTACK | SA_RESTART };
	const struct itimerval ticks = { .it_interval.tv_sec = 5, .it_value.tv_sec = 5 };

	sigaltstack(&apart, NULL);
	sigaction(SIGSEGV, &on_crash, NULL);
	sigaction(SIGBUS, &on_crash, NULL);
	sigaction(SIGABRT, &on_crash, NULL);
	sigaction(SIGVTALRM, &on_tick, NULL);
	setitimer(ITIMER_VIRTUAL, &ticks, NULL); /* the time that this program has computed */
}

void
search_limit(const char *what)
{
	fflush(stdout);
	fprintf(stderr, "%s: %s: the explorer's limit: %s\n", name, model_cases[model_case].name,
		what);
	_Exit(3);
}

static void
execute(void)
{
	choices_count = 0;
	executions_begun++;
	schedule_run(explorer_program);
	if (choices_count > longest)
		longest = choices_count;
}

/* The next execution of the depth-first search; false if that was the last. */
static bool
advance(void)
{
	unsigned int deviations = 0;

	for (unsigned int i = 0; i < choices_count; i++)
		deviations += choices[i].chosen > 0;
	while (choices_count > 0) {
		struct choice *const last = &choices[choices_count - 1];
		const bool is_deviation = last->chosen > 0;

		if (last->chosen + 1U < last->count) {
			if (is_deviation || deviations < deviations_max) {
				last->chosen++;
				prefix = choices_count;
				return true;
			}
			is_cut = true;
		}
		deviations -= is_deviation;
		choices_count--;
	}
	return false;
}

/* All with at most deviations_max; false if there were too many. */
static bool
search_deviations(void)
{
	uint64_t growth;

	/*
	 * Which words are shared is learnt on the way; then the choices are others, and
	 * all begins anew.
	 */
	do {
		is_cut = false;
		prefix = 0;
		growth = memory_growth();
		do {
			if (executions == executions_max) {
				is_cut = true;
				return false;
			}
			execute();
			executions++;
		} while (growth == memory_growth() && advance());
	} while (growth != memory_growth());
	return true;
}

static void
search_first(void)
{
	mode = FIRST;
	executions = 0;
	depth = 0;
	is_cut = true;
	for (deviations_max = 1; is_cut && search_deviations(); deviations_max++)
		depth = deviations_max;
}

static void
search_random(void)
{
	mode = RANDOM;
	state = seed;
	for (uint64_t i = 0; i < random_count; i++) {
		points_count = 1 + (unsigned int)(random_next() % random_deviations);
		for (unsigned int k = 0; k < points_count; k++)
			points[k].at = (unsigned int)(random_next() % longest);
		execute();
		executions_random++;
	}
}

static void
parse_replay(const char *text)
{
	char *end;

	mode = REPLAY;
	is_tracing = true;
	while (*text != '\0' && points_count < DEVIATIONS_MAX) {
		points[points_count].at = (unsigned int)strtoul(text, &end, 10);
		if (*end != ':')
			break;
		points[points_count++].pick = (unsigned int)strtoul(end + 1, &end, 10);
		text = end;
		while (*text == ' ')
			text++;
	}
}

static void
usage(void)
{
	fprintf(stderr,
		"usage: %s [--case NAME] [--executions N] [--random N] [--seed N] "
		"[--replay \"STEP:PICK ...\"]\n",
		name);
	exit(2);
}

static int
case_of(const char *text)
{
	for (int i = 0; model_cases[i].name != NULL; i++)
		if (strcmp(model_cases[i].name, text) == 0)
			return i;
	usage();
	return -1;
}

/* Answers which case alone, or -1. */
static int
parse(int argc, char **argv)
{
	const char *const base = strrchr(argv[0], '/');
	int only = -1;

	name = base != NULL ? base + 1 : argv[0];
	for (int i = 1; i < argc; i += 2) {
		if (i + 1 == argc)
			usage();
		if (strcmp(argv[i], "--case") == 0)
			only = case_of(argv[i + 1]);
		else if (strcmp(argv[i], "--executions") == 0)
			executions_max = strtoull(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--random") == 0)
			random_count = strtoull(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--seed") == 0)
			seed = strtoull(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--replay") == 0)
			parse_replay(argv[i + 1]);
		else
			usage();
	}
	return only;
}

#undef clock_gettime

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t
times(const char *what)
{
	for (unsigned int i = 0; i < NOTES_MAX && notes[i].what != NULL; i++)
		if (strcmp(notes[i].what, what) == 0)
			return notes[i].count;
	return 0;
}

/* Checks that the events which the case demands have happened. */
static void
check_happened(void)
{
	const char *const *const happens = model_cases[model_case].happens;

	for (int i = 0; i < MODEL_HAPPENS_MAX && happens[i] != NULL; i++) {
		if (times(happens[i]) > 0)
			continue;
		fprintf(stderr, "%s: %s: never happened: %s\n", name, model_cases[model_case].name,
			happens[i]);
		exit(1);
	}
}

static void
search(void)
{
	const double begin = seconds();

	longest = 0;
	executions_random = 0;
	memset(notes, 0, sizeof(notes));
	search_first();
	search_random();
	printf("%s: %s: %llu executions, all ", name, model_cases[model_case].name,
	       (unsigned long long)executions);
	if (is_cut)
		printf("with up to %u deviations", depth);
	else
		printf("there are");
	printf("; %llu random with up to %u; %u choices at most, %.1f s\n",
	       (unsigned long long)executions_random, random_deviations, longest,
	       seconds() - begin);
	for (unsigned int i = 0; i < NOTES_MAX && notes[i].what != NULL; i++)
		printf("    %10llu  %s\n", (unsigned long long)notes[i].count, notes[i].what);
	fflush(stdout);
	check_happened();
}

int
main(int argc, char **argv)
{
	const int only = parse(argc, argv);

	catch_crashes();
	if (mode == REPLAY) {
		model_case = only < 0 ? 0 : only;
		execute();
		printf("%s: nothing found\n", name);
		return 0;
	}
	for (model_case = 0; model_cases[model_case].name != NULL; model_case++)
		if (only < 0 || only == model_case)
			search();
	return 0;
}
