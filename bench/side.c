/* SPDX-License-Identifier: MIT */
#include "side.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PATIENCE_S = 120, /* for one task */
	COUNT_MIN = 2000,
	COUNT_FIRST = 4000, /* appends of the run that is not measured */
	COUNT_MAX = 20 * 1000 * 1000,
	WARM_UP_MIN = 3000, /* more than a window: every page is touched */
};

const char *const side_names[] = {
	"reprise",   "limit",           "mutex_deque",    "boost_spsc", "wfcqueue",
	"disruptor", "tokio_broadcast", "tokio_window",   "crossbeam",  "lttng_ust",
	"zeromq",    "redis_streams",   "nats_jetstream", NULL,
};

/* Whose turn it is, for the alarm. */
static volatile pid_t at_work;

bool
side_is_server(const char *name)
{
	return strcmp(name, "redis_streams") == 0 || strcmp(name, "nats_jetstream") == 0;
}

static void
end_work(int signal)
{
	(void)signal;
	if (at_work > 0)
		kill(at_work, SIGKILL);
}

/* A line, or NULL at the end, or when patience is. */
static char *
read_line(struct side *side)
{
	char *line = NULL;
	size_t bytes = 0;
	ssize_t length;

	signal(SIGALRM, end_work);
	at_work = side->pid;
	alarm(PATIENCE_S);
	length = getline(&line, &bytes, side->from);
	alarm(0);
	at_work = 0;
	if (length > 0 && line[length - 1] == '\n') {
		line[length - 1] = '\0';
		return line;
	}
	free(line);
	return NULL;
}

/* Why a program was not built: the build leaves a note in its place. */
static void
read_absence(struct side *side, const char *path)
{
	char note[PATH_BYTES];
	FILE *file;

	snprintf(side->absence, sizeof(side->absence), "not built");
	if ((size_t)snprintf(note, sizeof(note), "%s.absent", path) >= sizeof(note) ||
	    (file = fopen(note, "r")) == NULL)
		return;
	if (fgets(side->absence, sizeof(side->absence), file) != NULL)
		side->absence[strcspn(side->absence, "\n")] = '\0';
	fclose(file);
}

