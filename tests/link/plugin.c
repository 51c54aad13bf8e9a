/* SPDX-License-Identifier: MIT */
/* A plug-in with a static copy of the library. */
#include <reprise/reprise.h>

struct plugin {
	struct reprise_store *store;
	struct reprise_writer *writer;
};

#define PLUGIN_API __attribute__((visibility("default")))

PLUGIN_API int plugin_open(struct reprise_store **ret_store, struct reprise_writer **ret_writer);
PLUGIN_API int plugin_append(struct reprise_writer *writer);
PLUGIN_API int plugin_close(struct reprise_store *store, struct reprise_writer *writer);

int
plugin_open(struct reprise_store **ret_store, struct reprise_writer **ret_writer)
{
	const reprise_status status = reprise_store_open(NULL, ret_store, NULL);

	return status != REPRISE_OK
		       ? status
		       : reprise_writer_open(*ret_store, "plug-in", NULL, ret_writer, NULL);
}

int
plugin_append(struct reprise_writer *writer)
{
	return reprise_append(writer, 0, 0, 0, (struct reprise_bytes){ "x", 1 }, NULL);
}

int
plugin_close(struct reprise_store *store, struct reprise_writer *writer)
{
	reprise_writer_close(writer);
	return reprise_store_close(store);
}
