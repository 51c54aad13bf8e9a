/* SPDX-License-Identifier: MIT */

/*
 * Rows of every table of a log, damaged, and then every call and every command that reads them
 * (rules L20, L21, T02). Byte 0 says whether the checksums are right again (bit 0), and whether
 * writes follow (bit 1); then come the changes (damage.h). Without mended checksums each change is
 * told, or changes no answer. With them, no answer has a number that its type does not have, and
 * every call ends.
 */

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <reprise/log_blob.h>
#include <reprise/log_sqlite.h>
#include <reprise/log_upkeep.h>

#include "damage.h"
#include "fuzz.h"
#include "reading.h"
#include "tool/log_command.h"

enum {
	CHANGES_MAX = 32,
	FILE_BYTES_MAX = 1 << 20,
	NAME_BYTES = 256,
};

/* The log as it was filled, and what it answers. */
static struct template
{
	char folder[NAME_BYTES];
	char path[NAME_BYTES + 8];
	unsigned char bytes[FILE_BYTES_MAX];
	size_t bytes_count;
	struct reading reading;
}
whole;

static const char *const sides[] = { "", "-wal", "-shm", "-lock" };

static void
remove_files(void)
{
	for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]); i++) {
		char name[NAME_BYTES + 16];

		snprintf(name, sizeof(name), "%s%s", whole.path, sides[i]);
		(void)unlink(name);
	}
}

static void
remove_all(void)
{
	remove_files();
	(void)rmdir(whole.folder);
}

static reprise_status
open_log(bool is_read_only, struct reprise_log **ret_log)
{
	const struct reprise_log_sqlite_options options = { .size = sizeof(options),
							    .path = whole.path,
							    .durability = REPRISE_WRITTEN,
							    .is_read_only = is_read_only };

	return reprise_log_sqlite_open(&options, ret_log, NULL);
}

static void
make_template(void)
{
	const char *const above = getenv("TMPDIR");
	struct reprise_log *log = NULL;

	snprintf(whole.folder, sizeof(whole.folder), "%s/reprise-fuzz-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm"
		 : above != NULL               ? above
					       : "/tmp");
	MUST(mkdtemp(whole.folder) != NULL);
	snprintf(whole.path, sizeof(whole.path), "%s/log", whole.folder);
	MUST(atexit(remove_all) == 0);
	MUST(open_log(false, &log) == REPRISE_OK);
	MUST(reading_fill(log));
	whole.reading = reading_of(log);
	MUST(!whole.reading.is_told);
	reprise_log_close(log);
	FILE *const file = fopen(whole.path, "rb");

	MUST(file != NULL);
	whole.bytes_count = fread(whole.bytes, 1, sizeof(whole.bytes), file);
	MUST(whole.bytes_count < sizeof(whole.bytes));
	fclose(file);
}

static void
restore_template(void)
{
	remove_files();
	FILE *const file = fopen(whole.path, "wb");

	MUST(file != NULL);
	MUST(fwrite(whole.bytes, 1, whole.bytes_count, file) == whole.bytes_count);
	MUST(fclose(file) == 0);
}

/* Every enumeration that a call hands out has one of its own values. */
static void
check_lives(struct reprise_log *log, const struct reprise_log_key *key)
{
	struct reprise_life lives[8];
	size_t count = 0;

	if (reprise_log_lives(log, key, 0, lives, 8, &count, NULL) != REPRISE_OK)
		return;
	for (size_t i = 0; i < count; i++)
		MUST(lives[i].state >= REPRISE_LIFE_OPEN &&
		     lives[i].state <= REPRISE_LIFE_INVALIDATED);
}

static void
check_entries(struct reprise_log *log, const struct reprise_log_key *key)
{
	struct reprise_log_page *page = NULL;
	size_t count = 0;

	MUST(reprise_log_page_open(&page) == REPRISE_OK);
	if (reprise_log_load_after(log, key, 0, 1000, 0, page, NULL) == REPRISE_OK) {
		const struct reprise_log_entry *const entries =
			reprise_log_page_entries(page, &count);

		for (size_t i = 0; i < count; i++) {
			MUST(entries[i].type == REPRISE_LOG_EVENT ||
			     entries[i].type == REPRISE_LOG_GAP);
			MUST(entries[i].reason <= REPRISE_LOG_GAP_TOO_LARGE);
			MUST(entries[i].first <= entries[i].last);
		}
	}
	reprise_log_page_close(page);
}

static void
check_key(struct reprise_log *log, const char *thread)
{
	const struct reprise_log_key key = { "t", thread };
	struct reprise_log_stats stats = { .size = sizeof(stats) };

	if (reprise_log_stats(log, &key, &stats, NULL) == REPRISE_OK) {
		MUST(stats.kind == REPRISE_LOG_DIRECT || stats.kind == REPRISE_LOG_RING);
		MUST(stats.has_ended == 0 || stats.has_ended == 1);
		MUST(stats.lives == 0 || (stats.life.state >= REPRISE_LIFE_OPEN &&
					  stats.life.state <= REPRISE_LIFE_INVALIDATED));
	}
	check_lives(log, &key);
	check_entries(log, &key);
}

