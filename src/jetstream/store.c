/* SPDX-License-Identifier: MIT */
#include <reprise/jetstream_upkeep.h>

#include "base/cancel.h"
#include "jetstream/writer.h"

/* Calls that go straight to the store. */

reprise_status
reprise_jetstream_create(struct reprise_jetstream *writer, const char *id,
			 struct reprise_bytes document, char *ret_uid, struct reprise_error *error)
{
	UNCANCELLABLE;
	const reprise_status status = writer_check(writer, error);

	return status == REPRISE_OK
		       ? reprise_thread_create(writer->store, id, document, ret_uid, error)
		       : status;
}

reprise_status
reprise_jetstream_load(struct reprise_jetstream *writer, const char *id,
		       struct reprise_thread_page *page,
		       struct reprise_thread_document *ret_document, struct reprise_error *error)
{
	UNCANCELLABLE;
	const reprise_status status = writer_check(writer, error);

	return status == REPRISE_OK
		       ? reprise_thread_load(writer->store, id, page, ret_document, error)
		       : status;
}

reprise_status
reprise_jetstream_list(struct reprise_jetstream *writer, uint64_t offset, uint64_t limit,
		       struct reprise_thread_page *page, struct reprise_thread_list *ret_list,
		       struct reprise_error *error)
{
	UNCANCELLABLE;
	const reprise_status status = writer_check(writer, error);

	return status == REPRISE_OK
		       ? reprise_thread_list(writer->store, offset, limit, page, ret_list, error)
		       : status;
}
