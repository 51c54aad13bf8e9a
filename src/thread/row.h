/* SPDX-License-Identifier: MIT */
#ifndef THREAD_ROW_H
#define THREAD_ROW_H

/*
 * The checksum of each stored row: CRC-32C over the table, the key and all that the row says, in a
 * fixed byte order. Each *_fault is NULL or names the fault.
 */

#include "thread/adapter.h"

uint32_t head_checksum(const struct thread_head *head);
uint32_t text_checksum(const struct thread_uid *uid, const struct thread_text *text);
uint32_t delta_checksum(const struct thread_uid *uid, const struct thread_delta *delta);
uint32_t applied_checksum(const struct thread_uid *uid, const char *delta_id,
			  const struct thread_applied *applied);

uint32_t keeping_checksum(const struct thread_keeping *keeping);

const char *head_fault(const struct thread_head *head);
const char *text_fault(const struct thread_head *head, const struct thread_text *text);
const char *delta_fault(const struct thread_uid *uid, const struct thread_delta *delta);
const char *applied_fault(const struct thread_uid *uid, const char *delta_id,
			  const struct thread_applied *applied);

#endif /* THREAD_ROW_H */
