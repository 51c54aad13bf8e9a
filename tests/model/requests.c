/* SPDX-License-Identifier: MIT */

/*
 * Requests to begin a life: hosts' threads that ask and may give up against the writing thread that
 * takes, does and answers (the recorder's own request.c). The log is a number. Each life that the
 * log has begun is its host's, or is closed by the writing thread; each recording of a life that
 * did not begin is freed; each request is freed once.
 */

#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "recorder/recorder.h"
#include "recorder/request.h"

#include "model.h"

const struct model_case model_cases[] = {
	{ "answered", { "begun" } },
	{ "late", { "begun", "withdrawn", "abandoned" } },
	{ "failing log", { "refused", "withdrawn", "abandoned" } },
	{ "closing", { "begun", "closed" } },
	{ "leased", { "begun", "refused", "abandoned" } },
	{ NULL, { NULL } },
};

enum {
	ANSWERED,
	LATE,
	FAILING,
	CLOSING,
	LEASED,
};

enum {
	HOSTS = 2,
};

static struct reprise_recorder recorder;
static struct recording recordings[HOSTS];
static struct log_write batch_writes[HOSTS];
static struct batch_mark batch_marks[HOSTS];
static bool is_late; /* under the lock */
/* Of each life, by the one thread that has it; looked at when all have ended. */
static struct life {
	bool is_begun, is_remembered, is_coming; /* in the log; by the recorder */
	bool is_kept, is_abandoned;              /* by its host */
	unsigned int freed, attempts;
} lives[HOSTS];

static struct life *
life_of(const struct recording *recording)
{
	return &lives[recording - recordings];
}

/* --- what the source asks of the rest --------------------------------------------------------- */

/* Time runs out for all hosts at once, at any moment. */
bool
recorder_sleep(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t deadline_ns)
{
	(void)deadline_ns;
	if (!is_late)
		pthread_cond_wait(condition, lock);
	return !is_late;
}

void
recorder_hurry(struct reprise_recorder *mine)
{
	mine->is_urgent = true;
	pthread_cond_signal(&mine->has_work);
}

bool
batch_reserve(struct batch *batch, uint64_t arena_bytes)
{
	(void)batch, (void)arena_bytes;
	return true;
}

reprise_status
recorder_write(struct reprise_recorder *mine, enum log_level level, size_t count,
	       struct reprise_error *error)
{
	MODEL_CHECK(level == LOG_SYNCED && count >= 1 && count <= HOSTS);
	if (model_case == FAILING)
		return error_plain(error, REPRISE_E_IO);
	for (size_t i = 0; i < count; i++) {
		struct life *const life = life_of(mine->batch.marks[i].recording);

		/* Another runtime holds the session at the first attempt. */
		life->is_begun = model_case != LEASED || life->attempts++ != 0;
		mine->batch.writes[i].status = life->is_begun ? REPRISE_OK : REPRISE_E_BUSY;
		mine->batch.writes[i].head = 7;
	}
	return REPRISE_OK;
}

uint64_t
reprise_recorder_backoff(uint64_t attempt, uint64_t clock, uint64_t least_ns, uint64_t most_ns)
{
	(void)attempt, (void)clock, (void)most_ns;
	return least_ns;
}

void
recorder_note_transaction(struct reprise_recorder *mine, reprise_status status,
			  const struct reprise_error *error)
{
	(void)mine, (void)status, (void)error;
}

const char *
recorder_lasting_failure(const struct reprise_recorder *mine)
{
	(void)mine;
	return "";
}

const char *
recorder_refusal_words(const struct batch_mark *mark, const struct log_write *write)
{
	(void)mark, (void)write;
	return "";
}

void
recording_free(struct recording *recording)
{
	life_of(recording)->freed++;
}

void
recorder_remember(struct reprise_recorder *mine, struct recording *recording, reprise_position head)
{
	(void)mine;
	MODEL_CHECK(head == 7);
	life_of(recording)->is_remembered = true;
}

void
recorder_come(struct reprise_recorder *mine, struct recording *recording)
{
	(void)mine;
	MODEL_CHECK(life_of(recording)->is_remembered);
	life_of(recording)->is_coming = true;
}

