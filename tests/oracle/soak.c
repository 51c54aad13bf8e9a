/* SPDX-License-Identifier: MIT */

/*
 * soak --minutes N | --events N
 *
 * Two sessions, each in a store of its own (one wakes by the relay, one defers), each with a writer
 * that floods in bursts and pauses, and six hosts: polling, waiting, at a descriptor, called back,
 * slow, and going away and coming back with its cursor's text. Now and then somebody trims. For
 * every host, delivered + lost must be what was appended, to one. A line every ten seconds goes to
 * stderr; the last one sums up. Ends with 1 if the books of anybody do not balance; who is never
 * woken again is found by an alarm.
 */

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "soak.h"

enum {
	SESSIONS = 2,
	HOSTS = SESSIONS * SOAK_MANNERS,
	BATCH = 8,
	BURST_BITS = 17,
	SECONDS_BETWEEN_LINES = 10,
};

struct writer {
	pthread_t thread;
	struct soak_session *session;
	struct reprise_writer *handle;
	uint64_t events_max;
	unsigned int random;
	reprise_position newest;
};

static _Atomic unsigned int writers_left;

static void
append_one(struct writer *writer)
{
	const reprise_position position = ++writer->newest;
	const uint64_t print = soak_print(writer->session, position);

	CHECK_OK(reprise_append(writer->handle, soak_revision(position), (uint16_t)position, 0,
				(struct reprise_bytes){ &print, sizeof(print) }, NULL));
}

static void
append_batch(struct writer *writer)
{
	struct reprise_new_event events[BATCH] = { 0 };
	uint64_t prints[BATCH];
	reprise_position first = 0;

	for (size_t i = 0; i < BATCH; i++) {
		const reprise_position position = writer->newest + 1 + i;

		prints[i] = soak_print(writer->session, position);
		events[i] = (struct reprise_new_event){
			.revision = soak_revision(position),
			.kind = (uint16_t)position,
			.payload = { &prints[i], sizeof(prints[i]) },
		};
	}
	CHECK_OK(reprise_append_batch(writer->handle, events, BATCH, &first));
	CHECK(first == writer->newest + 1);
	writer->newest += BATCH;
}

static void *
writer_main(void *argument)
{
	struct writer *const writer = argument;

	while (writer->newest < writer->events_max && !stress_is_over()) {
		const unsigned int dice = stress_random(&writer->random);
		/* As often small as large. */
		const unsigned int most = 1u << stress_random(&writer->random) % BURST_BITS;

		for (unsigned int n = dice % most; n > 0; n--)
			append_one(writer);
		append_batch(writer);
		atomic_store(&writer->session->appended, writer->newest);
		/* So that everybody catches up now and then, and sleeps. */
		if (dice >> BURST_BITS & 1)
			sched_yield();
		else if ((dice >> BURST_BITS) % 16 == 0)
			usleep(dice >> BURST_BITS);
	}
	CHECK_OK(reprise_writer_end(writer->handle, 7));
	reprise_writer_close(writer->handle);
	atomic_fetch_sub(&writers_left, 1);
	return NULL;
}

static void
start_session(struct soak_session *session, struct soak_host *hosts, struct writer *writer,
	      unsigned int index, uint64_t events_max)
{
	*session = (struct soak_session){ .salt = index + 1 };
	snprintf(session->id, sizeof(session->id), "s%u", index);
	session->store = index == 0
				 ? stress_store(64, 4096)
				 : stress_store_that_wakes(REPRISE_WAKE_DEFERRED, 0, 4096, 1 << 18);
	*writer = (struct writer){ .session = session,
				   .handle = stress_writer(session->store, session->id),
				   .events_max = events_max,
				   .random = index + 99 };
	const struct reprise_cursor cursor = stress_cursor(session->store, session->id);

	for (unsigned int i = 0; i < SOAK_MANNERS; i++) {
		hosts[i] = (struct soak_host){ .session = session,
					       .manner = (enum soak_manner)i,
					       .random = SOAK_MANNERS * index + i + 1,
					       .subscription = stress_subscribe(session->store,
										&cursor, 0) };
		CHECK(pthread_create(&hosts[i].thread, NULL, soak_host_main, &hosts[i]) == 0);
	}
	CHECK(pthread_create(&writer->thread, NULL, writer_main, writer) == 0);
}

struct sums {
	uint64_t appended, delivered, lost, gaps, doubled, visits;
};

