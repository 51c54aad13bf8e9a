/* SPDX-License-Identifier: MIT */
#include "durable.h"

#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
	FOLDER_BYTES = 1024,
	XFS_MAGIC = 0x58465342,
};

static char folder[FOLDER_BYTES];

static void
remove_folder(void)
{
	(void)rmdir(folder);
}

/*
 * Files left by a measurement that died stay: the folder is then not empty, and what there
 * is tells why.
 */
static const char *
scratch_folder(void)
{
	const char *const parent = getenv("TMPDIR");

	if (folder[0] != '\0')
		return folder;
	snprintf(folder, sizeof(folder), "%s/reprise-bench-XXXXXX",
		 parent != NULL && parent[0] != '\0' ? parent : "/tmp");
	if (mkdtemp(folder) == NULL)
		harness_die("no scratch folder can be made");
	if (atexit(remove_folder) != 0)
		harness_die("no memory");
	return folder;
}

const char *
scratch_path(const char *name)
{
	static char path[FOLDER_BYTES + 64];

	snprintf(path, sizeof(path), "%s/%s", scratch_folder(), name);
	return path;
}

void
scratch_remove(const char *name)
{
	static const char *const endings[] = { "", "-wal", "-shm", "-lock" };
	char beside[64];

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		snprintf(beside, sizeof(beside), "%s%s", name, endings[i]);
		(void)unlink(scratch_path(beside));
	}
}

const char *
scratch_system(void)
{
	static const struct {
		unsigned long magic;
		const char *name;
	} known[] = { { EXT4_SUPER_MAGIC, "ext4" },
		      { TMPFS_MAGIC, "tmpfs" },
		      { BTRFS_SUPER_MAGIC, "btrfs" },
		      { OVERLAYFS_SUPER_MAGIC, "overlay" },
		      { XFS_MAGIC, "xfs" } };
	static char other[32];
	struct statfs status;

	if (statfs(scratch_folder(), &status) != 0)
		return "unknown";
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if ((unsigned long)status.f_type == known[i].magic)
			return known[i].name;
	snprintf(other, sizeof(other), "%#lx", (unsigned long)status.f_type);
	return other;
}

struct reprise_new_event
durable_event(uint64_t position, unsigned char payload[DURABLE_PAYLOAD_BYTES])
{
	memcpy(payload, &position, sizeof(position));
	return (struct reprise_new_event){
		.revision = 1 + (position - 1) / DURABLE_EVENTS_PER_COMMIT,
		.kind = 1,
		.flags = position % DURABLE_EVENTS_PER_COMMIT == 0 ? REPRISE_EVENT_COMMIT : 0,
		.payload = { payload, DURABLE_PAYLOAD_BYTES },
	};
}

static void
must(reprise_status status, const char *what)
{
	if (status == REPRISE_OK)
		return;
	fprintf(stderr, "bench: %s\n", reprise_status_text(status));
	harness_die(what);
}

void
durable_open(const struct harness *harness, struct durable *durable, const char *name,
	     reprise_durability level)
{
	const struct reprise_log_sqlite_options log_options = { .size = sizeof(log_options),
								.path = scratch_path(name) };
	const struct reprise_recorder_options options = { .size = sizeof(options),
							  .durability = level };

	/* Threads begin on the core of whoever starts them. */
	harness_pin(harness->host_core);
	must(reprise_log_sqlite_open(&log_options, &durable->log, NULL), "the log does not open");
	must(reprise_store_open(NULL, &durable->store, NULL), "the store does not open");
	must(reprise_recorder_open(durable->store, durable->log, &options, &durable->recorder,
				   NULL),
	     "the recorder does not open");
	harness_pin(harness->writer_core);
}

void
durable_close(struct durable *durable)
{
	must(reprise_recorder_close(durable->recorder), "the recorder does not close");
	must(reprise_store_close(durable->store), "the store does not close");
	reprise_log_close(durable->log);
}

struct reprise_writer *
durable_session(struct durable *durable, const char *id, reprise_when_full when_full)
{
	const struct reprise_session_options options = { .size = sizeof(options),
							 .when_full = when_full };
	struct reprise_writer *writer = NULL;

	must(reprise_writer_open(durable->store, id, &options, &writer, NULL),
	     "the session does not open");
	return writer;
}

void
durable_feed(struct reprise_writer **writers, size_t sessions_count, uint64_t events_count)
{
	unsigned char payload[DURABLE_PAYLOAD_BYTES] = { 0 };

	for (uint64_t i = 0; i < events_count; i++) {
		struct reprise_writer *const writer = writers[i % sessions_count];
		const struct reprise_new_event event =
			durable_event(1 + i / sessions_count, payload);
		reprise_status status;

		while ((status = reprise_append(writer, event.revision, event.kind, event.flags,
						event.payload, NULL)) == REPRISE_E_FULL)
			must(reprise_writer_wait_room(writer, REPRISE_NO_LIMIT), "no room");
		must(status, "append failed");
	}
}

void
durable_make_log(const struct harness *harness, const char *name, uint64_t events_count)
{
	struct durable durable;
	struct reprise_writer *writer;

	durable_open(harness, &durable, name, REPRISE_WRITTEN);
	writer = durable_session(&durable, "bench", REPRISE_WHEN_FULL_REFUSE);
	durable_feed(&writer, 1, events_count);
	reprise_writer_close(writer);
	durable_close(&durable);
}

struct reprise_cursor
durable_first_cursor(const struct durable *durable)
{
	const struct reprise_log_key key = { "default", "bench" };
	struct reprise_cursor cursor = { .session_id = "bench" };
	struct reprise_life life;
	size_t count = 0;

	if (reprise_log_lives(durable->log, &key, 0, &life, 1, &count, NULL) != REPRISE_OK ||
	    count != 1)
		harness_die("the log has no life");
	cursor.incarnation = life.incarnation;
	return cursor;
}

struct reprise_recorder_stats
durable_stats(const struct durable *durable)
{
	struct reprise_recorder_stats stats = { .size = sizeof(stats) };

	must(reprise_recorder_stats(durable->recorder, &stats), "no statistics");
	return stats;
}
