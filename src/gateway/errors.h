/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_ERRORS_H
#define GATEWAY_ERRORS_H

#include <reprise/base.h>

/*
 * Every error of the gateway: X(name, status, code, sentence). The codes are stable: clients decide
 * by the code. Errors of malformed requests are the room http's (H01 to H14): the same JSON, and
 * codes that begin with http_.
 */
#define ERROR_TABLE(X)                                                                             \
	X(BAD_QUERY, 400, "bad_query", "a parameter of the query is unknown, twice or malformed")  \
	X(BAD_SESSION_ID, 400, "bad_session_id", "the session id is not 1 to 128 bytes of UTF-8")  \
	X(MALFORMED_CURSOR, 400, "malformed_cursor", "the text is not a cursor of this library")   \
	X(WRONG_SESSION, 400, "wrong_session", "the cursor belongs to another session")            \
	X(BAD_BODY, 400, "bad_body", "the body is not what its content type says")                 \
	X(BAD_KIND, 400, "bad_kind", "the kind is not a number from 0 to 65534")                   \
	X(BAD_FIELD, 400, "bad_field", "a field of the request is malformed, or comes twice")      \
	X(BAD_OFFSET, 400, "bad_offset", "the offset is malformed, or is behind the end")          \
	X(EMPTY_BODY, 400, "empty_body", "the body has no event")                                  \
	X(NO_LOG, 400, "no_log", "the gateway has no log")                                         \
	X(TOKEN_MISSING, 401, "token_missing", "the request needs a bearer token")                 \
	X(TOKEN_UNKNOWN, 401, "token_unknown", "the bearer token is not known")                    \
	X(NOT_PERMITTED, 403, "not_permitted", "the token does not permit this")                   \
	X(FOREIGN_HOST, 403, "foreign_host", "the host is not a loopback name")                    \
	X(FOREIGN_ORIGIN, 403, "foreign_origin", "the origin is of another site")                  \
	X(SIMPLE_TYPE, 403, "simple_type", "pages of other sites may send this content type")      \
	X(STALE_PRODUCER, 403, "stale_producer", "the producer has begun a newer epoch")           \
	X(NO_ROUTE, 404, "no_route", "there is nothing at this path")                              \
	X(UNKNOWN_SESSION, 404, "unknown_session", "the session does not exist")                   \
	X(UNKNOWN_STREAM, 404, "unknown_stream", "the stream does not exist")                      \
	X(METHOD, 405, "method_not_allowed", "the path does not take this method")                 \
	X(SESSION_ENDED, 409, "session_ended", "the session has ended")                            \
	X(SESSION_BUSY, 409, "session_busy", "another writer has the session")                     \
	X(CONFLICT, 409, "conflict", "the stream is not as the request takes the stream to be")    \
	X(STREAM_CLOSED, 409, "stream_closed", "the stream takes no more data")                    \
	X(NO_WINDOW, 409, "no_window", "the session is in the log alone, and has no window")       \
	X(TAKEN_OVER, 409, "taken_over", "another process goes on with the session")               \
	X(INVALIDATED, 410, "invalidated", "the session was invalidated meanwhile")                \
	X(STREAM_GONE, 410, "stream_gone", "the stream was deleted, and is kept for its forks")    \
	X(RETAINED, 410, "offset_expired", "events behind the offset are not kept any more")       \
	X(TOO_LARGE, 413, "too_large", "the window or the log cannot hold the events")             \
	X(BODY_TYPE, 415, "unsupported_type", "the content type or coding is not taken")           \
	X(TOO_MANY_SESSIONS, 429, "too_many_sessions", "no further session may be created")        \
	X(TOO_MANY_REQUESTS, 429, "too_many_requests", "too much work is waiting already")         \
	X(INTERNAL, 500, "internal", "the gateway failed")                                         \
	X(STORE_FULL, 503, "store_full", "the store has no room for the session now")              \
	X(WINDOW_FULL, 503, "window_full", "the window waits for the log to record older events")  \
	X(LOG_UNAVAILABLE, 503, "log_unavailable", "the log cannot be read or written now")        \
	X(NOT_RECORDED, 503, "not_recorded", "the events were appended, and are not recorded yet") \
	X(NO_MEMORY, 503, "no_memory", "out of memory")                                            \
	X(NO_RESOURCES, 503, "no_resources", "no descriptor or no thread is left")                 \
	X(SHUTTING_DOWN, 503, "shutting_down", "the gateway goes down")

enum error_code {
#define ERROR_ENUM(name, status, code, sentence) ERROR_##name,
	ERROR_TABLE(ERROR_ENUM)
#undef ERROR_ENUM
};

int error_http_status(enum error_code code);
const char *error_code_text(enum error_code code);
const char *error_sentence(enum error_code code);
/* The code for a status of the library that a request met. */
enum error_code error_of_status(reprise_status status);

#endif /* GATEWAY_ERRORS_H */
