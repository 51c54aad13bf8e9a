/* SPDX-License-Identifier: MIT */
/* A plug-in with a static copy of the library. */
#include <reprise/reprise.h>

struct plugin {
	struct reprise_store *store;
	struct reprise_session *session;
};

#define PLUGIN_API __attribute__((visibility("default")))

PLUGIN_API int plugin_open(struct reprise_store **ret_store, struct reprise_session **ret_session);
PLUGIN_API int plugin_append(struct reprise_session *session);
PLUGIN_API int plugin_close(struct reprise_store *store, struct reprise_session *session);

int
plugin_open(struct reprise_store **ret_store, struct reprise_session **ret_session)
{
	const reprise_status status = reprise_store_open(NULL, ret_store, NULL);

	return status != REPRISE_OK
		       ? status
		       : reprise_session_open(*ret_store, "plug-in", NULL, ret_session, NULL);
}

int
plugin_append(struct reprise_session *session)
{
	return reprise_append(session, 0, 0, 0, (struct reprise_bytes){ "x", 1 }, NULL);
}

int
plugin_close(struct reprise_store *store, struct reprise_session *session)
{
	reprise_session_close(session);
	return reprise_store_close(store);
}
