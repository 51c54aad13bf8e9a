/* SPDX-License-Identifier: MIT */
#ifndef BASE_SIZES_H
#define BASE_SIZES_H

#include <stddef.h>

/*
 * The first released size of each struct that begins with a size (rule X16).
 *
 * A program built against the first release gives the size of that release for good. SIZE_MIN is
 * the `size_min` of each call of base/sized.h. The size ends with the last field of the first
 * release, below by name, so that the size is right for each width of a pointer. A new field comes
 * after that field, and leaves the line of the struct alone. A new struct gets a line.
 *
 * No struct may have padding at the end: a new field there would not make the struct larger, and an
 * older program would seem to have set the field. The field `reserved` takes the place.
 * `tests/shape/sizes.sh` compares these sizes with `tests/shape/sizes.txt`.
 */
#define SIZE_MIN(type)          SIZE_MIN_OF(struct type, SIZE_MIN_LAST_##type)
#define SIZE_MIN_OF(type, last) (offsetof(type, last) + sizeof(((type *)0)->last))

/* reprise/base.h */
#define SIZE_MIN_LAST_reprise_error detail

/* reprise/conversation.h */
#define SIZE_MIN_LAST_reprise_message_info         error_bytes
#define SIZE_MIN_LAST_reprise_conversation_options snapshot_events

/* reprise/conversation_upkeep.h */
#define SIZE_MIN_LAST_reprise_conversation_snapshots last

/* reprise/gateway.h */
#define SIZE_MIN_LAST_reprise_gateway_options write_line_context
#define SIZE_MIN_LAST_reprise_gateway_stats   jobs

/* reprise/group.h */
#define SIZE_MIN_LAST_reprise_group_options spin_ns
#define SIZE_MIN_LAST_reprise_group_stats   sleeps

/* reprise/into.h */
#define SIZE_MIN_LAST_reprise_into needed_bytes

/* reprise/jetstream.h */
#define SIZE_MIN_LAST_reprise_jetstream_options  idle_purge_ns
#define SIZE_MIN_LAST_reprise_jetstream_appended reserved
#define SIZE_MIN_LAST_reprise_jetstream_flushed  discarded

/* reprise/jetstream_upkeep.h */
#define SIZE_MIN_LAST_reprise_jetstream_recovered reserved
#define SIZE_MIN_LAST_reprise_jetstream_stats     reserved

/* reprise/lag.h */
#define SIZE_MIN_LAST_reprise_subscription_lag headroom_bytes

/* reprise/log.h */
#define SIZE_MIN_LAST_reprise_log_stats lease_left_ns

/* reprise/log_postgres.h */
#define SIZE_MIN_LAST_reprise_log_postgres_options transaction_idle_ns

/* reprise/log_sqlite.h */
#define SIZE_MIN_LAST_reprise_log_sqlite_options mode

/* reprise/log_upkeep.h */
#define SIZE_MIN_LAST_reprise_log_pruned    reserved
#define SIZE_MIN_LAST_reprise_log_report    what
#define SIZE_MIN_LAST_reprise_log_retention reserved

/* reprise/recorder.h */
#define SIZE_MIN_LAST_reprise_recorder_options lease_ns
#define SIZE_MIN_LAST_reprise_recorder_stats   stuck_status

/* reprise/session.h */
#define SIZE_MIN_LAST_reprise_session_stats recorded

/* reprise/store.h */
#define SIZE_MIN_LAST_reprise_session_options reserved
#define SIZE_MIN_LAST_reprise_store_options   deferred_tick_ns
#define SIZE_MIN_LAST_reprise_store_stats     bytes_max

/* reprise/subscription.h */
#define SIZE_MIN_LAST_reprise_subscription_options is_continuous
#define SIZE_MIN_LAST_reprise_subscription_stats   healed

/* reprise/thread.h */
#define SIZE_MIN_LAST_reprise_thread_appended reserved_end
#define SIZE_MIN_LAST_reprise_thread_flush    deltas_count

/* reprise/thread_load.h */
#define SIZE_MIN_LAST_reprise_thread_document json
#define SIZE_MIN_LAST_reprise_thread_deltas   reserved
#define SIZE_MIN_LAST_reprise_thread_list     reserved
#define SIZE_MIN_LAST_reprise_thread_range    reserved
#define SIZE_MIN_LAST_reprise_thread_messages reserved_end

/* reprise/thread_postgres.h */
#define SIZE_MIN_LAST_reprise_thread_postgres_options is_set_up

/* reprise/thread_sqlite.h */
#define SIZE_MIN_LAST_reprise_thread_sqlite_options reserved

/* reprise/writer.h */
#define SIZE_MIN_LAST_reprise_writer_opened reserved

#endif /* BASE_SIZES_H */
