/* SPDX-License-Identifier: MIT */
#include "onward.h"

const bool onward_has_log = false;

void
onward_attach(struct reprise_store *store)
{
	(void)store;
}

void
onward_detach(void)
{
}
