/* SPDX-License-Identifier: MIT */
#include "reading.h"

#include <string.h>

#include <reprise/log_blob.h>
#include <reprise/log_upkeep.h>
#include <reprise/session.h>

#include "base/crc32c.h"
#include "log/write.h"

enum {
	EVENTS = 60,
	LIVES = 3,
};

static bool
write_all(struct reprise_log *log, struct log_write *writes, size_t count)
{
	if (log_write(log, LOG_WRITTEN, LOG_PATIENT, "t", writes, count, NULL) != REPRISE_OK)
		return false;
	for (size_t i = 0; i < count; i++)
		if (writes[i].status != REPRISE_OK)
			return false;
	return true;
}

/* Revisions rise, fall and rise; each seventh event is a COMMIT. */
static void
fill_entries(struct reprise_log_new_entry *entries, uint64_t first)
{
	for (uint64_t i = 0; i < EVENTS; i++)
		entries[i] = (struct reprise_log_new_entry){
			.revision = (first + i) % 11 < 7 ? 10 * (first + i) : first + i,
			.time_ns = 1000 + i,
			.kind = (uint16_t)(i % 5),
			.flags = (first + i) % 7 == 0 ? REPRISE_EVENT_COMMIT : 0,
			.payload = { "0123456789abcdefghijklmnopqrstuvwxyz", (size_t)(i % 37) },
		};
}

static bool
fill_life(struct reprise_log *log, unsigned char number)
{
	struct reprise_log_new_entry entries[EVENTS];
	const struct reprise_incarnation life = { { number } };
	const uint64_t first = 1 + (uint64_t)(number - 1) * (EVENTS + 10);
	struct log_write writes[] = {
		{ .type = LOG_LIFE, .thread = "ring", .incarnation = life },
		{ .type = LOG_RECORD,
		  .thread = "ring",
		  .incarnation = life,
		  .first = first,
		  .entries = entries,
		  .entries_count = EVENTS },
		{ .type = LOG_GAP,
		  .thread = "ring",
		  .incarnation = life,
		  .first = first + EVENTS,
		  .last = first + EVENTS + 9,
		  .reason = REPRISE_LOG_GAP_OVERRUN },
		{ .type = LOG_APPEND,
		  .thread = "direct",
		  .entries = entries,
		  .entries_count = EVENTS },
	};

	fill_entries(entries, first);
	return write_all(log, writes, 4);
}

bool
reading_fill(struct reprise_log *log)
{
	const struct reprise_log_key ring = { "t", "ring" }, direct = { "t", "direct" };
	const struct reprise_incarnation last = { { LIVES } };
	struct log_write end = { .type = LOG_END,
				 .thread = "ring",
				 .incarnation = last,
				 .last = (uint64_t)LIVES * (EVENTS + 10),
				 .end_status = -3 };

	for (unsigned int number = 1; number <= LIVES; number++)
		if (!fill_life(log, (unsigned char)number))
			return false;
	return write_all(log, &end, 1) &&
	       reprise_log_archive_before(log, &ring, 40, NULL, NULL) == REPRISE_OK &&
	       reprise_log_archive_before(log, &direct, 30, NULL, NULL) == REPRISE_OK &&
	       reprise_log_move_archived(log, &direct, NULL, NULL) == REPRISE_OK &&
	       reprise_log_blob_put(log, &direct, NULL, "a", (struct reprise_bytes){ "bytes", 5 },
				    NULL) == REPRISE_OK &&
	       reprise_log_blob_put(log, &direct, NULL, "b", (struct reprise_bytes){ "others", 6 },
				    NULL) == REPRISE_OK;
}

static void
note(struct reading *reading, const void *bytes, size_t size)
{
	reading->answers = crc32c(reading->answers, bytes, size);
	reading->untimed = crc32c(reading->untimed, bytes, size);
}

static void
note_number(struct reading *reading, uint64_t number)
{
	note(reading, &number, sizeof(number));
}

/* The time of a gap is the time of the write. */
static void
note_time(struct reading *reading, const struct reprise_log_entry *entry)
{
	const uint32_t untimed = reading->untimed;

	note_number(reading, entry->time_ns);
	if (entry->type == REPRISE_LOG_GAP)
		reading->untimed = untimed;
}

/* E_NOT_FOUND is an answer like another. */
static bool
note_status(struct reading *reading, reprise_status status)
{
	note_number(reading, (uint64_t)status);
	if (status != REPRISE_OK && status != REPRISE_E_NOT_FOUND)
		reading->is_told = true;
	return status == REPRISE_OK;
}

