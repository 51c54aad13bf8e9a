/* SPDX-License-Identifier: MIT */
#ifndef THREAD_HANDLE_H
#define THREAD_HANDLE_H

/* The calls on a store share the checks of arguments, and transactions. */

#include "thread/adapter.h"

/*
 * E_INVALID, naming the argument, unless the handle and the id are good. E_FORKED if the handle
 * is another process's.
 */
reprise_status handle_check(const struct reprise_thread_store *store, const char *id,
			    struct reprise_error *error);
/* The same without an id. */
reprise_status handle_check_alone(const struct reprise_thread_store *store,
				  struct reprise_error *error);

/* E_CORRUPT, and what is wrong; in the error of a text or a delta, what its reading found. */
reprise_status corrupt(struct reprise_error *error, const char *what);

/* A writing transaction. */
struct writing {
	struct reprise_thread_store *store;
	const char *id;
	bool takes_damaged_head; /* of such a head no number is good */
	struct thread_head head; /* as the document has it; changed by those who write */
	uint64_t now_ms;
};

/*
 * Takes the handle's lock for one call, E_TIMEOUT if others keep it for too long, and begins to
 * write. write_end follows if that was REPRISE_OK: it commits, or rolls back if @status is another
 * one, and gives the lock back. In between the thread is not cancelled.
 */
reprise_status write_begin(struct writing *writing, struct reprise_thread_store *store,
			   const char *id, struct reprise_error *error);
/* The same, and a head that is damaged is taken as it is: to be dropped. */
reprise_status write_begin_dropping(struct writing *writing, struct reprise_thread_store *store,
				    const char *id, struct reprise_error *error);
reprise_status write_end(struct writing *writing, reprise_status status,
			 struct reprise_error *error);

/*
 * One call of several transactions: write_pause ends one as write_end does, and keeps the lock;
 * write_resume begins another one, within what is left of the call's deadline. look_resume and
 * look_pause read in between, as look_begin and look_end do. write_leave gives the lock back,
 * in a pause.
 */
reprise_status write_pause(struct writing *writing, reprise_status status,
			   struct reprise_error *error);
reprise_status write_resume(struct writing *writing, struct reprise_error *error);
reprise_status look_resume(struct writing *writing, struct thread_head *ret_head,
			   struct reprise_error *error);
void look_pause(struct writing *writing);
void write_leave(struct writing *writing);

/*
 * One call that reads: look_end follows if that was REPRISE_OK. @id may be NULL. Without
 * a document: E_NOT_FOUND.
 */
reprise_status look_begin(struct reprise_thread_store *store, const char *id,
			  struct thread_head *ret_head, struct reprise_error *error);
void look_end(struct reprise_thread_store *store);

#endif /* THREAD_HANDLE_H */
