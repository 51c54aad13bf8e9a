/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_MUST_H
#define EXAMPLES_MUST_H

/* An example ends where a call of the library fails. */

#include <stdio.h>
#include <stdlib.h>

#include <reprise/reprise.h>

#define MUST(call) must(call, #call)

static inline void
must_failed(const char *call)
{
	fprintf(stderr, "failed: %s\n", call);
	exit(1);
}

static inline void
must(reprise_status status, const char *call)
{
	if (status == REPRISE_OK)
		return;
	fprintf(stderr, "%s: ", reprise_status_text(status));
	must_failed(call);
}

#endif /* EXAMPLES_MUST_H */
