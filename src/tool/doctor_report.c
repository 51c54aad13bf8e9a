/* SPDX-License-Identifier: MIT */
#include "tool/doctor_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/log_text.h"

enum {
	FINDING_BYTES = 1024,
	LINE_BYTES = 256,
};

static const char *const level_names[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_WARN] = "warn",
	[DOCTOR_FAIL] = "fail",
};

/* JSON needs UTF-8; a path may have any bytes, and a long finding may be cut within a character. */
static void
make_utf8(char *text)
{
	if (log_text_is_utf8(text, strlen(text)))
		return;
	for (char *at = text; *at != '\0'; at++)
		if ((unsigned char)*at >= 0x80)
			*at = '?';
}

static void
print_json(enum doctor_level level, const char *name, const char *advice, const char *finding)
{
	printf("{\"check\":\"%s\",\"result\":\"%s\",\"finding\":", name, level_names[level]);
	log_text_json(stdout, finding, strlen(finding));
	if (level != DOCTOR_OK && advice != NULL) {
		fputs(",\"advice\":", stdout);
		log_text_json(stdout, advice, strlen(advice));
	}
	puts("}");
}

static void
print_text(enum doctor_level level, const char *name, const char *advice, const char *finding)
{
	printf("%-4s  %-14s  ", level_names[level], name);
	log_text_escaped(stdout, finding, strlen(finding), SIZE_MAX);
	putchar('\n');
	if (level != DOCTOR_OK && advice != NULL)
		printf("      to do: %s\n", advice);
}

void
doctor_say(struct doctor_report *report, enum doctor_level level, const char *name,
	   const char *advice, const char *format, ...)
{
	char finding[FINDING_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(finding, sizeof(finding), format, arguments);
	va_end(arguments);
	report->fails += level == DOCTOR_FAIL;
	if (report->is_json) {
		make_utf8(finding);
		print_json(level, name, advice, finding);
	} else {
		print_text(level, name, advice, finding);
	}
}

void
doctor_say_unknown(struct doctor_report *report, const char *name, const char *source)
{
	doctor_say(report, DOCTOR_WARN, name,
		   "mount /proc and /sys in the container, or look on its host",
		   "unknown: %s cannot be read", source);
}

bool
doctor_read_line(const char *path, char *ret_line, size_t room)
{
	FILE *const file = fopen(path, "re");

	if (file == NULL)
		return false;
	const bool has_line = fgets(ret_line, (int)room, file) != NULL;

	fclose(file);
	if (has_line)
		ret_line[strcspn(ret_line, "\n")] = '\0';
	return has_line;
}

bool
doctor_read_number(const char *path, uint64_t *ret_number)
{
	char line[LINE_BYTES];

	if (!doctor_read_line(path, line, sizeof(line)) || line[0] < '0' || line[0] > '9')
		return false;
	errno = 0;
	*ret_number = strtoull(line, NULL, 10);
	return errno == 0;
}

const char *
doctor_size(uint64_t bytes, char ret_text[DOCTOR_SIZE_BYTES])
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double size = (double)bytes;
	size_t unit = 0;

	for (; size >= 1024; unit++)
		size /= 1024;
	snprintf(ret_text, DOCTOR_SIZE_BYTES, unit == 0 ? "%.0f %s" : "%.1f %s", size, units[unit]);
	return ret_text;
}
