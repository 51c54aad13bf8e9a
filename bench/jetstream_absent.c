/* SPDX-License-Identifier: MIT */

/* In place of the measurements of a writer of buffered documents, where a library is missing. */

#include "result.h"
#include "rows.h"

void
measure_jetstream(struct harness *harness)
{
	result_skip(harness, "jetstream", "nats",
		    "no libnats, SQLite or jansson (libnats-dev, libsqlite3-dev, libjansson-dev)");
}
