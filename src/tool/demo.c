/* SPDX-License-Identifier: MIT */
#include "tool/demo.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/host.h"
#include "tool/pace.h"

enum {
	EXIT_UNREADABLE = 3,
	EVENTS_LEAST = 100, /* with fewer, nobody can be overtaken as it should */
	COMMIT_EVERY = 50,
	RECONNECTS_LEAST = 3,
};

/* One session: its runtime, its input, its hosts. */
struct show {
	struct input input;
	struct stage stage;
	struct host hosts[HOST_WAYS];
	pthread_t runtime;
};

static bool
append_line(struct show *show, struct reprise_session *session, uint64_t count)
{
	const struct input *const input = &show->input;
	const bool commits = count % COMMIT_EVERY == 0;

	return reprise_append(session, count / COMMIT_EVERY, 0, commits ? REPRISE_EVENT_COMMIT : 0,
			      input->lines[(count - 1) % input->lines_count], NULL) == REPRISE_OK;
}

/* Appends at the rate until all is appended, or the time is well over. */
static bool
append_all(struct show *show, struct reprise_session *session)
{
	struct stage *const stage = &show->stage;
	const uint64_t total = stage->rate * stage->seconds;
	const uint64_t begin = pace_now();
	const uint64_t end = begin + stage->seconds * 1250000000u;
	uint64_t count = 0;

	for (uint64_t now = begin; count < total && now < end; now = pace_now()) {
		const double due = (double)(now - begin) * (double)stage->rate / 1e9;

		for (; count < total && (double)count < due && pace_now() < end; count++) {
			if (!append_line(show, session, count + 1))
				return false;
			atomic_store(&stage->appended, count + 1);
		}
		pace_sleep(500000);
	}
	return true;
}

static void *
runtime_main(void *argument)
{
	struct show *const show = argument;
	struct stage *const stage = &show->stage;
	struct reprise_session *session = NULL;
	bool is_good = reprise_session_open(stage->store, stage->session_id, NULL, &session,
					    NULL) == REPRISE_OK;

	if (is_good) {
		is_good = append_all(show, session);
		is_good = reprise_session_end(session, 0) == REPRISE_OK && is_good;
	}
	atomic_store(&stage->is_failed, !is_good);
	atomic_store(&stage->is_over, true);
	reprise_session_close(session);
	return NULL;
}

/* Windows small enough in events to be overtaken, large enough in bytes for the largest line. */
static struct reprise_store *
open_store(const struct show *shows, size_t shows_count, uint64_t events_max)
{
	struct reprise_session_options bounds = { .size = sizeof(bounds),
						  .events_max = events_max,
						  .bytes_max = 65536 };
	const struct reprise_store_options options = { .size = sizeof(options),
						       .session = &bounds };
	struct reprise_store *store = NULL;

	for (size_t i = 0; i < shows_count; i++)
		if (bounds.bytes_max < 4 * (shows[i].input.line_bytes_max + 64))
			bounds.bytes_max = 4 * (shows[i].input.line_bytes_max + 64);
	const reprise_status status = reprise_store_open(&options, &store, NULL);

	if (status != REPRISE_OK)
		fprintf(stderr, "reprise: %s\n", reprise_status_text(status));
	return store;
}

static bool
start(struct show *show, size_t number, struct reprise_store *store, uint64_t events_max,
      const struct demo_options *options)
{
	struct stage *const stage = &show->stage;

	stage->store = store;
	stage->input = &show->input;
	stage->rate = options->rate;
	stage->seconds = options->seconds;
	stage->events_max = events_max;
	stage->tells = number == 0;
	snprintf(stage->session_id, sizeof(stage->session_id), "demo-%zu", number + 1);
	for (enum host_way way = HOST_STAYS; way < HOST_WAYS; way++) {
		show->hosts[way].stage = stage;
		show->hosts[way].way = way;
		show->hosts[way].random = (unsigned int)(pace_now() + number);
		if (!host_start(&show->hosts[way]))
			return false;
	}
	return pthread_create(&show->runtime, NULL, runtime_main, show) == 0;
}

static void
print_progress(const struct show *shows, size_t shows_count, uint64_t begin)
{
	uint64_t appended = 0, delivered = 0, lost = 0, reconnects = 0;

	for (size_t i = 0; i < shows_count; i++) {
		appended += atomic_load(&shows[i].stage.appended);
		for (size_t way = 0; way < HOST_WAYS; way++) {
			delivered += atomic_load(&shows[i].hosts[way].delivered);
			lost += atomic_load(&shows[i].hosts[way].lost);
			reconnects += atomic_load(&shows[i].hosts[way].reconnects);
		}
	}
	printf("%s%3.0f s  appended %" PRIu64 "  delivered %" PRIu64 "  lost and told %" PRIu64
	       "  reconnects %" PRIu64 "%s",
	       isatty(STDOUT_FILENO) ? "\r" : "", (double)(pace_now() - begin) / 1e9, appended,
	       delivered, lost, reconnects, isatty(STDOUT_FILENO) ? "" : "\n");
	fflush(stdout);
}

