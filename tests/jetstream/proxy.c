/* SPDX-License-Identifier: MIT */
#include "proxy.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nats_folder.h"
#include "nats_server.h"
#include "support.h"

enum {
	PAIRS_MAX = 16,
	CLIENT = 0,
	SERVER = 1,
};

struct pair {
	int fds[2];
};

static struct pair pairs[PAIRS_MAX];
static nfds_t pairs_count;

static void
drop(nfds_t at)
{
	close(pairs[at].fds[CLIENT]);
	close(pairs[at].fds[SERVER]);
	pairs[at] = pairs[--pairs_count];
}

static void
accept_one(int listening, int server_port, struct nats_proxy_shared *shared)
{
	const struct sockaddr_in address = nats_folder_address(server_port);
	const int client = accept(listening, NULL, NULL);
	const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (client < 0 || pairs_count == PAIRS_MAX ||
	    connect(server, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		close(client);
		close(server);
		return;
	}
	pairs[pairs_count++] = (struct pair){ { client, server } };
	atomic_fetch_add(&shared->accepted, 1);
}

/* False: one side has closed. */
static bool
forward(const struct pair *pair, int from, const struct nats_proxy_shared *shared)
{
	char bytes[65536];
	const ssize_t size = read(pair->fds[from], bytes, sizeof(bytes));

	if (size <= 0)
		return false;
	if (from == SERVER && atomic_load(&shared->is_mute))
		return true;
	for (ssize_t at = 0; at < size;) {
		const ssize_t written =
			send(pair->fds[!from], bytes + at, (size_t)(size - at), MSG_NOSIGNAL);

		if (written < 0)
			return false;
		at += written;
	}
	return true;
}

static void
cut_if_asked(struct nats_proxy_shared *shared)
{
	const uint32_t cuts = atomic_load(&shared->cuts);

	if (cuts == atomic_load(&shared->cuts_done))
		return;
	while (pairs_count > 0)
		drop(0);
	atomic_store(&shared->cuts_done, cuts);
}

static void
serve(int listening, int server_port, struct nats_proxy_shared *shared)
{
	for (;;) {
		struct pollfd polled[1 + 2 * PAIRS_MAX] = { { .fd = listening, .events = POLLIN } };
		const nfds_t count = pairs_count;

		cut_if_asked(shared);
		for (nfds_t i = 0; i < pairs_count; i++) {
			for (nfds_t side = 0; side < 2; side++)
				polled[1 + 2 * i + side] =
					(struct pollfd){ .fd = pairs[i].fds[side],
							 .events = POLLIN };
		}
		if (poll(polled, 1 + 2 * pairs_count, 2) <= 0 || count != pairs_count)
			continue;
		for (nfds_t i = count; i-- > 0;) {
			bool is_open = true;

			for (int side = 0; side < 2; side++) {
				if (polled[1 + 2 * i + (nfds_t)side].revents != 0)
					is_open = is_open && forward(&pairs[i], side, shared);
			}
			if (!is_open)
				drop(i);
		}
		if (polled[0].revents != 0)
			accept_one(listening, server_port, shared);
	}
}

static int
listening_at(int port)
{
	const struct sockaddr_in address = nats_folder_address(port);
	const int yes = 1;
	const int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert(ge(int, listening, 0));
	setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	cr_assert(eq(int, bind(listening, (const struct sockaddr *)&address, sizeof(address)), 0));
	cr_assert(eq(int, listen(listening, PAIRS_MAX), 0));
	return listening;
}

void
nats_proxy_open(struct nats_proxy *proxy, const struct nats_server *server)
{
	const int port = nats_folder_port();
	const int listening = listening_at(port);
	const int server_port = (int)strtol(strrchr(nats_server_url(server), ':') + 1, NULL, 10);
	const pid_t parent = getpid();
	void *const shared = mmap(NULL, sizeof(struct nats_proxy_shared), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	cr_assert(shared != MAP_FAILED);
	proxy->shared = shared;
	snprintf(proxy->url, sizeof(proxy->url), "nats://127.0.0.1:%d", port);
	proxy->process = fork();
	cr_assert(ge(int, proxy->process, 0));
	if (proxy->process == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			serve(listening, server_port, proxy->shared);
		_exit(0);
	}
	close(listening);
}

void
nats_proxy_close(struct nats_proxy *proxy)
{
	cr_assert(eq(int, kill(proxy->process, SIGKILL), 0));
	cr_assert(eq(int, waitpid(proxy->process, NULL, 0), proxy->process));
	munmap(proxy->shared, sizeof(*proxy->shared));
}

void
nats_proxy_cut(struct nats_proxy *proxy)
{
	const uint32_t cuts = atomic_fetch_add(&proxy->shared->cuts, 1) + 1;

	while (atomic_load(&proxy->shared->cuts_done) != cuts)
		nats_folder_pause(1);
}

void
nats_proxy_mute(struct nats_proxy *proxy, uint32_t is_mute)
{
	atomic_store(&proxy->shared->is_mute, is_mute);
	if (!is_mute)
		nats_proxy_cut(proxy);
}