static struct sums
sum_up(struct soak_session *sessions, struct soak_host *hosts)
{
	struct sums sums = { 0 };

	for (size_t i = 0; i < SESSIONS; i++)
		sums.appended += atomic_load(&sessions[i].appended);
	for (size_t i = 0; i < HOSTS; i++) {
		sums.delivered += atomic_load(&hosts[i].delivered);
		sums.lost += atomic_load(&hosts[i].lost);
		sums.gaps += atomic_load(&hosts[i].gaps);
		sums.doubled += atomic_load(&hosts[i].doubled);
		sums.visits += atomic_load(&hosts[i].visits);
	}
	return sums;
}

static void
tell(FILE *to, const struct sums *sums)
{
	fprintf(to,
		"appended %" PRIu64 "  delivered %" PRIu64 "  lost %" PRIu64 "  gaps %" PRIu64
		"  visits %" PRIu64 "  doubled %" PRIu64 "\n",
		sums->appended, sums->delivered, sums->lost, sums->gaps, sums->visits,
		sums->doubled);
	fflush(to);
}

/* Tells of the progress and trims, until the writers are done. */
static void
watch(struct soak_session *sessions, struct soak_host *hosts)
{
	time_t next = time(NULL) + SECONDS_BETWEEN_LINES;

	while (atomic_load(&writers_left) > 0) {
		for (size_t i = 0; i < SESSIONS; i++) {
			const uint64_t appended = atomic_load(&sessions[i].appended);

			CHECK_OK(reprise_session_trim_to(sessions[i].store, sessions[i].id,
							 appended));
		}
		usleep(20000);
		if (time(NULL) < next)
			continue;
		const struct sums sums = sum_up(sessions, hosts);

		next = time(NULL) + SECONDS_BETWEEN_LINES;
		tell(stderr, &sums);
	}
}

/* Whether the books of one host balance. */
static bool
balances(const struct soak_host *host, uint64_t appended)
{
	static const char *const names[] = { "polling",     "waiting", "at a descriptor",
					     "called back", "slow",    "reconnecting" };
	const uint64_t delivered = atomic_load(&host->delivered), lost = atomic_load(&host->lost);

	printf("%s %-16s delivered %" PRIu64 "  lost %" PRIu64 "  gaps %" PRIu64 "\n",
	       host->session->id, names[host->manner], delivered, lost, atomic_load(&host->gaps));
	if (delivered + lost == appended && host->seen == appended &&
	    atomic_load(&host->doubled) == 0)
		return true;
	printf("\tOUT OF BALANCE: appended %" PRIu64 ", seen through %" PRIu64 ", doubled %" PRIu64
	       "\n",
	       appended, host->seen, atomic_load(&host->doubled));
	return false;
}

/* False if there is no such number. */
static bool
read_arguments(int argc, char **argv, uint64_t *ret_minutes, uint64_t *ret_events)
{
	char *end = NULL;

	if (argc != 3)
		return false;
	const uint64_t number = strtoull(argv[2], &end, 10);

	if (*end != '\0' || end == argv[2] || number == 0)
		return false;
	*ret_minutes = strcmp(argv[1], "--minutes") == 0 ? number : 0;
	*ret_events = strcmp(argv[1], "--events") == 0 ? number : 0;
	return *ret_minutes + *ret_events != 0;
}

int
main(int argc, char **argv)
{
	static struct soak_session sessions[SESSIONS];
	static struct soak_host hosts[HOSTS];
	struct writer writers[SESSIONS];
	uint64_t minutes = 0, events = 0;
	bool is_balanced = true;
	char seconds[24];

	if (!read_arguments(argc, argv, &minutes, &events)) {
		fprintf(stderr, "usage: soak --minutes N | --events N\n");
		return 2;
	}
	snprintf(seconds, sizeof(seconds), "%" PRIu64, minutes != 0 ? 60 * minutes : 86400);
	stress_begin(2, (char *[]){ argv[0], seconds, NULL });
	atomic_store(&writers_left, SESSIONS);
	for (unsigned int i = 0; i < SESSIONS; i++)
		start_session(&sessions[i], &hosts[(size_t)i * SOAK_MANNERS], &writers[i], i,
			      events != 0 ? events / SESSIONS : UINT64_MAX);
	watch(sessions, hosts);
	for (size_t i = 0; i < SESSIONS; i++)
		CHECK(pthread_join(writers[i].thread, NULL) == 0);
	for (size_t i = 0; i < HOSTS; i++) {
		CHECK(pthread_join(hosts[i].thread, NULL) == 0);
		is_balanced &= balances(&hosts[i], writers[i / SOAK_MANNERS].newest);
	}
	const struct sums sums = sum_up(sessions, hosts);

	for (size_t i = 0; i < SESSIONS; i++)
		CHECK_OK(reprise_store_close(sessions[i].store));
	tell(stdout, &sums);
	return is_balanced && sums.doubled == 0 ? 0 : 1;
}
