/* SPDX-License-Identifier: MIT */
#ifndef TOOL_DOCTOR_CHECKS_H
#define TOOL_DOCTOR_CHECKS_H

/* The checks of `reprise doctor`, by the part of the machine. A check changes nothing. */

#include "tool/doctor_report.h"
#include "tool/log_place.h"

void doctor_check_system(struct doctor_report *report); /* the kernel and its calls */
void doctor_check_limits(struct doctor_report *report); /* descriptors, memory, threads */
void doctor_check_clock(struct doctor_report *report);
void doctor_check_build(struct doctor_report *report); /* libraries, processor, parts */

/* The log of @place. @tenant may be NULL: the default. */
void doctor_check_log(struct doctor_report *report, const struct log_place *place,
		      const char *tenant);

/* The folder, the file system and the files of a log in SQLite. False: opening has no prospect. */
bool doctor_check_files(struct doctor_report *report, const char *file);

/* The server of a log in PostgreSQL. False: the server cannot be reached. */
bool doctor_check_server(struct doctor_report *report, const struct log_place *place);

#endif /* TOOL_DOCTOR_CHECKS_H */
