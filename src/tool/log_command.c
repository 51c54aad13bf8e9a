/* SPDX-License-Identifier: MIT */
#include "tool/log_command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <reprise/log_upkeep.h>

#include "tool/arguments.h"
#include "tool/log_entries.h"
#include "tool/log_output.h"
#include "tool/log_text.h"
#include "tool/log_upkeep.h"

/* The state while all threads are visited. */
struct visiting {
	const struct log_request *request;
	struct reprise_log *log;
	bool is_good; /* nothing failed, and no fault was found */
};

/* The library refuses an unknown kind; a later library may know more kinds (rule T02). */
static const char *
kind_name(reprise_log_kind kind)
{
	switch (kind) {
	case REPRISE_LOG_DIRECT:
		return "direct";
	case REPRISE_LOG_RING:
		return "ring";
	}
	return "unknown";
}

/* The database may hold any bytes in the place of a name. */
static void
print_name(const char *thread)
{
	log_text_escaped(stdout, thread, strlen(thread), SIZE_MAX);
}

static void
list_object(const struct reprise_log_key *key, const struct reprise_log_stats *stats)
{
	printf("{\"thread\":");
	log_text_json(stdout, key->thread, strlen(key->thread));
	printf(",\"kind\":\"%s\"", kind_name(stats->kind));
	log_text_member(stdout, "head", stats->head);
	log_text_member(stdout, "watermark", stats->watermark);
	log_text_member(stdout, "lives", stats->lives);
	if (stats->lives > 0) {
		printf(",\"life\":{\"incarnation\":\"");
		log_text_incarnation(stdout, &stats->life.incarnation);
		putchar('"');
		log_text_member(stdout, "first", stats->life.first);
		log_text_member(stdout, "end", stats->life.end);
		printf(",\"state\":\"%s\"}", reprise_life_state_name(stats->life.state));
	} else {
		printf(",\"life\":null");
	}
	if (stats->has_ended) {
		printf(",\"ended\":{\"status\":%" PRId32, stats->end_status);
		log_text_member(stdout, "ordinal", stats->end_ordinal);
		printf("}}\n");
	} else {
		printf(",\"ended\":null}\n");
	}
}

static void
list_row(const struct reprise_log_key *key, const struct reprise_log_stats *stats)
{
	char ended[16] = "-";

	if (stats->has_ended)
		snprintf(ended, sizeof(ended), "%" PRId32, stats->end_status);
	printf("%-6s  %12" PRIu64 "  %12" PRIu64 "  %5" PRIu64 "  %-11s  %10s  ",
	       kind_name(stats->kind), stats->head, stats->watermark, stats->lives,
	       stats->lives > 0 ? reprise_life_state_name(stats->life.state) : "-", ended);
	print_name(key->thread);
	putchar('\n');
}

static bool
list_one(const struct reprise_log_key *key, void *context)
{
	struct visiting *const visiting = context;
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_error error = { .size = sizeof(error) };
	const reprise_status status = reprise_log_stats(visiting->log, key, &stats, &error);

	if (status != REPRISE_OK) {
		log_say_failure("log ls", key->thread, status, &error);
		visiting->is_good = false;
	} else if (visiting->request->is_json) {
		list_object(key, &stats);
	} else {
		list_row(key, &stats);
	}
	return true;
}

static void
verify_print(const struct log_request *request, const char *thread,
	     const struct reprise_log_report *report)
{
	if (request->is_json) {
		printf("{\"thread\":");
		log_text_json(stdout, thread, strlen(thread));
		log_text_member(stdout, "events", report->events);
		log_text_member(stdout, "gaps", report->gaps);
		log_text_member(stdout, "lost", report->lost);
		log_text_member(stdout, "blobs", report->blobs);
		log_text_member(stdout, "faults", report->faults);
		if (report->faults > 0) {
			log_text_member(stdout, "at", report->at);
			printf(",\"what\":");
			log_text_json(stdout, report->what, strlen(report->what));
		}
		printf("}\n");
		return;
	}
	print_name(thread);
	printf(": %" PRIu64 " events, %" PRIu64 " gaps (%" PRIu64 " lost), %" PRIu64
	       " blobs, %" PRIu64 " faults",
	       report->events, report->gaps, report->lost, report->blobs, report->faults);
	if (report->faults > 0) {
		printf("; the first at ordinal %" PRIu64 ": ", report->at);
		print_name(report->what);
	}
	putchar('\n');
}

static bool
verify_one(const struct reprise_log_key *key, void *context)
{
	struct visiting *const visiting = context;
	struct reprise_log_report report = { .size = sizeof(report) };
	struct reprise_error error = { .size = sizeof(error) };
	const reprise_status status = reprise_log_verify(visiting->log, key, &report, &error);

	if (status == REPRISE_OK)
		verify_print(visiting->request, key->thread, &report);
	else
		log_say_failure("log verify", key->thread, status, &error);
	if (status != REPRISE_OK || report.faults > 0)
		visiting->is_good = false;
	return true;
}

