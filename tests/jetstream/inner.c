/* SPDX-License-Identifier: MIT */
#include "inner.h"

#include <stdatomic.h>
#include <stdio.h>

#include "support.h"

struct hook {
	_Atomic(void (*)(void *context)) call;
	_Atomic(void *) context;
};

static const struct thread_adapter *original;
static struct thread_adapter watched;
static atomic_int failing_commits;
static atomic_int failing_looks;
static atomic_uint commits;
static struct hook before;
static struct hook after;
static struct hook after_look;

static reprise_status
refuse(struct reprise_error *error, const char *what)
{
	if (error == NULL)
		return REPRISE_E_IO;
	*error = (struct reprise_error){ .size = error->size, .status = REPRISE_E_IO };
	snprintf(error->what, sizeof(error->what), "%s", what);
	snprintf(error->detail, sizeof(error->detail), "the test refuses it");
	return REPRISE_E_IO;
}

/* Whether this one fails. */
static bool
fails(atomic_int *left)
{
	int count = atomic_load(left);

	while (count > 0 && !atomic_compare_exchange_weak(left, &count, count - 1))
		;
	return count != 0;
}

static void
run(struct hook *hook)
{
	void (*const call)(void *context) = atomic_load(&hook->call);

	if (call != NULL)
		call(atomic_load(&hook->context));
}

static reprise_status
commit(struct reprise_thread_store *store, struct reprise_error *error)
{
	run(&before);
	if (fails(&failing_commits)) {
		original->rollback(store);
		return refuse(error, "commit");
	}
	const reprise_status status = original->commit(store, error);

	atomic_fetch_add(&commits, 1);
	run(&after);
	return status;
}

static reprise_status
look(struct reprise_thread_store *store, const char *id, struct thread_head *ret_head,
     struct reprise_error *error)
{
	const reprise_status status = original->look(store, id, ret_head, error);

	if (status != REPRISE_OK || !fails(&failing_looks))
		return status;
	return refuse(error, "look");
}

/*
 * The handle's lock is held, which another handle does not mind; the look's transaction has ended.
 */
static void
leave(struct reprise_thread_store *store)
{
	original->leave(store);
	run(&after_look);
}

void
inner_watch(struct reprise_thread_store *store)
{
	if (store->adapter == &watched)
		return;
	original = store->adapter;
	watched = *original;
	watched.commit = commit;
	watched.look = look;
	watched.leave = leave;
	store->adapter = &watched;
}

void
inner_fail_commits(int count)
{
	atomic_store(&failing_commits, count);
}

void
inner_fail_looks(int count)
{
	atomic_store(&failing_looks, count);
}

static void
set(struct hook *hook, void (*call)(void *context), void *context)
{
	atomic_store(&hook->context, context);
	atomic_store(&hook->call, call);
}

void
inner_before_commit(void (*call)(void *context), void *context)
{
	set(&before, call, context);
}

void
inner_after_commit(void (*call)(void *context), void *context)
{
	set(&after, call, context);
}

void
inner_after_look(void (*call)(void *context), void *context)
{
	set(&after_look, call, context);
}

unsigned int
inner_commits(void)
{
	return atomic_load(&commits);
}
