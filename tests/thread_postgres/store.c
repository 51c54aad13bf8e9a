/* SPDX-License-Identifier: MIT */
#include "store.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

struct reprise_thread_postgres_options
options_of(const char *role, const char *schema)
{
	return (struct reprise_thread_postgres_options){
		.size = sizeof(struct reprise_thread_postgres_options),
		.connection = connection_of(role),
		.schema = schema,
		.deadline_ns = 2 * one_second,
	};
}

struct reprise_thread_store *
opened(const struct reprise_thread_postgres_options *options)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_thread_store *store = NULL;
	const reprise_status status = reprise_thread_postgres_open(options, &store, &error);

	cr_assert(eq(int, status, REPRISE_OK), "%s: %s", error.what, error.detail);
	return store;
}

struct reprise_thread_store *
opened_at_last(const struct reprise_thread_postgres_options *options)
{
	struct reprise_thread_store *store = NULL;
	reprise_status status = REPRISE_E_TIMEOUT;

	for (int i = 0; i < 50 && status == REPRISE_E_TIMEOUT; i++)
		status = reprise_thread_postgres_open(options, &store, NULL);
	cr_assert(eq(int, status, REPRISE_OK));
	return store;
}

void
expect_refused(const struct reprise_thread_postgres_options *options, reprise_status status,
	       const char *what)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_thread_store *store = NULL;

	cr_assert(eq(int, reprise_thread_postgres_open(options, &store, &error), status), "%s: %s",
		  error.what, error.detail);
	cr_assert(eq(ptr, store, NULL));
	cr_assert(eq(int, error.status, status));
	if (what != NULL)
		cr_assert(eq(str, error.what, (char *)what));
	cr_assert(eq(int, reprise_thread_postgres_open(options, &store, NULL), status));
}

int
server_process_of(struct reprise_thread_store *store)
{
	return PQbackendPID(postgres_of(store)->wire.connection);
}

void
create(struct reprise_thread_store *store, const char *id)
{
	struct reprise_error error = { .size = sizeof(error) };
	const reprise_status status =
		reprise_thread_create(store, id, (struct reprise_bytes){ NULL, 0 }, NULL, &error);

	cr_assert(eq(int, status, REPRISE_OK), "%s: %s", error.what, error.detail);
}

static reprise_status
append_text_of(struct reprise_thread_store *store, const char *id, const char *text,
	       struct reprise_thread_appended *ret_appended, struct reprise_error *error)
{
	return reprise_thread_append(store, id, NULL, (struct reprise_bytes){ text, strlen(text) },
				     ret_appended, error);
}

reprise_status
append_to(struct reprise_thread_store *store, const char *id, const char *message,
	  uint64_t *ret_version, struct reprise_error *error)
{
	struct reprise_thread_appended appended = { .size = sizeof(appended) };
	char text[256];

	snprintf(text, sizeof(text),
		 "{\"run_id\":\"r\",\"reason\":\"UserMessage\",\"messages\":[{\"text\":\"%s\"}]}",
		 message);
	const reprise_status status = append_text_of(store, id, text, &appended, error);

	if (status == REPRISE_OK && ret_version != NULL)
		*ret_version = appended.version;
	return status;
}

reprise_status
append_named(struct reprise_thread_store *store, const char *id, const char *delta_id,
	     struct reprise_thread_appended *ret_appended, struct reprise_error *error)
{
	/* The same in each call. */
	static uint64_t created_at;
	char text[256];

	if (created_at == 0)
		created_at = (uint64_t)time(NULL) * 1000;
	snprintf(text, sizeof(text),
		 "{\"delta_id\":\"%s\",\"created_at\":%" PRIu64
		 ",\"run_id\":\"r\",\"reason\":\"UserMessage\",\"messages\":[{\"id\":\"%s\"}]}",
		 delta_id, created_at, delta_id);
	return append_text_of(store, id, text, ret_appended, error);
}

uint64_t
version_of(struct reprise_thread_store *store, const char *id)
{
	struct reprise_thread_document document = { .size = sizeof(document) };
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_thread_page *page = NULL;

	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	const reprise_status status = reprise_thread_load(store, id, page, &document, &error);

	reprise_thread_page_close(page);
	cr_assert(status == REPRISE_OK || status == REPRISE_E_NOT_FOUND, "%s: %s", error.what,
		  error.detail);
	return status == REPRISE_OK ? document.version : UINT64_MAX;
}

uint64_t
messages_of(struct reprise_thread_store *store, const char *id)
{
	struct reprise_thread_messages messages = { .size = sizeof(messages) };
	const struct reprise_thread_range range = { .size = sizeof(range), .limit = 1 };
	struct reprise_thread_page *page = NULL;

	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_thread_messages(store, id, &range, page, &messages, NULL),
		     REPRISE_OK));
	reprise_thread_page_close(page);
	return messages.total;
}
