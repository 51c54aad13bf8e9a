/* SPDX-License-Identifier: MIT */
#ifndef THREAD_RENEW_H
#define THREAD_RENEW_H

/*
 * A document's text, put anew with the deltas behind it. Between two transactions of one call
 * (handle.h) the document is copied, read and printed; meanwhile others may write to it.
 */

#include "thread/delta.h"
#include "thread/fold.h"
#include "thread/handle.h"

/* The text that a delta would lead to. All zero: none. */
struct renewal {
	struct thread_head head; /* of the document before the delta */
	struct printed text;     /* stamped as the next version */
};

/* In a pause: makes it. E_TOO_LARGE. renewal_free follows in any case. */
reprise_status renew_ahead(struct writing *writing, const struct delta *delta,
			   struct renewal *renewal, struct reprise_error *error);
void renewal_free(struct renewal *renewal);

/* In the transaction: whether the document is still as the delta met it; and puts the text. */
bool renewal_fits(const struct writing *writing, const struct renewal *renewal);
reprise_status renewal_put(struct writing *writing, const struct renewal *renewal,
			   struct reprise_error *error);

/*
 * In the pause after a commit: puts the text of the committed version. A failure is nobody's: the
 * document is what it was, and the next append tries again.
 */
void renew_behind(struct writing *writing);

#endif /* THREAD_RENEW_H */
