/* SPDX-License-Identifier: MIT */

/* In place of the measurements of the gateway, where a library is missing. */

#include "result.h"
#include "rows.h"

void
measure_gateway(struct harness *harness)
{
	result_skip(harness, "gateway", "libevent",
		    "no libevent or SQLite (libevent-dev, libsqlite3-dev)");
}
