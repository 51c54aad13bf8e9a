/* SPDX-License-Identifier: MIT */

/* In place of the durable measurements, where there is no SQLite. */

#include "result.h"
#include "rows.h"

static void
skip(struct harness *harness, const char *name)
{
	result_skip(harness, name, "sqlite", "no SQLite (libsqlite3-dev)");
}

void
measure_record(struct harness *harness)
{
	skip(harness, "record");
}

void
measure_recording(struct harness *harness)
{
	skip(harness, "recording");
}

void
measure_heal(struct harness *harness)
{
	skip(harness, "heal");
}

void
measure_recovery(struct harness *harness)
{
	skip(harness, "recovery");
}

void
measure_wal(struct harness *harness)
{
	skip(harness, "wal");
}

void
measure_conversation(struct harness *harness)
{
	skip(harness, "conversation");
}

void
measure_opening(struct harness *harness)
{
	skip(harness, "opening");
}
