// SPDX-License-Identifier: MIT
// Compares the deliveries of a client with the blocks of the whole stream.

const isOwed = ({ type }) => type === 'message' || type === 'gap';

// A gap that is told again may differ in words or times, but not in these facts.
function keyOf({ type, data, id }) {
	if (type !== 'gap') {
		return JSON.stringify([type, data, id]);
	}
	const { reason, lost, first, last, position, healed } = JSON.parse(data);
	return JSON.stringify([type, reason, lost, first, last, position, healed, id]);
}

function parsesAsJson(text) {
	try {
		JSON.parse(text);
		return true;
	} catch {
		return false;
	}
}

function keyOrNull(delivery) {
	return delivery.type === 'gap' && !parsesAsJson(delivery.data) ? null : keyOf(delivery);
}

/**
 * Judges one client of one stream: { lost, doubled, corrupt, hung, tolerated, spoilt }, in events.
 *
 * `blocks` is the whole stream and `deliveries` the union of what the client delivered, each { type, data, id } in
 * order. `cut` is the byte of the cut, or -1. A client whose `flaws` have losesAtId may lose the event whose block was
 * cut between the line end of the id and the blank line: the event is counted as tolerated. With spoilsHello a hello
 * that is no JSON is counted as spoilt, and is corrupt in any other client.
 */
export function judge(blocks, { deliveries, hasEnded }, cut, flaws = {}) {
	const sum = { lost: 0, doubled: 0, corrupt: 0, hung: hasEnded ? 0 : 1, tolerated: 0, spoilt: 0 };
	const owed = new Map(blocks.filter(isOwed).map((block, index) => [keyOf(block), { block, index, count: 0 }]));
	let newest = -1;
	for (const delivery of deliveries) {
		if (!isOwed(delivery)) {
			judgeOther(blocks.at(-1), delivery, flaws, sum);
			continue;
		}
		const found = owed.get(keyOrNull(delivery));
		if (found === undefined) {
			sum.corrupt++;
		} else if (found.count++ > 0) {
			sum.doubled++;
		} else {
			sum.corrupt += found.index < newest ? 1 : 0;
			newest = Math.max(newest, found.index);
		}
	}
	// What a hung client has not delivered is not known to be lost.
	const missing = hasEnded ? [...owed.values()].filter(({ count }) => count === 0) : [];
	for (const { block } of missing) {
		if (flaws.losesAtId && block.idEnd === cut) {
			sum.tolerated++;
		} else {
			sum.lost++;
		}
	}
	return sum;
}

function judgeOther(end, { type, data, id }, flaws, sum) {
	if (type === 'end') {
		const isRight = parsesAsJson(data) && JSON.parse(data).status === JSON.parse(end.data).status && id === end.id;
		sum.corrupt += isRight ? 0 : 1;
	} else if (!parsesAsJson(data)) {
		sum[type === 'hello' && flaws.spoilsHello ? 'spoilt' : 'corrupt']++;
	}
}

/** Adds the counts of `other` to `sum`. */
export function add(sum, other) {
	for (const [name, count] of Object.entries(other)) {
		sum[name] = (sum[name] ?? 0) + count;
	}
	return sum;
}

/**
 * Whether the payloads of a stream, and the events that its gaps count as lost, are those that were sent: each
 * payload of `sent` once and in order, and those that are absent are covered by gaps. Returns words, or null.
 */
export function compareWithSent(blocks, sent) {
	let at = 0;
	for (const { type, data } of blocks.filter(isOwed)) {
		if (type === 'gap') {
			at += JSON.parse(data).lost;
		} else if (data === sent[at]) {
			at++;
		} else {
			return `event ${at + 1} is ${JSON.stringify(data)}, and ${JSON.stringify(sent[at])} was sent`;
		}
	}
	return at === sent.length ? null : `${at} of ${sent.length} events are in the stream or in its gaps`;
}
