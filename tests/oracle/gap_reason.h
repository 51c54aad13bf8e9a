/* SPDX-License-Identifier: MIT */
#ifndef ORACLE_GAP_REASON_H
#define ORACLE_GAP_REASON_H

#include <stdbool.h>

#include <reprise/gap.h>

/* Whether the gap's reason is the one in REPRISE_GAP_DETAIL_TABLE (rule A17). */
static inline bool
gap_reason_fits(const struct reprise_gap *gap)
{
	const bool is_trimmed = gap->reason == REPRISE_GAP_TRIMMED;

	switch (gap->detail) {
#define FITS_TRIMMED     is_trimmed
#define FITS_UNAVAILABLE !is_trimmed
#define FITS_EITHER      true
#define CASE(constant, value, reason, name, sentence) \
	case constant:                                \
		return FITS_##reason;
		REPRISE_GAP_DETAIL_TABLE(CASE)
#undef CASE
#undef FITS_TRIMMED
#undef FITS_UNAVAILABLE
#undef FITS_EITHER
	}
	return false;
}

#endif /* ORACLE_GAP_REASON_H */
