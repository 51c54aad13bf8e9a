/* SPDX-License-Identifier: MIT */
#include "thread/handle.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/numbers.h"
#include "thread/process.h"
#include "thread/row.h"
#include "thread/uid.h"

#define NS_PER_MS              UINT64_C(1000000)
#define MS_PER_DAY             UINT64_C(86400000)
#define HORIZON_MS_DEFAULT     (7 * MS_PER_DAY)
#define HORIZON_MS_MOST        (36525 * MS_PER_DAY)
#define RETRY_LIMIT_MS_DEFAULT MS_PER_DAY
#define RETRY_LIMIT_MS_LEAST   UINT64_C(1000)

bool
thread_store_init(struct reprise_thread_store *store, const struct thread_adapter *adapter,
		  const struct thread_limits *limits)
{
	store->adapter = adapter;
	store->limits = *limits;
	pthread_mutex_init(&store->lock, NULL);
	if (process_add(store))
		return true;
	pthread_mutex_destroy(&store->lock);
	return false;
}

void
thread_store_done(struct reprise_thread_store *store)
{
	process_remove(store);
	pthread_mutex_destroy(&store->lock);
}

const char *
thread_limits_choose(uint64_t horizon_ns, uint64_t retry_limit_ns, struct thread_limits *ret_limits)
{
	struct thread_limits limits = {
		.horizon_ms = horizon_ns != 0 ? horizon_ns / NS_PER_MS : HORIZON_MS_DEFAULT,
		.retry_limit_ms =
			retry_limit_ns != 0 ? retry_limit_ns / NS_PER_MS : RETRY_LIMIT_MS_DEFAULT,
	};

	if (limits.retry_limit_ms < RETRY_LIMIT_MS_LEAST || limits.retry_limit_ms > HORIZON_MS_MOST)
		return "retry_limit_ns";
	if (limits.horizon_ms > HORIZON_MS_MOST || limits.horizon_ms < 2 * limits.retry_limit_ms)
		return "horizon_ns";
	*ret_limits = limits;
	return NULL;
}

void
reprise_thread_store_close(struct reprise_thread_store *store)
{
	int cancel_state;

	if (store == NULL)
		return;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	if (process_has_opened(store))
		store->adapter->close(store);
	else
		store->adapter->discard(store, store->is_busy);
	pthread_setcancelstate(cancel_state, NULL);
}

/*
 * ThreadSanitizer of gcc 12 does not know the call; and a clock that is set is a lesser evil
 * than no deadline.
 */
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 30) && !defined(__SANITIZE_THREAD__)
#define LOCK_CLOCK                   CLOCK_MONOTONIC
#define lock_until(lock, until_time) pthread_mutex_clocklock(lock, LOCK_CLOCK, until_time)
#else
#define LOCK_CLOCK                   CLOCK_REALTIME
#define lock_until(lock, until_time) pthread_mutex_timedlock(lock, until_time)
#endif

/* Of the deadline a tenth is left to the call itself. */
static bool
wait_for_others(struct reprise_thread_store *store)
{
	const uint64_t wait_ns = store->deadline_ns - store->deadline_ns / 10;
	const uint64_t begin_ns = clock_ns();
	struct timespec until_time;

	if (store->deadline_ns == 0)
		return pthread_mutex_lock(&store->lock) == 0;
	clock_gettime(LOCK_CLOCK, &until_time);
	until_time = ns_timespec(timespec_ns(&until_time) + wait_ns);
	if (lock_until(&store->lock, &until_time) != 0)
		return false;
	store->waited_ns = least(clock_ns() - begin_ns, wait_ns);
	return true;
}

static reprise_status
lock(struct reprise_thread_store *store, struct reprise_error *error)
{
	int cancel_state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	if (pthread_mutex_trylock(&store->lock) != 0 && !wait_for_others(store)) {
		pthread_setcancelstate(cancel_state, NULL);
		return error_detailed(error, REPRISE_E_TIMEOUT, "store",
				      "other calls on this handle took until the deadline");
	}
	store->cancel_state = cancel_state;
	store->is_busy = true;
	return REPRISE_OK;
}

static void
unlock(struct reprise_thread_store *store)
{
	const int cancel_state = store->cancel_state;

	store->is_busy = store->is_continued = false;
	store->waited_ns = 0;
	pthread_mutex_unlock(&store->lock);
	pthread_setcancelstate(cancel_state, NULL);
}

