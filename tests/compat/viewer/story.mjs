// SPDX-License-Identifier: MIT
// An agent's run for the pictures, in the shape of Anthropic's messages: words, and two calls of tools.

const SEARCH = { pattern: 'next_window(', path: 'src' };
const RUN = { command: 'ctest -R ring --output-on-failure' };

const TEXTS = [
	`The test of the ring fails once in about forty runs. I look for the place where a window moves while a client reads.

`,
	`There are two callers. The first holds the lock, the second does not:

- src/ring/read.c, line 112: takes the position first, and then copies the bytes
- src/ring/trim.c, line 58: moves the floor between the two steps

A client that reads between both steps sees the new floor with the old bytes. That is one event too many, and the books of the test
do not hold.

`,
	`With the copy before the check, the same test passes 2,000 times out of 2,000.

What I changed:

1. read.c copies the bytes first, and validates the position afterwards.
2. A copy that is not valid any more is thrown away, and the client is told of the gap.
3. The test now counts the delivered and the lost events, and compares the sum with the appended events.

Nothing else depends on the order of these two steps. The cost of an append is the same as before: the writer does not wait for a
client, and takes no lock.

Would you like me to add a model of the two steps, or to look at the other reader of the window first?
`,
];

// A line end within a paragraph is this file's own.
const pieces = (text) => text.replace(/(\S)\n(?=[a-z])/g, '$1 ').match(/\s*\S{1,7}|\s+/g);

function textBlock(index, text) {
	return [
		{ type: 'content_block_start', index, content_block: { type: 'text', text: '' } },
		...pieces(text).map((piece) => ({ type: 'content_block_delta', index, delta: { type: 'text_delta', text: piece } })),
		{ type: 'content_block_stop', index },
	];
}

function toolBlock(index, name, input) {
	const parts = JSON.stringify(input).match(/.{1,9}/g);
	return [
		{ type: 'content_block_start', index, content_block: { type: 'tool_use', id: `toolu_${index}`, name, input: {} } },
		...parts.map((part) => ({ type: 'content_block_delta', index, delta: { type: 'input_json_delta', partial_json: part } })),
		{ type: 'content_block_stop', index },
	];
}

/** The events of the run, in their order. */
export const STORY = [
	{ type: 'message_start', message: { id: 'msg_1', type: 'message', role: 'assistant', content: [] } },
	...textBlock(0, TEXTS[0]),
	...toolBlock(1, 'search_code', SEARCH),
	...textBlock(2, TEXTS[1]),
	...toolBlock(3, 'run_tests', RUN),
	...textBlock(4, TEXTS[2]),
	{ type: 'message_delta', delta: { stop_reason: 'end_turn' } },
	{ type: 'message_stop' },
];

/** A kind for each type of event, as a runtime would give. */
export function kindOf({ type, delta }) {
	const kinds = { message_start: 1, message_delta: 1, message_stop: 1, content_block_start: 2, content_block_stop: 2 };
	return String(kinds[type] ?? (delta?.type === 'text_delta' ? 3 : 4));
}
