/* SPDX-License-Identifier: MIT */
/*
 * The protocols of a service manager, as serve_manager.h describes them. The variables are read
 * once, checked as strictly as an argument, and removed, so that no child takes them for its own.
 */
#include "tool/serve_manager.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/pace.h"

enum {
	FIRST_SOCKET = 3, /* of the protocol */
	DIGITS_MAX = 20,
};

/* --- sockets --------------------------------------------------------------------------------- */

/* A whole number of up to nine digits, or -1. */
static long
number_in(const char *text)
{
	const size_t length = strlen(text);

	if (length == 0 || length > 9 || strspn(text, "0123456789") != length)
		return -1;
	return strtol(text, NULL, 10);
}

static bool
take_socket(struct serve_manager *manager, int socket)
{
	int listens = 0, domain = AF_UNSPEC;
	socklen_t size = sizeof(listens), domain_bytes = sizeof(domain);
	const char *fault = NULL;

	if (fcntl(socket, F_SETFD, FD_CLOEXEC) == -1)
		fault = "is not open";
	else if (getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 ||
		 listens == 0)
		fault = "is not a listening socket";
	else if (getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &domain_bytes) != 0 ||
		 (domain != AF_INET && domain != AF_INET6))
		fault = "is not a socket of TCP"; /* clients have no address at a path */
	if (fault != NULL) {
		fprintf(stderr, "reprise serve: LISTEN_FDS: the descriptor %d %s\n", socket, fault);
		return false;
	}
	manager->sockets[manager->sockets_count++] = socket;
	return true;
}

static bool
take_sockets(struct serve_manager *manager, const char *process, const char *count)
{
	if (process == NULL || count == NULL)
		return true;
	if (number_in(process) < 0) {
		fprintf(stderr, "reprise serve: LISTEN_PID is not a number: '%s'\n", process);
		return false;
	}
	if (number_in(process) != (long)getpid())
		return true; /* the sockets of a parent, such as a shell */
	const long sockets = number_in(count);

	if (sockets < 0 || sockets > SERVE_SOCKETS_MAX) {
		fprintf(stderr,
			"reprise serve: LISTEN_FDS takes a whole number from 0 to %d, not '%s'\n",
			SERVE_SOCKETS_MAX, count);
		return false;
	}
	for (int i = 0; i < (int)sockets; i++)
		if (!take_socket(manager, FIRST_SOCKET + i))
			return false;
	return true;
}

/* --- news ------------------------------------------------------------------------------------ */

static bool
take_address(struct serve_manager *manager, const char *name)
{
	const size_t length = name != NULL ? strlen(name) : 0;

	if (name == NULL)
		return true;
	if ((name[0] != '/' && name[0] != '@') || length < 2 ||
	    length >= sizeof(manager->address.sun_path)) {
		fprintf(stderr,
			"reprise serve: NOTIFY_SOCKET is not a path or an abstract name: '%s'\n",
			name);
		return false;
	}
	manager->address.sun_family = AF_UNIX;
	memcpy(manager->address.sun_path, name, length);
	if (name[0] == '@')
		manager->address.sun_path[0] = '\0';
	/* An abstract name has no NUL at its end. */
	manager->address_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length +
					     (name[0] == '/' ? 1 : 0));
	return true;
}

static void
tell(const struct serve_manager *manager, const char *news, bool waits)
{
	if (manager->address_bytes == 0)
		return;
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	(void)sendto(fd, news, strlen(news), MSG_NOSIGNAL | (waits ? 0 : MSG_DONTWAIT),
		     (const struct sockaddr *)&manager->address, manager->address_bytes);
	close(fd);
}

bool
serve_manager_take(struct serve_manager *manager)
{
	*manager = (struct serve_manager){ 0 };
	const bool is_good = take_sockets(manager, getenv("LISTEN_PID"), getenv("LISTEN_FDS")) &&
			     take_address(manager, getenv("NOTIFY_SOCKET"));

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	unsetenv("NOTIFY_SOCKET");
	return is_good;
}

void
serve_manager_tell_ready(const struct serve_manager *manager)
{
	tell(manager, "READY=1", true);
}

void
serve_manager_tell_stop(const struct serve_manager *manager)
{
	tell(manager, "STOPPING=1", false);
}

/*
 * The reload is a request to the gateway, which answers in the program's own log. The manager waits
 * for the second datagram.
 */
void
serve_manager_tell_reload(const struct serve_manager *manager)
{
	static const char begin[] = "RELOADING=1\nMONOTONIC_USEC=";
	char news[sizeof(begin) + DIGITS_MAX] = { 0 };
	char digits[DIGITS_MAX];
	size_t count = 0;

	/* snprintf is not signal-safe. */
	for (uint64_t left = pace_now() / 1000; count == 0 || left > 0; left /= 10)
		digits[count++] = (char)('0' + left % 10);
	memcpy(news, begin, sizeof(begin) - 1);
	for (size_t i = 0; i < count; i++)
		news[sizeof(begin) - 1 + i] = digits[count - 1 - i];
	tell(manager, news, false);
	tell(manager, "READY=1", false);
}
