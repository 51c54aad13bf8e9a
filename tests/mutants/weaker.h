/* SPDX-License-Identifier: MIT */
#ifndef MUTANTS_WEAKER_H
#define MUTANTS_WEAKER_H

/* Orders that the library has no use for: what a mutant puts in the place of one that it has. */

#define fence_acq_rel() atomic_thread_fence(memory_order_acq_rel)

#endif /* MUTANTS_WEAKER_H */