static void
read_stats(struct reprise_log *log, const struct reprise_log_key *key, struct reading *reading)
{
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_life lives[8];
	size_t count = 0;

	if (note_status(reading, reprise_log_stats(log, key, &stats, NULL))) {
		const uint64_t numbers[] = { (uint64_t)stats.kind,
					     (uint64_t)stats.has_ended,
					     (uint64_t)stats.end_status,
					     stats.head,
					     stats.watermark,
					     stats.end_ordinal,
					     stats.revision_max,
					     stats.lives,
					     stats.life.first,
					     stats.life.end,
					     (uint64_t)stats.life.state };

		note(reading, numbers, sizeof(numbers));
	}
	if (note_status(reading, reprise_log_lives(log, key, 0, lives, 8, &count, NULL)))
		for (size_t i = 0; i < count; i++) {
			note(reading, &lives[i].incarnation, sizeof(lives[i].incarnation));
			note_number(reading, lives[i].first);
			note_number(reading, lives[i].end);
			note_number(reading, (uint64_t)lives[i].state);
		}
}

static void
read_entries(struct reprise_log *log, const struct reprise_log_key *key, reprise_ordinal after,
	     struct reprise_log_page *page, struct reading *reading)
{
	size_t count = 0;

	if (!note_status(reading, reprise_log_load_after(log, key, after, 1000, 0, page, NULL)))
		return;
	const struct reprise_log_entry *const entries = reprise_log_page_entries(page, &count);

	for (size_t i = 0; i < count; i++) {
		const struct reprise_log_entry *const entry = &entries[i];

		note_number(reading, entry->first);
		note_number(reading, entry->last);
		note_number(reading, entry->revision);
		note_time(reading, entry);
		note(reading, &entry->life, sizeof(entry->life));
		note(reading, entry->payload.data, entry->payload.size);
	}
}

/*
 * A blob that is not there adds nothing: a log without blobs has the answers that it had before
 * there were any.
 */
static void
read_blob(struct reprise_log *log, const struct reprise_log_key *key, const char *name,
	  struct reprise_log_page *page, struct reading *reading)
{
	struct reprise_bytes bytes;
	const reprise_status status = reprise_log_blob_get(log, key, name, page, &bytes, NULL);

	if (status == REPRISE_E_NOT_FOUND)
		return;
	note(reading, name, 1);
	if (note_status(reading, status))
		note(reading, bytes.data, bytes.size);
}

static void
read_revision(struct reprise_log *log, const struct reprise_log_key *key, uint64_t revision,
	      struct reading *reading)
{
	struct reprise_cursor cursor;
	reprise_ordinal position = 0;
	bool has = false;

	if (note_status(reading,
			reprise_log_position_for_revision(log, key, revision, &position, NULL)))
		note_number(reading, position);
	if (note_status(reading, reprise_log_has_commit(log, key, 50, revision, &has, NULL)))
		note_number(reading, has);
	if (strcmp(key->thread, "direct") != 0 &&
	    note_status(reading, reprise_log_current_cursor(log, key, revision, &cursor, NULL))) {
		note(reading, &cursor.incarnation, sizeof(cursor.incarnation));
		note_number(reading, cursor.position);
	}
}

static void
read_key(struct reprise_log *log, const struct reprise_log_key *key, struct reading *reading)
{
	static const uint64_t revisions[] = { 0,   3,    9,    10,   39,   71,   150,  300,
					      500, 1000, 1300, 1500, 1900, 2000, 2090, UINT64_MAX };
	struct reprise_log_report report = { .size = sizeof(report) };
	struct reprise_log_page *page = NULL;

	read_stats(log, key, reading);
	if (reprise_log_page_open(&page) == REPRISE_OK) {
		read_entries(log, key, 0, page, reading);
		read_entries(log, key, 95, page, reading);
		read_entries(log, key, UINT64_MAX, page, reading);
		read_blob(log, key, "a", page, reading);
		read_blob(log, key, "b", page, reading);
	}
	reprise_log_page_close(page);
	for (size_t i = 0; i < sizeof(revisions) / sizeof(revisions[0]); i++)
		read_revision(log, key, revisions[i], reading);
	if (reprise_log_verify(log, key, &report, NULL) != REPRISE_OK || report.faults != 0)
		reading->is_told = true;
}

static bool
read_visited(const struct reprise_log_key *key, void *context)
{
	struct reading *const reading = ((void **)context)[0];

	note(reading, key->thread, strlen(key->thread));
	read_key(((void **)context)[1], key, reading);
	return true;
}

struct reading
reading_of(struct reprise_log *log)
{
	const struct reprise_log_key ring = { "t", "ring" }, direct = { "t", "direct" };
	struct reading reading = { 0 };
	void *context[] = { &reading, log };

	read_key(log, &ring, &reading);
	read_key(log, &direct, &reading);
	(void)note_status(&reading, reprise_log_each(log, "t", read_visited, context, NULL));
	return reading;
}
