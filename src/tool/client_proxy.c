/* SPDX-License-Identifier: MIT */
#include "tool/client_proxy.h"

#include <stdio.h>
#include <stdlib.h>

char *
client_proxy_list_exempt(void)
{
	const char *const lower = getenv("no_proxy"), *const upper = getenv("NO_PROXY");
	const char *const given = lower != NULL ? lower : upper != NULL ? upper : "";
	char *list;

	return asprintf(&list, "localhost,127.0.0.1,[::1]%s%s", given[0] != '\0' ? "," : "",
			given) < 0
		       ? NULL
		       : list;
}
