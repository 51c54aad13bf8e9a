/* SPDX-License-Identifier: MIT */

/* batch: events appended together, over the same one by one; an event each. */

#include <reprise/reprise.h>

#include "result.h"
#include "rows.h"

enum {
	PAYLOAD_BYTES = 256,
	BATCH_MAX = 256,
	CHUNK = 1024, /* appends between two looks at the clock */
};

static unsigned char payload[PAYLOAD_BYTES];

static void
append_singly(struct reprise_writer *writer, size_t count)
{
	const struct reprise_bytes bytes = { payload, sizeof(payload) };

	for (size_t i = 0; i < count; i++)
		if (reprise_append(writer, 0, 1, 0, bytes, NULL) != REPRISE_OK)
			harness_die("append failed");
}

static void
append_together(struct reprise_writer *writer, size_t count, size_t batch)
{
	static struct reprise_new_event events[BATCH_MAX];

	for (size_t i = 0; i < batch; i++)
		events[i] = (struct reprise_new_event){ .kind = 1,
							.payload = { payload, sizeof(payload) } };
	for (size_t i = 0; i < count; i += batch)
		if (reprise_append_batch(writer, events, batch, NULL) != REPRISE_OK)
			harness_die("append failed");
}

/* ns an event */
static double
run(const struct harness *harness, size_t batch)
{
	struct reprise_store *store = NULL;
	struct reprise_writer *writer = NULL;
	uint64_t begin = 0, end, appended = 0;

	if (reprise_store_open(NULL, &store, NULL) != REPRISE_OK ||
	    reprise_writer_open(store, "bench", NULL, &writer, NULL) != REPRISE_OK)
		harness_die("open failed");
	harness_settle(writer);
	append_singly(writer, 20000);
	begin = now_ns();
	do {
		if (batch == 1)
			append_singly(writer, CHUNK);
		else
			append_together(writer, CHUNK, batch);
		appended += CHUNK;
		end = now_ns();
	} while ((double)(end - begin) < harness->run_ns / 2);
	reprise_writer_close(writer);
	if (reprise_store_close(store) != REPRISE_OK)
		harness_die("close failed");
	return (double)(end - begin) / (double)appended;
}

void
measure_batch(struct harness *harness)
{
	static const size_t batches[] = { 4, 16, 64, 256 };

	for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
		double together[RUNS_MAX], singly[RUNS_MAX], ratios[RUNS_MAX];
		size_t runs = 0;

		for (; runs < harness->runs && !harness_is_interrupted(); runs++) {
			singly[runs] = run(harness, 1);
			together[runs] = run(harness, batches[i]);
			ratios[runs] = together[runs] / singly[runs];
		}
		if (runs == 0)
			return;
		struct result result = { .name = "batch",
					 .unit = "ratio",
					 .values = ratios,
					 .runs = runs,
					 .ns = median_of(together, runs),
					 .over_ns = median_of(singly, runs) };

		snprintf(
			result.parameters, sizeof(result.parameters),
			"\"side\":\"reprise\",\"payload\":%d,\"batch\":%zu,\"over\":\"one by one\"",
			PAYLOAD_BYTES, batches[i]);
		result_print(harness, &result);
	}
}
