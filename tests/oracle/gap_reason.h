/* SPDX-License-Identifier: MIT */
#ifndef ORACLE_GAP_REASON_H
#define ORACLE_GAP_REASON_H

#include <stdbool.h>

#include <reprise/gap.h>

/* Whether the gap's reason is the one in REPRISE_GAP_DETAIL_TABLE (rule A17). */
static inline bool
gap_reason_fits(const struct reprise_gap *gap)
{
#define FITS_TRIMMED                                  (1 << REPRISE_GAP_TRIMMED)
#define FITS_UNAVAILABLE                              (1 << REPRISE_GAP_UNAVAILABLE)
#define FITS_EITHER                                   (FITS_TRIMMED | FITS_UNAVAILABLE)
#define FITS(constant, value, reason, name, sentence) [constant] = FITS_##reason,
	static const int fits[] = { REPRISE_GAP_DETAIL_TABLE(FITS) };
#undef FITS
#undef FITS_EITHER
#undef FITS_UNAVAILABLE
#undef FITS_TRIMMED

	return gap->detail < sizeof(fits) / sizeof(fits[0]) &&
	       gap->reason <= REPRISE_GAP_UNAVAILABLE &&
	       (fits[gap->detail] & 1 << gap->reason) != 0;
}

#endif /* ORACLE_GAP_REASON_H */
