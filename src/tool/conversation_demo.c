/* SPDX-License-Identifier: MIT */

/*
 * `reprise demo --worker`: a worker gets each message twice, in any order. With --kill the worker
 * is killed between two steps, again and again, at random moments. The next worker goes on where
 * the conversation in the log says. At the end the effects of all steps are compared with the log:
 * each step was done once, except for steps whose worker died between the effect and the record.
 */

#include "tool/conversation_demo.h"

#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reprise/conversation.h>

#include "tool/conversation_worker.h"
#include "tool/interrupt.h"
#include "tool/log_place.h"
#include "tool/pace.h"

enum {
	STEPS_BETWEEN_KILLS = 5, /* at most; at random */
	KILL_DELAY_NS = 3000000, /* after these steps, at most; at random */
	LOOK_NS = 100000,        /* the period of checks on the worker */
	MESSAGE_STEPS_LEAST = 3,
};

struct demo {
	struct worker_world *world; /* shared with the worker */
	const char *log;
	bool kills;
	uint32_t killed;
	uint32_t may_repeat; /* kills between the effect and the record of a step */
	unsigned int random;
};

static uint32_t
pick(struct demo *demo, uint32_t below)
{
	return (uint32_t)rand_r(&demo->random) % below;
}

/*
 * Gives each message an id that no earlier run has used: the number of events in the log is a part.
 */
static bool
name_messages(struct demo *demo)
{
	const struct log_place place = { .file = demo->log };
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_log *log = NULL;
	reprise_status status = log_place_open(&place, LOG_ACCESS_CREATE, &log, &error);

	if (status == REPRISE_OK)
		status = reprise_log_stats(log, &worker_key, &stats, &error);
	reprise_log_close(log);
	if (status != REPRISE_OK && status != REPRISE_E_NOT_FOUND) {
		log_say_failure("demo --worker", worker_key.thread, status, &error);
		return false;
	}
	for (uint32_t i = 0; i < WORKER_MESSAGES; i++) {
		struct worker_message *const message = &demo->world->messages[i];

		snprintf(message->id, sizeof(message->id), "m%" PRIu64 "-%" PRIu32, stats.head,
			 i + 1);
		message->steps = MESSAGE_STEPS_LEAST +
				 pick(demo, WORKER_STEPS_MAX - MESSAGE_STEPS_LEAST + 1);
	}
	return true;
}

static void
shuffle_queue(struct demo *demo)
{
	uint32_t *const queue = demo->world->queue;

	for (uint32_t i = 0; i < WORKER_DELIVERIES; i++)
		queue[i] = i % WORKER_MESSAGES;
	for (uint32_t i = WORKER_DELIVERIES - 1; i > 0; i--) {
		const uint32_t other = pick(demo, i + 1);
		const uint32_t number = queue[i];

		queue[i] = queue[other];
		queue[other] = number;
	}
}

