/* SPDX-License-Identifier: MIT */
#include "gateway_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <reprise/log_sqlite.h>
#include <reprise/recorder.h>

#include "stress.h"

static bool is_used;
static char folder[40];
static char path[64];
static struct reprise_log *log_of_store;
static struct reprise_recorder *recorder;

void
gateway_log_use(void)
{
	is_used = true;
}

bool
gateway_log_is_used(void)
{
	return is_used;
}

static reprise_status
open_log(void *context, struct reprise_log **ret_log, struct reprise_error *error)
{
	const struct reprise_log_sqlite_options file = { .size = sizeof(file), .path = path };

	(void)context;
	return reprise_log_sqlite_open(&file, ret_log, error);
}

void
gateway_log_attach(struct reprise_store *store)
{
	const struct reprise_recorder_options options = { .size = sizeof(options),
							  .deadline_ns = UINT64_C(60000000000) };

	if (!is_used)
		return;
	snprintf(folder, sizeof(folder), "/tmp/reprise-gateway-XXXXXX");
	CHECK(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/log", folder);
	CHECK_OK(open_log(NULL, &log_of_store, NULL));
	CHECK_OK(reprise_recorder_open(store, log_of_store, &options, &recorder, NULL));
}

void
gateway_log_detach(void)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-lock" };
	char name[80];

	if (!is_used)
		return;
	CHECK_OK(reprise_recorder_close(recorder));
	reprise_log_close(log_of_store);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		(void)unlink(name);
	}
	CHECK(rmdir(folder) == 0);
}

void
gateway_log_set(struct reprise_gateway_options *options)
{
	if (!is_used)
		return;
	options->recorder = recorder;
	options->open_log = open_log;
}
