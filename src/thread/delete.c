/* SPDX-License-Identifier: MIT */
#include <reprise/thread.h>

#include "thread/write.h"

reprise_status
reprise_thread_delete(struct reprise_thread_store *store, const char *id,
		      struct reprise_error *error)
{
	struct writing writing;
	reprise_status status = handle_check(store, id, error);

	if (status == REPRISE_OK)
		status = write_begin_dropping(&writing, store, id, error);
	if (status != REPRISE_OK)
		return status;
	/*
	 * No other document has the uid of a head that is damaged: at worst there is nothing to
	 * drop by it.
	 */
	if (writing.head.exists)
		status = store->adapter->drop_document(store, id, &writing.head.uid, error);
	if (status == REPRISE_OK)
		status = prune_applied(&writing, 0, error);
	return write_end(&writing, status, error);
}