/* Waits until the worker has ended, or has done @steps more steps. */
static void
await_steps(const struct demo *demo, pid_t worker, uint32_t steps)
{
	const uint32_t until = atomic_load(&demo->world->steps) + steps;
	siginfo_t ended = { 0 };

	while (atomic_load(&demo->world->steps) < until && !interrupt_happened()) {
		if (waitid(P_PID, (id_t)worker, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 ||
		    ended.si_pid != 0)
			return;
		pace_sleep(LOOK_NS);
	}
}

static void
kill_worker(struct demo *demo, pid_t worker)
{
	await_steps(demo, worker, pick(demo, STEPS_BETWEEN_KILLS + 1));
	pace_sleep(pick(demo, KILL_DELAY_NS));
	kill(worker, SIGKILL);
}

/* Runs one worker process. False: the process could not be started, or has failed. */
static bool
run_worker(struct demo *demo)
{
	int ended = 0;

	fflush(stdout);
	const pid_t worker = fork();

	if (worker == 0) {
		interrupt_release();
		_exit(worker_live(demo->world, demo->log));
	}
	if (worker < 0) {
		perror("reprise demo --worker");
		return false;
	}
	if (demo->kills)
		kill_worker(demo, worker);
	else
		await_steps(demo, worker, UINT32_MAX - atomic_load(&demo->world->steps));
	if (interrupt_happened())
		kill(worker, SIGKILL);
	if (waitpid(worker, &ended, 0) != worker)
		return false;
	if (interrupt_happened())
		return true;
	if (WIFSIGNALED(ended) && WTERMSIG(ended) == SIGKILL) {
		demo->killed++;
		demo->may_repeat += atomic_exchange(&demo->world->doing, 0) != 0;
		return true;
	}
	return ended == 0;
}

/*
 * Checks that the log has every message as finished. False: a message is not, and the output says
 * so.
 */
static bool
check_log(const struct demo *demo)
{
	const struct log_place place = { .file = demo->log };
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_message_info info = { .size = sizeof(info) };
	struct reprise_conversation *conversation = NULL;
	struct reprise_log *log = NULL;
	uint32_t finished = 0;
	reprise_status status = log_place_open(&place, LOG_ACCESS_READ, &log, &error);

	if (status == REPRISE_OK)
		status = reprise_conversation_new(log, &worker_key, NULL, &conversation, &error);
	if (status == REPRISE_OK)
		status = reprise_conversation_recover(conversation, &error);
	if (status != REPRISE_OK)
		log_say_failure("demo --worker", worker_key.thread, status, &error);
	for (uint32_t i = 0; status == REPRISE_OK && i < WORKER_MESSAGES; i++) {
		const struct worker_message *const message = &demo->world->messages[i];

		finished +=
			reprise_conversation_find(conversation, message->id, &info) == REPRISE_OK &&
			info.is_finished && info.last_step + 1 == message->steps;
	}
	reprise_conversation_close(conversation);
	reprise_log_close(log);
	if (status == REPRISE_OK && finished < WORKER_MESSAGES)
		printf("\n%" PRIu32 " messages are not finished in the log.\n",
		       WORKER_MESSAGES - finished);
	return status == REPRISE_OK && finished == WORKER_MESSAGES;
}

/* The number of steps, of steps that were done, and of repetitions. */
struct effects {
	uint32_t all, done, repeated;
};

static struct effects
count_effects(const struct worker_world *world)
{
	struct effects effects = { 0 };

	for (uint32_t i = 0; i < WORKER_MESSAGES; i++) {
		const struct worker_message *const message = &world->messages[i];

		for (uint32_t step = 0; step < message->steps; step++) {
			const uint32_t times = atomic_load(&message->effects[step]);

			effects.all++;
			effects.done += times > 0;
			effects.repeated += times > 1 ? times - 1 : 0;
		}
	}
	return effects;
}

static void
print_table(const struct demo *demo, const struct effects *effects)
{
	const struct worker_world *const world = demo->world;

	printf("%8s  %10s  %7s  %7s  %7s  %6s  %10s  %16s\n", "messages", "deliveries", "started",
	       "resumed", "skipped", "killed", "steps done", "steps done twice");
	printf("%8d  %10" PRIu32 "  %7" PRIu32 "  %7" PRIu32 "  %7" PRIu32 "  %6" PRIu32
	       "  %10" PRIu32 "  %16" PRIu32 "\n",
	       WORKER_MESSAGES, atomic_load(&world->deliveries), atomic_load(&world->started),
	       atomic_load(&world->resumed), atomic_load(&world->skipped), demo->killed,
	       effects->done, effects->repeated);
	if (atomic_load(&world->started) < WORKER_MESSAGES && demo->killed > 0)
		printf("\nIf a worker dies right after it has recorded a receipt, the next worker "
		       "resumes the message\nfrom step 0: such a message counts as resumed, and "
		       "not as started.\n");
	if (effects->repeated > 0)
		printf("\nA step is done twice if the worker dies after the effect of the step "
		       "and before the record in\nthe log. Workers died at this point %" PRIu32
		       " times.\n",
		       demo->may_repeat);
}

/* Returns the exit status. */
static int
judge(const struct demo *demo)
{
	const struct effects effects = count_effects(demo->world);

	print_table(demo, &effects);
	if (interrupt_happened()) {
		printf("\nInterrupted: the table covers the time up to the interrupt.\n");
		return EXIT_INTERRUPTED;
	}
	if (effects.done < effects.all)
		printf("\n%" PRIu32 " steps were never done.\n", effects.all - effects.done);
	if (effects.repeated > demo->may_repeat)
		printf("\n%" PRIu32 " steps were done again, although the log had their record.\n",
		       effects.repeated - demo->may_repeat);
	return check_log(demo) && effects.done == effects.all &&
			       effects.repeated <= demo->may_repeat
		       ? 0
		       : 1;
}

static int
play(struct demo *demo)
{
	bool is_good = name_messages(demo);

	if (!is_good)
		return 1;
	shuffle_queue(demo);
	printf("A worker gets %d messages of %d to %d steps. Each message is delivered twice, in "
	       "any order.\n",
	       WORKER_MESSAGES, MESSAGE_STEPS_LEAST, WORKER_STEPS_MAX);
	if (demo->kills)
		printf("The worker is killed (SIGKILL) again and again, and started again.\n");
	putchar('\n');
	while (is_good && !interrupt_happened() &&
	       atomic_load(&demo->world->acknowledged) < WORKER_DELIVERIES)
		is_good = run_worker(demo);
	return is_good ? judge(demo) : 1;
}

/* Without --log the log is in a temporary folder, which is removed at the end. */
static bool
make_scratch(char *folder, size_t room)
{
	const char *const parent = getenv("TMPDIR");

	snprintf(folder, room, "%s/reprise-worker.XXXXXX", parent != NULL ? parent : "/tmp");
	if (mkdtemp(folder) != NULL)
		return true;
	fprintf(stderr, "reprise: demo --worker: ");
	perror(folder);
	return false;
}

static void
remove_scratch(const char *folder, const char *file)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-lock" };
	char name[PATH_MAX];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", file, suffixes[i]);
		(void)unlink(name);
	}
	(void)rmdir(folder);
}

static int
run_with_world(struct demo *demo)
{
	demo->world = mmap(NULL, sizeof(*demo->world), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (demo->world == MAP_FAILED) {
		perror("reprise demo --worker");
		return 1;
	}
	interrupt_catch();
	interrupt_admit();
	const int status = play(demo);

	interrupt_release();
	munmap(demo->world, sizeof(*demo->world));
	return status;
}

int
conversation_demo_run(const struct demo_options *options)
{
	struct demo demo = { .log = options->log,
			     .kills = options->kills,
			     .random = (unsigned int)(pace_now() ^ (uint64_t)getpid()) };
	char folder[PATH_MAX - 16], file[PATH_MAX];
	int status;

	if (options->log != NULL)
		return run_with_world(&demo);
	if (!make_scratch(folder, sizeof(folder)))
		return 1;
	snprintf(file, sizeof(file), "%s/log", folder);
	demo.log = file;
	status = run_with_world(&demo);
	remove_scratch(folder, file);
	return status;
}
