/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_FOLLOWING_H
#define SUPPORT_FOLLOWING_H

/*
 * A store that only reads the log of another runtime (rules S15 to S17): what both adapters' tests
 * ask of it. Each scenario needs a log without the session "s".
 */

#include <stdbool.h>

#include <reprise/recorder.h>
#include <reprise/subscription.h>

/* Opens the log once more. Also called in processes that the scenario has forked. */
typedef struct reprise_log *(*following_log)(void);

/* One store with its recorder and its connection to the log. */
struct following {
	struct reprise_log *log;
	struct reprise_store *store;
	struct reprise_recorder *recorder;
};

struct following following_open(following_log open, const struct reprise_recorder_options *options);
void following_close(struct following *following);

/* A runtime that records, and a store that only reads. */
struct following following_writing(following_log open);
struct following following_reading(following_log open);

/*
 * A subscription to "s" that has seen nothing; a continuous one waits for the session and for each
 * next life.
 */
struct reprise_subscription *following_subscribe(struct following *reading, int32_t is_continuous);

/*
 * Appends events to "s" with their position as text and as revision, up to @newest, and waits until
 * they are recorded.
 */
struct reprise_writer *following_write(struct following *writing);
void following_append(struct following *writing, struct reprise_writer *writer,
		      reprise_position newest);

/* Waits for these answers of reprise_next. Each event is read from the log. */
void following_expect(struct reprise_subscription *subscription, reprise_position first,
		      reprise_position last);
struct reprise_gap following_expect_gap(struct reprise_subscription *subscription,
					reprise_gap_detail detail);

/*
 * A host behind each of the ways to wait gets each event; answers the median time from the commit
 * to the event.
 */
uint64_t following_expect_doors(following_log open, int rounds);
/*
 * Lives: an end, a next life, an invalidation, a crash; one subscription sees all of it, another
 * one only its life.
 */
void following_expect_lives(following_log open);
/*
 * Events that are archived while a host reads are an exact gap; events that the host has read
 * before are no gap.
 */
void following_expect_archiving(following_log open);
/* Cursors are judged as with a window; revisions place a host. */
void following_expect_cursors(following_log open);
/* A runtime is killed again and again: everything that was acknowledged is handed out once. */
void following_expect_killed_writers(following_log open, int lives);
/* The store that reads is killed again and again: it goes on at its cursor. */
void following_expect_killed_hosts(following_log open, int times);
/* Hosts of more sessions than one look reads: each sees its session begin, and each event. */
void following_expect_many(following_log open, int sessions);
/* Nothing can be written through a store that only reads. */
void following_expect_refusals(following_log open);

/* Whether commits are announced to the store; and the connection by which it reads the log. */
bool following_is_told(struct following *reading);
struct reprise_log *following_reading_log(struct following *reading);

#endif /* SUPPORT_FOLLOWING_H */
