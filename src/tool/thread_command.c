/* SPDX-License-Identifier: MIT */
/*
 * `reprise thread`: prints a store of thread documents and the buffer before the store (T07, T08).
 */
#include "tool/thread_command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tool/arguments.h"
#include "tool/log_request.h"

const char thread_usage[] =
	"usage: reprise thread ls      PLACE\n"
	"       reprise thread cat     PLACE ID\n"
	"       reprise thread deltas  PLACE ID [--after N] [--limit N]\n"
	"       reprise thread recover PLACE --nats URL[,URL ...] [BUFFER]\n"
	"       reprise thread dead    PLACE --nats URL[,URL ...] [BUFFER] [--after N | --drop N]\n"
	"\n"
	"PLACE is --file PATH (SQLite) or --postgres CONNINFO [--schema NAME].\n"
	"\n"
	"ls       lists the thread documents: version, uid and id\n"
	"cat      prints a document as JSON\n"
	"deltas   prints the deltas that the store keeps of a document: version and JSON per line\n"
	"recover  applies the deltas in NATS JetStream to their documents, for a writer that died\n"
	"dead     prints the dead letters: buffered deltas that belong to no document\n"
	"\n"
	"  --json      prints one JSON object per line; a number of 2^53 or more is a string\n"
	"  --after N   deltas: only versions above N (default: all kept deltas); dead: only\n"
	"              letters with a sequence above N\n"
	"  --limit N   at most N deltas (default: all)\n"
	"  --drop N    removes the letter with the sequence N for good\n"
	"\n"
	"BUFFER must be the settings of the writers that fill the buffer. recover and dead create\n"
	"missing streams, and fail if the streams have other settings.\n"
	"\n"
	"  --credentials FILE            a file with a JWT and its seed\n"
	"  --user NAME --password-file FILE | --token-file FILE\n"
	"                                the first line of the file is the secret\n"
	"  --tls-ca FILE, --tls-cert FILE --tls-key FILE\n"
	"  --stream NAME, --subject NAME (default: THREAD_DELTAS, thread)\n"
	"  --replicas N, --max-bytes N   of each stream (default: 1, 1 GiB)\n"
	"  --max-age MS                  milliseconds that a delta is kept (default: no limit)\n"
	"  --deadline MS                 milliseconds for each call to the server (default: 5000)\n"
	"  --horizon MS                  milliseconds that the store remembers a delta (default:\n"
	"                                7 days)\n"
	"\n"
	"Exit status: 0 success; 1 a document or delta is damaged, lost, not kept or a new dead\n"
	"letter, or the command failed; 2 wrong arguments.\n";

#ifdef TOOL_HAS_THREAD

#include <reprise/thread_load.h>

#include "tool/log_output.h"
#include "tool/log_text.h"
#include "tool/thread_place.h"
#include "tool/thread_upkeep.h"

enum {
	DELTAS_AT_A_TIME = 1000,
};

/* The state of a command. */
struct looking {
	const struct log_request *request;
	const char *id; /* or NULL */
	struct reprise_thread_store *store;
	struct reprise_thread_page *page;
	struct reprise_error error;
	bool is_incomplete; /* deltas are not kept, were lost, or became dead letters */
};

static void
print_entry(const struct reprise_thread_entry *entry, bool is_json)
{
	if (!is_json) {
		printf("%12" PRIu64 "  %s  ", entry->version, entry->uid);
		log_text_escaped(stdout, entry->id, strlen(entry->id), SIZE_MAX);
		putchar('\n');
		return;
	}
	printf("{\"thread\":");
	log_text_json(stdout, entry->id, strlen(entry->id));
	printf(",\"uid\":\"%s\"", entry->uid);
	log_text_member(stdout, "version", entry->version);
	printf("}\n");
}

static reprise_status
list(struct looking *looking)
{
	const bool is_json = looking->request->is_json;
	struct reprise_thread_list list = { .size = sizeof(list), .has_more = 1 };
	uint64_t offset = 0;

	if (!is_json)
		printf("%12s  %-32s  %s\n", "version", "uid", "thread");
	while (list.has_more && log_output_flush()) {
		const reprise_status status =
			reprise_thread_list(looking->store, offset, REPRISE_THREAD_LIMIT_MAX,
					    looking->page, &list, &looking->error);

		if (status != REPRISE_OK)
			return status;
		for (size_t i = 0; i < list.entries_count; i++)
			print_entry(&list.entries[i], is_json);
		offset += list.entries_count;
	}
	return REPRISE_OK;
}

