/* SPDX-License-Identifier: MIT */

/*
 * Sessions that come, end and go as fast as they can, under hosts that follow them: who subscribes
 * first and then lists ends with exactly the sessions that there are, and is told each step of each
 * session's life in order (rule S14).
 */

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "stress.h"

enum {
	WRITERS = 3,
	IDS = 5, /* of each writer */
	HOSTS = 3,
	SESSIONS_MAX = 8, /* fewer than there are ids */
};

/* The host's knowledge of an id. */
struct mirror {
	struct reprise_incarnation incarnation;
	bool is_there, is_ended;
	bool is_sure; /* from changes alone: a list may be ahead of the changes that follow it */
};

struct host {
	pthread_t thread;
	struct reprise_subscription *changes;
	int descriptor; /* or -1: it waits */
	bool is_late;   /* it comes when the sessions do already, and lists */
	struct mirror mirrors[WRITERS][IDS];
	uint64_t told, gaps;
};

static struct reprise_store *store;
static struct host hosts[HOSTS];
static _Atomic bool is_over;

static void *
live(void *argument)
{
	const unsigned int number = *(const unsigned int *)argument;
	unsigned int random = number + 1;
	char id[16];

	while (!stress_is_over()) {
		snprintf(id, sizeof(id), "%u-%u", number, stress_random(&random) % IDS);
		struct reprise_writer *const writer = stress_writer(store, id);
		const bool ends = stress_random(&random) % 3 != 0;

		(void)!reprise_append(writer, 0, 0, 0, (struct reprise_bytes){ "x", 1 }, NULL);
		if (ends)
			CHECK_OK(reprise_writer_end(writer, (int32_t)number));
		reprise_writer_close(writer);
		if (stress_random(&random) % 8 == 0)
			CHECK_OK(reprise_session_invalidate(store, id));
		if (stress_random(&random) % 8 == 0)
			stress_dawdle(&random);
	}
	return argument;
}

static struct mirror *
mirror_of(struct mirror mirrors[WRITERS][IDS], const char *id)
{
	CHECK(id[0] >= '0' && id[0] < '0' + WRITERS && id[1] == '-' && id[2] >= '0' &&
	      id[2] < '0' + IDS && id[3] == '\0');
	return &mirrors[id[0] - '0'][id[2] - '0'];
}

static void
take_list(struct mirror mirrors[WRITERS][IDS])
{
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	struct reprise_session_list *list = NULL;
	char id[REPRISE_SESSION_ID_BYTES_MAX + 1];
	reprise_status status;
	unsigned int count = 0;

	memset(mirrors, 0, sizeof(struct mirror) * WRITERS * IDS);
	CHECK_OK(reprise_sessions_list(store, &list, NULL));
	while ((status = reprise_session_list_next(list, id, &stats)) == REPRISE_OK) {
		struct mirror *const mirror = mirror_of(mirrors, id);

		CHECK(!mirror->is_there);
		*mirror = (struct mirror){ stats.incarnation, true, stats.ended != 0, false };
		count++;
	}
	CHECK(status == REPRISE_E_NOT_FOUND && count <= SESSIONS_MAX);
	reprise_session_list_close(list);
}

static void
take_change(struct host *host, const struct reprise_event *event)
{
	struct reprise_session_change change;

	CHECK(event->payload.size == sizeof(change));
	memcpy(&change, event->payload.data, sizeof(change));
	struct mirror *const mirror = mirror_of(host->mirrors, change.session_id);
	const bool is_same =
		memcmp(&mirror->incarnation, &change.incarnation, sizeof(change.incarnation)) == 0;

	if (event->kind == REPRISE_SESSION_CAME) {
		CHECK(!mirror->is_sure || !mirror->is_there);
		CHECK(!change.is_ended && change.cause == REPRISE_GONE_NOT);
	} else if (event->kind == REPRISE_SESSION_ENDED) {
		CHECK(!mirror->is_sure || (mirror->is_there && is_same && !mirror->is_ended));
		CHECK(change.is_ended && change.end_status == change.session_id[0] - '0');
	} else {
		CHECK(event->kind == REPRISE_SESSION_GONE && change.cause != REPRISE_GONE_NOT);
		CHECK(!mirror->is_sure ||
		      (mirror->is_there && is_same && mirror->is_ended == (change.is_ended != 0)));
		CHECK(change.cause != REPRISE_GONE_REPLACED || change.is_ended);
	}
	*mirror = (struct mirror){ change.incarnation, event->kind != REPRISE_SESSION_GONE,
				   event->kind == REPRISE_SESSION_ENDED,
				   mirror->is_sure || event->kind == REPRISE_SESSION_CAME };
	host->told++;
}

