/* SPDX-License-Identifier: MIT */
#include "http/status.h"

#include <stdio.h>

#include "http/server.h"

static const struct {
	int status;
	const char *text;
} texts[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 304, "Not Modified" },
	{ 307, "Temporary Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 417, "Expectation Failed" },
	{ 422, "Unprocessable Content" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
};

const char *
http_status_text(int status)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "Other";
}

static const struct {
	int status;
	const char *sentence;
} sentences[] = {
	{ 400, "the request is malformed" },
	{ 405, "the server does not take this method" },
	{ 408, "the request did not come in time" },
	{ 413, "the body is larger than the server takes" },
	{ 414, "the request line is longer than the server takes" },
	{ 417, "the server does not know this expectation" },
	{ 429, "the peer has too many connections or requests" },
	{ 431, "the head or the trailers are larger than the server takes" },
	{ 501, "the server does not know this method or coding" },
	{ 503, "the server has too many connections" },
	{ 505, "the server does not know this version of HTTP" },
};

const char *
http_status_sentence(int status)
{
	for (size_t i = 0; i < sizeof(sentences) / sizeof(*sentences); i++)
		if (sentences[i].status == status)
			return sentences[i].sentence;
	return "the server refuses the request";
}

/* Made once a second. The words of a date are English whatever the locale is. */
const char *
http_date(struct http_server *server)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	const time_t now = time(NULL);
	struct tm tm;

	if (now == server->date_second && server->date[0] != '\0')
		return server->date;
	gmtime_r(&now, &tm);
	snprintf(server->date, sizeof(server->date), "%s, %02d %s %d %02d:%02d:%02d GMT",
		 days[tm.tm_wday % 7], tm.tm_mday % 100, months[tm.tm_mon % 12],
		 (1900 + tm.tm_year) % 10000, tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100);
	server->date_second = now;
	return server->date;
}
