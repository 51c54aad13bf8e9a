/* SPDX-License-Identifier: MIT */
#ifndef EXPLORER_SCHED_H
#define EXPLORER_SCHED_H

#include_next <sched.h>

#include "../explorer.h"

#define sched_yield() (explorer_yield(), 0)

#endif /* EXPLORER_SCHED_H */