/* Into nothing: libFuzzer and this process keep their own output. */
static void
run_command(char **arguments)
{
	int argc = 0;
	const int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
	const int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);

	while (arguments[argc] != NULL)
		argc++;
	MUST(nothing >= 0 && out >= 0 && err >= 0);
	fflush(stdout);
	MUST(dup2(nothing, STDOUT_FILENO) >= 0 && dup2(nothing, STDERR_FILENO) >= 0);
	const int status = log_command(argc, arguments);

	fflush(stdout);
	MUST(dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0);
	close(nothing);
	close(out);
	close(err);
	MUST(status == 0 || status == 1);
}

static void
run_commands(bool writes)
{
	char *const place = whole.path;
	char *commands[][10] = {
		{ "log", "ls", "--file", place, "--tenant", "t", NULL },
		{ "log", "ls", "--file", place, "--tenant", "t", "--json", NULL },
		{ "log", "cat", "--file", place, "--tenant", "t", "ring", NULL },
		{ "log", "cat", "--file", place, "--tenant", "t", "direct", "--json", NULL },
		{ "log", "tail", "--file", place, "--tenant", "t", "ring", "--json", NULL },
		{ "log", "verify", "--file", place, "--tenant", "t", "--json", NULL },
		{ "log", "archive", "--file", place, "--tenant", "t", "ring", "--before=90", NULL },
		{ "log", "archive", "--file", place, "--tenant", "t", "direct", "--before=90",
		  NULL },
	};
	const size_t count = sizeof(commands) / sizeof(commands[0]) - (writes ? 0 : 2);

	for (size_t i = 0; i < count; i++)
		run_command(commands[i]);
}

/* Damaged keys are copied, pruned, dropped and erased. */
static void
change_keys(struct reprise_log *log, const char *thread)
{
	const struct reprise_log_key key = { "t", thread };
	const struct reprise_log_retention retention = {
		.size = sizeof(retention), .entries_max = 3, .bytes_max = 100, .includes_direct = 1
	};
	const struct reprise_log_key copy = { "t", "a copy" };
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_log_pruned pruned = { .size = sizeof(pruned) };

	if (reprise_log_stats(log, &key, &stats, NULL) == REPRISE_OK)
		(void)!reprise_log_fork(log, &key, &copy, stats.head, NULL);
	(void)!reprise_log_prune(log, "t", &retention, &pruned, NULL);
	(void)!reprise_log_drop(log, &key, true, NULL, NULL);
	(void)!reprise_log_erase(log, &copy, REPRISE_LOG_ERASE_NO_VACUUM, NULL, NULL);
	(void)!reprise_log_erase(log, &key, REPRISE_LOG_ERASE_OPEN | REPRISE_LOG_ERASE_NO_VACUUM,
				 NULL, NULL);
}

/* An append to each key, and blobs: refused or taken, and the log can be read afterwards. */
static void
append_something(struct reprise_log *log)
{
	const struct reprise_log_key ring = { "t", "ring" }, direct = { "t", "direct" };
	const struct reprise_log_new_entry entry = { .revision = 5000, .flags = 1 };
	const struct reprise_bytes bytes = { "new", 3 };

	(void)!reprise_log_append(log, &ring, NULL, &entry, 1, NULL, NULL);
	(void)!reprise_log_append(log, &direct, NULL, &entry, 1, NULL, NULL);
	(void)!reprise_log_blob_put(log, &direct, NULL, "b", bytes, NULL);
	(void)!reprise_log_blob_put(log, &direct, NULL, "c", bytes, NULL);
	(void)reading_of(log);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_count)
{
	struct reprise_log *log = NULL;

	if (bytes_count < 1 + DAMAGE_BYTES)
		return 0;
	if (whole.path[0] == '\0')
		make_template();
	const bool mends = (bytes[0] & 1) != 0, writes = (bytes[0] & 2) != 0;
	const bool changes = writes && (bytes[0] & 4) != 0;

	if (bytes_count > 1 + CHANGES_MAX * DAMAGE_BYTES)
		bytes_count = 1 + CHANGES_MAX * DAMAGE_BYTES;
	restore_template();
	damage_file(whole.path, bytes + 1, bytes_count - 1, mends);
	if (open_log(!writes, &log) == REPRISE_OK) {
		const struct reading reading = reading_of(log);

		MUST(mends || reading.is_told || reading.answers == whole.reading.answers);
		check_key(log, "ring");
		check_key(log, "direct");
		if (writes)
			append_something(log);
		if (changes) {
			change_keys(log, "ring");
			change_keys(log, "direct");
		}
	}
	reprise_log_close(log);
	run_commands(writes);
	return 0;
}
