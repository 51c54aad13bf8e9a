// SPDX-License-Identifier: MIT

import com.lmax.disruptor.BatchEventProcessor;
import com.lmax.disruptor.BlockingWaitStrategy;
import com.lmax.disruptor.EventPoller;
import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.WaitStrategy;
import com.lmax.disruptor.YieldingWaitStrategy;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** All that one task needs. */
final class Work {
	private static final int WINDOW_EVENTS = 2048;
	private static final int STACK_BYTES = 256 * 1024;
	private static final int FEED_SLOTS = 16; // payloads that are made ahead
	private static final int FEED_AHEAD = 8;
	private static final int POLL_ROUNDS = 64; // between two looks whether it is over
	private static final VarHandle U64 =
		MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
	private static final VarHandle DELIVERED;

	static {
		try {
			DELIVERED = MethodHandles.lookup().findVarHandle(Tally.class, "delivered", long.class);
		} catch (ReflectiveOperationException e) {
			throw new ExceptionInInitializerError(e);
		}
	}

	private static final class Slot {
		byte[] bytes;
		int payloadBytes;

		Slot(int payloadBytes) {
			bytes = new byte[payloadBytes];
		}
	}

	/** The events that one host was given. */
	static final class Tally {
		long delivered;
		long lost; // by the ordinals
		long last; // ordinal
		long doubled;
		long torn;
		final long warmUp;
		final long[] seen; // null: not wanted
		int seenCount;

		Tally(long warmUp, long[] seen) {
			this.warmUp = warmUp;
			this.seen = seen;
		}

		/** Counts an event that a host has in hand: its bytes do not change while it does. */
		boolean event(Slot slot) {
			final byte[] bytes = slot.bytes;
			final long ordinal = (long) U64.get(bytes, 0);
			final long intended = (long) U64.get(bytes, 8);

			if (ordinal <= last) {
				doubled++;
				return true;
			}
			if (slot.payloadBytes > Task.PAYLOAD_BYTES_MIN && bytes[slot.payloadBytes - 1] != (byte) ordinal)
				torn++;
			lost += ordinal - last - 1;
			last = ordinal;
			if (seen != null && ordinal > warmUp && seenCount < seen.length)
				seen[seenCount++] = System.nanoTime() - intended;
			DELIVERED.setOpaque(this, delivered + 1);
			return true;
		}

		long deliveredByNow() {
			return (long) DELIVERED.getOpaque(this);
		}
	}

	/** Payloads, with or without a name. */
	private static final class Feed {
		final byte[][] slots;
		long ordinal; // of the one that was given last

		Feed(int payloadBytes) {
			slots = new byte[FEED_SLOTS][payloadBytes];
			for (int ahead = 1; ahead <= FEED_AHEAD; ahead++)
				name(ahead);
		}

		void name(long ordinal) {
			final byte[] payload = slots[(int) (ordinal % FEED_SLOTS)];

			U64.set(payload, 0, ordinal);
			if (payload.length > Task.PAYLOAD_BYTES_MIN)
				payload[payload.length - 1] = (byte) ordinal;
		}

		byte[] next() {
			ordinal++;
			name(ordinal + FEED_AHEAD);
			return slots[(int) (ordinal % FEED_SLOTS)];
		}
	}

	final Task task;
	final RingBuffer<Slot> ring;
	final Feed feed;
	final List<EventPoller<Slot>> pollers = new ArrayList<>();
	final List<EventPoller.Handler<Slot>> handlers = new ArrayList<>();
	final List<BatchEventProcessor<Slot>> processors = new ArrayList<>();
	final List<Tally> tallies = new ArrayList<>();
	final List<Thread> threads = new ArrayList<>();
	volatile boolean isOver;

	Work(Task task, long warmUp, int seenMax) {
		final boolean isParked = task.mode() == Task.Mode.PARKED && task.hosts() > 0;
		final boolean isSeen = task.paceNs() > 0 && task.hosts() == 1 && task.mode() != Task.Mode.STALLED;
		/* A host that polls is not to be woken: only one of the two does anything when there is an event. */
		final WaitStrategy wait = isParked ? new BlockingWaitStrategy() : new YieldingWaitStrategy();

		this.task = task;
		ring = RingBuffer.createSingleProducer(() -> new Slot(task.payloadBytes()), WINDOW_EVENTS, wait);
		feed = new Feed(task.payloadBytes());
		for (int i = 0; i < task.hosts(); i++) {
			final Tally tally = new Tally(warmUp, isSeen ? new long[seenMax] : null);

			tallies.add(tally);
			if (isParked) {
				final BatchEventProcessor<Slot> processor = new BatchEventProcessor<>(ring,
					ring.newBarrier(), (slot, sequence, isLast) -> tally.event(slot));

				processors.add(processor);
				ring.addGatingSequences(processor.getSequence());
			} else {
				final EventPoller<Slot> poller = ring.newPoller();

				pollers.add(poller);
				handlers.add((slot, sequence, isLast) -> tally.event(slot));
				ring.addGatingSequences(poller.getSequence());
			}
		}
	}