reprise_status
handle_check_alone(const struct reprise_thread_store *store, struct reprise_error *error)
{
	if (store == NULL)
		return error_invalid(error, "store");
	return process_has_opened(store) ? REPRISE_OK : error_plain(error, REPRISE_E_FORKED);
}

reprise_status
handle_check(const struct reprise_thread_store *store, const char *id, struct reprise_error *error)
{
	const reprise_status status = handle_check_alone(store, error);

	return status == REPRISE_OK ? id_check(id, error) : status;
}

reprise_status
corrupt(struct reprise_error *error, const char *what)
{
	return error_detailed(error, REPRISE_E_CORRUPT, what, NULL);
}

/* Nothing is begun on a failure. */
static reprise_status
begin(struct writing *writing, struct reprise_error *error)
{
	const struct thread_adapter *const adapter = writing->store->adapter;
	const reprise_status status = adapter->begin(writing->store, writing->id, &writing->head,
						     &writing->now_ms, error);
	const char *fault = NULL;

	if (status == REPRISE_OK && !writing->takes_damaged_head)
		fault = head_fault(&writing->head);
	if (status == REPRISE_OK && fault == NULL)
		fault = thread_keeping_fault(&writing->store->keeping);
	if (fault == NULL)
		return status;
	adapter->rollback(writing->store);
	return corrupt(error, fault);
}

static reprise_status
lock_and_begin(struct writing *writing, struct reprise_error *error)
{
	reprise_status status = lock(writing->store, error);

	if (status != REPRISE_OK)
		return status;
	status = begin(writing, error);
	if (status != REPRISE_OK)
		unlock(writing->store);
	return status;
}

reprise_status
write_begin(struct writing *writing, struct reprise_thread_store *store, const char *id,
	    struct reprise_error *error)
{
	*writing = (struct writing){ .store = store, .id = id };
	return lock_and_begin(writing, error);
}

reprise_status
write_begin_dropping(struct writing *writing, struct reprise_thread_store *store, const char *id,
		     struct reprise_error *error)
{
	*writing = (struct writing){ .store = store, .id = id, .takes_damaged_head = true };
	return lock_and_begin(writing, error);
}

reprise_status
write_end(struct writing *writing, reprise_status status, struct reprise_error *error)
{
	status = write_pause(writing, status, error);
	write_leave(writing);
	return status;
}

reprise_status
write_pause(struct writing *writing, reprise_status status, struct reprise_error *error)
{
	writing->store->is_continued = true;
	if (status == REPRISE_OK)
		return writing->store->adapter->commit(writing->store, error);
	writing->store->adapter->rollback(writing->store);
	return status;
}

reprise_status
write_resume(struct writing *writing, struct reprise_error *error)
{
	return begin(writing, error);
}

void
write_leave(struct writing *writing)
{
	unlock(writing->store);
}

static reprise_status
look(struct reprise_thread_store *store, const char *id, struct thread_head *ret_head,
     struct reprise_error *error)
{
	*ret_head = (struct thread_head){ 0 };
	const reprise_status status = store->adapter->look(store, id, ret_head, error);

	if (status != REPRISE_OK || id == NULL)
		return status;
	const char *const fault = head_fault(ret_head);

	if (fault != NULL)
		return corrupt(error, fault);
	return ret_head->exists ? REPRISE_OK : error_plain(error, REPRISE_E_NOT_FOUND);
}

reprise_status
look_resume(struct writing *writing, struct thread_head *ret_head, struct reprise_error *error)
{
	return look(writing->store, writing->id, ret_head, error);
}

void
look_pause(struct writing *writing)
{
	writing->store->adapter->leave(writing->store);
}

reprise_status
look_begin(struct reprise_thread_store *store, const char *id, struct thread_head *ret_head,
	   struct reprise_error *error)
{
	reprise_status status = lock(store, error);

	if (status != REPRISE_OK)
		return status;
	status = look(store, id, ret_head, error);
	if (status != REPRISE_OK)
		look_end(store);
	return status;
}

void
look_end(struct reprise_thread_store *store)
{
	store->adapter->leave(store);
	unlock(store);
}
