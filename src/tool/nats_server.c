/* SPDX-License-Identifier: MIT */
#include "tool/nats_server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tool/nats_monitor.h"
#include "tool/pace.h"

enum {
	PORTS_EACH = 3,
	/*
	 * Below the ports that the kernel gives to connections: none of those is ever connected to
	 * itself.
	 */
	PORT_LEAST = 10000,
	PORTS = 20000,
	PORT_TRIES = 1000,
	WORDS_MAX = 24,
	TEXT_BYTES = NATS_SERVER_PATH_BYTES + 32,
	LOOK_NS = 10000000,
};

/* --- the program ----------------------------------------------------------------------------- */

static bool
find_program(char ret_path[NATS_SERVER_PATH_BYTES])
{
	const char *const path = getenv("PATH");
	char folders[4096];
	char *rest = folders;

	snprintf(folders, sizeof(folders), "%s:/usr/local/sbin:/usr/sbin",
		 path != NULL ? path : "/usr/bin:/bin");
	for (const char *folder; (folder = strsep(&rest, ":")) != NULL;) {
		const int bytes =
			snprintf(ret_path, NATS_SERVER_PATH_BYTES, "%s/nats-server", folder);

		if (bytes < NATS_SERVER_PATH_BYTES && access(ret_path, X_OK) == 0)
			return true;
	}
	return false;
}

bool
nats_server_is_installed(void)
{
	char path[NATS_SERVER_PATH_BYTES];

	return find_program(path);
}

/* --- ports ----------------------------------------------------------------------------------- */

/* A socket that holds a free port until it is closed; -1: none was found. */
static int
hold_port(unsigned int *random, uint16_t *ret_port)
{
	for (int i = 0; i < PORT_TRIES; i++) {
		*ret_port = (uint16_t)(PORT_LEAST + rand_r(random) % PORTS);
		const struct sockaddr_in address = nats_monitor_address(1, *ret_port);
		const int holder = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (holder == -1)
			return -1;
		if (bind(holder, (const struct sockaddr *)&address, sizeof(address)) == 0)
			return holder;
		close(holder);
	}
	return -1;
}

static bool
choose_ports(struct nats_server *servers, size_t count)
{
	unsigned int random = (unsigned int)(pace_now() ^ (uint64_t)getpid());
	int holders[NATS_SERVERS_MAX * PORTS_EACH];
	size_t held = 0;
	bool is_good = true;

	for (size_t i = 0; i < count && is_good; i++) {
		uint16_t *const ports[PORTS_EACH] = { &servers[i].port, &servers[i].monitor_port,
						      &servers[i].cluster_port };

		for (size_t j = 0; j < PORTS_EACH && is_good; j++) {
			holders[held] = hold_port(&random, ports[j]);
			is_good = holders[held] != -1;
			held += is_good;
		}
	}
	while (held > 0)
		close(holders[--held]);
	return is_good;
}

bool
nats_server_prepare(struct nats_server *servers, size_t count, const char *folder)
{
	memset(servers, 0, count * sizeof(*servers));
	if (count == 0 || count > NATS_SERVERS_MAX || !choose_ports(servers, count))
		return false;
	for (size_t i = 0; i < count; i++) {
		char *const routes = servers[i].routes;

		snprintf(servers[i].name, sizeof(servers[i].name), "n%zu", i + 1);
		if (snprintf(servers[i].folder, sizeof(servers[i].folder), "%s/%s", folder,
			     servers[i].name) >= NATS_SERVER_PATH_BYTES)
			return false;
		for (size_t j = 0; j < count && count > 1; j++) {
			const size_t used = strlen(routes);

			snprintf(routes + used, sizeof(servers[i].routes) - used,
				 "%snats://127.0.0.1:%u", j == 0 ? "" : ",",
				 servers[j].cluster_port);
		}
	}
	return true;
}

/* --- the process ----------------------------------------------------------------------------- */

/*
 * The server gets its own session: Ctrl-C goes to the program alone, and the program stops the
 * server.
 */
static _Noreturn void
become(char *const words[], pid_t parent)
{
	const int nothing = open("/dev/null", O_RDWR);
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || nothing == -1)
		_exit(1);
	(void)setsid();
	for (int i = 0; i < 3; i++)
		dup2(nothing, i);
	close_range(3, ~0u, 0);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(words[0], words);
	_exit(1);
}

bool
nats_server_start(struct nats_server *server)
{
	char program[NATS_SERVER_PATH_BYTES], log[TEXT_BYTES];
	char port[8], monitor_port[8], cluster[NATS_SERVER_URL_BYTES];
	char host[] = "127.0.0.1";
	char *words[WORDS_MAX] = { program, "-a",         host,  "-p",  port,
				   "-m",    monitor_port, "-js", "-sd", server->folder,
				   "-n",    server->name, "-l",  log };
	size_t count = 14;

	if (!find_program(program) || (mkdir(server->folder, 0700) != 0 && errno != EEXIST))
		return false;
	snprintf(log, sizeof(log), "%s.log", server->folder);
	snprintf(port, sizeof(port), "%u", server->port);
	snprintf(monitor_port, sizeof(monitor_port), "%u", server->monitor_port);
	snprintf(cluster, sizeof(cluster), "nats://127.0.0.1:%u", server->cluster_port);
	if (server->routes[0] != '\0') {
		words[count++] = "--cluster";
		words[count++] = cluster;
		words[count++] = "--cluster_name";
		words[count++] = "demo";
		words[count++] = "--routes";
		words[count++] = server->routes;
	}
	words[count] = NULL;
	const pid_t parent = getpid();

	fflush(NULL);
	const pid_t process = fork();

	if (process == 0)
		become(words, parent);
	server->process = process > 0 ? process : 0;
	return process > 0;
}

static bool
has_ended(struct nats_server *server)
{
	if (server->process != 0 && waitpid(server->process, NULL, WNOHANG) == server->process)
		server->process = 0;
	return server->process == 0;
}

bool
nats_server_await(struct nats_server *server, uint64_t patience_ns, bool (*is_over)(void))
{
	static char answer[NATS_MONITOR_ANSWER_BYTES];
	const uint64_t until = pace_now() + patience_ns;

	while (!has_ended(server) && pace_now() < until && !is_over()) {
		if (nats_monitor_get(server->monitor_port, "/healthz", answer))
			return true;
		pace_sleep(LOOK_NS);
	}
	return false;
}

void
nats_server_kill(struct nats_server *server)
{
	if (server->process == 0)
		return;
	kill(server->process, SIGKILL);
	while (waitpid(server->process, NULL, 0) == -1 && errno == EINTR)
		;
	server->process = 0;
}

size_t
nats_server_leader(const struct nats_server *servers, size_t count, const char *stream)
{
	static char answer[NATS_MONITOR_ANSWER_BYTES];
	char name[sizeof(servers->name)];

	for (size_t i = 0; i < count; i++) {
		if (servers[i].process == 0 ||
		    !nats_monitor_get(servers[i].monitor_port, "/jsz?streams=1", answer) ||
		    !nats_monitor_find_leader(answer, stream, name, sizeof(name)))
			continue;
		for (size_t j = 0; j < count; j++)
			if (servers[j].process != 0 && strcmp(servers[j].name, name) == 0)
				return j;
	}
	return count;
}

void
nats_server_url(const struct nats_server *server, char ret_url[NATS_SERVER_URL_BYTES])
{
	snprintf(ret_url, NATS_SERVER_URL_BYTES, "nats://127.0.0.1:%u", server->port);
}