/* Takes what there is to say. */
static void
take_all(struct host *host)
{
	struct reprise_event event;
	struct reprise_gap gap;
	reprise_outcome outcome;

	while ((outcome = reprise_next(host->changes, &event, &gap, NULL)) != REPRISE_NEXT_EMPTY) {
		CHECK(outcome != REPRISE_NEXT_ENDED);
		if (outcome == REPRISE_NEXT_EVENT) {
			take_change(host, &event);
			continue;
		}
		CHECK(gap.reason == REPRISE_GAP_TRIMMED);
		host->gaps++;
		take_list(host->mirrors);
	}
}

/* Nothing comes or goes any more; ends may be under way. */
static bool
is_true(const struct host *host)
{
	struct mirror there[WRITERS][IDS];

	take_list(there);
	for (size_t i = 0; i < WRITERS; i++)
		for (size_t j = 0; j < IDS; j++)
			if (there[i][j].is_there != host->mirrors[i][j].is_there ||
			    (there[i][j].is_there &&
			     there[i][j].is_ended != host->mirrors[i][j].is_ended))
				return false;
	return true;
}

static void
follow(struct host *host)
{
	CHECK_OK(reprise_sessions_subscribe(store, NULL, &host->changes, NULL));
	if (host->descriptor == 0)
		CHECK_OK(reprise_subscription_fd(host->changes, &host->descriptor, NULL));
}

static void *
host_main(void *argument)
{
	struct host *const host = argument;

	if (host->is_late) {
		follow(host);
		take_list(host->mirrors);
	}
	for (;;) {
		const bool was_over = atomic_load(&is_over);

		take_all(host);
		if (was_over && is_true(host))
			break;
		if (host->descriptor >= 0) {
			struct pollfd at = { .fd = host->descriptor, .events = POLLIN };

			/* Where nothing will come, nobody says that it is over. */
			CHECK(poll(&at, 1, was_over ? -1 : 1) >= 0);
		} else {
			const reprise_status status =
				reprise_wait(host->changes, was_over ? REPRISE_NO_LIMIT : 1000000);

			CHECK(status == REPRISE_OK || status == REPRISE_E_TIMEOUT);
		}
	}
	return argument;
}

int
main(int argc, char **argv)
{
	const struct reprise_store_options options = { .size = sizeof(options),
						       .sessions_max = SESSIONS_MAX };
	unsigned int numbers[WRITERS];
	pthread_t threads[WRITERS];

	stress_begin(argc, argv);
	CHECK_OK(reprise_store_open(&options, &store, NULL));
	for (size_t i = 0; i < HOSTS; i++) {
		hosts[i] = (struct host){ .descriptor = i == 0 ? 0 : -1, .is_late = i == 2 };
		/* Nothing is there yet: each step will be told. */
		for (size_t j = 0; j < (size_t)WRITERS * IDS && !hosts[i].is_late; j++)
			hosts[i].mirrors[j / IDS][j % IDS].is_sure = true;
		if (!hosts[i].is_late)
			follow(&hosts[i]);
	}
	for (unsigned int i = 0; i < WRITERS; i++) {
		numbers[i] = i;
		CHECK(pthread_create(&threads[i], NULL, live, &numbers[i]) == 0);
	}
	for (size_t i = 0; i < HOSTS; i++)
		CHECK(pthread_create(&hosts[i].thread, NULL, host_main, &hosts[i]) == 0);
	for (size_t i = 0; i < WRITERS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	atomic_store(&is_over, true);
	for (size_t i = 0; i < HOSTS; i++) {
		CHECK(pthread_join(hosts[i].thread, NULL) == 0);
		printf("host  told %llu  gaps %llu\n", (unsigned long long)hosts[i].told,
		       (unsigned long long)hosts[i].gaps);
		reprise_subscription_close(hosts[i].changes);
	}
	CHECK_OK(reprise_store_close(store));
	return 0;
}