static void
watch(const struct show *shows, size_t shows_count)
{
	const uint64_t begin = pace_now();
	uint64_t next = begin;

	for (size_t i = 0; i < shows_count;) {
		if (atomic_load(&shows[i].stage.is_over)) {
			i++;
			continue;
		}
		pace_sleep(50000000);
		if (pace_now() >= next) {
			next += 1000000000;
			print_progress(shows, shows_count, begin);
		}
	}
	if (isatty(STDOUT_FILENO))
		print_progress(shows, shows_count, begin);
}

/* Why a host's books are not as they should be, or NULL. */
static const char *
fault_of(const struct show *show, const struct host *host)
{
	if (host->delivered + host->lost != show->stage.appended)
		return "delivered + lost is not appended";
	if (host->doubled != 0)
		return "doubled";
	if (host->wrong != 0)
		return "torn, different or inexact";
	if (!host->is_ended)
		return "the end was not told";
	if ((host->way == HOST_SLOW || host->way == HOST_LATE) && host->gaps == 0)
		return "saw no gap";
	if (host->way == HOST_DROPS && host->reconnects < RECONNECTS_LEAST)
		return "came back too seldom";
	return NULL;
}

/* Prints the closing table; answers how many faults it shows. */
static size_t
print_table(const struct show *shows, size_t shows_count)
{
	size_t faults = 0;

	printf("\n\n%-42s %-6s %9s %9s %9s %5s %10s %7s\n", "session", "host", "appended",
	       "delivered", "lost", "gaps", "reconnects", "doubled");
	for (size_t i = 0; i < shows_count; i++) {
		faults += shows[i].stage.is_failed;
		for (size_t way = 0; way < HOST_WAYS; way++) {
			const struct host *const host = &shows[i].hosts[way];
			const char *const fault = fault_of(&shows[i], host);

			printf("%-42.42s %-6s %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %5" PRIu64
			       " %10" PRIu64 " %7" PRIu64 "%s%s\n",
			       way == 0 ? shows[i].input.name : "", host_way_names[way],
			       shows[i].stage.appended, host->delivered, host->lost, host->gaps,
			       host->reconnects, host->doubled, fault != NULL ? "  << " : "",
			       fault != NULL ? fault : "");
			faults += fault != NULL;
		}
	}
	if (faults == 0)
		printf("\nEvery payload was compared with its line; delivered + lost = appended "
		       "everywhere.\n");
	else
		printf("\n%zu faults.\n", faults);
	return faults;
}

static int
run(struct show *shows, size_t shows_count, const struct demo_options *options)
{
	const uint64_t total = options->rate * options->seconds;
	const uint64_t events_max = total / 8 < 256 ? total / 8 : 256;
	struct reprise_store *const store = open_store(shows, shows_count, events_max);

	if (store == NULL)
		return 1;
	printf("%zu session%s, %" PRIu64 " events/s each for %" PRIu64
	       " s, windows of at most %" PRIu64 " events, four hosts each%s\n",
	       shows_count, shows_count == 1 ? "" : "s", options->rate, options->seconds,
	       events_max, shows_count == 1 ? "" : "; what happens to the first session's:");
	for (size_t i = 0; i < shows_count; i++) {
		if (!start(&shows[i], i, store, events_max, options)) {
			/* Threads that run cannot be taken back: the process ends with them. */
			fprintf(stderr, "reprise: no more threads to be had\n");
			exit(1);
		}
	}
	watch(shows, shows_count);
	for (size_t i = 0; i < shows_count; i++) {
		pthread_join(shows[i].runtime, NULL);
		for (size_t way = 0; way < HOST_WAYS; way++)
			host_join(&shows[i].hosts[way]);
	}
	const size_t faults = print_table(shows, shows_count);

	if (reprise_store_close(store) != REPRISE_OK) {
		fprintf(stderr, "reprise: something is still open\n");
		return 1;
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("reprise: standard output");
		return 1;
	}
	return faults == 0 ? 0 : 1;
}

int
demo_run(const struct demo_options *options)
{
	const size_t shows_count = options->files_count > 0 ? (size_t)options->files_count : 1;
	struct show *const shows = calloc(shows_count, sizeof(*shows));
	int status = EXIT_UNREADABLE;
	size_t read = 0;

	if (shows == NULL)
		return 1;
	if (options->rate * options->seconds < EVENTS_LEAST) {
		fprintf(stderr, "reprise: rate times seconds must be %d at least\n", EVENTS_LEAST);
		free(shows);
		return EXIT_USAGE;
	}
	for (; read < shows_count; read++)
		if (!(options->files_count > 0
			      ? input_read_file(&shows[read].input, options->files[read])
			      : input_read_command(&shows[read].input)))
			break;
	if (read == shows_count)
		status = run(shows, shows_count, options);
	while (read > 0)
		input_free(&shows[--read].input);
	free(shows);
	return status;
}
