/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_VIEWER_H
#define GATEWAY_VIEWER_H

/*
 * The files of the viewer, a page at / that shows sessions in a browser. The build makes a C file
 * of the folder viewer/ with embed.cmake, so the library needs no file at run time.
 */

#include <stddef.h>

#include "http/parse.h"

struct viewer_file {
	const char *name; /* below /viewer/ */
	const char *type; /* of Content-Type */
	const char *etag; /* from the bytes, with the quotes */
	struct http_text bytes;
};

extern const struct viewer_file viewer_files[];
extern const size_t viewer_files_count;

#endif /* GATEWAY_VIEWER_H */
