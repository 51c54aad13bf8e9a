/* SPDX-License-Identifier: MIT */
#ifndef THREAD_LOAD_H
#define THREAD_LOAD_H

#include "thread/adapter.h"

/* The page and the result, which begins with its size, of a call that loads. */
reprise_status load_check(const struct reprise_thread_page *page, const void *ret, size_t size,
			  const char *what, const char *what_size, struct reprise_error *error);

#endif /* THREAD_LOAD_H */
