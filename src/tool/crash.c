/* SPDX-License-Identifier: MIT */
#include "tool/crash.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tool/crash_books.h"
#include "tool/crash_life.h"
#include "tool/crash_wire.h"
#include "tool/durable.h"

enum {
	PATIENCE_MS = 60000,
};

static const char *const host_names[CRASH_HOSTS] = {
	[CRASH_STAYS] = "stays",
	[CRASH_DROPS] = "drops",
	[CRASH_RECORDED] = "recorded",
};

/* The hosts' view of the runtime's process. */
struct process {
	pid_t id;
	int from, to;               /* pipes */
	reprise_position begins;    /* the newest position at the begin */
	reprise_position recorded;  /* 0: not known yet */
	reprise_position killed_at; /* 0: not killed */
};

struct outside {
	const char *log;
	struct crash_book books[CRASH_HOSTS];
	uint64_t held[CRASH_HOSTS]; /* at the crash */
};

static bool
start(struct process *process, const struct input *input, const char *log,
      int (*live)(const struct crash_life *life))
{
	int from[2], to[2];

	if (pipe(from) != 0)
		return false;
	if (pipe(to) != 0) {
		close(from[0]), close(from[1]);
		return false;
	}
	fflush(stdout);
	*process = (struct process){ .id = fork(), .from = from[0], .to = to[1] };
	if (process->id == 0) {
		const struct crash_life life = {
			.input = input, .log = log, .to_hosts = from[1], .from_hosts = to[0]
		};

		/* If the hosts' process ends, the runtime ends as well. */
		close(from[0]), close(to[1]);
		signal(SIGPIPE, SIG_DFL);
		_exit(live(&life));
	}
	close(from[1]), close(to[0]);
	return process->id > 0;
}

/* False: the runtime has ended, or hung and was killed. */
static bool
hear(const struct process *process, struct crash_word *ret_word)
{
	struct pollfd from = { .fd = process->from, .events = POLLIN };

	if (poll(&from, 1, PATIENCE_MS) == 1)
		return crash_receive(process->from, ret_word, sizeof(*ret_word)) &&
		       ret_word->host < CRASH_HOSTS;
	kill(process->id, SIGKILL);
	return false;
}

/* Waits for the end of the process. Returns the status of waitpid. */
static int
finish(struct process *process)
{
	int ended = -1;

	close(process->to);
	close(process->from);
	if (process->id > 0 && waitpid(process->id, &ended, 0) != process->id)
		ended = -1;
	return ended;
}

static void
take(struct outside *outside, struct process *process, const struct crash_word *word)
{
	switch (word->type) {
	case CRASH_BEGINS:
		process->begins = word->position;
		break;
	case CRASH_RECORDS:
		process->recorded = word->position;
		break;
	case CRASH_EVENT:
	case CRASH_GAP:
	case CRASH_END:
		crash_book_take(&outside->books[word->host], word);
		break;
	}
}

/* Plays the first life. The kill comes when a host has well more events than the log. */
static bool
play_first(struct outside *outside, const struct input *input)
{
	const struct crash_book *const stays = &outside->books[CRASH_STAYS];
	struct process process;
	struct crash_word word;

	if (!start(&process, input, outside->log, crash_first_life)) {
		perror("reprise demo: cannot start the runtime");
		return false;
	}
	while (hear(&process, &word)) {
		if (word.type == CRASH_BEGINS)
			for (size_t i = 0; i < CRASH_HOSTS; i++)
				outside->books[i].before = outside->books[i].seen = word.position;
		take(outside, &process, &word);
		if (process.recorded == 0 || process.killed_at != 0 ||
		    stays->seen < process.recorded + CRASH_KILLED_AFTER)
			continue;
		kill(process.id, SIGKILL);
		process.killed_at = stays->seen;
	}
	const int ended = finish(&process);

	for (size_t i = 0; i < CRASH_HOSTS; i++)
		outside->held[i] = outside->books[i].seen - outside->books[i].before;
	if (process.killed_at == 0 || !WIFSIGNALED(ended)) {
		fprintf(stderr, "reprise demo: the runtime ended before the kill\n");
		return false;
	}
	printf("The runtime is killed (SIGKILL): a host has the events up to %" PRIu64
	       ", the log up to %" PRIu64 ".\n",
	       process.killed_at, process.recorded);
	return true;
}

static void
print_cursors(const struct outside *outside)
{
	for (size_t i = 0; i < CRASH_HOSTS; i++)
		printf("  %-8s  has the events up to %" PRIu64 ", and the cursor\n    %s\n",
		       host_names[i], outside->books[i].seen, outside->books[i].cursor_text);
}

