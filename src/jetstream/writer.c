/* SPDX-License-Identifier: MIT */
#include "jetstream/writer.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/numbers.h"
#include "base/utf8.h"

static const char subject_end[] = ".deltas";

reprise_status
writer_check(const struct reprise_jetstream *writer, struct reprise_error *error)
{
	if (writer == NULL)
		return error_invalid(error, "writer");
	return owner_is_here(&writer->owner) ? REPRISE_OK : error_plain(error, REPRISE_E_FORKED);
}

void
writer_subject(const struct reprise_jetstream *writer, const char *id,
	       char ret_subject[static SUBJECT_ROOM])
{
	snprintf(ret_subject, SUBJECT_ROOM, "%s.%s%s", writer->settings.subject, id, subject_end);
}

bool
writer_id_is_good(const char *id, size_t bytes)
{
	return bytes >= 1 && bytes < THREAD_ID_ROOM && utf8_text_prefix(id, bytes) == bytes &&
	       strcspn(id, " /\\.*>") >= bytes;
}

bool
writer_id_of(const struct reprise_jetstream *writer, const char *subject,
	     char ret_id[static THREAD_ID_ROOM])
{
	const size_t begin = strlen(writer->settings.subject) + 1;
	const size_t bytes = strlen(subject), end = sizeof(subject_end) - 1;

	if (bytes <= begin + end)
		return false;
	const char *const id = subject + begin;
	const size_t id_bytes = bytes - begin - end;

	if (!writer_id_is_good(id, id_bytes))
		return false;
	memcpy(ret_id, id, id_bytes);
	ret_id[id_bytes] = '\0';
	return true;
}

uint64_t
writer_due(const struct reprise_jetstream *writer)
{
	return deadline_after(clock_ns(), writer->settings.deadline_ns);
}

int64_t
ms_until(uint64_t due_ns)
{
	const uint64_t now_ns = clock_ns();

	return now_ns >= due_ns ? 0 : (int64_t)((due_ns - now_ns + 999999) / 1000000);
}

uint64_t
wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return timespec_ns(&now) / 1000000;
}

bool
writer_wait(struct reprise_jetstream *writer, pthread_cond_t *condition, uint64_t due_ns)
{
	const struct timespec due = ns_timespec(due_ns);

	return pthread_cond_timedwait(condition, &writer->lock, &due) == 0;
}

bool
condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	if (pthread_condattr_init(&attributes) != 0)
		return false;
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	const bool is_made = pthread_cond_init(condition, &attributes) == 0;

	pthread_condattr_destroy(&attributes);
	return is_made;
}
