/* SPDX-License-Identifier: MIT */
#include "jetstream/head.h"

#include <string.h>

#include "base/error.h"

reprise_status
head_read(struct reprise_thread_store *store, const char *id, uint64_t version,
	  struct head *ret_head, struct reprise_error *error)
{
	struct reprise_thread_deltas deltas = { .size = sizeof(deltas) };
	struct reprise_thread_page *page = NULL;
	reprise_status status = reprise_thread_page_open(&page);

	if (status != REPRISE_OK)
		return error_plain(error, status);
	status = reprise_thread_load_deltas(store, id, version, 1, 1, page, &deltas, error);
	/* A lower version: another document, or a store that was put back. */
	if (status == REPRISE_E_CONFLICT)
		status = reprise_thread_load_deltas(store, id, 0, 1, 1, page, &deltas, error);
	reprise_thread_page_close(page);
	if (status != REPRISE_OK)
		return status;
	memcpy(ret_head->uid, deltas.uid, sizeof(ret_head->uid));
	ret_head->version = deltas.version;
	return REPRISE_OK;
}
