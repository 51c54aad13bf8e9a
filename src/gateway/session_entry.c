/* SPDX-License-Identifier: MIT */
#include "gateway/session_entry.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gateway/gateway.h"

void
session_entry_take_window(struct session_entry *entry, const struct reprise_session_stats *stats)
{
	entry->has_window = true;
	entry->has_writer = stats->has_writer != 0;
	entry->has_ended = stats->ended != 0;
	entry->end_status = stats->end_status;
	entry->oldest = stats->oldest;
	entry->newest = stats->newest;
	entry->recorded = stats->recorded;
	entry->retained = stats->retained;
	entry->events_max = stats->events_max;
	entry->bytes_max = stats->bytes_max;
	entry->subscriptions = stats->subscriptions;
	entry->life = stats->incarnation;
}

reprise_status
session_entry_find_life(const char *id, struct reprise_log *log, const char *tenant,
			struct reprise_error *error)
{
	const struct reprise_log_key key = { .tenant = tenant, .thread = id };
	struct reprise_cursor cursor;
	const reprise_status status =
		reprise_log_current_cursor(log, &key, REPRISE_REVISION_UNKNOWN, &cursor, error);

	return status == REPRISE_E_CONFLICT ? REPRISE_E_NOT_FOUND : status;
}

reprise_status
session_entry_ask_log(struct session_entry *entry, struct reprise_log *log, const char *tenant,
		      struct reprise_error *error)
{
	const struct reprise_log_key key = { .tenant = tenant, .thread = entry->id };
	struct reprise_log_stats stats = REPRISE_LOG_STATS_INIT;
	const reprise_status status = reprise_log_stats(log, &key, &stats, error);

	if (status != REPRISE_OK)
		return status;
	entry->oldest = stats.watermark + 1;
	entry->recorded = stats.head;
	if (entry->has_window)
		return status;
	entry->newest = stats.head;
	entry->has_ended = stats.has_ended != 0;
	entry->end_status = stats.end_status;
	entry->life = stats.life.incarnation;
	return status;
}

static void
add_number(struct buffer *body, const char *name, bool is_known, uint64_t number)
{
	buffer_text(body, name);
	if (is_known)
		buffer_number(body, number);
	else
		buffer_text(body, "null");
}

static void
add_flag(struct buffer *body, const char *name, bool flag)
{
	buffer_text(body, name);
	buffer_text(body, flag ? "true" : "false");
}

static void
add_life(struct buffer *body, const struct reprise_incarnation *life)
{
	static const struct reprise_incarnation none;
	char text[2 * sizeof(life->bytes) + 3];

	for (size_t i = 0; i < sizeof(life->bytes); i++)
		snprintf(text + 1 + 2 * i, 3, "%02x", life->bytes[i]);
	text[0] = text[sizeof(text) - 2] = '"';
	text[sizeof(text) - 1] = '\0';
	buffer_text(body, ",\"incarnation\":");
	buffer_text(body, memcmp(life, &none, sizeof(none)) == 0 ? "null" : text);
}

void
session_entry_write(const struct session_entry *entry, struct reprise_gateway *gateway,
		    struct buffer *body)
{
	const struct clients_view view = clients_look(gateway, entry->id);
	char status[16] = "null";

	if (entry->has_ended)
		snprintf(status, sizeof(status), "%" PRId32, entry->end_status);
	buffer_text(body, "{\"id\":");
	buffer_string(body, entry->id, strlen(entry->id));
	add_number(body, ",\"oldest\":", true, entry->oldest);
	add_number(body, ",\"newest\":", true, entry->newest);
	add_number(body, ",\"recorded\":", true, entry->recorded);
	add_flag(body, ",\"ended\":", entry->has_ended);
	buffer_text(body, ",\"status\":");
	buffer_text(body, status);
	add_flag(body, ",\"in_memory\":", entry->has_window);
	add_number(body, ",\"retained\":", true, entry->retained);
	add_number(body, ",\"events_max\":", entry->has_window, entry->events_max);
	add_number(body, ",\"bytes_max\":", entry->has_window, entry->bytes_max);
	add_flag(body, ",\"has_writer\":", entry->has_writer);
	add_number(body, ",\"subscriptions\":", true, entry->subscriptions);
	add_number(body, ",\"hosts\":", true, view.hosts);
	add_number(body, ",\"behind\":", view.has_lag, view.behind);
	add_number(body, ",\"headroom\":", view.has_lag, view.headroom);
	add_number(body, ",\"lost\":", true, view.lost);
	add_life(body, &entry->life);
	buffer_text(body, "}");
}
