/* SPDX-License-Identifier: MIT */
/* The same as ../echo.c, on libevent's evhttp. */
#include <stdio.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <netinet/in.h>

static void
answer(struct evhttp_request *request, void *unused)
{
	struct evbuffer *const body = evbuffer_new();

	(void)unused;
	switch (evhttp_request_get_command(request)) {
	case EVHTTP_REQ_OPTIONS:
		evhttp_send_reply(request, 204, NULL, NULL);
		break;
	case EVHTTP_REQ_POST:
	case EVHTTP_REQ_PUT:
		evbuffer_add_buffer(body, evhttp_request_get_input_buffer(request));
		evhttp_send_reply(request, 200, NULL, body);
		break;
	case EVHTTP_REQ_GET:
	case EVHTTP_REQ_HEAD:
		evbuffer_add_printf(body, "OK");
		evhttp_send_reply(request, 200, NULL, body);
		break;
	case EVHTTP_REQ_DELETE:
	case EVHTTP_REQ_TRACE:
	case EVHTTP_REQ_CONNECT:
	case EVHTTP_REQ_PATCH:
	default:
		evhttp_send_reply(request, 405, NULL, NULL);
		break;
	}
	evbuffer_free(body);
}

int
main(void)
{
	struct event_base *const base = event_base_new();
	struct evhttp *const http = evhttp_new(base);
	struct evhttp_bound_socket *bound;
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);

	if (http == NULL)
		return 1;
	evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
						 EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
						 EVHTTP_REQ_OPTIONS);
	evhttp_set_gencb(http, answer, NULL);
	bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);
	if (bound == NULL ||
	    getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &size) != 0)
		return 1;
	printf("127.0.0.1:%d\n", ntohs(address.sin_port));
	fflush(stdout);
	return event_base_dispatch(base) != 0;
}
