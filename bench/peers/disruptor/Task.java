// SPDX-License-Identifier: MIT

import java.util.HashMap;
import java.util.Map;

/** A line of the protocol. */
record Task(int payloadBytes, int count, int hosts, Task.Mode mode, long paceNs, int writerCore, int hostCore,
	int writers) {
	enum Mode { POLLING, PARKED, STALLED }

	static final int PAYLOAD_BYTES_MIN = 16;
	static final int PAYLOAD_BYTES_MAX = 65536;
	static final int WRITERS_MAX = 16;

	/** Null: it is none. */
	static Task parse(String line) {
		final Map<String, String> words = new HashMap<>();

		for (final String word : line.split(" ")) {
			final String[] pair = word.split("=", 2);

			words.put(pair[0], pair.length == 2 ? pair[1] : "");
		}
		try {
			final Task task = new Task(Integer.parseInt(words.get("payload")),
				Integer.parseInt(words.get("count")), Integer.parseInt(words.get("hosts")),
				Mode.valueOf(words.getOrDefault("mode", "").toUpperCase()),
				Long.parseLong(words.get("pace")), Integer.parseInt(words.get("writer")),
				Integer.parseInt(words.get("host")), Integer.parseInt(words.getOrDefault("writers", "1")));
			final boolean isOne = line.startsWith("run ") && task.count > 0 && task.hosts >= 0 &&
				task.payloadBytes >= PAYLOAD_BYTES_MIN && task.payloadBytes <= PAYLOAD_BYTES_MAX &&
				task.writers >= 1 && task.writers <= WRITERS_MAX;

			return isOne ? task : null;
		} catch (IllegalArgumentException e) {
			return null;
		}
	}

	String kind() {
		return payloadBytes + " " + (hosts == 0) + " " + mode + " " + (paceNs > 0);
	}
}
