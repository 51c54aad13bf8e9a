// SPDX-License-Identifier: MIT
// The native framing of a stream of events: a strict parser of a whole stream, and a decoder for clients.

// A comment alone on its line is a heartbeat.
const HEARTBEAT = ':';
const CURSOR = /^[\x21-\x7e]+$/;

/**
 * The blocks of a whole stream, each with its type, data and id, and with three places in bytes: `start`,
 * `idEnd` (behind the line end of the id) and `end` (behind the blank line). Throws an error that names the
 * first block that breaks the framing.
 */
export function readBlocks(bytes) {
	new TextDecoder('utf-8', { fatal: true }).decode(bytes);
	const blocks = [];
	let at = 0;
	while (at < bytes.length) {
		const block = readBlock(bytes, at, blocks.length);
		blocks.push(block);
		at = block.end;
	}
	demand(blocks.length >= 2, blocks.length, 'a stream has a hello and an end');
	blocks.forEach(({ type }, index) => {
		demand((type === 'hello') === (index === 0), index, 'the first block, and no later block, is hello');
		demand((type === 'end') === (index === blocks.length - 1), index, 'the last block, and no earlier block, is end');
	});
	return blocks;
}

function readBlock(bytes, start, index) {
	const place = { at: start };
	const line = () => {
		const end = bytes.indexOf(10, place.at);
		demand(end >= 0, index, 'a line has no end');
		const text = bytes.toString('utf8', place.at, end);
		demand(!text.includes('\r'), index, 'a line has a CR');
		place.at = end + 1;
		return text;
	};
	let text = line();
	while (text === HEARTBEAT) {
		text = line();
	}
	if (index === 0) {
		demand(/^retry: \d+$/.test(text), index, 'the first line is retry');
		text = line();
	}
	demand(text.startsWith('event: '), index, `event was expected, not ${text}`);
	const type = text.slice(7);
	const data = [];
	for (text = line(); text.startsWith('data: '); text = line()) {
		data.push(text.slice(6));
	}
	demand(data.length > 0, index, 'data follows event');
	demand(text.startsWith('id: ') && CURSOR.test(text.slice(4)), index, `an id was expected, not ${text}`);
	const idEnd = place.at;
	demand(line() === '', index, 'the id is the last field');
	return { type, data: data.join('\n'), id: text.slice(4), start, idEnd, end: place.at };
}

function demand(holds, index, words) {
	if (!holds) {
		throw new Error(`block ${index}: ${words}`);
	}
}

/**
 * A function that takes the bytes of one response, in pieces of any size, and calls deliver(type, data, id)
 * for each complete event. `id` is the id at the beginning of the response. A hasty decoder calls onId as soon
 * as the line of an id is complete, as some clients do; any other calls onId when an event is complete.
 */
export function createDecoder(deliver, { id = '', onId = () => {}, isHasty = false } = {}) {
	const decoder = new TextDecoder();
	let rest = '';
	let type = '';
	let data = [];
	const fields = {
		event: (value) => (type = value),
		data: (value) => data.push(value),
		id: (value) => {
			id = value;
			if (isHasty) {
				onId(id);
			}
		},
	};
	const take = (text) => {
		if (text === '') {
			if (data.length > 0) {
				onId(id);
				deliver(type || 'message', data.join('\n'), id);
			}
			type = '';
			data = [];
			return;
		}
		const colon = text.indexOf(':');
		const name = colon < 0 ? text : text.slice(0, colon);
		const value = colon < 0 ? '' : text.slice(colon + 1).replace(/^ /, '');
		fields[name]?.(value);
	};
	return (bytes) => {
		const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
		rest = lines.pop();
		lines.forEach(take);
	};
}
