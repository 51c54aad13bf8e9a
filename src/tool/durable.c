/* SPDX-License-Identifier: MIT */
#include "tool/durable.h"

#include <inttypes.h>
#include <stdio.h>

#include <reprise/log_upkeep.h>

#include "tool/log_place.h"
#include "tool/stage.h"

/* Long enough for a slow disk. */
#define HEAL_WAIT_NS UINT64_C(60000000000)
#define DEADLINE_NS  UINT64_C(60000000000)

static const char tenant[] = "default";

static reprise_status
open_all(struct durable *durable, const char *file, uint64_t linger_ns, struct reprise_error *error)
{
	const struct log_place place = { .file = file };
	const struct reprise_recorder_options options = { .size = sizeof(options),
							  .tenant = tenant,
							  .linger_ns = linger_ns,
							  .deadline_ns = DEADLINE_NS,
							  .heal_wait_ns = HEAL_WAIT_NS };
	reprise_status status = log_place_open(&place, LOG_ACCESS_CREATE, &durable->log, error);

	if (status == REPRISE_OK)
		status = reprise_recorder_open(durable->store, durable->log, &options,
					       &durable->recorder, error);
	return status;
}

bool
durable_open(struct durable *durable, const char *file, uint64_t events_max, uint64_t bytes_max,
	     uint64_t linger_ns)
{
	struct reprise_error error = { .size = sizeof(error) };

	*durable = (struct durable){ .store = stage_open_store(events_max, bytes_max,
							       REPRISE_WHEN_FULL_REFUSE) };
	if (durable->store == NULL)
		return false;
	const reprise_status status = open_all(durable, file, linger_ns, &error);

	if (status == REPRISE_OK)
		return true;
	log_say_failure("demo --log", NULL, status, &error);
	(void)durable_close(durable);
	return false;
}

bool
durable_close(struct durable *durable)
{
	const struct reprise_error none = { .size = sizeof(none) };
	const reprise_status status = reprise_recorder_close(durable->recorder);

	if (status != REPRISE_OK)
		log_say_failure("demo: cannot close the recorder", NULL, status, &none);
	if (status == REPRISE_E_BUSY)
		return false;
	const bool is_closed = stage_close_store(durable->store);

	reprise_log_close(durable->log);
	return is_closed && status == REPRISE_OK;
}

bool
durable_write(struct durable *durable, const char *session_id, struct reprise_writer **ret_writer,
	      reprise_position *ret_before)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	reprise_status status =
		reprise_writer_open(durable->store, session_id, NULL, ret_writer, &error);

	if (status == REPRISE_OK)
		status = reprise_session_stats(durable->store, session_id, &stats);
	if (status != REPRISE_OK)
		log_say_failure("demo", session_id, status, &error);
	*ret_before = stats.newest;
	return status == REPRISE_OK;
}

bool
durable_check(const char *file, const char *session_id, reprise_life_state state,
	      reprise_ordinal *ret_head)
{
	const struct log_place place = { .file = file };
	const struct reprise_log_key key = { tenant, session_id };
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_log_report report = { .size = sizeof(report) };
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log *log = NULL;
	reprise_status status = log_place_open(&place, LOG_ACCESS_READ, &log, &error);

	if (status == REPRISE_OK)
		status = reprise_log_stats(log, &key, &stats, &error);
	if (status == REPRISE_OK)
		status = reprise_log_verify(log, &key, &report, &error);
	reprise_log_close(log);
	if (status != REPRISE_OK) {
		log_say_failure("demo", session_id, status, &error);
		return false;
	}
	*ret_head = stats.head;
	if (report.faults > 0)
		fprintf(stderr,
			"reprise demo: the log of %s has a fault at ordinal %" PRIu64 ": %s\n",
			session_id, report.at, report.what);
	if (stats.life.state != state)
		fprintf(stderr, "reprise demo: the log of %s: the last life has a wrong state\n",
			session_id);
	return report.faults == 0 && stats.life.state == state;
}
