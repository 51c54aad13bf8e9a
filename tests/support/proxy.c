/* SPDX-License-Identifier: MIT */
#include "proxy.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "base/clock.h"
#include "scratch_server.h"
#include "support.h"

enum {
	PAIRS_MAX = 16,
	CLIENT = 0,
	SERVER = 1,
};

struct pair {
	int fds[2];
};

static int
socket_at(const char *path, bool is_listening)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (is_listening) {
		if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		    listen(fd, PAIRS_MAX) != 0)
			return -1;
	} else if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		return -1;
	}
	return fd;
}

static void
write_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		const ssize_t written = write(fd, bytes, size);

		if (written < 0)
			return;
		bytes += written;
		size -= (size_t)written;
	}
}

/* Whether a client asks for the statement "commit" (statements.c). */
static bool
has_commit(const char *bytes, size_t size)
{
	static const char name[] = "\0commit";

	return memmem(bytes, size, name, sizeof(name)) != NULL;
}

/*
 * Waits if more was forwarded than there was time for; what a busy machine has missed is
 * made up for.
 */
static void
keep_pace(struct proxy_shared *shared, uint64_t size)
{
	static uint64_t bytes;
	const uint64_t since_ns = atomic_load(&shared->slow_since_ns);

	if (since_ns == 0)
		return;
	bytes += size;
	const uint64_t due_ns = since_ns + bytes * NS_PER_S / atomic_load(&shared->slow_bytes);

	while (clock_ns() < due_ns)
		usleep(1000);
}

/* False if the pair is to be closed. */
static bool
forward(struct proxy_shared *shared, const struct pair *pair, int from)
{
	char bytes[4096];
	size_t room = sizeof(bytes);
	const uint64_t left = atomic_load(&shared->limit) - atomic_load(&shared->forwarded);

	if (from == CLIENT && left < room)
		room = left;
	const ssize_t size = read(pair->fds[from], bytes, room);

	if (size <= 0)
		return false;
	if (from == CLIENT && atomic_load(&shared->cut) != CUT_NEVER &&
	    has_commit(bytes, (size_t)size)) {
		struct pollfd answer = { .fd = pair->fds[SERVER], .events = POLLIN };

		const int cut = atomic_exchange(&shared->cut, CUT_NEVER);

		if (cut == CUT_BEFORE_COMMIT)
			return false;
		write_all(pair->fds[SERVER], bytes, (size_t)size);
		(void)poll(&answer, 1, -1);
		if (cut == CUT_AND_STOP)
			atomic_store(&shared->limit, atomic_load(&shared->forwarded));
		return false;
	}
	write_all(pair->fds[1 - from], bytes, (size_t)size);
	if (from == CLIENT)
		atomic_fetch_add(&shared->forwarded, (uint64_t)size);
	keep_pace(shared, (uint64_t)size);
	return true;
}

static void
serve(struct proxy_shared *shared, int listening, const char *server)
{
	struct pair pairs[PAIRS_MAX];
	nfds_t count = 0;

	for (;;) {
		struct pollfd polls[1 + 2 * PAIRS_MAX] = { { .fd = listening, .events = POLLIN } };
		const nfds_t before = count;

		if (atomic_load(&shared->forwarded) >= atomic_load(&shared->limit)) {
			usleep(1000);
			continue;
		}
		for (nfds_t i = 0; i < 2 * count; i++)
			polls[1 + i] =
				(struct pollfd){ .fd = pairs[i / 2].fds[i % 2], .events = POLLIN };
		if (poll(polls, 1 + 2 * count, 10) <= 0)
			continue;
		for (nfds_t i = before; i-- > 0;) {
			for (int from = CLIENT; from <= SERVER; from++) {
				if (atomic_load(&shared->forwarded) >= atomic_load(&shared->limit))
					break;
				if (polls[1 + 2 * i + (nfds_t)from].revents == 0 ||
				    forward(shared, &pairs[i], from))
					continue;
				close(pairs[i].fds[CLIENT]);
				close(pairs[i].fds[SERVER]);
				pairs[i] = pairs[--count];
				break;
			}
		}
		if (polls[0].revents != 0 && count < PAIRS_MAX) {
			pairs[count].fds[CLIENT] = accept(listening, NULL, NULL);
			pairs[count].fds[SERVER] = socket_at(server, false);
			count++;
		}
	}
}

void
proxy_open(struct proxy *proxy)
{
	char path[PROXY_FOLDER_BYTES + 32];
	char server[sizeof(((struct sockaddr_un *)NULL)->sun_path)];

	snprintf(proxy->folder, sizeof(proxy->folder), "/tmp/reprise-proxy.XXXXXX");
	cr_assert(ne(ptr, mkdtemp(proxy->folder), NULL));
	snprintf(path, sizeof(path), "%s/.s.PGSQL.5432", proxy->folder);
	snprintf(server, sizeof(server), "%s/.s.PGSQL.5432", getenv("REPRISE_POSTGRES_SERVER"));
	snprintf(proxy->connection, sizeof(proxy->connection), "%s host=%s", connection_of(NULL),
		 proxy->folder);
	proxy->shared = mmap(NULL, sizeof(*proxy->shared), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert(ne(ptr, proxy->shared, MAP_FAILED));
	atomic_init(&proxy->shared->forwarded, 0);
	atomic_init(&proxy->shared->limit, UINT64_MAX);
	atomic_init(&proxy->shared->slow_since_ns, 0);
	atomic_init(&proxy->shared->slow_bytes, 0);
	atomic_init(&proxy->shared->cut, CUT_NEVER);
	const int listening = socket_at(path, true);

	cr_assert(ne(int, listening, -1));
	proxy->process = fork();
	if (proxy->process == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(STDOUT_FILENO);
		serve(proxy->shared, listening, server);
	}
	close(listening);
}

void
proxy_close(struct proxy *proxy)
{
	char path[PROXY_FOLDER_BYTES + 32];

	kill(proxy->process, SIGKILL);
	waitpid(proxy->process, NULL, 0);
	snprintf(path, sizeof(path), "%s/.s.PGSQL.5432", proxy->folder);
	unlink(path);
	rmdir(proxy->folder);
	munmap(proxy->shared, sizeof(*proxy->shared));
}

void
proxy_stop_after(struct proxy *proxy, uint64_t bytes)
{
	atomic_store(&proxy->shared->limit, atomic_load(&proxy->shared->forwarded) + bytes);
}

void
proxy_cut(struct proxy *proxy, enum proxy_cut cut)
{
	atomic_store(&proxy->shared->cut, cut);
}

void
proxy_slow_down(struct proxy *proxy, uint64_t bytes)
{
	atomic_store(&proxy->shared->slow_bytes, bytes);
	atomic_store(&proxy->shared->slow_since_ns, clock_ns());
}