	/** False: there is no room, and nobody gets it. */
	boolean append(byte[] payload) {
		if (!ring.hasAvailableCapacity(1))
			return false;
		final long sequence = ring.next();
		final Slot slot = ring.get(sequence);

		if (slot.bytes.length < payload.length)
			slot.bytes = new byte[payload.length];
		System.arraycopy(payload, 0, slot.bytes, 0, payload.length);
		slot.payloadBytes = payload.length;
		ring.publish(sequence);
		return true;
	}

	/** As fast as can be, to nobody: nobody reads the names. */
	void appendBare(long count) {
		for (long i = 0; i < count; i++)
			append(feed.slots[0]);
	}

	void appendFlood(long count) {
		for (long i = 0; i < count; i++)
			append(feed.next());
	}

	void appendPaced(long count, long paceNs, long clockNs, long[] cost) {
		final long begin = System.nanoTime();

		for (int i = 0; i < count; i++) {
			final long intended = begin + i * paceNs;
			final byte[] payload = feed.next();
			long before;

			U64.set(payload, 8, intended);
			do
				before = System.nanoTime();
			while (before - intended < 0);
			append(payload);
			cost[i] = Math.max(0, System.nanoTime() - before - clockNs);
		}
	}

	void appendAll(long count, long paceNs, long clockNs, long[] cost) {
		if (paceNs > 0)
			appendPaced(count, paceNs, clockNs, cost);
		else if (task.hosts() > 0)
			appendFlood(count);
		else
			appendBare(count);
	}

	boolean takeAll() throws Exception {
		boolean any = false;

		for (int i = 0; i < pollers.size(); i++)
			any |= pollers.get(i).poll(handlers.get(i)) == EventPoller.PollState.PROCESSING;
		return any;
	}

	void takeRounds() throws Exception {
		for (int i = 0; i < POLL_ROUNDS; i++)
			takeAll();
	}

	void poll() {
		try {
			while (!isOver)
				takeRounds();
			while (takeAll())
				continue;
		} catch (Exception e) {
			throw new IllegalStateException(e);
		}
	}

	void start() throws InterruptedException {
		final List<Runnable> mains = new ArrayList<>(processors);

		if (task.mode() == Task.Mode.POLLING && task.hosts() > 0)
			mains.add(this::poll);
		if (mains.isEmpty())
			return;
		final CountDownLatch started = new CountDownLatch(mains.size());

		for (final Runnable main : mains)
			threads.add(new Thread(null, () -> {
				started.countDown();
				main.run();
			}, "host", STACK_BYTES));
		/* Threads begin on the core of the one that starts them. */
		new Thread(() -> {
			pin(task.hostCore());
			threads.forEach(Thread::start);
		}).start();
		started.await();
	}

	/** Hosts that park have to fall asleep. */
	void settle() {
		final long patience = 1_000_000 + (task.mode() == Task.Mode.PARKED ? threads.size() * 100_000L : 0);

		for (final long begin = System.nanoTime(); System.nanoTime() - begin < patience;)
			Thread.yield();
	}

	/** When the hosts have taken all there is. */
	void end() throws Exception {
		isOver = true;
		for (final BatchEventProcessor<Slot> processor : processors) {
			while (processor.getSequence().get() < ring.getCursor())
				Thread.yield();
			processor.halt();
		}
		for (final Thread thread : threads)
			thread.join();
		while (takeAll())
			continue;
	}

	long deliveredByNow() {
		return tallies.stream().mapToLong(Tally::deliveredByNow).sum();
	}

	/** The calling thread: Java has no call for it. */
	static void pin(int core) {
		try {
			final String thread = Path.of("/proc/thread-self").toRealPath().getFileName().toString();
			final ProcessBuilder taskset =
				new ProcessBuilder("taskset", "-c", "-p", Integer.toString(core), thread);

			taskset.redirectOutput(ProcessBuilder.Redirect.DISCARD);
			taskset.redirectError(ProcessBuilder.Redirect.DISCARD);
			if (taskset.start().waitFor() == 0)
				return;
		} catch (IOException | InterruptedException e) {
			/* It is said below. */
		}
		System.err.println("disruptor: not pinned to core " + core);
	}
}
