/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_HEAD_H
#define JETSTREAM_HEAD_H

/* A document's uid and version, without its contents. */

#include "jetstream/writer.h"

struct head {
	char uid[REPRISE_THREAD_UID_BYTES];
	uint64_t version;
};

/* @version is the one that is expected, so that no delta is loaded; or 0. */
reprise_status head_read(struct reprise_thread_store *store, const char *id, uint64_t version,
			 struct head *ret_head, struct reprise_error *error);

#endif /* JETSTREAM_HEAD_H */
