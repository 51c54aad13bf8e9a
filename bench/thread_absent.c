/* SPDX-License-Identifier: MIT */

/* In place of the measurements of thread documents, where SQLite or jansson is missing. */

#include "result.h"
#include "rows.h"

void
measure_thread(struct harness *harness)
{
	result_skip(harness, "thread", "sqlite",
		    "no SQLite or no jansson (libsqlite3-dev, libjansson-dev)");
}
