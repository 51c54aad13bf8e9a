/* SPDX-License-Identifier: MIT */
#ifndef THREAD_UID_H
#define THREAD_UID_H

/* The ids of documents, and their uids. */

#include "thread/adapter.h"

/* 128 random bits. E_SYSTEM: there are none. */
reprise_status uid_draw(struct thread_uid *ret_uid, struct reprise_error *error);

/* 32 hexadecimal digits in lower case. */
void uid_format(const struct thread_uid *uid, char ret_text[static REPRISE_THREAD_UID_BYTES]);
bool uid_parse(const char *text, struct thread_uid *ret_uid);
bool uid_is_same(const struct thread_uid *a, const struct thread_uid *b);

/* E_INVALID unless it is an id by rule B01, with the byte in words. */
reprise_status id_check(const char *id, struct reprise_error *error);

#endif /* THREAD_UID_H */
