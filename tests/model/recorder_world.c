/* SPDX-License-Identifier: MIT */
#include "recorder_world.h"

#include <pthread.h>
#include <string.h>

#include "recorder/known.h"
#include "recorder/request.h"

struct reprise_recorder recorder;
struct recording recordings[SESSIONS];

static struct log_write batch_writes[1];
static struct batch_mark batch_marks[1];
static atomic_u64 written[SESSIONS], synced[SESSIONS]; /* the log */

void
recorder_world_open(enum log_level level, unsigned int count)
{
	recorder = (struct reprise_recorder){ .level = level,
					      .port = recorder_port,
					      .renewal_ns = UINT64_MAX };
	recorder.batch.writes = batch_writes;
	recorder.batch.marks = batch_marks;
	recorder.store = world_session(0)->store;
	recorder.store->port = &recorder.port;
	pthread_mutex_init(&recorder.lock, NULL);
	pthread_cond_init(&recorder.has_work, NULL);
	pthread_cond_init(&recorder.has_news, NULL);
	TAILQ_INIT(&recorder.coming);
	TAILQ_INIT(&recorder.attached);
	TAILQ_INIT(&recorder.parked);
	TAILQ_INIT(&recorder.requests);
	for (unsigned int i = 0; i < SESSIONS; i++) {
		struct reprise_session *const session = world_session(i);

		atomic_init(&written[i], 0);
		atomic_init(&synced[i], 0);
		recordings[i] = (struct recording){ .session = session, .has_writer = true };
		recordings[i].id[0] = session->id[0] = (char)('s' + i);
		recordings[i].hash = recorder_hash(recordings[i].id);
		session->recording = &recordings[i];
		if (i >= count)
			continue;
		(void)session_pin(session);
		recordings[i].is_attached = true;
		LIST_INSERT_HEAD(&recorder.buckets[recordings[i].hash % BUCKETS], &recordings[i],
				 same);
		TAILQ_INSERT_TAIL(&recorder.attached, &recordings[i], link);
	}
}

uint64_t
recorder_world_log(unsigned int session, reprise_durability durability)
{
	return load_relaxed(durability == REPRISE_SYNCED ? &synced[session] : &written[session]);
}

void
recorder_world_stop(pthread_t writing)
{
	pthread_mutex_lock(&recorder.lock);
	recorder.is_stopping = true;
	recorder_hurry(&recorder);
	pthread_mutex_unlock(&recorder.lock);
	pthread_join(writing, NULL);
	for (unsigned int i = 0; i < SESSIONS; i++)
		if (recordings[i].is_attached)
			fetch_sub_relaxed(&world_session(i)->refs, 1);
}

/* --- batches of one write --------------------------------------------------------------------- */

static void
put(struct batch *batch, struct recording *recording, enum log_write_type type, uint64_t through)
{
	batch->writes[0] = (struct log_write){ .type = type };
	batch->marks[0] = (struct batch_mark){ .recording = recording, .through = through };
	batch->writes_count = 1;
}

enum gathered
batch_gather(struct batch *batch, struct reprise_recorder *mine, struct recording *recording)
{
	if (batch->writes_count != 0)
		return GATHERED_NOTHING;
	pthread_mutex_lock(&mine->lock);
	const bool has_writer = recording->has_writer;

	recording->attempt++;
	pthread_mutex_unlock(&mine->lock);
	const bool has_ended = load_acquire(&recording->session->ring.ended) != 0;
	const uint64_t newest = port_newest(recording->session);

	recording->has_all = false;
	if (recording->taken < newest) {
		recording->taken++;
		put(batch, recording, LOG_RECORD, recording->taken);
		if (recording->taken < newest)
			return GATHERED_SOME;
	} else if (has_ended && !recording->has_ended) {
		put(batch, recording, LOG_END, recording->taken);
	} else if (!has_writer) {
		put(batch, recording, LOG_CLOSE, recording->taken);
	}
	recording->has_all = true;
	return GATHERED_ALL;
}

