/* SPDX-License-Identifier: MIT */
/* GET /healthz: the loop runs. GET /readyz: requests can be answered now. */
#include "gateway/gateway.h"
#include "gateway/routes.h"

#include "base/clock.h"

static void
begin(struct request *request, const struct http_head *head)
{
	(void)request;
	(void)head;
}

static void
answer_health(struct request *request)
{
	const struct reprise_gateway *const gateway = request->gateway;
	struct buffer body = { 0 };

	buffer_text(&body, "{\"status\":\"ok\",\"uptime_s\":");
	buffer_number(&body, (gateway->now_ns - gateway->started_ns) / NS_PER_S);
	buffer_text(&body, "}\n");
	request_answer_buffer(request, "application/json", &body);
}

static void
answer_ready(struct request *request)
{
	static const char ready[] = "{\"status\":\"ready\"}\n";

	if (request->gateway->is_draining)
		request_refuse(request, ERROR_SHUTTING_DOWN, NULL);
	else if (request->gateway->is_log_failing)
		request_refuse(request, ERROR_LOG_UNAVAILABLE, NULL);
	else
		request_answer(request, 200, "application/json",
			       (struct http_text){ ready, sizeof(ready) - 1 });
}

const struct route_calls health_calls = { .begin = begin, .body_end = answer_health };
const struct route_calls ready_calls = { .begin = begin, .body_end = answer_ready };
