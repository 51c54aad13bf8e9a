/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_STREAM_H
#define JETSTREAM_STREAM_H

/*
 * The two streams of a writer: they are created if they are missing, and compared with the
 * options if not.
 */

#include "jetstream/writer.h"

/* E_EXISTS: one is there with other settings; the setting is in `detail`. */
reprise_status streams_set_up(struct reprise_jetstream *writer, uint64_t due_ns,
			      struct reprise_error *error);

#endif /* JETSTREAM_STREAM_H */
