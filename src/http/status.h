/* SPDX-License-Identifier: MIT */
#ifndef HTTP_STATUS_H
#define HTTP_STATUS_H

/* The words of a status, and the field Date. */

#include "http/http.h"

const char *http_status_text(int status);
/* Why the server itself refuses a request with the status. */
const char *http_status_sentence(int status);
/* As in "Sun, 06 Nov 1994 08:49:37 GMT"; valid until the next call. */
const char *http_date(struct http_server *server);

#endif /* HTTP_STATUS_H */
