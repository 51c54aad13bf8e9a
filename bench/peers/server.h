/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

/*
 * For peers that are clients of another process: one server at a time, on a free port of the
 * loopback, in a scratch folder of its own. It ends with the task; if the peer exits in the middle,
 * with the peer; and if the peer is killed the kernel kills it, too, only the folder stays.
 *
 * The peer's own threads are pinned. The server may run on all cores, and so may threads that a
 * client's library starts inside of server_unpin and server_pin.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer.h"

#define SERVER_PORT   "%PORT"   /* words of a command that are replaced */
#define SERVER_FOLDER "%FOLDER" /* (as a whole) */

enum {
	SERVER_WORDS_MAX = 32,
	SERVER_PATH_BYTES = 512,
	SERVER_TRIES = 3,    /* somebody may take the port that was free */
	SERVER_LOOKS = 5000, /* of 2 ms, until it answers */
	SERVER_FILES_OPEN = 8,
};

static struct {
	char program[SERVER_PATH_BYTES];
	char folder[SERVER_PATH_BYTES]; /* "": none */
	char port_text[16];
	uint16_t port;
	pid_t process; /* 0: none */
	cpu_set_t cores, pinned;
} server;

static int
server_remove(const char *path, const struct stat *status, int kind, struct FTW *level)
{
	(void)status;
	(void)kind;
	(void)level;
	return remove(path);
}

static void
server_end(void)
{
	if (server.process > 0) {
		kill(server.process, SIGKILL);
		while (waitpid(server.process, NULL, 0) == -1 && errno == EINTR)
			;
		server.process = 0;
	}
	if (server.folder[0] != '\0')
		nftw(server.folder, server_remove, SERVER_FILES_OPEN, FTW_DEPTH | FTW_PHYS);
	server.folder[0] = '\0';
}

/* Looks for the program, and prepares what all servers need: false if it is nowhere. */
static bool
server_find(const char *name)
{
	const char *const path = getenv("PATH");
	char folders[4096];
	char *rest = folders;

	snprintf(folders, sizeof(folders), "%s:/usr/local/sbin:/usr/sbin",
		 path == NULL ? "/usr/bin:/bin" : path);
	signal(SIGPIPE, SIG_IGN);
	sched_getaffinity(0, sizeof(server.cores), &server.cores);
	for (const char *folder; (folder = strsep(&rest, ":")) != NULL;) {
		const int length =
			snprintf(server.program, sizeof(server.program), "%s/%s", folder, name);

		if (length < SERVER_PATH_BYTES && access(server.program, X_OK) == 0)
			return atexit(server_end) == 0;
	}
	return false;
}

static inline void
server_unpin(void)
{
	sched_getaffinity(0, sizeof(server.pinned), &server.pinned);
	sched_setaffinity(0, sizeof(server.cores), &server.cores);
}

static inline void
server_pin(void)
{
	sched_setaffinity(0, sizeof(server.pinned), &server.pinned);
}

static struct sockaddr_in
server_address(in_addr_t host, uint16_t port)
{
	struct sockaddr_in address;

	memset(&address, 0, sizeof(address));
	address.sin_family = AF_INET;
	address.sin_port = htons(port);
	address.sin_addr.s_addr = htonl(host);
	return address;
}

static void
server_choose_port(void)
{
	struct sockaddr_in address = server_address(INADDR_LOOPBACK, 0);
	socklen_t bytes = sizeof(address);
	const int choice = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (choice == -1 || bind(choice, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    getsockname(choice, (struct sockaddr *)&address, &bytes) != 0)
		peer_die("port", strerror(errno));
	close(choice);
	server.port = ntohs(address.sin_port);
	snprintf(server.port_text, sizeof(server.port_text), "%u", server.port);
}

static void
server_choose_folder(void)
{
	const char *const parent = getenv("TMPDIR");
	char folder[SERVER_PATH_BYTES];

	if (snprintf(folder, sizeof(folder), "%s/peer-XXXXXX", parent ? parent : "/tmp") >=
		    SERVER_PATH_BYTES ||
	    mkdtemp(folder) == NULL)
		peer_die("folder", strerror(errno));
	memcpy(server.folder, folder, sizeof(folder));
}

/*
 * A connection, or -1. It comes from another address of the loopback: while nobody listens, a
 * socket could be given that very port for its own, and be connected to itself.
 */
static int
server_connect(void)
{
	const struct sockaddr_in from = server_address(INADDR_LOOPBACK + 1, 0);
	const struct sockaddr_in to = server_address(INADDR_LOOPBACK, server.port);
	const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connection == -1)
		peer_die("socket", strerror(errno));
	if (bind(connection, (const struct sockaddr *)&from, sizeof(from)) == 0 &&
	    connect(connection, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return connection;
	close(connection);
	return -1;
}

static char *
server_word(const char *word)
{
	if (strcmp(word, SERVER_PORT) == 0)
		return server.port_text;
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): as execvp wants them */
	return strcmp(word, SERVER_FOLDER) == 0 ? server.folder : (char *)(uintptr_t)word;
}

static __attribute__((noreturn)) void
server_become(char *const words[], pid_t peer)
{
	const int nothing = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != peer || nothing == -1 || chdir(server.folder) != 0)
		_exit(1);
	for (int i = 0; i < 3; i++)
		dup2(nothing, i);
	close_range(3, ~0u, 0);
	signal(SIGPIPE, SIG_DFL);
	sched_setaffinity(0, sizeof(server.cores), &server.cores);
	execv(words[0], words);
	_exit(1);
}

/* Whether it lives and accepts connections. */
static bool
server_answers(void)
{
	const struct timespec moment = { .tv_nsec = 2000000 };

	for (int i = 0; i < SERVER_LOOKS; i++) {
		const int connection = server_connect();

		if (waitpid(server.process, NULL, WNOHANG) == server.process)
			server.process = 0;
		if (connection != -1)
			close(connection);
		if (connection != -1 || server.process == 0)
			return server.process != 0;
		nanosleep(&moment, NULL);
	}
	return false;
}

/*
 * Starts it with those words after its name, NULL the last, and returns when it accepts
 * connections.
 */
static void
server_start(const char *const arguments[])
{
	const pid_t peer = getpid();

	for (int i = 0; i < SERVER_TRIES; i++) {
		char *words[SERVER_WORDS_MAX] = { server.program };

		server_choose_port();
		server_choose_folder();
		for (size_t j = 0; arguments[j] != NULL && j + 2 < SERVER_WORDS_MAX; j++)
			words[j + 1] = server_word(arguments[j]);
		server.process = fork();
		if (server.process == -1)
			peer_die("server", strerror(errno));
		if (server.process == 0)
			server_become(words, peer);
		if (server_answers())
			return;
		server_end();
	}
	peer_die("server", "it does not start");
}

#endif /* BENCH_SERVER_H */
