/* SPDX-License-Identifier: MIT */

/*
 * oracle [--seed S] [--count N] [--calls N] [--minutes N] | --replay FILE
 *
 * Runs random programs against the library and the model. Program i has the seed S + i, so that any
 * of them is had again with --seed. A difference is made short, told as the calls that lead to it,
 * and ends with 1; so does an oracle that has not seen every answer it should have. A file holds
 * one program's bytes.
 */

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "coverage.h"
#include "engine.h"
#include "shrink.h"

/* Fewer programs than this may miss some answer by chance. */
enum {
	COUNT_THAT_SEES_ALL = 1000,
};

struct arguments {
	uint64_t seed, count, calls, minutes;
	const char *replay;
};

static struct coverage coverage;
static struct program program;

/* Of the program that runs; told when the library ends the process. */
static char doing[64];

static void
tell_seed(int signal_number)
{
	(void)!write(STDERR_FILENO, doing, strlen(doing));
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static _Noreturn void
usage(void)
{
	fputs("usage: oracle [--seed S] [--count N] [--calls N] [--minutes N] | --replay FILE\n",
	      stderr);
	exit(2);
}

static uint64_t
number_of(const char *text)
{
	char *end;

	errno = 0;
	const unsigned long long number = text != NULL ? strtoull(text, &end, 10) : 0;

	if (text == NULL || errno != 0 || end == text || *end != '\0')
		usage();
	return number;
}

static struct arguments
arguments_of(char **argv)
{
	struct arguments arguments = { .seed = 1, .count = 1000, .calls = 300 };

	while (*++argv != NULL) {
		const char *const name = *argv;

		argv++;
		if (strcmp(name, "--seed") == 0)
			arguments.seed = number_of(*argv);
		else if (strcmp(name, "--count") == 0)
			arguments.count = number_of(*argv);
		else if (strcmp(name, "--calls") == 0)
			arguments.calls = number_of(*argv);
		else if (strcmp(name, "--minutes") == 0)
			arguments.minutes = number_of(*argv);
		else if (strcmp(name, "--replay") == 0 && *argv != NULL)
			arguments.replay = *argv;
		else
			usage();
	}
	if (arguments.calls > PROGRAM_CALLS_MAX)
		usage();
	return arguments;
}

static int
tell_difference(void)
{
	static uint8_t bytes[PROGRAM_BYTES_MAX];
	struct coverage ignored;
	char difference[512] = "none any more: it depends on the moment";
	const unsigned int runs = shrink(&program);
	const size_t bytes_count = program_write(&program, bytes);

	memset(&ignored, 0, sizeof(ignored));
	printf("made shorter by %u runs; the program:\n\n", runs);
	(void)engine_run(&program, &ignored, stdout, difference, sizeof(difference));
	printf("\ndifference: %s\nbytes (xxd -r -p for --replay): ", difference);
	for (size_t i = 0; i < bytes_count; i++)
		printf("%02x", bytes[i]);
	putchar('\n');
	return 1;
}

static int
replay(const char *name)
{
	static uint8_t bytes[PROGRAM_BYTES_MAX];
	char difference[512];
	FILE *const file = fopen(name, "rb");

	if (file == NULL) {
		perror(name);
		return 2;
	}
	program_read(&program, bytes, fread(bytes, 1, sizeof(bytes), file));
	fclose(file);
	snprintf(doing, sizeof(doing), "died in the program of the file\n");
	if (engine_run(&program, &coverage, stdout, difference, sizeof(difference))) {
		printf("%zu calls, no difference\n", program.calls_count);
		return 0;
	}
	printf("difference: %s\n", difference);
	return tell_difference();
}

static uint64_t
sum_of(const uint64_t *numbers, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += numbers[i];
	return sum;
}

static int
run_all(const struct arguments *arguments)
{
	const time_t end = time(NULL) + (time_t)(60 * arguments->minutes);
	char difference[512];
	uint64_t done = 0;

	/* By count, or by the clock if minutes are given. */
	for (; arguments->minutes != 0 ? time(NULL) < end : done < arguments->count; done++) {
		const uint64_t seed = arguments->seed + done;

		snprintf(doing, sizeof(doing), "died in the program of seed %" PRIu64 "\n", seed);
		program_generate(&program, seed, arguments->calls);
		if (engine_run(&program, &coverage, NULL, difference, sizeof(difference)))
			continue;
		printf("seed %" PRIu64 ": %s\n", seed, difference);
		return tell_difference();
	}
	const unsigned int missing = coverage_report(&coverage, stdout);

	printf("%" PRIu64 " programs, %" PRIu64 " calls, %" PRIu64 " events, %" PRIu64
	       " gaps of room, %" PRIu64 " of age, %" PRIu64 " of request, %u answers never seen\n",
	       done, sum_of(coverage.calls, CALLS_COUNT), coverage.marks[MARK_NEXT_EVENT],
	       coverage.marks[MARK_GAP_CAPACITY], coverage.marks[MARK_GAP_AGE],
	       coverage.marks[MARK_GAP_REQUEST], missing);
	return missing != 0 && done >= COUNT_THAT_SEES_ALL;
}

int
main(int argc, char **argv)
{
	const struct arguments arguments = arguments_of(argv);

	(void)argc;
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGABRT, tell_seed);
	signal(SIGSEGV, tell_seed);
	return arguments.replay != NULL ? replay(arguments.replay) : run_all(&arguments);
}
