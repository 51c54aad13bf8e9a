/* SPDX-License-Identifier: MIT */
#include "tool/doctor_group.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tool/doctor_report.h"

/* Version 1 has a number near 2^63 where a group has no limit. */
#define NO_LIMIT (UINT64_C(1) << 62)

/* A hierarchy of groups: the folder of the root, and the path of the process's group below it. */
struct hierarchy {
	const char *root;
	char path[PATH_MAX / 2];
};

/* Whether a comma-separated list has @name. */
static bool
list_has(const char *list, size_t list_bytes, const char *name)
{
	const size_t bytes = strlen(name);

	for (const char *at = list; at < list + list_bytes; at += strcspn(at, ",:") + 1)
		if (strncmp(at, name, bytes) == 0 && (at[bytes] == ',' || at[bytes] == ':'))
			return true;
	return false;
}

/* A line of /proc/self/cgroup is ID:CONTROLLERS:PATH; version 2 has the line 0::PATH. */
static bool
find_path(const char *controller, struct hierarchy *ret_hierarchy)
{
	FILE *const file = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX / 2];
	bool is_found = false;

	if (file == NULL)
		return false;
	while (!is_found && fgets(line, sizeof(line), file) != NULL) {
		const char *const list = strchr(line, ':');
		const char *const path = list != NULL ? strchr(list + 1, ':') : NULL;

		if (path == NULL)
			continue;
		is_found = controller == NULL
				   ? path == list + 1
				   : list_has(list + 1, (size_t)(path - list - 1), controller);
		if (is_found)
			snprintf(ret_hierarchy->path, sizeof(ret_hierarchy->path), "%.*s",
				 (int)strcspn(path + 1, "\n"), path + 1);
	}
	fclose(file);
	return is_found;
}

/* Goes up to the root: a namespace may hide the folder of the group, but not the root. */
static enum doctor_group
read_up(struct hierarchy *hierarchy, const char *name, uint64_t *ret_least)
{
	enum doctor_group found = DOCTOR_GROUP_UNKNOWN;
	char file[PATH_MAX], line[64];
	uint64_t limit;

	for (;;) {
		char *const slash = strrchr(hierarchy->path, '/');

		snprintf(file, sizeof(file), "%s%s/%s", hierarchy->root, hierarchy->path, name);
		if (doctor_read_number(file, &limit) && limit < NO_LIMIT) {
			if (found != DOCTOR_GROUP_LIMITED || limit < *ret_least)
				*ret_least = limit;
			found = DOCTOR_GROUP_LIMITED;
		} else if (found == DOCTOR_GROUP_UNKNOWN &&
			   doctor_read_line(file, line, sizeof(line))) {
			found = DOCTOR_GROUP_FREE;
		}
		if (slash == NULL)
			return found;
		*slash = '\0';
	}
}

enum doctor_group
doctor_group_least(const char *controller, const char *second, const char *first,
		   uint64_t *ret_least)
{
	char root[PATH_MAX / 4];
	struct hierarchy hierarchy = { .root = root };

	snprintf(root, sizeof(root), "/sys/fs/cgroup/%s", controller);
	if (find_path(controller, &hierarchy))
		return read_up(&hierarchy, first, ret_least);
	if (!find_path(NULL, &hierarchy))
		return DOCTOR_GROUP_UNKNOWN;
	hierarchy.root = "/sys/fs/cgroup";
	/* The root group has no file, and no limit. */
	const bool is_root = strcmp(hierarchy.path, "/") == 0;
	const enum doctor_group found = read_up(&hierarchy, second, ret_least);

	return found == DOCTOR_GROUP_UNKNOWN && is_root ? DOCTOR_GROUP_FREE : found;
}
