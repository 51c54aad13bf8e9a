/* SPDX-License-Identifier: MIT */

/* In place of the measurements of the gateway, where a library is missing. */

#include "result.h"
#include "rows.h"

static void
skip(struct harness *harness, const char *name)
{
	result_skip(harness, name, "libevent",
		    "no libevent or SQLite (libevent-dev, libsqlite3-dev)");
}

void
measure_gateway_idle(struct harness *harness)
{
	skip(harness, "gateway-idle");
}

void
measure_gateway_fanout(struct harness *harness)
{
	skip(harness, "gateway-fanout");
}

void
measure_gateway_live(struct harness *harness)
{
	skip(harness, "gateway-live");
}

void
measure_gateway_post(struct harness *harness)
{
	skip(harness, "gateway-post");
}

void
measure_gateway_told(struct harness *harness)
{
	skip(harness, "gateway-told");
}

void
measure_gateway_durable_read(struct harness *harness)
{
	skip(harness, "gateway-durable-read");
}

void
measure_gateway_durable_append(struct harness *harness)
{
	skip(harness, "gateway-durable-append");
}

void
measure_gateway_durable_memory(struct harness *harness)
{
	skip(harness, "gateway-durable-memory");
}
