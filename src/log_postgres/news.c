/* SPDX-License-Identifier: MIT */
#include "log_postgres/news.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "base/error.h"
#include "log_postgres/postgres.h"

enum {
	CHANNEL_BYTES = 32,
};

/* Two schemas with one channel would do no harm: news are a hint. */
static void
name_channel(const struct postgres *postgres, char *ret_channel)
{
	snprintf(ret_channel, CHANNEL_BYTES, "reprise_log_%08x",
		 (unsigned int)log_key_checksum("schema", postgres->settings.schema));
}

void
news_add(struct news *news, uint32_t key_checksum)
{
	if (news->count < NEWS_TOLD_MAX)
		snprintf(news->text + news->count * NEWS_DIGITS, NEWS_DIGITS + 1, "%08x",
			 (unsigned int)key_checksum);
	news->count++;
}

void
news_tell(struct postgres *postgres)
{
	struct news *const news = &postgres->news;
	struct values values = { 0 };
	char channel[CHANNEL_BYTES];

	if (news->count == 0)
		return;
	name_channel(postgres, channel);
	value_text(&values, channel);
	value_text(&values, news->count <= NEWS_TOLD_MAX ? news->text : "*");
	news->count = 0;
	wire_tell(&postgres->wire, statements[TELL_NEWS].name, &values);
}

/* A text that is not as news_tell writes it is news of any key. */
static void
take_text(const char *text, struct log_news *news)
{
	const size_t bytes = strlen(text);

	if (bytes % NEWS_DIGITS != 0)
		news->is_all = true;
	for (size_t at = 0; at < bytes && !news->is_all; at += NEWS_DIGITS) {
		unsigned int checksum = 0;

		if (news->count < LOG_NEWS_MAX && sscanf(text + at, "%8x", &checksum) == 1)
			news->keys[news->count++] = checksum;
		else
			news->is_all = true;
	}
}

/* Takes the notifications that have arrived. */
static bool
take_arrived(PGconn *connection, struct log_news *news)
{
	PGnotify *notification;
	bool has_any = false;

	while ((notification = PQnotifies(connection)) != NULL) {
		take_text(notification->extra, news);
		PQfreemem(notification);
		has_any = true;
	}
	return has_any;
}

static reprise_status
lose(struct postgres *postgres, struct reprise_error *error)
{
	struct wire *const wire = &postgres->wire;

	failure_note(&wire->failure, REPRISE_E_IO, PQerrorMessage(wire->connection));
	wire_close(wire);
	return failure_tell(&wire->failure, error);
}

/* Commits before the answer may have been missed. */
static reprise_status
ask_for_news(struct postgres *postgres, struct log_news *ret_news, struct reprise_error *error)
{
	char channel[CHANNEL_BYTES], sql[CHANNEL_BYTES + 16];
	reprise_status status = connect_again(postgres, error);

	if (status != REPRISE_OK)
		return status;
	name_channel(postgres, channel);
	snprintf(sql, sizeof(sql), "LISTEN %s", channel);
	(void)wire_send_sql(&postgres->wire, sql, NULL);
	status = wire_ask(&postgres->wire, NULL, error);
	if (status != REPRISE_OK) {
		wire_close(&postgres->wire);
		postgres->wire.failure = (struct failure){ 0 };
		return status;
	}
	postgres->has_asked_for_news = true;
	ret_news->is_all = true;
	return REPRISE_OK;
}

reprise_status
news_await(struct reprise_log *log, int stop, struct log_news *ret_news,
	   struct reprise_error *error)
{
	struct postgres *const postgres = postgres_of(log);
	struct pollfd polled[] = { { .events = POLLIN }, { .fd = stop, .events = POLLIN } };

	ret_news->is_all = false;
	ret_news->count = 0;
	if (!wire_is_whole(&postgres->wire))
		postgres->has_asked_for_news = false;
	if (!postgres->has_asked_for_news)
		return ask_for_news(postgres, ret_news, error);
	while (!take_arrived(postgres->wire.connection, ret_news)) {
		polled[0].fd = PQsocket(postgres->wire.connection);
		if (poll(polled, 2, -1) < 0 && errno != EINTR)
			return error_system(error, "poll", errno);
		if (polled[1].revents != 0)
			return REPRISE_OK;
		if (!PQconsumeInput(postgres->wire.connection))
			return lose(postgres, error);
	}
	return REPRISE_OK;
}
