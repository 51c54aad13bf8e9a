// SPDX-License-Identifier: MIT

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

/**
 * LMAX's Disruptor: a ring of 2,048 slots, each with a buffer that payloads are copied into, and one thread that
 * appends. It cannot displace what a host has not taken: with hosts an append that finds no room is refused, and lost
 * to all of them. With no host nothing holds it back, and it goes round. Hosts read in place. Polling ones are event
 * pollers; parked ones are batch event processors, a thread each, that sleep in a BlockingWaitStrategy.
 *
 * Java compiles while it runs: before the first task of a kind (payload, hosts or none, mode, pace or none) the same
 * work is done for 300 ms, in small portions, and not measured.
 */
public final class Disruptor {
	private static final int WARM_UP_MIN = 3000;
	private static final int CLOCK_LOOKS = 1001;
	private static final int PARKED_MAX = 64;
	private static final long COMPILE_NS = 300_000_000;
	private static final long COMPILE_PACE_NS_MAX = 10_000;
	private static final int COMPILE_SEEN_MAX = 1 << 16;

	private static long clockNs; // what two readings of the clock take
	private static int core = -1; // that the main thread is on

	private static void pinMain(int core) {
		if (core != Disruptor.core)
			Work.pin(core);
		Disruptor.core = core;
	}

	private static void calibrate() {
		final long[] looks = new long[CLOCK_LOOKS];

		for (int round = 0; round < 100; round++)
			for (int i = 0; i < CLOCK_LOOKS; i++) {
				final long before = System.nanoTime();

				looks[i] = System.nanoTime() - before;
			}
		Arrays.sort(looks);
		clockNs = looks[CLOCK_LOOKS / 2];
	}

	/** The same work for a while, not measured. */
	private static void compile(Task task) throws Exception {
		final Work work = new Work(task, 0, COMPILE_SEEN_MAX);
		final long paceNs = Math.min(task.paceNs(), COMPILE_PACE_NS_MAX);
		final int portion = paceNs > 0 ? 10 : 1000;
		final long[] cost = new long[portion];

		work.start();
		work.settle();
		for (final long begin = System.nanoTime(); System.nanoTime() - begin < COMPILE_NS;)
			work.appendAll(portion, paceNs, clockNs, cost);
		work.end();
	}

	private static void samples(StringBuilder line, String name, long[] samples, int count) {
		line.append(' ').append(name).append('=');
		for (int i = 0; i < count; i++)
			line.append(i == 0 ? "" : ",").append(samples[i]);
	}

	private static String run(Task task) throws Exception {
		final int warmUp = Math.max(WARM_UP_MIN, task.count() / 10);
		final boolean isPaced = task.paceNs() > 0;
		final long[] warmUpCost = new long[isPaced ? warmUp : 0];
		final long[] cost = new long[isPaced ? task.count() : 0];
		final Work work = new Work(task, warmUp, task.count());

		System.gc(); // not in between
		work.start();
		work.settle();
		work.appendAll(warmUp, task.paceNs(), clockNs, warmUpCost);
		final long takenBefore = work.deliveredByNow();
		final long begin = System.nanoTime();

		work.appendAll(task.count(), task.paceNs(), clockNs, cost);
		final double ns = (double) (System.nanoTime() - begin) / task.count();
		final long taken = work.deliveredByNow() - takenBefore;

		work.end();
		long lost = 0, doubled = 0, torn = 0;
		for (final Work.Tally tally : work.tallies) {
			lost += tally.lost + warmUp + task.count() - tally.last;
			doubled += tally.doubled;
			torn += tally.torn;
		}
		final StringBuilder line = new StringBuilder(String.format(
			"result ns=%.4f delivered=%d lost=%d told=- taken=%d doubled=%d torn=%d", ns,
			work.deliveredByNow(), lost, taken, doubled, torn));

		if (isPaced)
			samples(line, "append", cost, cost.length);
		if (task.hosts() == 1 && work.tallies.get(0).seen != null)
			samples(line, "seen", work.tallies.get(0).seen, work.tallies.get(0).seenCount);
		return line.toString();
	}

	private static void say(String line) {
		System.out.println(line);
		System.out.flush();
	}

	public static void main(String[] arguments) throws Exception {
		final BufferedReader tasks = new BufferedReader(new InputStreamReader(System.in));
		final Set<String> compiled = new HashSet<>();

		Thread.setDefaultUncaughtExceptionHandler((thread, e) -> {
			e.printStackTrace();
			Runtime.getRuntime().halt(1);
		});
		calibrate();
		say("ready disruptor disruptor " + System.getProperty("disruptor.version", "?") + ", java " +
			System.getProperty("java.version"));
		for (String line; (line = tasks.readLine()) != null;) {
			final Task task = Task.parse(line);

			if (task == null) {
				System.err.println("disruptor: not a task: " + line);
				System.exit(2);
			}
			if (task.writers() > 1) {
				say("refused one thread appends here");
				continue;
			}
			if (task.mode() == Task.Mode.PARKED && task.hosts() > PARKED_MAX) {
				say("refused a thread per host beyond " + PARKED_MAX);
				continue;
			}
			pinMain(task.writerCore());
			if (compiled.add(task.kind()))
				compile(task);
			say(run(task));
		}
	}
}
