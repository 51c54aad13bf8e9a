/* SPDX-License-Identifier: MIT */
#ifndef LOG_POSTGRES_NEWS_H
#define LOG_POSTGRES_NEWS_H

/*
 * Commits are announced to other connections by NOTIFY. The channel is the schema's; the text is
 * the checksums of the keys, each as 8 hexadecimal digits, or "*" for any key. So the text names no
 * session to other tenants' roles.
 *
 * A NOTIFY inside of a transaction takes a lock of the whole server until the commit is on the
 * disk, and then no two transactions commit together. So the NOTIFY is a transaction of its own,
 * after the commit. A writer that dies in between announces nothing: a thread that waits for news
 * looks at the log from time to time as well.
 */

#include <stddef.h>
#include <stdint.h>

#include <reprise/base.h>

struct log_news;
struct postgres;
struct reprise_log;

enum {
	NEWS_DIGITS = 8,
	NEWS_TOLD_MAX = 512, /* keys by name; PostgreSQL takes less than 8,000 bytes */
};

/* The keys of a transaction. */
struct news {
	size_t count; /* the first NEWS_TOLD_MAX of them are in the text */
	char text[NEWS_TOLD_MAX * NEWS_DIGITS + 1];
};

/* The transaction writes to the key with that checksum. */
void news_add(struct news *news, uint32_t key_checksum);

/* The transaction is committed. Never fails: the next call finds out about a lost connection. */
void news_tell(struct postgres *postgres);

/* See await_news of the port. */
reprise_status news_await(struct reprise_log *log, int stop, struct log_news *ret_news,
			  struct reprise_error *error);

#endif /* LOG_POSTGRES_NEWS_H */
