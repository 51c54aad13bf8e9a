/* SPDX-License-Identifier: MIT */
#ifndef RECORDER_PAGE_H
#define RECORDER_PAGE_H

#include "store/backfill.h"

struct reprise_recorder;

/*
 * Fills the page that @backfill asks for with @question: events of the log that follow in that
 * life, and what comes after them. False if there is nothing to say yet, or the log cannot be read.
 * The reading thread's; not under a lock.
 */
bool page_load(struct reprise_recorder *recorder, struct backfill *backfill,
	       const struct backfill_question *question);

/* Reads what is likely to be asked for next. The reading thread's; not under a lock. */
void page_read_ahead(struct reprise_recorder *recorder);

/* Fills it with the word that nothing has come. */
void page_say_nothing(struct backfill *backfill);

#endif /* RECORDER_PAGE_H */
