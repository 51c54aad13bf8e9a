/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "thread/uid.h"
#include "thread/write.h"

/* An id that is asked for, and where. */
struct asked {
	const char *id;
	size_t at;
};

static int
compare(const void *a, const void *b)
{
	const struct asked *const left = a, *const right = b;

	return strcmp(left->id, right->id);
}

/* The port looks for different ids: an id that is asked for twice is looked for once. */
struct looking {
	struct asked *asked;
	const char **ids;
	struct thread_applied *applied;
	size_t count;
};

static bool
looking_begin(struct looking *looking, const char *const *delta_ids, size_t count)
{
	*looking = (struct looking){ calloc(count, sizeof(*looking->asked)),
				     calloc(count, sizeof(const char *)),
				     calloc(count, sizeof(*looking->applied)), 0 };
	if (looking->asked == NULL || looking->ids == NULL || looking->applied == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		looking->asked[i] = (struct asked){ delta_ids[i], i };
	qsort(looking->asked, count, sizeof(*looking->asked), compare);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || strcmp(looking->asked[i - 1].id, looking->asked[i].id) != 0)
			looking->ids[looking->count++] = looking->asked[i].id;
	return true;
}

static void
looking_end(struct looking *looking)
{
	free(looking->asked);
	free(looking->ids);
	free(looking->applied);
}

static void
tell(const struct looking *looking, size_t count, struct reprise_thread_applied *ret_applied)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		const struct asked *const asked = &looking->asked[i];

		if (strcmp(looking->ids[found], asked->id) != 0)
			found++;
		const struct thread_applied *const applied = &looking->applied[found];

		ret_applied[asked->at] = (struct reprise_thread_applied){ 0 };
		if (!applied->exists)
			continue;
		ret_applied[asked->at].version = applied->version;
		memcpy(ret_applied[asked->at].digest, applied->digest, sizeof(applied->digest));
	}
}

static reprise_status
check(const struct reprise_thread_store *store, const char *uid, const char *const *delta_ids,
      size_t count, struct thread_uid *ret_uid, struct reprise_error *error)
{
	const reprise_status status = handle_check_alone(store, error);

	if (status != REPRISE_OK)
		return status;
	if (uid == NULL || !uid_parse(uid, ret_uid))
		return error_invalid(error, "uid");
	if (count > REPRISE_THREAD_DELTAS_MAX)
		return error_invalid(error, "delta_ids_count");
	if (delta_ids == NULL && count != 0)
		return error_invalid(error, "delta_ids");
	for (size_t i = 0; i < count; i++)
		if (delta_ids[i] == NULL ||
		    !delta_id_is_good(delta_ids[i], strnlen(delta_ids[i], THREAD_DELTA_ID_ROOM)))
			return error_invalid(error, "delta_ids");
	return REPRISE_OK;
}

reprise_status
reprise_thread_find_applied(struct reprise_thread_store *store, const char *uid_text,
			    const char *const *delta_ids, size_t delta_ids_count,
			    struct reprise_thread_applied *ret_applied, struct reprise_error *error)
{
	struct looking looking;
	struct thread_head none;
	struct thread_uid uid;
	reprise_status status = check(store, uid_text, delta_ids, delta_ids_count, &uid, error);

	if (status != REPRISE_OK)
		return status;
	if (ret_applied == NULL && delta_ids_count != 0)
		return error_invalid(error, "ret_applied");
	if (delta_ids_count == 0)
		return REPRISE_OK;
	if (!looking_begin(&looking, delta_ids, delta_ids_count)) {
		looking_end(&looking);
		return error_plain(error, REPRISE_E_NO_MEMORY);
	}
	status = look_begin(store, NULL, &none, error);
	if (status == REPRISE_OK) {
		status = find_applied(store, &uid, looking.ids, looking.count, looking.applied,
				      error);
		look_end(store);
	}
	if (status == REPRISE_OK)
		tell(&looking, delta_ids_count, ret_applied);
	looking_end(&looking);
	return status;
}
