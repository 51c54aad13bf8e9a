/* SPDX-License-Identifier: MIT */
/* A log is opened to be read, as `reprise log ls` opens a log: a missing log is not created. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <reprise/log.h>

#ifdef TOOL_HAS_POSTGRES
#include <reprise/log_postgres.h>
#endif

#include "tool/doctor_checks.h"

enum {
	THREADS_MOST = 10000, /* counted; a log may have millions */
};

static const char *
advice_of(reprise_status status)
{
	switch ((int)status) {
	case REPRISE_E_TIMEOUT:
		return "end the program that holds the log, such as a shell of SQLite with an "
		       "open transaction (`fuser FILE` names programs), and look again";
	case REPRISE_E_CORRUPT:
		return "keep a copy of the files, then run `reprise log verify`; the words say "
		       "what is missing";
	case REPRISE_E_VERSION:
		return "use the newer of the libraries: opening to write upgrades an older "
		       "schema, while no program with an older library has the log open";
	case REPRISE_E_NOT_FOUND:
		return "nothing, if the log is new: serve creates the log";
	case REPRISE_E_INVALID:
		return "change the part that the words name";
	default:
		return "see the words of the database";
	}
}

static enum doctor_level
level_of(reprise_status status, const struct reprise_error *error)
{
	if (status == REPRISE_E_NOT_FOUND)
		return DOCTOR_WARN;
	/* An upgrade mends an older schema. */
	if (status == REPRISE_E_VERSION && strstr(error->detail, "older") != NULL)
		return DOCTOR_WARN;
	return DOCTOR_FAIL;
}

static void
say_status(struct doctor_report *report, const char *name, reprise_status status,
	   const struct reprise_error *error)
{
	const bool is_locked = status == REPRISE_E_TIMEOUT;

	doctor_say(report, level_of(status, error), name, advice_of(status), "%s%s (%s)%s%s%s%s",
		   is_locked ? "the log is locked or silent: " : "", reprise_status_text(status),
		   reprise_status_name(status), error->what[0] != '\0' ? "; " : "", error->what,
		   error->detail[0] != '\0' ? ": " : "", error->detail);
}

static bool
count_thread(const struct reprise_log_key *key, void *context)
{
	uint64_t *const count = context;

	(void)key;
	(*count)++;
	return *count < THREADS_MOST;
}

static void
check_tenant(struct doctor_report *report, struct reprise_log *log, const char *tenant)
{
	struct reprise_error error = REPRISE_ERROR_INIT;
	uint64_t count = 0;
	const reprise_status status = reprise_log_each(log, tenant, count_thread, &count, &error);

	if (status != REPRISE_OK)
		say_status(report, "log-tenant", status, &error);
	else
		doctor_say(report, DOCTOR_OK, "log-tenant", NULL,
			   "the tenant %s has %s%" PRIu64 " thread%s", tenant,
			   count == THREADS_MOST ? "at least " : "", count, count == 1 ? "" : "s");
}

/* Whether the database keeps tenants apart for this role. */
static void
check_isolation(struct doctor_report *report, const struct log_place *place)
{
#ifdef TOOL_HAS_POSTGRES
	const struct reprise_log_postgres_options options = { .size = sizeof(options),
							      .connection = place->postgres,
							      .schema = place->schema,
							      .is_set_up = 1,
							      .is_isolated = 1 };
	struct reprise_error error = REPRISE_ERROR_INIT;
	struct reprise_log *log = NULL;
	const reprise_status status = reprise_log_postgres_open(&options, &log, &error);

	reprise_log_close(log);
	if (status == REPRISE_OK)
		doctor_say(report, DOCTOR_OK, "log-role", NULL,
			   "row-level security keeps tenants apart for this role");
	else
		doctor_say(report, DOCTOR_WARN, "log-role",
			   "with several tenants use a role that neither owns the tables nor "
			   "bypasses row-level security",
			   "the database does not keep tenants apart for this role: %s",
			   error.detail);
#else
	(void)report;
	(void)place;
#endif
}

void
doctor_check_log(struct doctor_report *report, const struct log_place *place, const char *tenant)
{
	struct reprise_error error = REPRISE_ERROR_INIT;
	struct reprise_log *log = NULL;
	const bool is_hopeful = place->file != NULL ? doctor_check_files(report, place->file)
						    : doctor_check_server(report, place);

	if (!is_hopeful)
		return;
	const reprise_status status = log_place_connect(place, LOG_ACCESS_READ, &log, &error);

	if (status != REPRISE_OK) {
		say_status(report, "log-open", status, &error);
		return;
	}
	doctor_say(report, DOCTOR_OK, "log-open", NULL,
		   "the log opens, with the schema of this library");
	check_tenant(report, log, tenant != NULL ? tenant : "default");
	if (place->postgres != NULL)
		check_isolation(report, place);
	reprise_log_close(log);
}
