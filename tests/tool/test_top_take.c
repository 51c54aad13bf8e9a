/* SPDX-License-Identifier: MIT */
/* V95: pages of sessions and metrics, as a gateway writes them, and as none should. */
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "tool/top_take.h"

SUITE(tool_top_take);

/* The last page of one entry. */
static bool
take(const char *page, struct top_sample *sample, char **ret_after)
{
	return top_take_page(page, strlen(page), sample, 7, ret_after);
}

Test(tool_top_take, V95_a_page_becomes_rows)
{
	static const char page[] =
		"{\"sessions\":[\n{\"id\":\"a\",\"oldest\":1,\"newest\":90,\"recorded\":80,"
		"\"ended\":false,\"status\":null,\"in_memory\":true,\"retained\":64,"
		"\"events_max\":64,\"bytes_max\":1024,\"has_writer\":true,\"subscriptions\":1,"
		"\"hosts\":3,\"behind\":5,\"headroom\":59,\"lost\":2,\"incarnation\":\"00\"},\n"
		"{\"id\":\"b\",\"newest\":9,\"recorded\":0,\"ended\":true,\"status\":-3,"
		"\"in_memory\":true,\"behind\":null,\"headroom\":null},"
		"{\"id\":\"c\",\"newest\":9,\"recorded\":9,\"ended\":false,\"in_memory\":false}],"
		"\n\"after\":\"c\",\"now_ms\":5}";
	struct top_sample *const sample = top_sample_new();
	char *after = NULL;

	cr_assert(take(page, sample, &after));
	cr_assert(eq(str, after, "c"));
	cr_assert(eq(sz, sample->rows_count, 3));
	const struct top_row *const rows = sample->rows;

	cr_assert(rows[0].newest == 90 && rows[0].taken_ns == 7 && rows[0].state == TOP_LIVE);
	cr_assert(rows[0].retained.number == 64 && rows[0].hosts.number == 3);
	cr_assert(rows[0].behind.number == 5 && rows[0].headroom.number == 59);
	cr_assert(rows[0].lost.number == 2);
	cr_assert(rows[0].lag.is_known && rows[0].lag.number == 10);
	cr_assert(rows[1].state == TOP_ENDED && rows[1].end_status == -3);
	cr_assert(not(rows[1].behind.is_known || rows[1].headroom.is_known));
	cr_assert(not(rows[1].hosts.is_known || rows[1].lag.is_known));
	cr_assert(rows[2].state == TOP_LOG_ONLY && rows[2].lag.is_known);
	cr_assert(rows[2].lag.number == 0);
	free(after);
	top_sample_free(sample);
}

Test(tool_top_take, V95_another_text_is_no_page)
{
	static const char *const texts[] = {
		"",
		"<html>",
		"[]",
		"{\"sessions\":null}x",
		"{}",
		"{\"sessions\":[{}]}",
		"{\"sessions\":[{\"id\":5}]}",
		"{\"sessions\":[{\"id\":\"b\"},{\"id\":\"a\"}]}",
		"{\"sessions\":[{\"id\":\"a\"},{\"id\":\"a\"}]}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct top_sample *const sample = top_sample_new();
		char *after = NULL;

		cr_assert(not(take(texts[i], sample, &after)), "%s", texts[i]);
		cr_assert(after == NULL);
		top_sample_free(sample);
	}
}

Test(tool_top_take, V95_numbers_that_are_none_are_unknown)
{
	static const char page[] =
		"{\"sessions\":[{\"id\":\"a\",\"newest\":-5,\"retained\":\"7\",\"hosts\":1.5,"
		"\"behind\":true,\"lost\":9223372036854775807}],\"after\":null}";
	struct top_sample *const sample = top_sample_new();
	char *after = NULL;

	cr_assert(take(page, sample, &after));
	cr_assert(after == NULL);
	const struct top_row *const row = &sample->rows[0];

	cr_assert(row->newest == 0 && !row->retained.is_known && !row->hosts.is_known);
	cr_assert(not(row->behind.is_known));
	cr_assert(row->lost.number == INT64_MAX);
	top_sample_free(sample);
}

Test(tool_top_take, V95_metrics_are_read_by_whole_names)
{
	static const char text[] = "# HELP reprise_gateway_streams Open streams of events.\n"
				   "# TYPE reprise_gateway_streams gauge\n"
				   "reprise_gateway_streams_more 9\n"
				   "reprise_gateway_streams 3\n"
				   "reprise_http_connections 12\n"
				   "reprise_gateway_events_appended_total 1000\n"
				   "reprise_gateway_events_lost_total 7";
	struct top_summary summary = { .has_metrics = false };

	top_take_metrics(text, &summary);
	cr_assert(summary.has_metrics);
	cr_assert(summary.streams.number == 3 && summary.connections.number == 12);
	cr_assert(summary.appended.number == 1000 && summary.lost.number == 7);
	cr_assert(not(summary.lag.is_known || summary.log_failures.is_known));
}

Test(tool_top_take, V95_a_rest_is_as_long_as_a_long_sample)
{
	cr_assert(eq(u64, top_rest_ms(1000, 10, TOP_TAKEN), 990));
	cr_assert(eq(u64, top_rest_ms(1000, 600, TOP_TAKEN), 600));
	cr_assert(eq(u64, top_rest_ms(1000, 6000, TOP_TAKEN), 6000));
	cr_assert(eq(u64, top_rest_ms(1000, 5000, TOP_NO_ANSWER), 1000));
}
