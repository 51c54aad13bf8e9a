/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_METRICS_TEXT_H
#define GATEWAY_METRICS_TEXT_H

/* The text format of Prometheus, version 0.0.4. */

#include <stdint.h>

#include <reprise/recorder.h>

struct buffer;
struct reprise_gateway;

/* Writes all metrics; @recorder NULL: without those of the recorder. On the loop. */
void metrics_write(struct buffer *body, struct reprise_gateway *gateway,
		   const struct reprise_recorder_stats *recorder);

#endif /* GATEWAY_METRICS_TEXT_H */
