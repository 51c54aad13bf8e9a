/* SPDX-License-Identifier: MIT */
#include "jetstream/complete.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "jetstream/fetch.h"

static reprise_status
find_in_store(struct reprise_jetstream *writer, struct flight *flight, const char *uid)
{
	struct reprise_jetstream_appended *const appended = &flight->appended;
	const char *const id = appended->delta_id;
	struct reprise_thread_applied applied = { 0 };
	const reprise_status status =
		reprise_thread_find_applied(writer->store, uid, &id, 1, &applied, &flight->error);

	if (status != REPRISE_OK)
		return status;
	if (applied.version == 0)
		return error_detailed(&flight->error, REPRISE_E_IO, "server",
				      "it remembers the delta's id, and has lost the delta");
	if (memcmp(applied.digest, appended->digest, sizeof(applied.digest)) != 0)
		return error_detailed(&flight->error, REPRISE_E_EXISTS, "delta", id);
	appended->version = applied.version;
	appended->sequence = 0;
	appended->is_flushed = 1;
	return REPRISE_OK;
}

reprise_status
complete_compare(struct reprise_jetstream *writer, struct flight *flight)
{
	const struct reprise_bytes ours = payload_of(flight->message);
	const char *uid = NULL, *version = NULL, *first_uid = NULL;
	struct fetched first;
	reprise_status status = fetch_one(writer, flight->appended.sequence, writer_due(writer),
					  &first, &flight->error);

	if (status != REPRISE_OK)
		return status;
	(void)natsMsgHeader_Get(flight->message, HEADER_UID, &uid);
	flight->appended.is_repeated = 1;
	if (first.message != NULL)
		(void)natsMsgHeader_Get(first.message, HEADER_UID, &first_uid);
	/* The sequence may be another document's by now: the server may have lost its newest messages. */
	if (first_uid == NULL || strcmp(first_uid, uid) != 0) {
		natsMsg_Destroy(first.message);
		return find_in_store(writer, flight, uid);
	}
	const struct reprise_bytes theirs = payload_of(first.message);

	(void)natsMsgHeader_Get(first.message, HEADER_VERSION, &version);
	if (theirs.size != ours.size || memcmp(theirs.data, ours.data, ours.size) != 0)
		status = error_detailed(&flight->error, REPRISE_E_EXISTS, "delta",
					flight->appended.delta_id);
	else if (version != NULL)
		flight->appended.version = strtoull(version, NULL, 10);
	natsMsg_Destroy(first.message);
	return status;
}
