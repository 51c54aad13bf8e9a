/* SPDX-License-Identifier: MIT */
#ifndef TOOL_DOCTOR_GROUP_H
#define TOOL_DOCTOR_GROUP_H

/* The limits of the control group of the process. */

#include <stdint.h>

enum doctor_group {
	DOCTOR_GROUP_FREE,    /* no limit */
	DOCTOR_GROUP_LIMITED, /* the number is set */
	DOCTOR_GROUP_UNKNOWN, /* the group cannot be read */
};

/*
 * The least limit from the process's group up to the root. @controller names the hierarchy of
 * version 1, @second the file of version 2, @first the file of version 1.
 */
enum doctor_group doctor_group_least(const char *controller, const char *second, const char *first,
				     uint64_t *ret_least);

#endif /* TOOL_DOCTOR_GROUP_H */
