/* SPDX-License-Identifier: MIT */
/*
 * Starts and ends the HTTP servers. Each may run on every processor; nginx has one worker, as
 * the gateway has one loop.
 */
#include "gateway_place.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "durable.h"
#include "gateway_client.h"

const char *const place_names[PLACE_KINDS] = { "reprise", "nchan", "libevent", "nginx",
					       "reference" };

#define NCHAN_MODULE "/usr/lib/nginx/modules/ngx_nchan_module.so"
#define PATIENCE_NS  UINT64_C(30000000000)

enum {
	ADDRESS_BYTES = 32,
	METRICS_BYTES = 1 << 16,
};

static uint16_t
free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) != 0)
		harness_die("no free port");
	close(fd);
	return ntohs(address.sin_port);
}

static const char *
nginx_program(void)
{
	return access("/usr/sbin/nginx", X_OK) == 0 ? "/usr/sbin/nginx" : NULL;
}

/* The files that nginx makes beside its configuration. */
static const char *const leftovers[] = { ".body", ".proxy", ".fastcgi", ".uwsgi", ".scgi", ".pid" };

static void
remove_leftovers(void)
{
	char path[PATH_BYTES];

	for (size_t i = 0; i < sizeof(leftovers) / sizeof(leftovers[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", scratch_path("nchan.conf"), leftovers[i]);
		(void)remove(path);
	}
	(void)remove(scratch_path("nchan.conf"));
}

/* Writes nginx's configuration beside the other files of the run. */
static void
write_configuration(uint16_t port, char path[PATH_BYTES])
{
	snprintf(path, PATH_BYTES, "%s", scratch_path("nchan.conf"));
	FILE *const file = fopen(path, "w");

	if (file == NULL)
		harness_die("the configuration of nginx cannot be written");
	fprintf(file,
		"load_module " NCHAN_MODULE ";\n"
		"daemon off; master_process off; pid %s.pid; error_log stderr crit;\n"
		"events { worker_connections 15000; }\n"
		"http { access_log off; nchan_shared_memory_size 256M;\n"
		"client_body_temp_path %s.body; proxy_temp_path %s.proxy;\n"
		"fastcgi_temp_path %s.fastcgi; uwsgi_temp_path %s.uwsgi; scgi_temp_path %s.scgi;\n"
		"server { listen 127.0.0.1:%u backlog=4096; keepalive_requests 100000000;\n"
		"location ~ ^/pub/(.+)$ { nchan_publisher; nchan_channel_id $1;\n"
		" nchan_message_buffer_length 2048; nchan_message_timeout 1h; }\n"
		"location ~ ^/sub/(.+)$ { nchan_subscriber eventsource; nchan_channel_id $1;\n"
		" nchan_subscriber_first_message oldest; } } }\n",
		path, path, path, path, path, path, port);
	if (fclose(file) != 0)
		harness_die("the configuration of nginx cannot be written");
}

/* The same for files alone. */
static void
write_file_configuration(const struct place *place, char path[PATH_BYTES])
{
	snprintf(path, PATH_BYTES, "%s", scratch_path("nchan.conf"));
	FILE *const file = fopen(path, "w");

	if (file == NULL)
		harness_die("the configuration of nginx cannot be written");
	fprintf(file,
		"daemon off; master_process off; pid %s.pid; error_log stderr crit;\n"
		"events { worker_connections 1024; }\n"
		"http { access_log off; sendfile on;\n"
		"client_body_temp_path %s.body; proxy_temp_path %s.proxy;\n"
		"fastcgi_temp_path %s.fastcgi; uwsgi_temp_path %s.uwsgi; scgi_temp_path %s.scgi;\n"
		"server { listen 127.0.0.1:%u; keepalive_requests 100000000; root %s; } }\n",
		path, path, path, path, path, path, place->port, place->folder);
	if (fclose(file) != 0)
		harness_die("the configuration of nginx cannot be written");
}

static void
use_all_processors(void)
{
	cpu_set_t all;

	CPU_ZERO(&all);
	for (size_t core = 0; core < CPU_SETSIZE; core++)
		CPU_SET(core, &all);
	(void)sched_setaffinity(0, sizeof(all), &all);
}

/* Where the npm packages of tests/compat/durable are. */
static void
reference_program(const struct harness *harness, char program[PATH_BYTES + 64])
{
	snprintf(program, PATH_BYTES + 64, "%s/../../compat/durable/reference.mjs",
		 harness->peers_dir);
}

/* In the child: becomes the server. */
static _Noreturn void
become(const struct harness *harness, const struct place *place, const char *configuration)
{
	char address[ADDRESS_BYTES], size[ADDRESS_BYTES], program[PATH_BYTES + 64], log[PATH_BYTES];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!place->is_beside || !harness_pin(harness->writer_core))
		use_all_processors();
	/* freopen would write the harness's buffered rows a second time. */
	const int nowhere = open("/dev/null", O_WRONLY);

	if (nowhere < 0 || dup2(nowhere, STDOUT_FILENO) < 0)
		_exit(1);
	snprintf(address, sizeof(address), "127.0.0.1:%u", place->port);
	if (place->kind == PLACE_REFERENCE) {
		reference_program(harness, program);
		execlp("node", "node", program, address, place->folder, (char *)NULL);
	} else if (place->kind == PLACE_NCHAN || place->kind == PLACE_FILES) {
		const char *const nginx = nginx_program();

		if (nginx != NULL)
			execl(nginx, "nginx", "-c", configuration, (char *)NULL);
	} else if (place->kind == PLACE_LIBEVENT) {
		snprintf(program, sizeof(program), "%s/libevent_bare", harness->peers_dir);
		snprintf(size, sizeof(size), "%u", place->event_bytes);
		execl(program, program, strchr(address, ':') + 1, size, (char *)NULL);
	} else {
		snprintf(program, sizeof(program), "%s/../../reprise", harness->peers_dir);
		snprintf(log, sizeof(log), "sqlite:%s", place->log == NULL ? "" : place->log);
		execl(program, program, "serve", "--quiet", "--listen", address,
		      "--connections-max", "15000", "--connections-per-peer-max", "15000",
		      place->log == NULL ? (char *)NULL : "--log", log, (char *)NULL);
	}
	_exit(127);
}

static const char *
find_absence(const struct harness *harness, enum place_kind kind)
{
	char program[PATH_BYTES + 64];

	if (kind == PLACE_FILES)
		return nginx_program() == NULL ? "no nginx (nginx-light)" : NULL;
	if (kind == PLACE_REFERENCE) {
		reference_program(harness, program);
		return access(program, R_OK) == 0
			       ? NULL
			       : "no reference server (tests/compat/durable/compat.sh BUILD "
				 "--install)";
	}
	if (kind == PLACE_NCHAN)
		return nginx_program() == NULL || access(NCHAN_MODULE, R_OK) != 0
			       ? "no nginx with nchan (nginx-light, libnginx-mod-nchan)"
			       : NULL;
	snprintf(program, sizeof(program), "%s/%s", harness->peers_dir,
		 kind == PLACE_LIBEVENT ? "libevent_bare" : "../../reprise");
	return access(program, X_OK) == 0 ? NULL
	       : kind == PLACE_LIBEVENT   ? "no libevent (libevent-dev)"
					  : "the program reprise is not built";
}

/* Until the port takes a connection, or the process has ended. */
static bool
await_port(struct place *place)
{
	const uint64_t end = now_ns() + PATIENCE_NS;
	const struct timespec moment = { .tv_nsec = 5000000 };

	while (now_ns() < end) {
		const int fd = client_connect(place->port);

		if (fd >= 0) {
			close(fd);
			return true;
		}
		if (waitpid(place->pid, NULL, WNOHANG) == place->pid) {
			place->pid = 0;
			return false;
		}
		(void)nanosleep(&moment, NULL);
	}
	return false;
}

bool
place_start(const struct harness *harness, struct place *place)
{
	const char *const absence = find_absence(harness, place->kind);
	char configuration[PATH_BYTES] = "";

	if (absence != NULL) {
		snprintf(place->absence, sizeof(place->absence), "%s", absence);
		return false;
	}
	if (place->port == 0) /* a restart keeps the port */
		place->port = free_port();
	if (place->kind == PLACE_NCHAN)
		write_configuration(place->port, configuration);
	if (place->kind == PLACE_FILES)
		write_file_configuration(place, configuration);
	place->pid = fork();
	if (place->pid < 0)
		harness_die("no process for a server");
	if (place->pid == 0)
		become(harness, place, configuration);
	if (await_port(place))
		return true;
	place_stop(place);
	snprintf(place->absence, sizeof(place->absence), "the server %s did not start",
		 place_names[place->kind]);
	return false;
}

void
place_stop(struct place *place)
{
	if (place->pid <= 0)
		return;
	(void)kill(place->pid, SIGKILL);
	(void)waitpid(place->pid, NULL, 0);
	place->pid = 0;
	if (place->kind == PLACE_NCHAN || place->kind == PLACE_FILES)
		remove_leftovers();
}

double
place_resident(const struct place *place)
{
	char path[64];
	unsigned long all = 0, pages = 0;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)place->pid);
	FILE *const file = fopen(path, "r");

	if (file == NULL || fscanf(file, "%lu %lu", &all, &pages) != 2)
		harness_die("the memory of a server cannot be read");
	fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

double
place_cpu_ns(const struct place *place)
{
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(place->pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
		harness_die("the processor time of a server cannot be read");
	return (double)used.tv_sec * 1e9 + (double)used.tv_nsec;
}

void
place_targets(const struct place *place, const char *id, char read_target[TARGET_BYTES],
	      char write_target[TARGET_BYTES])
{
	const bool ours = place->kind == PLACE_REPRISE;

	snprintf(read_target, TARGET_BYTES, ours ? "/v1/sessions/%s/events?from=oldest" : "/sub/%s",
		 id);
	snprintf(write_target, TARGET_BYTES, ours ? "/v1/sessions/%s/events" : "/pub/%s", id);
}

uint64_t
place_metric(const struct place *place, const char *name)
{
	static char text[METRICS_BYTES];
	char line[TARGET_BYTES];

	snprintf(line, sizeof(line), "\n%s ", name);
	(void)client_ask(place->port, "/metrics", text, sizeof(text));
	const char *const found = strstr(text, line);

	if (found != NULL)
		return strtoull(found + strlen(line), NULL, 10);
	if (!harness_is_interrupted())
		harness_die("/metrics cannot be read");
	return 0;
}