static reprise_status
cat(struct looking *looking)
{
	struct reprise_thread_document document = { .size = sizeof(document) };
	const reprise_status status = reprise_thread_load(
		looking->store, looking->id, looking->page, &document, &looking->error);

	if (status != REPRISE_OK)
		return status;
	log_text_json_as_is(stdout, document.json.data, document.json.size);
	putchar('\n');
	return REPRISE_OK;
}

static void
print_delta(const struct reprise_thread_delta *delta, bool is_json)
{
	if (!is_json) {
		printf("%12" PRIu64 "  ", delta->version);
		log_text_json_as_is(stdout, delta->json.data, delta->json.size);
		putchar('\n');
		return;
	}
	printf("{\"delta\":");
	log_text_json_as_is(stdout, delta->json.data, delta->json.size);
	log_text_member(stdout, "version", delta->version);
	printf("}\n");
}

static void
tell_gap(struct looking *looking, uint64_t version)
{
	fprintf(stderr,
		"reprise thread deltas: the deltas up to version %" PRIu64 " are not kept\n",
		version);
	looking->is_incomplete = true;
}

/* Prints one page of deltas, and moves @after and @left on. */
static reprise_status
print_deltas(struct looking *looking, uint64_t *after, uint64_t *left, bool *ret_goes_on)
{
	struct reprise_thread_deltas deltas = { .size = sizeof(deltas) };
	const uint64_t limit = *left < DELTAS_AT_A_TIME ? *left : DELTAS_AT_A_TIME;
	const reprise_status status =
		reprise_thread_load_deltas(looking->store, looking->id, *after, limit, 0,
					   looking->page, &deltas, &looking->error);

	if (status != REPRISE_OK)
		return status;
	for (size_t i = 0; i < deltas.deltas_count; i++)
		print_delta(&deltas.deltas[i], looking->request->is_json);
	if (deltas.has_gap) {
		/* Without --after the command prints the kept deltas, and a gap is no fault. */
		if (looking->request->has_after || *after != 0)
			tell_gap(looking, deltas.complete_after);
		*after = deltas.complete_after;
	} else if (deltas.deltas_count != 0) {
		*after = deltas.deltas[deltas.deltas_count - 1].version;
	}
	*left -= deltas.deltas_count;
	*ret_goes_on = (deltas.has_gap || deltas.has_more) && *left > 0;
	return REPRISE_OK;
}

static reprise_status
list_deltas(struct looking *looking)
{
	uint64_t after = looking->request->after, left = looking->request->limit;
	reprise_status status = REPRISE_OK;

	for (bool goes_on = left > 0; goes_on && status == REPRISE_OK && log_output_flush();)
		status = print_deltas(looking, &after, &left, &goes_on);
	return status;
}

static reprise_status
keep_up(struct looking *looking)
{
	reprise_status status = REPRISE_OK;

	looking->is_incomplete =
		!thread_upkeep_run(looking->request, looking->store, &status, &looking->error);
	return status;
}

static reprise_status
look(struct looking *looking)
{
	if (looking->request->verb == LOG_VERB_THREAD_RECOVER ||
	    looking->request->verb == LOG_VERB_THREAD_DEAD)
		return keep_up(looking);
	if (looking->request->verb == LOG_VERB_THREAD_LS)
		return list(looking);
	if (looking->request->verb == LOG_VERB_THREAD_CAT)
		return cat(looking);
	return list_deltas(looking);
}

int
thread_command(int argc, char **argv)
{
	struct log_request request;
	struct looking looking = { .request = &request, .error.size = sizeof(looking.error) };

	if (!log_request_parse(argc, argv, &request)) {
		fputs("Run 'reprise thread --help' for the arguments.\n", stderr);
		return EXIT_USAGE;
	}
	log_output_begin();
	if (request.threads_count == 1)
		looking.id = request.threads[0];
	reprise_status status =
		thread_place_open(&request.place, LOG_ACCESS_WRITE, request.horizon_ms,
				  &looking.store, &looking.error);

	if (status == REPRISE_OK)
		status = reprise_thread_page_open(&looking.page);
	if (status == REPRISE_OK)
		status = look(&looking);
	if (status != REPRISE_OK)
		log_say_failure(request.name, looking.id, status, &looking.error);
	reprise_thread_page_close(looking.page);
	reprise_thread_store_close(looking.store);
	return log_output_end(status == REPRISE_OK && !looking.is_incomplete ? 0 : 1);
}

#else

int
thread_command(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	fputs("reprise thread: this program was built without jansson\n", stderr);
	return 1;
}

#endif
