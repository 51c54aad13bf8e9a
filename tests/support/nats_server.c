/* SPDX-License-Identifier: MIT */
#include "nats_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "nats_folder.h"
#include "support.h"

enum {
	SERVERS_MAX = 8,
	STARTS = 20,         /* tries with other ports */
	ANSWER_TRIES = 3000, /* of 10 ms */
};

struct nats_server {
	pid_t process; /* 0: none */
	int port;
	char url[64];
	char configuration[1280]; /* a path */
};

static struct nats_server servers[SERVERS_MAX];
static size_t servers_count;

static const char *
program(void)
{
	static const char *const programs[] = { "/usr/sbin/nats-server", "/usr/bin/nats-server",
						"/usr/local/bin/nats-server" };

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (access(programs[i], X_OK) == 0)
			return programs[i];
	}
	return NULL;
}

bool
nats_server_is_installed(void)
{
	return program() != NULL;
}

static void
write_settings(FILE *file, const struct nats_server_settings *settings)
{
	if (settings->max_payload != 0)
		fprintf(file, "max_payload: %u\n", settings->max_payload);
	if (settings->user != NULL)
		fprintf(file, "authorization { user: \"%s\", password: \"%s\" }\n", settings->user,
			settings->password);
	if (settings->token != NULL)
		fprintf(file, "authorization { token: \"%s\" }\n", settings->token);
	if (settings->certificate != NULL) {
		fprintf(file, "tls {\n cert_file: \"%s\"\n key_file: \"%s\"\n",
			settings->certificate, settings->key);
		if (settings->client_authority != NULL)
			fprintf(file, " ca_file: \"%s\"\n verify: true\n",
				settings->client_authority);
		fprintf(file, "}\n");
	}
	if (settings->more != NULL)
		fprintf(file, "%s\n", settings->more);
}

static FILE *
begin_configuration(struct nats_server *server, const struct nats_server_settings *settings)
{
	const unsigned int number = (unsigned int)(server - servers);

	const char *const folder = nats_folder_make();

	snprintf(server->configuration, sizeof(server->configuration), "%s/server-%u.conf", folder,
		 number);
	snprintf(server->url, sizeof(server->url), "%s://127.0.0.1:%d",
		 settings->certificate != NULL ? "tls" : "nats", server->port);
	FILE *const file = fopen(server->configuration, "we");

	cr_assert(ne(ptr, file, NULL));
	fprintf(file, "listen: 127.0.0.1:%d\nserver_name: s%u\nlog_file: \"%s/server-%u.log\"\n",
		server->port, number, folder, number);
	if (!settings->has_no_jetstream)
		fprintf(file,
			"jetstream { store_dir: \"%s/store-%u\", max_mem: 64GB, max_file: 64GB }\n",
			folder, number);
	write_settings(file, settings);
	return file;
}

