/* SPDX-License-Identifier: MIT */
#ifndef THREAD_CREATE_H
#define THREAD_CREATE_H

#include "thread/handle.h"
#include "thread/printed.h"

/* Puts a new document of version 0, where there is none; @printed is not stamped yet. */
reprise_status create_document(struct writing *writing, const struct thread_uid *uid,
			       struct printed *printed, struct reprise_error *error);

#endif /* THREAD_CREATE_H */
