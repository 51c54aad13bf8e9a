/* SPDX-License-Identifier: MIT */
#include <reprise/sessions.h>

#include <string.h>

#include "base/cancel.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "store/session.h"

/*
 * The sessions of one moment: each session is pinned until handed out, so that the list can tell
 * the numbers of a session that has gone.
 */
struct reprise_session_list {
	struct reprise_store *store;
	struct block *block; /* the sessions; NULL: there are none */
	struct reprise_session **sessions;
	size_t count, next;
};

static void
take_in(struct reprise_session *session, void *context)
{
	struct reprise_session_list *const list = context;

	/* Under the store's lock the table has a reference to the session. */
	(void)session_pin(session);
	list->sessions[list->count++] = session;
}

/* False without memory. */
static bool
fill(struct reprise_session_list *list)
{
	struct reprise_store *const store = list->store;
	bool is_there = true;

	pthread_mutex_lock(&store->lock);
	const uint64_t count = load_relaxed(&store->sessions);

	if (count != 0) {
		list->block = pool_take(&store->pool, count * sizeof(struct reprise_session *));
		is_there = list->block != NULL;
	}
	if (list->block != NULL) {
		list->sessions = (struct reprise_session **)(void *)list->block->memory;
		table_each(store->table, take_in, list);
		REPRISE_ASSERT(list->count == count);
	}
	pthread_mutex_unlock(&store->lock);
	return is_there;
}

reprise_status
reprise_sessions_list(struct reprise_store *store, struct reprise_session_list **ret_list,
		      struct reprise_error *error)
{
	if (store == NULL)
		return error_invalid(error, "store");
	if (ret_list == NULL)
		return error_invalid(error, "ret_list");
	if (!store_is_here(store))
		return error_plain(error, REPRISE_E_FORKED);
	UNCANCELLABLE;
	struct reprise_session_list *const list = memory_take(&store->memory, sizeof(*list));

	if (list == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	list->store = store;
	if (!fill(list)) {
		memory_give(&store->memory, list, sizeof(*list));
		return error_plain(error, REPRISE_E_NO_MEMORY);
	}
	fetch_add_relaxed(&store->lists, 1);
	*ret_list = list;
	return REPRISE_OK;
}

reprise_status
reprise_session_list_next(struct reprise_session_list *list,
			  char ret_id[REPRISE_SESSION_ID_BYTES_MAX + 1],
			  struct reprise_session_stats *ret_stats)
{
	if (list == NULL || ret_id == NULL)
		return REPRISE_E_INVALID;
	if (!store_is_here(list->store))
		return REPRISE_E_FORKED;
	if (list->next == list->count)
		return REPRISE_E_NOT_FOUND;
	struct reprise_session *const session = list->sessions[list->next];
	const struct reprise_session_stats stats = session_stats_of(session);

	if (ret_stats != NULL &&
	    !sized_write(ret_stats, &stats, sizeof(stats), SIZE_MIN(reprise_session_stats)))
		return REPRISE_E_INVALID;
	memcpy(ret_id, session->id, sizeof(session->id));
	list->next++;
	session_unpin(session);
	return REPRISE_OK;
}

void
reprise_session_list_close(struct reprise_session_list *list)
{
	if (list == NULL || !store_is_here(list->store))
		return;
	struct reprise_store *const store = list->store;
	UNCANCELLABLE;

	while (list->next < list->count)
		session_unpin(list->sessions[list->next++]);
	if (list->block != NULL)
		pool_give(&store->pool, list->block);
	memory_give(&store->memory, list, sizeof(*list));
	/* Last: from here on the store may be closed. */
	fetch_sub_release(&store->lists, 1);
}