void
batch_put_sync(struct batch *batch, struct recording *recording)
{
	model_note("synced alone");
	put(batch, recording, LOG_REOPEN, recording->written);
}

void
batch_clear(struct batch *batch)
{
	batch->writes_count = 0;
}

static unsigned int
number_of(const struct recording *recording)
{
	return recording == &recordings[1];
}

reprise_status
recorder_write(struct reprise_recorder *mine, enum log_level level, size_t count,
	       struct reprise_error *error)
{
	const struct batch_mark *const mark = &mine->batch.marks[0];

	(void)error;
	MODEL_CHECK(count == 1);
	store_relaxed(&written[number_of(mark->recording)], mark->through);
	for (int i = 0; level == LOG_SYNCED && i < SESSIONS; i++)
		store_relaxed(&synced[i], load_relaxed(&written[i]));
	mine->batch.writes[0].status = REPRISE_OK;
	return REPRISE_OK;
}

/* --- what the sources ask of the rest --------------------------------------------------------- */

void
recorder_note_transaction(struct reprise_recorder *mine, reprise_status status,
			  const struct reprise_error *error)
{
	(void)mine, (void)status, (void)error;
}

reprise_position
known_end_of(struct reprise_recorder *mine, const struct log_write *write,
	     const struct recording *recording)
{
	(void)mine, (void)write, (void)recording;
	return PORT_HAS_ALL;
}

void
requests_do(struct reprise_recorder *mine)
{
	(void)mine;
}

bool
recorder_is_durability(reprise_durability durability)
{
	(void)durability;
	return true;
}

uint64_t
recorder_through(const struct recording *recording, reprise_durability durability)
{
	return durability == REPRISE_SYNCED ? recording->synced : recording->written;
}

reprise_status
recorder_window(struct reprise_recorder *mine, const char *session_id,
		struct reprise_session_stats *stats)
{
	const struct recording *const recording = &recordings[session_id[0] - 's'];

	(void)mine;
	*stats = (struct reprise_session_stats){ .newest = port_newest(recording->session) };
	return REPRISE_OK;
}

void
heal_again(struct reprise_recorder *mine, uint64_t hash)
{
	(void)mine, (void)hash;
}

uint64_t
wall_monotonic(const struct wall *wall, uint64_t time_ns)
{
	(void)wall;
	return time_ns;
}

void
recording_forget_stuck(struct recording *recording)
{
	(void)recording;
}

bool
recording_is_stuck(const struct recording *recording)
{
	(void)recording;
	return false;
}

/* The store's accounts of who holds a session have a model of their own: pins.c. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's name */
void __wrap_reprise_private_port_let_go(struct reprise_session *session);

void
__wrap_reprise_private_port_let_go(struct reprise_session *session)
{
	fetch_sub_relaxed(&session->refs, 1);
}

/* No case calls the functions from here on. */

void
recorder_note_stuck(struct reprise_recorder *mine, struct recording *recording,
		    reprise_status status, const char *words)
{
	(void)mine, (void)recording, (void)status, (void)words;
	MODEL_CHECK(false);
}

const char *
recorder_refusal_words(const struct batch_mark *mark, const struct log_write *write)
{
	(void)mark, (void)write;
	return "";
}

uint64_t
reprise_recorder_backoff(uint64_t attempt, uint64_t clock, uint64_t least_ns, uint64_t most_ns)
{
	(void)attempt, (void)clock, (void)least_ns;
	return most_ns;
}

void
recorder_open_lives(struct store_port *port, struct opening *openings, size_t count)
{
	(void)port, (void)openings, (void)count;
	MODEL_CHECK(false);
}

void
heal_ask(struct store_port *port, struct backfill *backfill)
{
	(void)port, (void)backfill;
	MODEL_CHECK(false);
}

void
heal_cancel(struct store_port *port, struct backfill *backfill)
{
	(void)port, (void)backfill;
	MODEL_CHECK(false);
}

void
heal_orphan(struct store_port *port, struct backfill *backfill)
{
	(void)port, (void)backfill;
	MODEL_CHECK(false);
}
