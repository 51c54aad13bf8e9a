/* SPDX-License-Identifier: MIT */
#include "jetstream_place.h"

#include <ftw.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "result.h"
#include "thread/adapter.h"
#include "tool/nats_server.h"

enum {
	FILES_OPEN = 8,
	FOLDER_BYTES = 400,
};

#define SERVER_PATIENCE_NS UINT64_C(10000000000)
#define DEADLINE_NS        UINT64_C(30000000000)

static struct nats_server server;
static char folder[FOLDER_BYTES];

/* --- the server ------------------------------------------------------------------------------- */

static int
remove_file(const char *path, const struct stat *status, int kind, struct FTW *level)
{
	(void)status;
	(void)kind;
	(void)level;
	return remove(path);
}

/* Also at the exit of a process that dies. */
static void
end_server(void)
{
	nats_server_kill(&server);
	if (folder[0] != '\0')
		(void)nftw(folder, remove_file, FILES_OPEN, FTW_DEPTH | FTW_PHYS);
	folder[0] = '\0';
}

static void
use_all_processors(void)
{
	cpu_set_t all;

	CPU_ZERO(&all);
	for (int core = 0; core < CPU_SETSIZE; core++)
		CPU_SET(core, &all);
	(void)sched_setaffinity(0, sizeof(all), &all);
}

bool
jetstream_place_start(struct harness *harness, const char *row)
{
	static bool is_noted;

	if (!nats_server_is_installed()) {
		result_skip(harness, row, "nats-server", "nats-server is not installed");
		return false;
	}
	snprintf(folder, sizeof(folder), "%s", scratch_path("nats"));
	if (mkdir(folder, 0700) != 0 || (!is_noted && atexit(end_server) != 0))
		harness_die("no scratch folder can be made");
	is_noted = true;
	use_all_processors();
	if (nats_server_prepare(&server, 1, folder) && nats_server_start(&server) &&
	    nats_server_await(&server, SERVER_PATIENCE_NS, harness_is_interrupted))
		return true;
	jetstream_place_end(harness);
	result_skip(harness, row, "nats-server", "nats-server does not start");
	return false;
}

void
jetstream_place_end(const struct harness *harness)
{
	end_server();
	(void)harness_pin(harness->writer_core);
}

const char *
jetstream_place_url(void)
{
	static char url[NATS_SERVER_URL_BYTES];

	nats_server_url(&server, url);
	return url;
}

/* --- the store -------------------------------------------------------------------------------- */

static const struct thread_adapter *quick_adapter;
static struct thread_adapter slow_adapter;
static uint64_t write_began_ns, write_ns;

static reprise_status
slow_begin(struct reprise_thread_store *store, const char *id, struct thread_head *ret_head,
	   uint64_t *ret_now_ms, struct reprise_error *error)
{
	write_began_ns = now_ns();
	return quick_adapter->begin(store, id, ret_head, ret_now_ms, error);
}

static reprise_status
slow_commit(struct reprise_thread_store *store, struct reprise_error *error)
{
	nanosleep(&(struct timespec){ .tv_nsec = JETSTREAM_SLOW_NS }, NULL);
	const reprise_status status = quick_adapter->commit(store, error);

	write_ns = now_ns() - write_began_ns;
	return status;
}

uint64_t
jetstream_store_last_write_ns(void)
{
	return write_ns;
}

struct reprise_thread_store *
jetstream_store_open(const char *name, bool is_slow)
{
	const struct reprise_thread_sqlite_options options = { .size = sizeof(options),
							       .durability = REPRISE_WRITTEN };
	struct reprise_thread_store *store = NULL;

	if (reprise_thread_sqlite_open(scratch_path(name), &options, &store, NULL) != REPRISE_OK)
		harness_die("the store does not open");
	if (is_slow) {
		quick_adapter = store->adapter;
		slow_adapter = *quick_adapter;
		slow_adapter.begin = slow_begin;
		slow_adapter.commit = slow_commit;
		store->adapter = &slow_adapter;
	}
	return store;
}

void
jetstream_store_close(struct reprise_thread_store *store, const char *name)
{
	reprise_thread_store_close(store);
	scratch_remove(name);
}

struct reprise_jetstream *
jetstream_writer_open(struct reprise_thread_store *store, uint32_t window)
{
	const struct reprise_jetstream_options options = { .size = sizeof(options),
							   .servers = jetstream_place_url(),
							   .window = window,
							   .max_bytes = JETSTREAM_STREAM_BYTES,
							   .deadline_ns = DEADLINE_NS };
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_jetstream *writer = NULL;

	if (reprise_jetstream_open(store, &options, &writer, &error) == REPRISE_OK)
		return writer;
	fprintf(stderr, "bench: %s: %s\n", error.what, error.detail);
	harness_die("the writer does not open");
}

void
jetstream_document_create(struct reprise_thread_store *store, const char *id)
{
	if (reprise_thread_create(store, id, (struct reprise_bytes){ 0 }, NULL, NULL) != REPRISE_OK)
		harness_die("the document cannot be created");
}

uint64_t
jetstream_document_version(struct reprise_thread_store *store, const char *id)
{
	struct reprise_thread_document document = { .size = sizeof(document) };
	struct reprise_thread_page *page = NULL;

	if (reprise_thread_page_open(&page) != REPRISE_OK ||
	    reprise_thread_load(store, id, page, &document, NULL) != REPRISE_OK)
		harness_die("the document cannot be loaded");
	reprise_thread_page_close(page);
	return document.version;
}

/* --- deltas ----------------------------------------------------------------------------------- */

static const char words[] = "The writer appends a delta and waits for nobody, and each host that "
			    "comes late is told what "
			    "it has missed. A document adds up from its deltas; a retry of the "
			    "same delta changes nothing, "
			    "ever.";

struct reprise_bytes
jetstream_delta(uint64_t ordinal, bool is_last, char ret_text[JETSTREAM_DELTA_BYTES])
{
	const int bytes = snprintf(ret_text, JETSTREAM_DELTA_BYTES,
				   "{\"messages\":[{\"id\":\"m%" PRIu64 "\",\"text\":\"%s\"}],"
				   "\"patches\":[],\"reason\":\"%s\",\"run_id\":\"r\"}",
				   ordinal, words, is_last ? "RunFinished" : "UserMessage");

	return (struct reprise_bytes){ ret_text, (size_t)bytes };
}

struct reprise_bytes
jetstream_named_delta(uint64_t ordinal, char ret_text[JETSTREAM_DELTA_BYTES])
{
	const int bytes = snprintf(ret_text, JETSTREAM_DELTA_BYTES,
				   "{\"created_at\":1700000000000,\"delta_id\":\"%032" PRIx64
				   "\",\"messages\":[{\"id\":\"m%" PRIu64
				   "\",\"text\":\"%s\"}],\"patches\":[],"
				   "\"reason\":\"UserMessage\",\"run_id\":\"r\"}",
				   ordinal, ordinal, words);

	return (struct reprise_bytes){ ret_text, (size_t)bytes };
}
