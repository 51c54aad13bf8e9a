/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_CONNECT_H
#define JETSTREAM_CONNECT_H

/* The connection of a writer. */

#include "jetstream/writer.h"

/* Connects until @due_ns. After a failure there is no connection. */
reprise_status connection_open(struct reprise_jetstream *writer, uint64_t due_ns,
			       struct reprise_error *error);
/*
 * False: libnats has not said by @due_ns that it will call no callback any more. The writer's
 * memory stays then.
 */
bool connection_close(struct reprise_jetstream *writer, uint64_t due_ns);

#endif /* JETSTREAM_CONNECT_H */
