/* SPDX-License-Identifier: MIT */
#include "bare_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static char got[1 << 18];
static size_t got_size;

static void
read_until(int fd, const char *text)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	ssize_t some = 1;

	got_size = 0;
	got[0] = '\0';
	while (some > 0 && (text == NULL || strstr(got, text) == NULL)) {
		cr_assert(eq(int, poll(&ready, 1, 20000), 1), "nothing comes behind: %s", got);
		some = read(fd, got + got_size, sizeof(got) - 1 - got_size);
		got_size += some > 0 ? (size_t)some : 0;
		got[got_size] = '\0';
	}
}

struct bare_reply
bare_ask(struct place *place, const char *request, const char *until)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(strrchr(place->address, ':') + 1)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert(ge(int, fd, 0));
	cr_assert(eq(int, connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0));
	(void)!send(fd, request, strlen(request), MSG_NOSIGNAL);
	read_until(fd, until);
	close(fd);
	return (struct bare_reply){ strncmp(got, "HTTP/1.1 ", 9) == 0 ? atoi(got + 9) : 0, got };
}

void
expect_refusal(const struct bare_reply *reply, int n)
{
	if (reply->status == 0)
		return;
	cr_assert(eq(int, reply->status, 503), "%d: %s", n, reply->text);
	cr_assert(strstr(reply->text, "{\"error\":{\"code\":\"") != NULL &&
			  strstr(reply->text, "}}\n") != NULL,
		  "%d: %s", n, reply->text);
	cr_assert(strstr(reply->text, "\r\nRetry-After: 1\r\n") != NULL, "%d: %s", n, reply->text);
}
