/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <reprise/log_sqlite.h>
#include <reprise/recorder.h>

#include "onward.h"
#include "stress.h"

const bool onward_has_log = true;

static char folder[] = "/tmp/reprise-onward-XXXXXX";
static char path[64];
static struct reprise_log *log_of_store;
static struct reprise_recorder *recorder;

void
onward_attach(struct reprise_store *store)
{
	const struct reprise_log_sqlite_options file = { .size = sizeof(file), .path = path };
	const struct reprise_recorder_options options = { .size = sizeof(options),
							  .deadline_ns = UINT64_C(60000000000) };

	CHECK(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/log", folder);
	CHECK_OK(reprise_log_sqlite_open(&file, &log_of_store, NULL));
	CHECK_OK(reprise_recorder_open(store, log_of_store, &options, &recorder, NULL));
}

void
onward_detach(void)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-lock" };
	char name[80];

	CHECK_OK(reprise_recorder_close(recorder));
	reprise_log_close(log_of_store);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		(void)unlink(name);
	}
	CHECK(rmdir(folder) == 0);
}