static bool
visit_all(const struct log_request *request, struct reprise_log *log, reprise_log_visit visit)
{
	struct visiting visiting = { .request = request, .log = log, .is_good = true };
	struct reprise_error error = { .size = sizeof(error) };
	const reprise_status status =
		reprise_log_each(log, request->tenant, visit, &visiting, &error);

	if (status == REPRISE_OK)
		return visiting.is_good;
	log_say_failure(request->name, NULL, status, &error);
	return false;
}

static bool
list(const struct log_request *request, struct reprise_log *log)
{
	if (!request->is_json)
		printf("%-6s  %12s  %12s  %5s  %-11s  %10s  %s\n", "kind", "last ordinal",
		       "archived to", "lives", "last life", "end status", "thread");
	return visit_all(request, log, list_one);
}

static bool
print_tenant(const char *tenant, void *context)
{
	const struct log_request *const request = context;

	if (request->is_json) {
		printf("{\"tenant\":");
		log_text_json(stdout, tenant, strlen(tenant));
		printf("}\n");
	} else {
		print_name(tenant);
		putchar('\n');
	}
	return true;
}

static bool
list_tenants(const struct log_request *request, struct reprise_log *log)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct log_request copy = *request;
	const reprise_status status = reprise_log_tenants(log, print_tenant, &copy, &error);

	if (status == REPRISE_OK)
		return true;
	log_say_failure("log tenants", NULL, status, &error);
	return false;
}

static bool
verify(const struct log_request *request, struct reprise_log *log)
{
	struct visiting visiting = { .request = request, .log = log, .is_good = true };
	struct reprise_error error = { .size = sizeof(error) };
	const reprise_status status = log_place_verify(&request->place, log, &error);

	if (status != REPRISE_OK) {
		log_say_failure("log verify", NULL, status, &error);
		visiting.is_good = false;
	}
	if (request->threads_count == 0)
		return visit_all(request, log, verify_one) && visiting.is_good;
	for (int i = 0; i < request->threads_count; i++) {
		const struct reprise_log_key key = { request->tenant, request->threads[i] };

		(void)verify_one(&key, &visiting);
	}
	return visiting.is_good;
}

static bool
run(const struct log_request *request, struct reprise_log *log)
{
	switch (request->verb) {
	case LOG_VERB_LS:
		return list(request, log);
	case LOG_VERB_CAT:
		return log_entries_cat(request, log);
	case LOG_VERB_TAIL:
		return log_entries_tail(request, log);
	case LOG_VERB_ARCHIVE:
		return log_upkeep_archive(request, log);
	case LOG_VERB_FORK:
		return log_upkeep_fork(request, log);
	case LOG_VERB_DROP:
		return log_upkeep_drop(request, log);
	case LOG_VERB_PRUNE:
		return log_upkeep_prune(request, log);
	case LOG_VERB_ERASE:
		return log_upkeep_erase(request, log);
	case LOG_VERB_TENANTS:
		return list_tenants(request, log);
	case LOG_VERB_VERIFY:
		return verify(request, log);
	case LOG_VERB_CONVERSATION_LS:
	case LOG_VERB_CONVERSATION_SHOW:
	case LOG_VERB_THREAD_LS:
	case LOG_VERB_THREAD_CAT:
	case LOG_VERB_THREAD_DELTAS:
	case LOG_VERB_THREAD_RECOVER:
	case LOG_VERB_THREAD_DEAD:
		break; /* conversation_command.c, thread_command.c */
	}
	return false;
}

static bool
changes(enum log_verb verb)
{
	return verb == LOG_VERB_ARCHIVE || verb == LOG_VERB_FORK || verb == LOG_VERB_DROP ||
	       verb == LOG_VERB_PRUNE || verb == LOG_VERB_ERASE;
}

int
log_command(int argc, char **argv)
{
	struct log_request request;
	struct reprise_log *log = NULL;
	struct reprise_error error = { .size = sizeof(error) };

	if (!log_request_parse(argc, argv, &request)) {
		fputs("Run 'reprise log --help' for the arguments.\n", stderr);
		return EXIT_USAGE;
	}
	log_output_begin();
	const reprise_status status = log_place_open(
		&request.place, changes(request.verb) ? LOG_ACCESS_WRITE : LOG_ACCESS_READ, &log,
		&error);

	if (status != REPRISE_OK) {
		log_say_failure(request.name, NULL, status, &error);
		return 1;
	}
	const bool is_good = run(&request, log);

	reprise_log_close(log);
	return log_output_end(is_good ? 0 : 1);
}
