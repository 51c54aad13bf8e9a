/* SPDX-License-Identifier: MIT */
#include <reprise/thread.h>

#include <string.h>

#include "base/error.h"
#include "base/numbers.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "thread/renew.h"
#include "thread/write.h"

enum {
	FOLD_BYTES_MIN = 64 << 10, /* so that a small document is not written anew by each append */
	LARGE_BYTES = 1 << 20, /* a delta that takes longer to print than a transaction should */
	SMALL_BYTES = 4 << 10, /* a delta whose own members are not worth a second printing */
	TURNS_MAX = 8,
};

/* Made in a pause, and then the transaction begins again. */
enum need {
	NEED_NOTHING,
	NEED_SEAL, /* the delta in canonical form */
	NEED_TEXT, /* the text with the delta: only that tells if the document gets too large */
};

struct appending {
	struct writing writing;
	const uint64_t *expected_version;
	struct delta delta;
	size_t given_bytes;    /* the delta's, as given */
	uint64_t growth_bytes; /* what it adds to the document at most */
	struct renewal renewal;
	uint64_t version; /* of the first time, or 0 */
	uint64_t new_version;
	bool is_text_due; /* the text is to be put anew behind the commit */
};

/*
 * Whether the store knows the delta: sets the version of the first time. E_EXISTS: it knows another
 * one by that id.
 */
static reprise_status
look_up(struct writing *writing, const struct delta *delta, uint64_t *ret_version,
	struct reprise_error *error)
{
	const char *const id = delta->id;
	struct thread_applied applied = { 0 };
	const reprise_status status =
		find_applied(writing->store, &writing->head.uid, &id, 1, &applied, error);

	if (status != REPRISE_OK || !applied.exists)
		return status;
	if (memcmp(applied.digest, delta->digest, sizeof(applied.digest)) != 0)
		return error_detailed(error, REPRISE_E_EXISTS, "delta", delta->id);
	*ret_version = applied.version;
	return REPRISE_OK;
}

static reprise_status
check_age(const struct writing *writing, const struct delta *delta, struct reprise_error *error)
{
	const uint64_t limit_ms = writing->store->limits.retry_limit_ms;

	if ((writing->now_ms > limit_ms && delta->created_ms < writing->now_ms - limit_ms) ||
	    delta->created_ms < writing->store->keeping.floor_ms)
		return error_detailed(error, REPRISE_E_EXPIRED, "delta", "created_at");
	if (delta->created_ms > writing->now_ms + limit_ms)
		return json_refuse(error, "delta", "created_at", "is too far in the future");
	return REPRISE_OK;
}

static uint64_t
digits(uint64_t number)
{
	uint64_t count = 1;

	for (; number >= 10; number /= 10)
		count++;
	return count;
}

static reprise_status
apply(struct appending *appending, enum need *ret_need, struct reprise_error *error)
{
	struct writing *const writing = &appending->writing;
	struct thread_head *const head = &writing->head;
	const uint64_t delta_bytes = head->delta_bytes + appending->delta.json.size;
	const uint64_t growth_bytes = head->growth_bytes + appending->growth_bytes;
	/*
	 * The document is no larger than its text and what the deltas add together, and
	 * the longer version.
	 */
	const bool is_near_limit = head->text_bytes + growth_bytes + digits(head->version + 1) >
				   REPRISE_THREAD_JSON_BYTES_MAX + digits(head->base);
	bool is_held = false;

	if (is_near_limit && !renewal_fits(writing, &appending->renewal)) {
		*ret_need = NEED_TEXT;
		return REPRISE_OK;
	}
	reprise_status status = prune_deltas(writing, 1, &is_held, error);

	if (status == REPRISE_OK)
		status = prune_applied(writing, 1, error);
	head->delta_bytes = delta_bytes;
	head->growth_bytes = growth_bytes;
	if (status == REPRISE_OK && is_near_limit)
		status = renewal_put(writing, &appending->renewal, error);
	if (status != REPRISE_OK)
		return status;
	appending->is_text_due =
		!is_near_limit &&
		(is_held || delta_bytes >= greatest(FOLD_BYTES_MIN, head->text_bytes));
	head->version++;
	status = write_delta(writing, &appending->delta, head->version, error);
	return status == REPRISE_OK ? write_head(writing, error) : status;
}

static reprise_status
seal(struct appending *appending, struct reprise_error *error)
{
	const reprise_status status = delta_seal(&appending->delta, "delta", error);

	/*
	 * The document grows by less than the delta is large, since it does not get the
	 * delta's other members.
	 */
	appending->growth_bytes = appending->delta.json.size;
	return status == REPRISE_OK && appending->delta.json.size >= SMALL_BYTES
		       ? delta_growth(&appending->delta, &appending->growth_bytes, error)
		       : status;
}

/*
 * A delta without an id gets one, and the time. A large one is printed outside of the transaction.
 */