static void
start(struct side *side, const char *path)
{
	int to[2], from[2];

	if (pipe(to) != 0 || pipe(from) != 0 || (side->pid = fork()) < 0)
		harness_die("no process for a peer");
	if (side->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGINT, SIG_IGN); /* the harness ends it */
		signal(SIGTERM, SIG_IGN);
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		close(to[0]);
		close(to[1]);
		close(from[0]);
		close(from[1]);
		execl(path, path, (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	side->to = fdopen(to[1], "w");
	side->from = fdopen(from[0], "r");
	if (side->to == NULL || side->from == NULL)
		harness_die("no stream for a peer");
}

bool
side_open(struct harness *harness, struct side *side, const char *name)
{
	char path[PATH_BYTES + 64];
	char *line;

	*side = (struct side){ .name = name };
	snprintf(path, sizeof(path), "%s/%s", harness->peers_dir, name);
	if (access(path, X_OK) != 0) {
		read_absence(side, path);
		return false;
	}
	start(side, path);
	line = read_line(side);
	if (line != NULL && strncmp(line, "ready ", 6) == 0) {
		const char *const version = strchr(line + 6, ' ');

		snprintf(side->version, sizeof(side->version), "%s",
			 version == NULL ? "" : version + 1);
	} else {
		snprintf(side->absence, sizeof(side->absence), "%s",
			 line != NULL && strncmp(line, "skipped ", 8) == 0 ? line + 8
									   : "it does not start");
		side_close(side);
	}
	free(line);
	return side->pid != 0;
}

void
side_close(struct side *side)
{
	if (side->pid == 0)
		return;
	fclose(side->to);
	fclose(side->from);
	waitpid(side->pid, NULL, 0);
	side->pid = 0;
}

static void
give_up(struct harness *harness, struct side *side, const char *why)
{
	snprintf(side->absence, sizeof(side->absence), "%s", why);
	harness_progress("%s: %s", side->name, why);
	/* A peer may; we may not. */
	harness->is_broken |= strcmp(side->name, "reprise") == 0;
	kill(side->pid, SIGKILL);
	side_close(side);
}

static uint64_t
number_after(const char *line, const char *key)
{
	const char *const at = strstr(line, key);

	return at == NULL ? 0 : strtoull(at + strlen(key), NULL, 10);
}

static void
add_samples(const char *line, const char *key, struct histogram *histogram)
{
	const char *at = strstr(line, key);
	char *end;

	if (at == NULL)
		return;
	for (at += strlen(key); *at >= '0' && *at <= '9'; at = *end == ',' ? end + 1 : end)
		histogram_add(histogram, strtoull(at, &end, 10));
}

static void
check_books(struct harness *harness, const struct side *side, const struct task *task,
	    const struct outcome *outcome, const char *line)
{
	const uint64_t tenth = task->count / 10;
	const uint64_t warm_up = tenth < WARM_UP_MIN ? WARM_UP_MIN : tenth;
	const uint64_t due = (task->count + warm_up) * task->hosts;
	const bool tells = strstr(line, " told=-") == NULL;
	const bool is_told = !tells || number_after(line, " told=") == outcome->lost;
	const uint64_t doubled = number_after(line, " doubled="),
		       torn = number_after(line, " torn=");

	if (outcome->delivered + outcome->lost == due && is_told && doubled == 0 && torn == 0)
		return;
	harness->is_broken = true;
	fprintf(stderr,
		"bench: %s: BROKEN accounting: delivered %" PRIu64 " + lost %" PRIu64 " of %" PRIu64
		", told %" PRIu64 ", doubled %" PRIu64 ", torn %" PRIu64
		" (payload %zu, %u hosts %s, pace %" PRIu64 ", %u writers)\n",
		side->name, outcome->delivered, outcome->lost, due, number_after(line, " told="),
		doubled, torn, task->payload_bytes, task->hosts, task->mode, task->pace_ns,
		task->writers > 1 ? task->writers : 1);
}

bool
side_run(struct harness *harness, struct side *side, const struct task *task,
	 struct outcome *ret_outcome)
{
	char *line;

	side->refusal[0] = '\0';
	if (side->pid == 0)
		return false;
	fprintf(side->to,
		"run payload=%zu count=%" PRIu64 " hosts=%u mode=%s pace=%" PRIu64
		" writer=%d host=%d",
		task->payload_bytes, task->count, task->hosts, task->mode, task->pace_ns,
		harness->writer_core, harness->host_core);
	if (task->writers > 1)
		fprintf(side->to, " writers=%u", task->writers);
	fputc('\n', side->to);
	fflush(side->to);
	line = read_line(side);
	if (line == NULL) {
		give_up(harness, side, "it has died, or did not answer in time");
		return false;
	}
	if (strncmp(line, "result ", 7) != 0) {
		snprintf(side->refusal, sizeof(side->refusal), "%s",
			 strncmp(line, "refused ", 8) == 0 ? line + 8 : line);
		free(line);
		return false;
	}
	memset(ret_outcome, 0, sizeof(*ret_outcome));
	ret_outcome->ns = strtod(strstr(line, "ns=") + 3, NULL);
	ret_outcome->delivered = number_after(line, " delivered=");
	ret_outcome->lost = number_after(line, " lost=");
	ret_outcome->taken = number_after(line, " taken=");
	ret_outcome->taken_per_s =
		(double)ret_outcome->taken / (ret_outcome->ns * (double)task->count) * 1e9;
	add_samples(line, " append=", &ret_outcome->append);
	add_samples(line, " seen=", &ret_outcome->seen);
	check_books(harness, side, task, ret_outcome, line);
	free(line);
	return true;
}

bool
side_fit(struct harness *harness, struct side *side, struct task *task)
{
	static struct outcome outcome;

	if (task->pace_ns > 0) {
		task->count = (uint64_t)(harness->run_ns / (double)task->pace_ns);
	} else {
		/* Twice: the first makes everything warm, and says how long the second is to be. */
		task->count = COUNT_FIRST;
		for (int i = 0; i < 2; i++) {
			if (!side_run(harness, side, task, &outcome))
				return false;
			const double count = harness->run_ns / (i == 0 ? 8 : 1) / outcome.ns;

			task->count = count > COUNT_MAX ? COUNT_MAX : (uint64_t)count;
			if (task->count < COUNT_MIN)
				task->count = COUNT_MIN;
		}
	}
	if (task->count < COUNT_MIN)
		task->count = COUNT_MIN;
	return true;
}
