/* SPDX-License-Identifier: MIT */
#include "recorder/failure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "recorder/recorder.h"

static void
copy_words(char *to, const char *words)
{
	snprintf(to, REPRISE_ERROR_DETAIL_BYTES, "%s", words);
}

/* The log's own words; else what it was about; else the status's. */
static const char *
words_of(reprise_status status, const struct reprise_error *error)
{
	if (error->status == status && error->detail[0] != '\0')
		return error->detail;
	if (error->status == status && error->what[0] != '\0')
		return error->what;
	return reprise_status_text(status);
}

void
failure_copy_words(char *to, reprise_status status, const struct reprise_error *error)
{
	copy_words(to, words_of(status, error));
}

static void
note(struct reprise_recorder *recorder, reprise_status status, const char *words)
{
	struct reprise_recorder_stats *const stats = &recorder->stats;

	stats->failures++;
	stats->last = status;
	stats->failure = status;
	copy_words(stats->failure_text, words);
}

void
recorder_note_failure(struct reprise_recorder *recorder, reprise_status status,
		      const struct reprise_error *error)
{
	note(recorder, status, words_of(status, error));
}

static void
set_words(struct recording *recording, const char *words)
{
	if (recording->stuck_text != NULL && strcmp(recording->stuck_text, words) == 0)
		return;
	free(recording->stuck_text);
	recording->stuck_text = strdup(words);
}

void
recording_keep_words(struct recording *recording, reprise_status status,
		     const struct reprise_error *error)
{
	set_words(recording, words_of(status, error));
}

void
recorder_note_stuck(struct reprise_recorder *recorder, struct recording *recording,
		    reprise_status status, const char *words)
{
	note(recorder, status, words);
	set_words(recording, words);
	if (!recording_is_stuck(recording))
		recording->stuck_ns = clock_ns();
	recording->stuck = status;
}

const char *
recorder_refusal_words(const struct batch_mark *mark, const struct log_write *write)
{
	return mark->has_words && mark->recording->stuck_text != NULL ? mark->recording->stuck_text
								      : log_refusal_text(write);
}

void
recording_forget_stuck(struct recording *recording)
{
	recording->stuck = REPRISE_OK;
	free(recording->stuck_text);
	recording->stuck_text = NULL;
}

bool
recording_is_stuck(const struct recording *recording)
{
	return recording->stuck != REPRISE_OK;
}

const char *
recorder_lasting_failure(const struct reprise_recorder *recorder)
{
	return recorder->stats.last != REPRISE_OK
		       ? recorder->stats.failure_text
		       : "the recorder was busy for longer than deadline_ns";
}

void
recorder_count_stuck(const struct recording *recording, struct reprise_recorder_stats *stats)
{
	if (!recording_is_stuck(recording))
		return;
	stats->stuck++;
	if (stats->stuck > 1 && recording->stuck_ns >= stats->stuck_ns)
		return;
	stats->stuck_ns = recording->stuck_ns;
	stats->stuck_status = recording->stuck;
	memcpy(stats->stuck_session_id, recording->id, sizeof(stats->stuck_session_id));
	copy_words(stats->stuck_text, recording->stuck_text != NULL
					      ? recording->stuck_text
					      : reprise_status_text(recording->stuck));
}
