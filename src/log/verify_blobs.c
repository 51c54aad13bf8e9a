/* SPDX-License-Identifier: MIT */
#include "log/verify_blobs.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"
#include "log/handle.h"
#include "log/lookup.h"

/* @name may be NULL. A text that has no room is cut, by whole characters. */
static void
found(struct blobs_report *report, const char *what, const char *name)
{
	char *const to = report->what;

	if (report->faults++ != 0)
		return;
	snprintf(to, sizeof(report->what), "%s%s%s", what, name != NULL ? ": " : "",
		 name != NULL ? name : "");
	to[utf8_text_prefix(to, strlen(to))] = '\0';
}

static void
see(const struct log_blob *blob, void *context)
{
	(void)blob;
	++*(uint64_t *)context;
}

/*
 * Each blob has a look of its own: it may be large. No blob is ever taken away, so each that has a
 * name is there.
 */
static reprise_status
verify_blob(struct reprise_log *log, const struct reprise_log_key *key, const char *name,
	    struct blobs_report *report, struct reprise_error *error)
{
	struct log_head head = { 0 };
	bool is_there = true;
	reprise_status status = look_begin(log, key, &head, error);

	if (status == REPRISE_OK)
		status = lookup_blob(log, &head, name, see, &report->blobs, &is_there, error);
	look_end(log);
	if (status == REPRISE_E_CORRUPT)
		found(report, "a blob is damaged", name);
	else if (!is_there)
		found(report, "a blob cannot be found", name);
	return status == REPRISE_E_CORRUPT ? REPRISE_OK : status;
}

/*
 * Damage that a look finds is a fault; its words are @why's, unless the database has said something
 * of its own.
 */
static reprise_status
told(struct blobs_report *report, reprise_status status, const struct reprise_error *why,
     struct reprise_error *error)
{
	if (status == REPRISE_E_CORRUPT) {
		found(report, why->detail[0] == '\0' ? why->what : "the blobs cannot be read",
		      NULL);
		return REPRISE_OK;
	}
	if (status == REPRISE_OK)
		return REPRISE_OK;
	return error_detailed(error, status, why->what, why->detail);
}

static reprise_status
verify_count(struct reprise_log *log, const struct reprise_log_key *key,
	     struct blobs_report *report, struct reprise_error *error)
{
	struct reprise_error why = { .size = sizeof(why) };
	struct log_head head = { 0 };
	reprise_status status = look_begin(log, key, &head, &why);

	if (status == REPRISE_OK)
		status = lookup_blobs_counted(log, &head, &why);
	look_end(log);
	return told(report, status, &why, error);
}

static reprise_status
next_names(struct reprise_log *log, const struct reprise_log_key *key, const char *after,
	   struct log_blob_name *ret_names, size_t *ret_count, struct blobs_report *report,
	   struct reprise_error *error)
{
	struct reprise_error why = { .size = sizeof(why) };
	struct log_head head = { 0 };
	reprise_status status = look_begin(log, key, &head, &why);

	if (status == REPRISE_OK)
		status = lookup_blob_names(log, &head, after, ret_names, ret_count, &why);
	look_end(log);
	if (status != REPRISE_OK)
		*ret_count = 0;
	return told(report, status, &why, error);
}

reprise_status
blobs_verify(struct reprise_log *log, const struct reprise_log_key *key,
	     struct blobs_report *ret_report, struct reprise_error *error)
{
	struct log_blob_name names[LOG_BLOB_NAMES_MAX], after = { "" };
	size_t count = LOG_BLOB_NAMES_MAX;
	reprise_status status = verify_count(log, key, ret_report, error);

	while (status == REPRISE_OK && count == LOG_BLOB_NAMES_MAX) {
		status = next_names(log, key, after.text, names, &count, ret_report, error);
		for (size_t i = 0; status == REPRISE_OK && i < count; i++) {
			after = names[i];
			status = verify_blob(log, key, after.text, ret_report, error);
		}
	}
	return status;
}
