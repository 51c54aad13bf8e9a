/* SPDX-License-Identifier: MIT */
#ifndef THREAD_CREATE_H
#define THREAD_CREATE_H

#include "thread/document.h"
#include "thread/handle.h"

/* Puts a new document of version 0, where there is none. */
reprise_status create_document(struct writing *writing, const char *id,
			       const struct thread_uid *uid, struct document *document,
			       struct reprise_error *error);

#endif /* THREAD_CREATE_H */
