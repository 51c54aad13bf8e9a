/* SPDX-License-Identifier: MIT */

/*
 * A service manager for tool_serve.sh.
 *
 *   start COUNT PID PROGRAM ...  starts a program with listening sockets from 3 on; PID is
 *                                "own", or the value of LISTEN_PID. The address is loopback, any
 *                                address with ADDRESS=any, and a path with ADDRESS=PATH
 *   hear NAME FILE               binds NOTIFY_SOCKET, and adds each datagram to FILE as a line
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

static int
listen_on_path(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		fail("path");
	memcpy(address.sun_path, path, strlen(path));
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(fd, 8) != 0)
		fail("socket");
	return fd;
}

static int
listen_on(uint32_t host)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(host);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(fd, 8) != 0)
		fail("socket");
	return fd;
}

static void
open_socket(int wanted)
{
	const char *const address = getenv("ADDRESS");
	const int fd = address == NULL     ? listen_on(INADDR_LOOPBACK)
		       : address[0] == '/' ? listen_on_path(address)
					   : listen_on(INADDR_ANY);

	if (fd != wanted && (dup2(fd, wanted) != wanted || close(fd) != 0))
		fail("dup2");
}

static int
start(char **argv)
{
	char process[24];
	const int count = atoi(argv[2]);

	for (int i = 0; i < count; i++)
		open_socket(3 + i);
	snprintf(process, sizeof(process), "%d", (int)getpid());
	setenv("LISTEN_PID", strcmp(argv[3], "own") == 0 ? process : argv[3], 1);
	setenv("LISTEN_FDS", argv[2], 1);
	execv(argv[4], argv + 4);
	perror("execv");
	return 1;
}

static int
hear(const char *name, const char *file)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const size_t length = strlen(name);
	const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char news[256];
	ssize_t size;
	FILE *const to = fopen(file, "a");

	if (to == NULL || fd < 0 || length >= sizeof(address.sun_path))
		fail("hear");
	memcpy(address.sun_path, name, length);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	if (bind(fd, (struct sockaddr *)&address,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) != 0)
		fail("bind");
	fprintf(to, "bound\n");
	fflush(to);
	while ((size = recv(fd, news, sizeof(news) - 1, 0)) >= 0) {
		news[size] = '\0';
		fprintf(to, "%s\n", news);
		fflush(to);
	}
	return 1;
}

int
main(int argc, char **argv)
{
	if (argc > 4 && strcmp(argv[1], "start") == 0)
		return start(argv);
	if (argc == 4 && strcmp(argv[1], "hear") == 0)
		return hear(argv[2], argv[3]);
	return 2;
}
