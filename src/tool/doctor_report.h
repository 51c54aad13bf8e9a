/* SPDX-License-Identifier: MIT */
#ifndef TOOL_DOCTOR_REPORT_H
#define TOOL_DOCTOR_REPORT_H

/* The output of `reprise doctor`: the findings, and small readings of /proc and /sys. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum doctor_level {
	DOCTOR_OK,
	DOCTOR_WARN, /* works, with a cost or a risk */
	DOCTOR_FAIL, /* a use of the program fails */
};

struct doctor_report {
	bool is_json;
	size_t fails;
};

/*
 * Prints the finding of the check @name. @advice says the remedy in the levels above DOCTOR_OK. The
 * text of unknown origin in a finding is printed with escapes.
 */
void doctor_say(struct doctor_report *report, enum doctor_level level, const char *name,
		const char *advice, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The check @name found no answer, since @source cannot be read. */
void doctor_say_unknown(struct doctor_report *report, const char *name, const char *source);

/* The first line of a file, without the end of the line. False: the file has no line to read. */
bool doctor_read_line(const char *path, char *ret_line, size_t room);

/* The number at the beginning of a file. False: the file has no number. */
bool doctor_read_number(const char *path, uint64_t *ret_number);

enum {
	DOCTOR_SIZE_BYTES = 24
};

/* "1.5 GiB" */
const char *doctor_size(uint64_t bytes, char ret_text[DOCTOR_SIZE_BYTES]);

#endif /* TOOL_DOCTOR_REPORT_H */