/* --- threads ---------------------------------------------------------------------------------- */

static void *
ask_for_life(void *argument)
{
	struct recording *const recording = argument;
	struct reprise_error error = { .size = sizeof(error) };
	struct asked asked = { .type = LOG_LIFE, .recording = recording, .error = &error };

	requests_await(&recorder, &asked, 1);
	if (asked.status == REPRISE_OK) {
		MODEL_CHECK(asked.head == 7);
		life_of(recording)->is_kept = true;
		model_note("begun");
		return argument;
	}
	MODEL_CHECK(asked.status == REPRISE_E_IO || asked.status == REPRISE_E_BUSY);
	if (asked.request == NULL) {
		life_of(recording)->is_abandoned = true;
		model_note("abandoned");
	} else if (strcmp(error.what, reprise_status_name(REPRISE_E_TIMEOUT)) == 0) {
		model_note("withdrawn");
	} else {
		model_note(strcmp(error.what, reprise_status_name(REPRISE_E_CLOSED)) == 0
				   ? "closed"
				   : "refused");
	}
	return argument;
}

/*
 * Ends with the requests that were made before the recorder closes: a later one would
 * wait for ever.
 */
static void *
write_requests(void *argument)
{
	for (bool is_over = false; !is_over;) {
		pthread_mutex_lock(&recorder.lock);
		while (TAILQ_EMPTY(&recorder.requests) && !recorder.is_stopping &&
		       !recorder.is_closing)
			pthread_cond_wait(&recorder.has_work, &recorder.lock);
		is_over = TAILQ_EMPTY(&recorder.requests);
		pthread_mutex_unlock(&recorder.lock);
		requests_do(&recorder);
	}
	return argument;
}

static void *
let_time_pass(void *argument)
{
	pthread_mutex_lock(&recorder.lock);
	if (model_case == CLOSING)
		recorder.is_closing = true;
	else
		is_late = true;
	pthread_cond_broadcast(&recorder.has_work);
	pthread_cond_broadcast(&recorder.has_news);
	pthread_mutex_unlock(&recorder.lock);
	return argument;
}

/* One owner at the end. */
static void
check_life(const struct life *life)
{
	if (life->is_begun) {
		MODEL_CHECK(life->freed == 0);
		MODEL_CHECK(life->is_kept != life->is_coming);
		MODEL_CHECK(life->is_coming == life->is_abandoned);
	} else {
		MODEL_CHECK(life->freed == 1);
		MODEL_CHECK(!life->is_kept && !life->is_coming);
	}
}

int
main(void)
{
	pthread_t writing, clock, hosts[HOSTS];

	recorder = (struct reprise_recorder){ .level = LOG_WRITTEN };
	recorder.batch.writes = batch_writes;
	recorder.batch.marks = batch_marks;
	pthread_mutex_init(&recorder.lock, NULL);
	pthread_cond_init(&recorder.has_work, NULL);
	pthread_cond_init(&recorder.has_news, NULL);
	TAILQ_INIT(&recorder.requests);
	is_late = false;
	memset(lives, 0, sizeof(lives));
	MODEL_CHECK(pthread_create(&writing, NULL, write_requests, NULL) == 0);
	for (int i = 0; i < HOSTS; i++)
		MODEL_CHECK(pthread_create(&hosts[i], NULL, ask_for_life, &recordings[i]) == 0);
	if (model_case != ANSWERED)
		MODEL_CHECK(pthread_create(&clock, NULL, let_time_pass, NULL) == 0);
	for (int i = 0; i < HOSTS; i++)
		pthread_join(hosts[i], NULL);
	if (model_case != ANSWERED)
		pthread_join(clock, NULL);
	pthread_mutex_lock(&recorder.lock);
	recorder.is_stopping = true;
	recorder_hurry(&recorder);
	pthread_mutex_unlock(&recorder.lock);
	pthread_join(writing, NULL);
	for (int i = 0; i < HOSTS; i++)
		check_life(&lives[i]);
	return 0;
}
