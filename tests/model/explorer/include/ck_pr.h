/* SPDX-License-Identifier: MIT */
#ifndef EXPLORER_CK_PR_H
#define EXPLORER_CK_PR_H

/* Stands in for ConcurrencyKit's: of it, the library uses the pause alone. */

#include "../explorer.h"

#define ck_pr_stall() explorer_yield()

#endif /* EXPLORER_CK_PR_H */
