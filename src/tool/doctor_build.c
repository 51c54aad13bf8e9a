/* SPDX-License-Identifier: MIT */
/*
 * The libraries in use beside the versions of the build, the processor's help for checksums, and
 * the parts of the program. dlsym finds the calls of the libraries, since the header of a library
 * belongs to one room.
 */
#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/doctor_checks.h"

enum {
	VERSION_BYTES = 64,
	NUMBERS = 3,
	PARTS_BYTES = 512,
};

/* The version of the build comes from pkg-config; an empty text: the library is not built in. */
#ifndef TOOL_VERSION_SQLITE
#define TOOL_VERSION_SQLITE ""
#endif
#ifndef TOOL_VERSION_POSTGRES
#define TOOL_VERSION_POSTGRES ""
#endif
#ifndef TOOL_VERSION_EVENT
#define TOOL_VERSION_EVENT ""
#endif
#ifndef TOOL_VERSION_OPENSSL
#define TOOL_VERSION_OPENSSL ""
#endif
#ifndef TOOL_VERSION_JANSSON
#define TOOL_VERSION_JANSSON ""
#endif
#ifndef TOOL_VERSION_NATS
#define TOOL_VERSION_NATS ""
#endif
#ifndef TOOL_VERSION_CURL
#define TOOL_VERSION_CURL ""
#endif
#ifndef TOOL_VERSION_NCURSES
#define TOOL_VERSION_NCURSES ""
#endif
#ifndef TOOL_VERSION_URCU
#define TOOL_VERSION_URCU ""
#endif

enum answer {
	ANSWER_TEXT,   /* const char *f(void) */
	ANSWER_OF_ALL, /* const char *f(int), of 0 */
	ANSWER_NUMBER, /* int f(void): 150004 is 15.4 */
	ANSWER_FILE,   /* the library has no such call: the name of its file */
};

static const struct library {
	const char *name, *built, *call;
	enum answer answer;
} libraries[] = {
	{ "sqlite", TOOL_VERSION_SQLITE, "sqlite3_libversion", ANSWER_TEXT },
	{ "libpq", TOOL_VERSION_POSTGRES, "PQlibVersion", ANSWER_NUMBER },
	{ "libevent", TOOL_VERSION_EVENT, "event_get_version", ANSWER_TEXT },
	{ "openssl", TOOL_VERSION_OPENSSL, "OpenSSL_version", ANSWER_OF_ALL },
	{ "jansson", TOOL_VERSION_JANSSON, "jansson_version_str", ANSWER_TEXT },
	{ "libnats", TOOL_VERSION_NATS, "nats_GetVersion", ANSWER_TEXT },
	{ "libcurl", TOOL_VERSION_CURL, "curl_version", ANSWER_TEXT },
	{ "ncurses", TOOL_VERSION_NCURSES, "curses_version", ANSWER_TEXT },
	{ "liburcu", TOOL_VERSION_URCU, "liburcu-bp.so", ANSWER_FILE },
};

/* --- versions -------------------------------------------------------------------------------- */

struct search {
	const char *name;
	char *ret_file;
};

static int
note_file(struct dl_phdr_info *object, size_t size, void *context)
{
	const struct search *const search = context;
	char path[PATH_MAX];

	(void)size;
	if (strstr(object->dlpi_name, search->name) == NULL ||
	    realpath(object->dlpi_name, path) == NULL)
		return 0;
	snprintf(search->ret_file, VERSION_BYTES, "%s", strrchr(path, '/') + 1);
	return 1;
}

/* ISO C has no cast from an object to a function. */
#define CALL_OF(type, symbol) (*(type *)(void *)&(symbol))

typedef const char *text_call(void);
typedef const char *text_of_all_call(int);
typedef int number_call(void);

static bool
ask_library(const struct library *library, char ret_version[VERSION_BYTES])
{
	void *symbol = library->answer == ANSWER_FILE ? NULL : dlsym(RTLD_DEFAULT, library->call);
	struct search search = { library->call, ret_version };
	int number;

	if (library->answer == ANSWER_FILE)
		return dl_iterate_phdr(note_file, &search) != 0;
	if (symbol == NULL)
		return false;
	if (library->answer == ANSWER_NUMBER) {
		number = CALL_OF(number_call *, symbol)();
		snprintf(ret_version, VERSION_BYTES, "%d.%d", number / 10000, number % 10000);
		return true;
	}
	const char *const text = library->answer == ANSWER_TEXT
					 ? CALL_OF(text_call *, symbol)()
					 : CALL_OF(text_of_all_call *, symbol)(0);

	snprintf(ret_version, VERSION_BYTES, "%.*s",
		 (int)(library->answer == ANSWER_TEXT ? strcspn(text, " ") : strlen(text)), text);
	if (strpbrk(ret_version, "0123456789") == NULL) /* such as "ncurses 6.4" */
		snprintf(ret_version, VERSION_BYTES, "%s", text);
	return true;
}

