/* SPDX-License-Identifier: MIT */
#include "base/cancel.h"
#include "store/port.h"
#include "store/writer.h"

/*
 * Many sessions are opened by one call, so that the lives of many share a transaction of the log.
 */

enum {
	TOGETHER_MAX = 1024, /* the log is asked about, at a time */
};

/* The memory of some openings meanwhile: a block of the store's pool. */
struct together {
	struct opening openings[TOGETHER_MAX];
	struct reprise_error errors[TOGETHER_MAX];
};

static int32_t
was_joined(const struct reprise_session *session)
{
	return session != NULL && session->opening != SESSION_CREATED;
}

static void
open_together(struct reprise_store *store, struct together *together,
	      struct reprise_writer_opening *asked, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		together->errors[i].size = sizeof(together->errors[i]);
		writer_prepare(store, asked[i].session_id, asked[i].options, &together->errors[i],
			       &together->openings[i]);
	}
	writer_open_recorded(store, together->openings, count);
	for (size_t i = 0; i < count; i++) {
		asked[i].status = together->openings[i].status;
		asked[i].writer = session_writer(together->openings[i].session);
		asked[i].is_joined = was_joined(together->openings[i].session);
	}
}

/* The status of the first that was not opened, whose error goes to the caller. */
static reprise_status
first_failure(const struct together *together, size_t count, struct reprise_error *error)
{
	for (size_t i = 0; i < count; i++)
		if (together->openings[i].status != REPRISE_OK)
			return error_copy(error, &together->errors[i]);
	return REPRISE_OK;
}

static void
refuse(struct reprise_writer_opening *asked, size_t count, reprise_status status)
{
	for (size_t i = 0; i < count; i++) {
		asked[i].writer = NULL;
		asked[i].status = status;
		asked[i].is_joined = 0;
	}
}

static reprise_status
open_recorded(struct reprise_store *store, struct reprise_writer_opening *asked, size_t count,
	      struct reprise_error *error)
{
	struct block *const block = pool_take(&store->pool, sizeof(struct together));
	reprise_status status = REPRISE_OK;

	if (block == NULL) {
		refuse(asked, count, REPRISE_E_NO_MEMORY);
		return error_plain(error, REPRISE_E_NO_MEMORY);
	}
	struct together *const together = (void *)block->memory;

	for (size_t first = 0; first < count; first += TOGETHER_MAX) {
		const size_t some = least(count - first, TOGETHER_MAX);

		open_together(store, together, asked + first, some);
		if (status == REPRISE_OK)
			status = first_failure(together, some, error);
	}
	pool_give(&store->pool, block);
	return status;
}

/* Without a log there is nothing to share. */
static reprise_status
open_one_by_one(struct reprise_store *store, struct reprise_writer_opening *asked, size_t count,
		struct reprise_error *error)
{
	reprise_status status = REPRISE_OK;

	for (size_t i = 0; i < count; i++) {
		asked[i].writer = NULL;
		asked[i].status =
			reprise_writer_open(store, asked[i].session_id, asked[i].options,
					    &asked[i].writer, status == REPRISE_OK ? error : NULL);
		if (status == REPRISE_OK)
			status = asked[i].status;
		asked[i].is_joined = was_joined(writer_session(asked[i].writer));
	}
	return status;
}

reprise_status
reprise_writers_open(struct reprise_store *store, struct reprise_writer_opening *openings,
		     size_t openings_count, struct reprise_error *error)
{
	if (store == NULL)
		return error_invalid(error, "store");
	if (openings == NULL && openings_count != 0)
		return error_invalid(error, "openings");
	if (!store_is_here(store)) {
		refuse(openings, openings_count, REPRISE_E_FORKED);
		return error_plain(error, REPRISE_E_FORKED);
	}
	UNCANCELLABLE;
	return store->port != NULL ? open_recorded(store, openings, openings_count, error)
				   : open_one_by_one(store, openings, openings_count, error);
}
