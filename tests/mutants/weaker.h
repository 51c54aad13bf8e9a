/* SPDX-License-Identifier: MIT */
#ifndef MUTANTS_WEAKER_H
#define MUTANTS_WEAKER_H

/*
 * Orders that the library has no use for: a mutant puts one in the place of one of the library's
 * orders.
 */

#define fence_acq_rel() atomic_thread_fence(memory_order_acq_rel)

#endif /* MUTANTS_WEAKER_H */