/* The first numbers of a text: 3.40.1 of "libfoo/3.40.1". */
static void
read_numbers(const char *text, unsigned long ret_numbers[NUMBERS])
{
	const char *at = text + strcspn(text, "0123456789");
	char *end;

	for (size_t i = 0; i < NUMBERS; i++) {
		ret_numbers[i] = strtoul(at, &end, 10);
		at = *end == '.' ? end + 1 : "";
	}
}

static bool
is_older(const char *version, const char *than)
{
	unsigned long found[NUMBERS], wanted[NUMBERS];

	read_numbers(version, found);
	read_numbers(than, wanted);
	for (size_t i = 0; i < NUMBERS; i++)
		if (found[i] != wanted[i])
			return found[i] < wanted[i];
	return false;
}

static void
check_library(struct doctor_report *report, const struct library *library)
{
	char version[VERSION_BYTES];

	if (!ask_library(library, version))
		doctor_say(report, DOCTOR_WARN, library->name,
			   "nothing, if the library is linked statically",
			   "built with %s; unknown which version is loaded", library->built);
	else if (library->answer != ANSWER_FILE && is_older(version, library->built))
		doctor_say(report, DOCTOR_WARN, library->name,
			   "install the version of the build, or build the program again",
			   "%s is loaded, older than %s of the build", version, library->built);
	else
		doctor_say(report, DOCTOR_OK, library->name, NULL, "%s is loaded, built with %s",
			   version, library->built);
}

/* --- the processor and the program ------------------------------------------------------------ */

static void
check_processor(struct doctor_report *report)
{
#if defined(__x86_64__) && defined(__GNUC__)
	const bool is_fast = __builtin_cpu_supports("sse4.2") != 0;

	doctor_say(report, is_fast ? DOCTOR_OK : DOCTOR_WARN, "checksums",
		   "let the virtual machine show SSE 4.2 to its guest: checksums of the log are "
		   "slower without",
		   is_fast ? "the processor computes CRC-32C (SSE 4.2)"
			   : "the processor has no SSE 4.2: a table computes CRC-32C");
#else
	doctor_say(report, DOCTOR_OK, "checksums", NULL,
		   "a table computes CRC-32C on this architecture");
#endif
}

static const struct part {
	const char *name;
	bool is_built;
} parts[] = {
#ifdef TOOL_HAS_SQLITE
	{ "logs in SQLite", true },
#else
	{ "logs in SQLite", false },
#endif
#ifdef TOOL_HAS_POSTGRES
	{ "logs in PostgreSQL", true },
#else
	{ "logs in PostgreSQL", false },
#endif
#ifdef TOOL_HAS_GATEWAY
	{ "serve", true },
#else
	{ "serve", false },
#endif
#ifdef TOOL_HAS_THREAD
	{ "thread documents", true },
#else
	{ "thread documents", false },
#endif
#ifdef TOOL_HAS_JETSTREAM
	{ "deltas in NATS", true },
#else
	{ "deltas in NATS", false },
#endif
#ifdef TOOL_HAS_CLIENT
	{ "tail, post and top", true },
#else
	{ "tail, post and top", false },
#endif
#ifdef TOOL_HAS_NCURSES
	{ "top in a terminal", true },
#else
	{ "top in a terminal", false },
#endif
};

static void
check_parts(struct doctor_report *report)
{
	char with[PARTS_BYTES] = "", without[PARTS_BYTES] = "";

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char *const list = parts[i].is_built ? with : without;
		const size_t used = strlen(list);

		snprintf(list + used, PARTS_BYTES - used, "%s%s", used > 0 ? ", " : "",
			 parts[i].name);
	}
	doctor_say(report, without[0] != '\0' ? DOCTOR_WARN : DOCTOR_OK, "parts",
		   "install the missing libraries, as `./dev` names them, and build again",
		   "%s%s%s%s", with[0] != '\0' ? "built with " : "", with,
		   with[0] == '\0'      ? "built without "
		   : without[0] != '\0' ? "; built without "
					: "",
		   without);
}

void
doctor_check_build(struct doctor_report *report)
{
	check_processor(report);
	check_parts(report);
	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
		if (libraries[i].built[0] != '\0')
			check_library(report, &libraries[i]);
}
