/* SPDX-License-Identifier: MIT */

/*
 * Thread documents for tool_thread.sh to look at: "chat" with three deltas, one of which holds what
 * turns the direction of writing; "saved", whose first delta is not kept any more; and 300 others.
 *
 * Usage: tool_thread_fill file PATH
 *        tool_thread_fill postgres CONNECTION
 */

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <reprise/thread.h>

#ifdef TOOL_HAS_THREAD_SQLITE
#include <reprise/thread_sqlite.h>
#endif
#ifdef TOOL_HAS_THREAD_POSTGRES
#include <reprise/thread_postgres.h>
#endif

#define MUST(call)                                                                     \
	do {                                                                           \
		const reprise_status must = (call);                                    \
		if (must != REPRISE_OK) {                                              \
			fprintf(stderr, "%s: %s\n", #call, reprise_status_name(must)); \
			return false;                                                  \
		}                                                                      \
	} while (0)

/* Turns the direction of writing. NOLINTNEXTLINE(misc-misleading-bidirectional): it is tested. */
static const char turn[] = "\u202e";

enum {
	OTHERS = 300, /* more than one page of a list */
};

static struct reprise_bytes
bytes_of(const char *text)
{
	return (struct reprise_bytes){ text, strlen(text) };
}

static reprise_status
open_store(const char *kind, const char *place, struct reprise_thread_store **ret_store)
{
#ifdef TOOL_HAS_THREAD_SQLITE
	if (strcmp(kind, "file") == 0)
		return reprise_thread_sqlite_open(place, NULL, ret_store, NULL);
#endif
#ifdef TOOL_HAS_THREAD_POSTGRES
	if (strcmp(kind, "postgres") == 0) {
		const struct reprise_thread_postgres_options options = { .size = sizeof(options),
									 .connection = place };

		return reprise_thread_postgres_open(&options, ret_store, NULL);
	}
#endif
	(void)kind;
	(void)place;
	(void)ret_store;
	return REPRISE_E_INVALID;
}

static bool
append(struct reprise_thread_store *store, const char *id, int number)
{
	char delta[512];

	snprintf(delta, sizeof(delta),
		 "{\"delta_id\": \"d%d\", \"created_at\": %lld, \"run_id\": \"r\", \"reason\": "
		 "\"UserMessage\","
		 " \"messages\": [{\"id\": \"m%d\", \"text\": \"%s%s\"}]}",
		 number, (long long)time(NULL) * 1000, number, number == 2 ? "right" : "plain",
		 number == 2 ? turn : "");
	MUST(reprise_thread_append(store, id, NULL, bytes_of(delta), NULL, NULL));
	return true;
}

static bool
fill(struct reprise_thread_store *store)
{
	MUST(reprise_thread_create(store, "chat", bytes_of("{\"big\": 12345678901234567890123}"),
				   NULL, NULL));
	for (int i = 1; i <= 3; i++)
		if (!append(store, "chat", i))
			return false;
	MUST(reprise_thread_create(store, "saved", bytes_of(""), NULL, NULL));
	if (!append(store, "saved", 1))
		return false;
	MUST(reprise_thread_save(store, "saved", NULL, bytes_of("{\"state\": 1}"), NULL, 0, NULL,
				 NULL));
	if (!append(store, "saved", 2))
		return false;
	for (int i = 0; i < OTHERS; i++) {
		char id[32];

		snprintf(id, sizeof(id), "other%03d%s", i, turn);
		MUST(reprise_thread_create(store, id, bytes_of(""), NULL, NULL));
	}
	return true;
}

int
main(int argc, char **argv)
{
	struct reprise_thread_store *store = NULL;

	if (argc != 3 || open_store(argv[1], argv[2], &store) != REPRISE_OK) {
		fputs("tool_thread_fill: the store cannot be opened\n", stderr);
		return 1;
	}
	const bool is_filled = fill(store);

	reprise_thread_store_close(store);
	return is_filled ? 0 : 1;
}
