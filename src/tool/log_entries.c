/* SPDX-License-Identifier: MIT */
#include "tool/log_entries.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "tool/log_output.h"
#include "tool/log_text.h"

enum {
	ENTRIES_A_PAGE = 1000,
	EXCERPT_CHARACTERS = 60,
	LOOK_MS = 200,
	RANGE_ROOM = 48,
	TIME_ROOM = 64,
};

/* The state of a command that prints entries in order. */
struct printing {
	const struct log_request *request;
	struct reprise_log *log;
	struct reprise_log_key key;
	struct reprise_log_page *page;
	reprise_log_kind kind;
	reprise_ordinal after; /* the last printed ordinal */
	reprise_ordinal until; /* the last ordinal to print */
	uint64_t left;         /* the greatest number of entries */
};

static volatile sig_atomic_t is_interrupted;

static void
interrupt(int number)
{
	(void)number;
	is_interrupted = 1;
}

static void
catch_signals(void)
{
	const struct sigaction action = { .sa_handler = interrupt };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static void
print_heading(const struct log_request *request)
{
	if (!request->is_json)
		printf("%12s  %-23s  %5s  %5s  %10s  %9s  %s\n", "ordinal", "time (UTC)", "kind",
		       "flags", "revision", "bytes", "payload");
}

static void
print_range(reprise_ordinal first, reprise_ordinal last, const char *time, const char *what)
{
	char range[RANGE_ROOM];

	snprintf(range, sizeof(range), "%" PRIu64 "..%" PRIu64, first, last);
	printf("%12s  %-23s  %s", range, time, what);
}

/* The range between the last printed ordinal and the next entry is archived. */
static void
print_archived(const struct log_request *request, reprise_ordinal first, reprise_ordinal last)
{
	if (request->is_json) {
		printf("{\"type\":\"archived\"");
		log_text_member(stdout, "first", first);
		log_text_member(stdout, "last", last);
		printf("}\n");
		return;
	}
	print_range(first, last, "", "archived\n");
}

static void
print_gap(const struct reprise_log_entry *entry)
{
	char time[TIME_ROOM];

	log_text_time(time, sizeof(time), entry->time_ns, ' ', 3);
	print_range(entry->first, entry->last, time, "");
	printf("gap: %" PRIu64 " events lost (%s)\n", entry->last - entry->first + 1,
	       reprise_log_gap_reason_name(entry->reason));
}

static void
print_row(const struct reprise_log_entry *entry)
{
	char time[TIME_ROOM];

	if (entry->type == REPRISE_LOG_GAP) {
		print_gap(entry);
		return;
	}
	log_text_time(time, sizeof(time), entry->time_ns, ' ', 3);
	printf("%12" PRIu64 "  %-23s  %5u   %04x  %10" PRIu64 "  %9zu  ", entry->first, time,
	       entry->kind, entry->flags, entry->revision, entry->payload.size);
	log_text_escaped(stdout, entry->payload.data, entry->payload.size, EXCERPT_CHARACTERS);
	putchar('\n');
}

static void
print_payload(const struct reprise_bytes *payload)
{
	if (log_text_is_utf8(payload->data, payload->size)) {
		printf(",\"payload\":");
		log_text_json(stdout, payload->data, payload->size);
		return;
	}
	printf(",\"payload_base64\":\"");
	log_text_base64(stdout, payload->data, payload->size);
	putchar('"');
}

static void
print_object(const struct reprise_log_entry *entry, reprise_log_kind kind)
{
	const bool is_gap = entry->type == REPRISE_LOG_GAP;
	char time[TIME_ROOM];

	log_text_time(time, sizeof(time), entry->time_ns, 'T', 9);
	if (is_gap) {
		printf("{\"type\":\"gap\"");
		log_text_member(stdout, "first", entry->first);
		log_text_member(stdout, "last", entry->last);
		log_text_member(stdout, "lost", entry->last - entry->first + 1);
		printf(",\"reason\":\"%s\"", reprise_log_gap_reason_name(entry->reason));
	} else {
		printf("{\"type\":\"event\"");
		log_text_member(stdout, "ordinal", entry->first);
		printf(",\"kind\":%u,\"flags\":%u", entry->kind, entry->flags);
		log_text_member(stdout, "revision", entry->revision);
		printf(",\"bytes\":%zu", entry->payload.size);
	}
	printf(",\"time\":\"%sZ\",\"life\":", time);
	if (kind == REPRISE_LOG_RING) {
		putchar('"');
		log_text_incarnation(stdout, &entry->life);
		putchar('"');
	} else {
		printf("null");
	}
	if (!is_gap)
		print_payload(&entry->payload);
	printf("}\n");
}

static void
print_entry(struct printing *printing, const struct reprise_log_entry *entry)
{
	if (entry->first > printing->after + 1)
		print_archived(printing->request, printing->after + 1, entry->first - 1);
	if (printing->request->is_json)
		print_object(entry, printing->kind);
	else
		print_row(entry);
	printing->after = entry->last;
	printing->left--;
}

static bool
say_failure(const struct printing *printing, reprise_status status,
	    const struct reprise_error *error)
{
	log_say_failure(printing->request->name, printing->key.thread, status, error);
	return false;
}

/* Prints the entries within the bounds. False: the log failed. */
static bool
print_all(struct printing *printing)
{
	struct reprise_error error = { .size = sizeof(error) };
	size_t count = 1;

	while (count > 0 && printing->left > 0 && printing->after < printing->until &&
	       !is_interrupted) {
		const uint64_t limit =
			printing->left < ENTRIES_A_PAGE ? printing->left : ENTRIES_A_PAGE;
		const reprise_status status =
			reprise_log_load_after(printing->log, &printing->key, printing->after,
					       limit, 0, printing->page, &error);

		if (status != REPRISE_OK)
			return say_failure(printing, status, &error);
		const struct reprise_log_entry *const entries =
			reprise_log_page_entries(printing->page, &count);

		for (size_t i = 0; i < count && entries[i].first <= printing->until; i++)
			print_entry(printing, &entries[i]);
		if (!log_output_flush())
			break;
	}
	return true;
}

/* False: the log has no such thread, and stderr has the reason. */
static bool
begin(struct printing *printing, const struct log_request *request, struct reprise_log *log,
      struct reprise_log_stats *ret_stats)
{
	struct reprise_error error = { .size = sizeof(error) };

	*printing = (struct printing){ .request = request,
				       .log = log,
				       .key = { request->tenant, request->threads[0] },
				       .left = UINT64_MAX };
	ret_stats->size = sizeof(*ret_stats);
	reprise_status status = reprise_log_stats(log, &printing->key, ret_stats, &error);

	if (status == REPRISE_OK)
		status = reprise_log_page_open(&printing->page);
	if (status != REPRISE_OK)
		return say_failure(printing, status, &error);
	printing->until = ret_stats->head;
	printing->kind = ret_stats->kind;
	print_heading(request);
	return true;
}

bool
log_entries_cat(const struct log_request *request, struct reprise_log *log)
{
	struct printing printing;
	struct reprise_log_stats stats;

	if (!begin(&printing, request, log, &stats))
		return false;
	printing.after = request->after;
	printing.left = request->limit;
	if (stats.watermark > request->after) {
		print_archived(request, request->after + 1, stats.watermark);
		printing.after = stats.watermark;
	}
	const bool is_good = print_all(&printing);

	reprise_log_page_close(printing.page);
	return is_good;
}

bool
log_entries_tail(const struct log_request *request, struct reprise_log *log)
{
	struct printing printing;
	struct reprise_log_stats stats;

	if (!begin(&printing, request, log, &stats))
		return false;
	printing.after = stats.head > request->last ? stats.head - request->last : 0;
	if (printing.after < stats.watermark)
		printing.after = stats.watermark;
	if (request->follows) {
		printing.until = UINT64_MAX;
		catch_signals();
	}
	bool is_good = print_all(&printing);

	while (is_good && request->follows && !is_interrupted && log_output_flush() &&
	       log_output_wait(LOOK_MS))
		is_good = print_all(&printing);
	reprise_log_page_close(printing.page);
	return is_good;
}