static reprise_status
name(struct appending *appending, enum need *ret_need, struct reprise_error *error)
{
	const reprise_status status =
		delta_name(&appending->delta, appending->writing.now_ms, error);

	if (status != REPRISE_OK || appending->given_bytes >= LARGE_BYTES) {
		*ret_need = NEED_SEAL;
		return status;
	}
	return seal(appending, error);
}

/* In the transaction. Nothing is written if something is needed before. */
static reprise_status
append(struct appending *appending, enum need *ret_need, struct reprise_error *error)
{
	struct writing *const writing = &appending->writing;
	struct delta *const delta = &appending->delta;
	reprise_status status = REPRISE_OK;

	*ret_need = NEED_NOTHING;
	if (!writing->head.exists)
		return error_plain(error, REPRISE_E_NOT_FOUND);
	if (delta->has_id)
		status = look_up(writing, delta, &appending->version, error);
	/*
	 * A repeated one writes the head as it is, so that what the first time wrote is as durable
	 * as this handle asks.
	 */
	if (status == REPRISE_OK && appending->version != 0)
		return write_head(writing, error);
	if (status == REPRISE_OK)
		status = write_expect(writing, appending->expected_version, error);
	if (status == REPRISE_OK && !delta->has_id)
		status = name(appending, ret_need, error);
	if (status != REPRISE_OK || *ret_need != NEED_NOTHING)
		return status;
	status = check_age(writing, delta, error);
	return status == REPRISE_OK ? apply(appending, ret_need, error) : status;
}

/* In a pause. */
static reprise_status
provide(struct appending *appending, enum need need, struct reprise_error *error)
{
	if (need == NEED_SEAL)
		return seal(appending, error);
	return renew_ahead(&appending->writing, &appending->delta, &appending->renewal, error);
}

/* From the beginning of one transaction to the end of the last. */
static reprise_status
append_in_turns(struct appending *appending, struct reprise_error *error)
{
	struct writing *const writing = &appending->writing;
	enum need need;
	reprise_status status = append(appending, &need, error);

	for (int turn = 1; status == REPRISE_OK && need != NEED_NOTHING; turn++) {
		(void)write_pause(writing, REPRISE_E_CONFLICT, NULL);
		if (turn == TURNS_MAX)
			return error_detailed(
				error, REPRISE_E_TIMEOUT, "id",
				"other writers change the document all the time; try again");
		status = provide(appending, need, error);
		if (status == REPRISE_OK)
			status = write_resume(writing, error);
		if (status != REPRISE_OK)
			return status;
		status = append(appending, &need, error);
	}
	return write_pause(writing, status, error);
}

static void
tell(const struct appending *appending, struct reprise_thread_appended *ret_appended)
{
	const struct delta *const delta = &appending->delta;
	struct reprise_thread_appended appended = {
		.version = appending->version != 0 ? appending->version : appending->new_version,
		.is_repeated = appending->version != 0,
	};

	memcpy(appended.delta_id, delta->id, sizeof(appended.delta_id));
	memcpy(appended.digest, delta->digest, sizeof(appended.digest));
	(void)sized_write(ret_appended, &appended, sizeof(appended),
			  SIZE_MIN(reprise_thread_appended));
}

static reprise_status
append_and_renew(struct appending *appending, struct reprise_thread_store *store, const char *id,
		 struct reprise_error *error)
{
	reprise_status status = write_begin(&appending->writing, store, id, error);

	if (status != REPRISE_OK)
		return status;
	status = append_in_turns(appending, error);
	appending->new_version = appending->writing.head.version;
	if (status == REPRISE_OK && appending->is_text_due)
		renew_behind(&appending->writing);
	write_leave(&appending->writing);
	return status;
}

reprise_status
reprise_thread_append(struct reprise_thread_store *store, const char *id,
		      const uint64_t *expected_version, struct reprise_bytes delta_text,
		      struct reprise_thread_appended *ret_appended, struct reprise_error *error)
{
	struct appending appending = { .expected_version = expected_version,
				       .given_bytes = delta_text.size };
	struct delta *const delta = &appending.delta;
	reprise_status status = handle_check(store, id, error);

	if (status != REPRISE_OK)
		return status;
	if (ret_appended != NULL &&
	    !sized_has_room(ret_appended, SIZE_MIN(reprise_thread_appended)))
		return error_size(error, "ret_appended: size", ret_appended, sizeof(*ret_appended));
	status = delta_read(delta_text, "delta", delta, error);
	if (status == REPRISE_OK && delta->has_id)
		status = seal(&appending, error);
	if (status == REPRISE_OK)
		status = append_and_renew(&appending, store, id, error);
	if (status == REPRISE_OK && ret_appended != NULL)
		tell(&appending, ret_appended);
	renewal_free(&appending.renewal);
	delta_free(delta);
	return status;
}
