/* SPDX-License-Identifier: MIT */
#ifndef RECORDER_FAILURE_H
#define RECORDER_FAILURE_H

/* Failures in words: for the statistics, and for the errors of calls that give up. */

#include <stdbool.h>

#include <reprise/recorder.h>

#include "log/write.h"

struct batch_mark;
struct recording;
struct reprise_recorder;

/* The words of a failure, of at most REPRISE_ERROR_DETAIL_BYTES with the end. */
void failure_copy_words(char *to, reprise_status status, const struct reprise_error *error);

/* From here on under the recorder's lock. */

/* A transaction has failed as a whole. */
void recorder_note_failure(struct reprise_recorder *recorder, reprise_status status,
			   const struct reprise_error *error);

/*
 * The log has refused one session, which is stuck until recording_forget_stuck: it is tried
 * again by itself.
 */
void recorder_note_stuck(struct reprise_recorder *recorder, struct recording *recording,
			 reprise_status status, const char *words);

/*
 * Keeps the words of a transaction that failed for one session alone, until it is known what
 * becomes of that.
 */
void recording_keep_words(struct recording *recording, reprise_status status,
			  const struct reprise_error *error);

/* Why the log has refused a write. */
const char *recorder_refusal_words(const struct batch_mark *mark, const struct log_write *write);

/* The session is recorded again, or gone. */
void recording_forget_stuck(struct recording *recording);

/* The words for a call that has waited in vain: those of the failure that lasts, if one does. */
const char *recorder_lasting_failure(const struct reprise_recorder *recorder);

/* Whether the log refuses the session. */
bool recording_is_stuck(const struct recording *recording);

/* Counts @recording among the stuck ones, and names the one that has been stuck for longest. */
void recorder_count_stuck(const struct recording *recording, struct reprise_recorder_stats *stats);

#endif /* RECORDER_FAILURE_H */
