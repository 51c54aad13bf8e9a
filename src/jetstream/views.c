/* SPDX-License-Identifier: MIT */
#include "jetstream/views.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/random.h"

enum {
	VIEWS_KEPT = 4096, /* with those in use; more only if more are in use */
};

bool
views_init(struct views *views)
{
	for (size_t i = 0; i < VIEW_BUCKETS; i++)
		LIST_INIT(&views->buckets[i]);
	TAILQ_INIT(&views->unused);
	return random_bytes(&views->key, sizeof(views->key));
}

static void
view_free(struct views *views, struct view *view)
{
	LIST_REMOVE(view, by_hash);
	TAILQ_REMOVE(&views->unused, view, by_use);
	views->count--;
	table_free(&view->buffered);
	pthread_cond_destroy(&view->changed);
	free(view);
}

void
views_free(struct views *views)
{
	while (!TAILQ_EMPTY(&views->unused))
		view_free(views, TAILQ_FIRST(&views->unused));
}

static struct view *
find(struct views *views, uint64_t hash, const char *id)
{
	struct view *view;

	LIST_FOREACH(view, &views->buckets[hash % VIEW_BUCKETS], by_hash)
		if (view->hash == hash && strcmp(view->id, id) == 0)
			return view;
	return NULL;
}

/* In the list of the unused ones. */
static struct view *
make(struct views *views, uint64_t hash, const char *id)
{
	struct view *const view = calloc(1, sizeof(*view));

	if (view == NULL)
		return NULL;
	if (!condition_init(&view->changed)) {
		free(view);
		return NULL;
	}
	view->hash = hash;
	memcpy(view->id, id, strlen(id) + 1);
	TAILQ_INIT(&view->in_flight);
	LIST_INSERT_HEAD(&views->buckets[hash % VIEW_BUCKETS], view, by_hash);
	TAILQ_INSERT_TAIL(&views->unused, view, by_use);
	views->count++;
	return view;
}

void
view_leave(struct reprise_jetstream *writer, struct view *view)
{
	struct views *const views = &writer->views;
	struct view *next;

	if (--view->users > 0)
		return;
	TAILQ_INSERT_TAIL(&views->unused, view, by_use);
	/* A failure that nobody was told is kept. */
	for (view = TAILQ_FIRST(&views->unused); views->count > VIEWS_KEPT && view != NULL;
	     view = next) {
		next = TAILQ_NEXT(view, by_use);
		if (!view->has_untold)
			view_free(views, view);
	}
}

reprise_status
view_hold(struct reprise_jetstream *writer, const char *id, uint64_t due_ns, struct view **ret_view,
	  uint64_t *ret_failures, struct reprise_error *error)
{
	struct views *const views = &writer->views;
	const uint64_t hash = siphash(&views->key, id, strlen(id));
	bool is_in_time = true;

	pthread_mutex_lock(&writer->lock);
	struct view *view = find(views, hash, id);

	if (view == NULL)
		view = make(views, hash, id);
	if (view == NULL) {
		pthread_mutex_unlock(&writer->lock);
		return error_plain(error, REPRISE_E_NO_MEMORY);
	}
	if (view->users++ == 0)
		TAILQ_REMOVE(&views->unused, view, by_use);
	if (ret_failures != NULL)
		*ret_failures = view->failures;
	while (view->is_held && is_in_time)
		is_in_time = writer_wait(writer, &view->changed, due_ns);
	is_in_time = !view->is_held;
	if (is_in_time)
		view->is_held = true;
	else
		view_leave(writer, view);
	pthread_mutex_unlock(&writer->lock);
	if (!is_in_time)
		return error_detailed(error, REPRISE_E_TIMEOUT, "id",
				      "other calls on the document took until the deadline");
	*ret_view = view;
	return REPRISE_OK;
}

void
view_release(struct reprise_jetstream *writer, struct view *view)
{
	pthread_mutex_lock(&writer->lock);
	view->is_held = false;
	pthread_cond_broadcast(&view->changed);
	view_leave(writer, view);
	pthread_mutex_unlock(&writer->lock);
}

static bool
is_drained(const struct view *view)
{
	return TAILQ_EMPTY(&view->in_flight) && view->comparing == 0;
}

reprise_status
view_drain(struct reprise_jetstream *writer, struct view *view, uint64_t due_ns,
	   struct reprise_error *error)
{
	bool is_in_time = true;

	pthread_mutex_lock(&writer->lock);
	while (!is_drained(view) && is_in_time)
		is_in_time = writer_wait(writer, &view->changed, due_ns);
	is_in_time = is_drained(view);
	pthread_mutex_unlock(&writer->lock);
	return is_in_time ? REPRISE_OK
			  : error_detailed(error, REPRISE_E_TIMEOUT, "id",
					   "appends of the document are in flight");
}

void
view_forget(struct view *view)
{
	view->is_known = false;
	table_free(&view->buffered);
}