static bool
play_second(struct outside *outside, const struct input *input, reprise_ordinal head)
{
	struct crash_cursors cursors = { 0 };
	struct process process;
	struct crash_word word;

	for (size_t i = 0; i < CRASH_HOSTS; i++)
		memcpy(cursors.texts[i], outside->books[i].cursor_text,
		       REPRISE_CURSOR_TEXT_BYTES_MAX);
	if (!start(&process, input, outside->log, crash_second_life)) {
		perror("reprise demo: cannot start the runtime");
		return false;
	}
	(void)crash_send(process.to, &cursors, sizeof(cursors));
	while (hear(&process, &word)) {
		take(outside, &process, &word);
		if (word.type == CRASH_BEGINS)
			printf("The runtime is started again, and goes on after event %" PRIu64
			       ". The hosts come back:\n",
			       process.begins);
		if (word.type == CRASH_GAP && word.detail == REPRISE_GAP_DIVERGED)
			printf("  %-8s  has diverged from the log: goes back to event %" PRIu64
			       ", and discards %" PRIu64 " events\n",
			       host_names[word.host], word.position,
			       outside->books[word.host].dropped);
		if (word.type == CRASH_GAP && word.detail == REPRISE_GAP_RESTART)
			printf("  %-8s  gets the gap RESTART after event %" PRIu64
			       ", and goes on\n",
			       host_names[word.host], word.position);
	}
	if (finish(&process) != 0 || process.begins != head) {
		fprintf(stderr, "reprise demo: the second runtime failed, or did not go on after "
				"the log\n");
		return false;
	}
	return true;
}

/* Returns the number of faults. */
static size_t
print_table(const struct outside *outside)
{
	size_t faults = 0;

	printf("\n%-8s %9s %10s %9s %9s %5s %8s %9s\n", "host", "at kill", "discarded", "from log",
	       "from ring", "lost", "restarts", "at end");
	for (enum crash_host host = CRASH_STAYS; host < CRASH_HOSTS; host++) {
		const struct crash_book *const book = &outside->books[host];
		const char *const fault =
			crash_book_fault(book, host, crash_book_compare(book, outside->log));

		printf("%-8s %9" PRIu64 " %10" PRIu64 " %9" PRIu64 " %9" PRIu64 " %5" PRIu64
		       " %8" PRIu64 " %9" PRIu64 "%s%s\n",
		       host_names[host], outside->held[host], book->dropped, book->healed,
		       book->delivered - outside->held[host] - book->healed, book->lost,
		       book->restarts, book->seen - book->before, fault != NULL ? "  << " : "",
		       fault != NULL ? fault : "");
		faults += fault != NULL;
	}
	if (faults == 0)
		printf("\nat kill - discarded + from log + from ring + lost = at end. Each host "
		       "has "
		       "the events of the log.\n");
	else
		printf("\n%zu fault%s, marked with <<.\n", faults, faults == 1 ? "" : "s");
	return faults;
}

static bool
play(struct outside *outside, const struct input *input)
{
	reprise_ordinal head = 0, end = 0;

	printf("\nA runtime in a process of its own appends to the session %s. Three hosts "
	       "outside: one stays\nconnected, one drops its connection, one subscribes to "
	       "recorded events only.\n",
	       CRASH_SESSION);
	if (!play_first(outside, input))
		return false;
	print_cursors(outside);
	if (!durable_check(outside->log, CRASH_SESSION, REPRISE_LIFE_OPEN, &head))
		return false;
	printf("The log ends with event %" PRIu64 ".\n", head);
	if (!play_second(outside, input, head) ||
	    !durable_check(outside->log, CRASH_SESSION, REPRISE_LIFE_CLEAN, &end))
		return false;
	if (end != head + CRASH_LATER_EVENTS) {
		fprintf(stderr, "reprise demo: the log ends with event %" PRIu64 "\n", end);
		return false;
	}
	return print_table(outside) == 0;
}

int
crash_run(const struct input *input, const char *log)
{
	struct outside *const outside = calloc(1, sizeof(*outside));
	struct sigaction before;
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	if (outside == NULL) {
		fprintf(stderr, "reprise demo: out of memory\n");
		return 1;
	}
	outside->log = log;
	/* A killed runtime closes its pipe. */
	sigaction(SIGPIPE, &ignore, &before);
	const bool is_good = play(outside, input);

	sigaction(SIGPIPE, &before, NULL);
	free(outside);
	return is_good ? 0 : 1;
}
