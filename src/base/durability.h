/* SPDX-License-Identifier: MIT */
#ifndef BASE_DURABILITY_H
#define BASE_DURABILITY_H

#include <stdbool.h>

#include <reprise/base.h>

/*
 * The option `durability` of an adapter or of a recorder.
 *
 * durability_is_level    Whether an option may have this value. 0 is the default.
 * durability_or_synced   The level of a value that an option may have.
 */
static inline bool
durability_is_level(reprise_durability durability)
{
	switch (durability) {
	case REPRISE_ENQUEUED: /* 0 */
	case REPRISE_WRITTEN:
	case REPRISE_SYNCED:
		return true;
	}
	return false;
}

static inline reprise_durability
durability_or_synced(reprise_durability durability)
{
	return durability == REPRISE_WRITTEN ? REPRISE_WRITTEN : REPRISE_SYNCED;
}

#endif /* BASE_DURABILITY_H */
