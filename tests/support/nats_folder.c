/* SPDX-License-Identifier: MIT */
#include "nats_folder.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "nats_server.h"
#include "support.h"

enum {
	FIRST_PORT = 11000, /* below the ports that the kernel hands out */
	PORTS = 18000,
};

static char folder[1024];
static pid_t folder_owner;

void
nats_folder_pause(long milliseconds)
{
	const struct timespec pause = { milliseconds / 1000, milliseconds % 1000 * 1000000 };

	nanosleep(&pause, NULL);
}

static int
remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status, (void)type, (void)walk;
	(void)remove(path);
	return 0;
}

void
nats_folder_remove(void)
{
	/* A server that is just being killed may still write. */
	for (int i = 0; i < 50 && access(folder, F_OK) == 0; i++) {
		(void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
		if (access(folder, F_OK) == 0)
			nats_folder_pause(20);
	}
	folder[0] = '\0';
}

/* A process that waits for the end of the test, and removes the folder if the test has not. */
static void
start_guard(void)
{
	const pid_t parent = getpid();
	const pid_t guard = fork();
	sigset_t signals;

	cr_assert(ge(int, guard, 0));
	if (guard != 0)
		return;
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_SETMASK, &signals, NULL);
	prctl(PR_SET_PDEATHSIG, SIGUSR1);
	(void)setsid();
	syscall(SYS_close_range, 0U, ~0U, 0U);
	if (getppid() == parent)
		sigwaitinfo(&signals, NULL);
	nats_folder_remove();
	_exit(0);
}

const char *
nats_folder_make(void)
{
	const char *const above = getenv("TMPDIR");

	if (folder[0] != '\0')
		return folder;
	snprintf(folder, sizeof(folder), "%s/reprise-nats-XXXXXX", above != NULL ? above : "/tmp");
	cr_assert(ne(ptr, mkdtemp(folder), NULL));
	folder_owner = getpid();
	start_guard();
	return folder;
}

const char *
nats_server_path(const char *name)
{
	static char paths[64][1280];
	static size_t count;

	nats_folder_make();
	cr_assert(lt(sz, count, sizeof(paths) / sizeof(paths[0])));
	snprintf(paths[count], sizeof(paths[0]), "%s/%s", folder, name);
	return paths[count++];
}

bool
nats_folder_is_ours(void)
{
	return folder[0] != '\0' && folder_owner == getpid();
}

/* The port is this process's among all that ask here, for as long as the process lives. */
static bool
reserve_port(int port)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	const int length = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1,
				    "reprise-nats-port-%d", port);
	const int one = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const socklen_t size =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);

	cr_assert(ge(int, one, 0));
	if (bind(one, (const struct sockaddr *)&name, size) == 0)
		return true;
	close(one);
	return false;
}

struct sockaddr_in
nats_folder_address(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

int
nats_folder_port(void)
{
	static unsigned int next;

	if (next == 0) {
		struct timespec now;

		clock_gettime(CLOCK_MONOTONIC, &now);
		next = (unsigned int)getpid() * 7919U + (unsigned int)now.tv_nsec / 1000U;
	}
	for (int i = 0; i < PORTS; i++) {
		const int port = FIRST_PORT + (int)(next++ % (unsigned int)PORTS);
		const struct sockaddr_in address = nats_folder_address(port);
		const int yes = 1;

		if (!reserve_port(port))
			continue;
		const int one = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		setsockopt(one, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
		const bool is_free =
			bind(one, (const struct sockaddr *)&address, sizeof(address)) == 0;

		close(one);
		if (is_free)
			return port;
	}
	cr_assert(false, "no port is free");
	return 0;
}

bool
nats_folder_run(const char *format, ...)
{
	char arguments[1024], command[2560];
	va_list list;

	va_start(list, format);
	vsnprintf(arguments, sizeof(arguments), format, list);
	va_end(list);
	snprintf(command, sizeof(command), "cd \"%s\" && (%s) >>commands.log 2>&1",
		 nats_folder_make(), arguments);
	/* NOLINTNEXTLINE(cert-env33-c): the command's words are ours */
	return system(command) == 0;
}

#define NEW_KEY "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout %s.key "

void
nats_server_make_certificate(const char *name, const char *signer)
{
	bool is_made = true;

	if (!nats_folder_run("command -v openssl"))
		cr_skip_test("no openssl here");
	if (signer == NULL)
		is_made = nats_folder_run("openssl req -x509 -days 30 -subj /CN=%s " NEW_KEY
					  "-out %s.pem",
					  name, name, name);
	else
		is_made = nats_folder_run("echo subjectAltName = IP:127.0.0.1 >names.cnf && "
					  "openssl req -subj /CN=127.0.0.1 " NEW_KEY
					  "-out %s.csr && openssl x509 -req -days 30 -in %s.csr "
					  "-out %s.pem -CA %s.pem -CAkey %s.key -CAcreateserial "
					  "-extfile names.cnf",
					  name, name, name, name, signer, signer);
	cr_assert(is_made, "a certificate for %s", name);
}
