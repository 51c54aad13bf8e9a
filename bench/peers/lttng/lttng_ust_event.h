/* SPDX-License-Identifier: MIT */

/* The tracepoint peer:event, in the form that LTTng's headers read several times. */

#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER peer
#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "lttng_ust_event.h"

#if !defined(BENCH_LTTNG_UST_EVENT_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define BENCH_LTTNG_UST_EVENT_H

#include <stddef.h>

#include <lttng/tracepoint.h>

/* clang-format off */
LTTNG_UST_TRACEPOINT_EVENT(peer, event,
	LTTNG_UST_TP_ARGS(const unsigned char *, payload, size_t, payload_bytes),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_sequence(unsigned char, payload, payload, size_t, payload_bytes)))
/* clang-format on */

#endif /* BENCH_LTTNG_UST_EVENT_H */

#include <lttng/tracepoint-event.h>
