/* SPDX-License-Identifier: MIT */
#ifndef TOOL_TOP_TABLE_H
#define TOOL_TOP_TABLE_H

/*
 * The table of `reprise top`: the sessions of a gateway at one time, the rates since an earlier
 * time, and the order of the rows. Knows no HTTP and no terminal. (rule V95)
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum top_column {
	TOP_SESSION,
	TOP_RATE, /* events a second */
	TOP_NEWEST,
	TOP_RETAINED,
	TOP_HOSTS,
	TOP_BEHIND, /* events that the host furthest behind has not got */
	TOP_HEADROOM,
	TOP_LOST,
	TOP_LAG, /* events that the recorder has not written */
	TOP_STATE,
	TOP_COLUMNS,
};

/* A number that the gateway may not know. */
struct top_number {
	bool is_known;
	uint64_t number;
};

enum top_state {
	TOP_LIVE,
	TOP_ENDED,
	TOP_LOG_ONLY, /* no window: the session is in the log alone */
};

struct top_row {
	uint32_t id_at; /* in the texts of the sample */
	enum top_state state;
	int32_t end_status;
	bool has_rate;
	double rate;
	uint64_t taken_ns; /* when the answer with this row came */
	uint64_t newest;
	struct top_number retained, hosts, behind, headroom, lost, lag;
};

/* The numbers of the whole gateway. Most come from /metrics, which a token may not permit. */
struct top_summary {
	struct top_number connections, streams, appended, lost, lag, log_failures, stuck;
	bool has_metrics;
	bool has_rate;
	double rate; /* of all rows together, without the sessions that came between */
	double append_rate;
	bool has_append_rate; /* events appended by POST */
	uint64_t metrics_ns;
};

struct top_sample {
	struct top_row *rows; /* ascending by id, in the order of bytes */
	size_t rows_count, rows_room;
	char *texts; /* the ids, each with a NUL behind */
	size_t texts_bytes, texts_room;
	struct top_summary summary;
	bool is_cut;       /* the gateway has more sessions than a sample takes */
	uint64_t begun_ns; /* CLOCK_MONOTONIC */
	uint64_t taken_ns;
};

struct top_sample *top_sample_new(void);         /* NULL: no memory */
void top_sample_free(struct top_sample *sample); /* NULL is allowed */
const char *top_id(const struct top_sample *sample, const struct top_row *row);

/* Adds a row behind the others. False: no memory, or @id is not above the id of the last row. */
bool top_sample_add(struct top_sample *sample, const char *id, const struct top_row *row);

/* Sets the rates of @sample from the positions of @before, which may be NULL. */
void top_rate(struct top_sample *sample, const struct top_sample *before);

/* The rows of a sample to show, in order. */
struct top_view {
	enum top_column column;
	bool is_reversed;
	char filter[64];  /* a part of the id; empty: all rows */
	uint32_t *places; /* of rows in the sample */
	size_t count, room;
};

/* False: no memory, and the view is empty. */
bool top_view_fill(struct top_view *view, const struct top_sample *sample);
void top_view_free(struct top_view *view);

/* NULL: no column has the name. */
const char *top_column_name(enum top_column column);
bool top_column_find(const char *name, enum top_column *ret_column);

#endif /* TOOL_TOP_TABLE_H */