/* In the child: system calls alone, since other threads may hold any lock. */
static void
become_server(const struct nats_server *server, const char *path, pid_t parent)
{
	char *const arguments[] = { (char *)path, (char *)"-c", (char *)server->configuration,
				    NULL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	syscall(SYS_close_range, 0U, ~0U, 0U);
	(void)open("/dev/null", O_RDWR);
	(void)dup2(0, 1);
	(void)dup2(0, 2);
	if (getppid() == parent)
		execv(path, arguments);
	_exit(127);
}

static void
start_process(struct nats_server *server)
{
	const char *const path = program();
	const pid_t parent = getpid();

	server->process = fork();
	cr_assert(ge(int, server->process, 0));
	if (server->process == 0)
		become_server(server, path, parent);
}

/* Whether something answers there as a NATS server does. */
static bool
has_answer(const struct nats_server *server)
{
	const struct sockaddr_in address = nats_folder_address(server->port);
	const struct timeval patience = { 1, 0 };
	const int one = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char words[5] = "";

	cr_assert(ge(int, one, 0));
	setsockopt(one, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(one, (const struct sockaddr *)&address, sizeof(address)) == 0)
		(void)recv(one, words, sizeof(words), MSG_WAITALL);
	close(one);
	return memcmp(words, "INFO ", sizeof(words)) == 0;
}

/* False: the process has ended, since its port is taken, say. */
static bool
wait_for_answer(struct nats_server *server)
{
	for (int i = 0; i < ANSWER_TRIES; i++) {
		if (waitpid(server->process, NULL, WNOHANG) == server->process) {
			server->process = 0;
			return false;
		}
		if (has_answer(server))
			return true;
		nats_folder_pause(10);
	}
	return false;
}

static struct nats_server *
next_server(void)
{
	if (!nats_server_is_installed())
		cr_skip_test("no nats-server here");
	cr_assert(lt(sz, servers_count, (size_t)SERVERS_MAX));
	return &servers[servers_count++];
}

struct nats_server *
nats_server_start(const struct nats_server_settings *settings)
{
	static const struct nats_server_settings plain;
	struct nats_server *const server = next_server();

	for (int i = 0; i < STARTS; i++) {
		server->port = nats_folder_port();
		fclose(begin_configuration(server, settings == NULL ? &plain : settings));
		start_process(server);
		if (wait_for_answer(server))
			return server;
		nats_server_kill(server);
	}
	cr_assert(false, "no NATS server could be started");
	return NULL;
}

void
nats_cluster_start(struct nats_server *ret_servers[NATS_CLUSTER_SERVERS])
{
	static const struct nats_server_settings plain;
	int routes[NATS_CLUSTER_SERVERS];

	for (int i = 0; i < NATS_CLUSTER_SERVERS; i++) {
		ret_servers[i] = next_server();
		ret_servers[i]->port = nats_folder_port();
		routes[i] = nats_folder_port();
	}
	for (int i = 0; i < NATS_CLUSTER_SERVERS; i++) {
		FILE *const file = begin_configuration(ret_servers[i], &plain);

		fprintf(file, "cluster {\n name: reprise\n listen: 127.0.0.1:%d\n routes: [",
			routes[i]);
		for (int j = 0; j < NATS_CLUSTER_SERVERS; j++)
			fprintf(file, "%snats://127.0.0.1:%d", j == 0 ? "" : ", ", routes[j]);
		fprintf(file, "]\n}\n");
		fclose(file);
		start_process(ret_servers[i]);
	}
	for (int i = 0; i < NATS_CLUSTER_SERVERS; i++)
		cr_assert(wait_for_answer(ret_servers[i]), "a port of the cluster was taken");
}

const char *
nats_server_url(const struct nats_server *server)
{
	return server->url;
}

void
nats_server_kill(struct nats_server *server)
{
	if (server->process == 0)
		return;
	(void)kill(server->process, SIGKILL);
	cr_assert(eq(int, waitpid(server->process, NULL, 0), server->process));
	server->process = 0;
}

void
nats_server_restart(struct nats_server *server)
{
	cr_assert(eq(int, server->process, 0));
	/* A connection from elsewhere may have the port for a moment. */
	for (int i = 0; i < STARTS; i++) {
		start_process(server);
		if (wait_for_answer(server))
			return;
		nats_server_kill(server);
		nats_folder_pause(100);
	}
	cr_assert(false, "the NATS server could not be started again");
}

void
nats_server_pause(struct nats_server *server)
{
	int status = 0;

	cr_assert(eq(int, kill(server->process, SIGSTOP), 0));
	cr_assert(eq(int, waitpid(server->process, &status, WUNTRACED), server->process));
	const bool is_stopped = WIFSTOPPED(status);

	cr_assert(is_stopped);
}

void
nats_server_resume(struct nats_server *server)
{
	int status = 0;

	cr_assert(eq(int, kill(server->process, SIGCONT), 0));
	cr_assert(eq(int, waitpid(server->process, &status, WCONTINUED), server->process));
	const bool is_continued = WIFCONTINUED(status);

	cr_assert(is_continued);
}

void
nats_server_remove_all(void)
{
	if (!nats_folder_is_ours())
		return;
	for (size_t i = 0; i < servers_count; i++)
		nats_server_kill(&servers[i]);
	nats_folder_remove();
	servers_count = 0;
}
