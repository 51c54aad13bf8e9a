/* SPDX-License-Identifier: MIT */
#include "tool/top_table.h"

#include <stdlib.h>
#include <string.h>

enum {
	ROWS_FIRST = 256,
	TEXT_FIRST = 8192,
};

static const char *const column_names[TOP_COLUMNS] = {
	[TOP_SESSION] = "session",   [TOP_RATE] = "rate",   [TOP_NEWEST] = "newest",
	[TOP_RETAINED] = "retained", [TOP_HOSTS] = "hosts", [TOP_BEHIND] = "behind",
	[TOP_HEADROOM] = "headroom", [TOP_LOST] = "lost",   [TOP_LAG] = "lag",
	[TOP_STATE] = "state",
};

const char *
top_column_name(enum top_column column)
{
	return column < TOP_COLUMNS ? column_names[column] : NULL;
}

bool
top_column_find(const char *name, enum top_column *ret_column)
{
	for (size_t i = 0; i < TOP_COLUMNS; i++) {
		if (strcmp(column_names[i], name) != 0)
			continue;
		*ret_column = (enum top_column)i;
		return true;
	}
	return false;
}

/* --- samples --------------------------------------------------------------------------------- */

struct top_sample *
top_sample_new(void)
{
	return calloc(1, sizeof(struct top_sample));
}

void
top_sample_free(struct top_sample *sample)
{
	if (sample == NULL)
		return;
	free(sample->rows);
	free(sample->texts);
	free(sample);
}

const char *
top_id(const struct top_sample *sample, const struct top_row *row)
{
	return sample->texts + row->id_at;
}

/* Makes room for @more of @size bytes behind @count in an array. */
static bool
have_room(void **array, size_t *room, size_t count, size_t more, size_t first, size_t size)
{
	size_t wanted = *room != 0 ? *room : first;

	if (*room - count >= more)
		return true;
	while (wanted - count < more)
		wanted *= 2;
	void *const grown = realloc(*array, wanted * size);

	if (grown == NULL)
		return false;
	*array = grown;
	*room = wanted;
	return true;
}

bool
top_sample_add(struct top_sample *sample, const char *id, const struct top_row *row)
{
	const size_t bytes = strlen(id) + 1;
	const size_t last = sample->rows_count;

	if (last > 0 && strcmp(top_id(sample, &sample->rows[last - 1]), id) >= 0)
		return false;
	if (sample->texts_bytes + bytes > UINT32_MAX ||
	    !have_room((void **)&sample->rows, &sample->rows_room, last, 1, ROWS_FIRST,
		       sizeof(sample->rows[0])) ||
	    !have_room((void **)&sample->texts, &sample->texts_room, sample->texts_bytes, bytes,
		       TEXT_FIRST, 1))
		return false;
	sample->rows[last] = *row;
	sample->rows[last].id_at = (uint32_t)sample->texts_bytes;
	memcpy(sample->texts + sample->texts_bytes, id, bytes);
	sample->texts_bytes += bytes;
	sample->rows_count++;
	return true;
}

/* --- rates ----------------------------------------------------------------------------------- */

static double
per_second(uint64_t count, uint64_t from_ns, uint64_t to_ns)
{
	return (double)count * 1e9 / (double)(to_ns - from_ns);
}

/* Positions go on in the next life of a session, unless the session was deleted in between. */
static void
rate_row(struct top_row *row, const struct top_row *before)
{
	row->has_rate = row->taken_ns > before->taken_ns && row->newest >= before->newest;
	row->rate = row->has_rate ? per_second(row->newest - before->newest, before->taken_ns,
					       row->taken_ns)
				  : 0;
}

static void
rate_appends(struct top_summary *summary, const struct top_summary *before)
{
	summary->has_append_rate = summary->appended.is_known && before->appended.is_known &&
				   summary->appended.number >= before->appended.number &&
				   summary->metrics_ns > before->metrics_ns;
	if (summary->has_append_rate)
		summary->append_rate =
			per_second(summary->appended.number - before->appended.number,
				   before->metrics_ns, summary->metrics_ns);
}

void
top_rate(struct top_sample *sample, const struct top_sample *before)
{
	size_t old = 0;

	sample->summary.has_rate = before != NULL;
	if (before == NULL)
		return;
	for (size_t i = 0; i < sample->rows_count; i++) {
		struct top_row *const row = &sample->rows[i];
		int order = -1;

		while (old < before->rows_count &&
		       (order = strcmp(top_id(before, &before->rows[old]), top_id(sample, row))) <
			       0)
			old++;
		if (old < before->rows_count && order == 0)
			rate_row(row, &before->rows[old]);
		sample->summary.rate += row->rate;
	}
	rate_appends(&sample->summary, &before->summary);
}

/* --- the order ------------------------------------------------------------------------------- */

/* Compares two cells: a known one comes before an unknown one, and the greater number first. */
struct weight {
	bool is_known;
	double number;
};

static struct weight
weigh_number(struct top_number number)
{
	return (struct weight){ number.is_known, (double)number.number };
}

static struct weight
weigh(const struct top_row *row, enum top_column column)
{
	switch (column) {
	case TOP_RATE:
		return (struct weight){ row->has_rate, row->rate };
	case TOP_NEWEST:
		return (struct weight){ true, (double)row->newest };
	case TOP_RETAINED:
		return weigh_number(row->retained);
	case TOP_HOSTS:
		return weigh_number(row->hosts);
	case TOP_BEHIND:
		return weigh_number(row->behind);
	case TOP_HEADROOM: /* the least first: that host is the next to lose events */
		return (struct weight){ row->headroom.is_known, -(double)row->headroom.number };
	case TOP_LOST:
		return weigh_number(row->lost);
	case TOP_LAG:
		return weigh_number(row->lag);
	case TOP_STATE:
		return (struct weight){ true, -(double)row->state };
	case TOP_SESSION:
	case TOP_COLUMNS:
		break;
	}
	return (struct weight){ true, 0 };
}

struct order {
	const struct top_sample *sample;
	enum top_column column;
	bool is_reversed;
};

/* Rows of equal weight are in the order of their ids, which is the order of their places. */
static int
compare(const void *left, const void *right, void *context)
{
	const struct order *const order = context;
	const uint32_t first = *(const uint32_t *)left, second = *(const uint32_t *)right;
	const struct weight a = weigh(&order->sample->rows[first], order->column);
	const struct weight b = weigh(&order->sample->rows[second], order->column);

	if (a.is_known != b.is_known) /* unknown is last in both directions */
		return a.is_known ? -1 : 1;
	if (a.number != b.number)
		return (a.number > b.number) != order->is_reversed ? -1 : 1;
	const bool is_before = order->column == TOP_SESSION && order->is_reversed ? first > second
										  : first < second;

	return is_before ? -1 : first != second;
}

bool
top_view_fill(struct top_view *view, const struct top_sample *sample)
{
	struct order order = { sample, view->column, view->is_reversed };

	view->count = 0;
	if (!have_room((void **)&view->places, &view->room, 0, sample->rows_count, ROWS_FIRST,
		       sizeof(view->places[0])))
		return false;
	for (size_t i = 0; i < sample->rows_count; i++)
		if (view->filter[0] == '\0' ||
		    strstr(top_id(sample, &sample->rows[i]), view->filter) != NULL)
			view->places[view->count++] = (uint32_t)i;
	if (view->count > 0)
		qsort_r(view->places, view->count, sizeof(view->places[0]), compare, &order);
	return true;
}

void
top_view_free(struct top_view *view)
{
	free(view->places);
	view->places = NULL;
	view->count = view->room = 0;
}
