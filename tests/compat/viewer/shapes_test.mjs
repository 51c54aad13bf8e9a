// SPDX-License-Identifier: MIT
// The pure parts of the viewer without a browser: the joiner of texts (shapes.js) and the bookkeeping of a stream
// (ledger.js). Recordings of model streams are judged, too, where they lie beside the project.
// Usage: shapes_test.mjs PROJECT
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';

const project = path.resolve(process.argv[2] ?? '.');

// The two files import nothing. By the ending mjs they are modules for each version of node.
const place = fs.mkdtempSync(path.join(os.tmpdir(), 'shapes-'));
function importFile(name) {
	fs.copyFileSync(path.join(project, 'src/gateway/viewer', `${name}.js`), path.join(place, `${name}.mjs`));
	return import(path.join(place, `${name}.mjs`));
}
const { Joiner, nameEvent } = await importFile('shapes');
const { Ledger, parseCursor } = await importFile('ledger');
fs.rmSync(place, { recursive: true });

// The blocks of some payloads, in order, as [role, label, text].
function join(payloads) {
	const blocks = new Map();
	const joiner = new Joiner(({ key, role, label, text }) => {
		const block = blocks.get(key) ?? [role, label, ''];
		block[2] += text;
		blocks.set(key, block);
	});
	payloads.forEach((payload) => joiner.take(typeof payload === 'string' ? payload : JSON.stringify(payload)));
	return [...blocks.values()];
}

const chat = (delta, index = 0) => ({ id: 'c1', object: 'chat.completion.chunk', choices: [{ index, delta }] });
const call = (index, name, args) => chat({ tool_calls: [{ index, function: { name, arguments: args } }] });

const SAMPLES = {
	'OpenAI chat: text, thinking, and two tools at once': [[
		chat({ role: 'assistant', content: '' }), chat({ reasoning_content: 'Hm' }), chat({ reasoning_content: 'm.' }), chat({ content: 'Let' }),
		chat({ content: ' me.' }), call(0, 'find', ''), call(0, undefined, '{"a"'), call(1, 'open', '{}'), call(0, undefined, ':1}'),
		chat({ content: 'Done' }), chat({}),
	], [['thinking', 'thinking', 'Hmm.'], ['text', '', 'Let me.'], ['tool', 'tool find', '{"a":1}'], ['tool', 'tool open', '{}'],
		['text', '', 'Done']]],
	'OpenAI chat: two choices side by side': [[
		chat({ content: 'a' }, 0), chat({ content: 'x' }, 1), chat({ content: 'b' }, 0), chat({ content: 'y' }, 1),
	], [['text', '', 'ab'], ['text', '', 'xy']]],
	'OpenAI responses: the done events add nothing': [[
		{ type: 'response.created', response: {} },
		{ type: 'response.reasoning_summary_text.delta', item_id: 'r', summary_index: 0, delta: 'Why' },
		{ type: 'response.reasoning_summary_text.done', item_id: 'r', text: 'Why' },
		{ type: 'response.output_item.added', item: { id: 'f', type: 'function_call', name: 'sum' } },
		{ type: 'response.function_call_arguments.delta', item_id: 'f', delta: '{}' },
		{ type: 'response.function_call_arguments.done', item_id: 'f', arguments: '{}' },
		{ type: 'response.output_text.delta', item_id: 'm', content_index: 0, delta: 'Two' },
		{ type: 'response.output_text.done', item_id: 'm', text: 'Two' },
		{ type: 'response.output_item.done', item: { id: 'p', type: 'mcp_call', name: 'web', output: 'found' } },
	], [['thinking', 'thinking', 'Why'], ['tool', 'tool sum', '{}'], ['text', '', 'Two'], ['result', 'result web', 'found']]],
	'Anthropic messages: citations do not cut a text, tools do': [[
		{ type: 'message_start', message: {} },
		{ type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '' } },
		{ type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'So' } },
		{ type: 'content_block_start', index: 1, content_block: { type: 'text', text: 'One' } },
		{ type: 'content_block_start', index: 2, content_block: { type: 'text', text: '' } },
		{ type: 'content_block_delta', index: 2, delta: { type: 'text_delta', text: ' text' } },
		{ type: 'content_block_start', index: 3, content_block: { type: 'tool_use', id: 't', name: 'bash', input: {} } },
		{ type: 'content_block_delta', index: 3, delta: { type: 'input_json_delta', partial_json: '{"c":' } },
		{ type: 'content_block_delta', index: 3, delta: { type: 'input_json_delta', partial_json: '"ls"}' } },
		{ type: 'content_block_start', index: 4, content_block: { type: 'bash_tool_result', tool_use_id: 't', content: 'a.txt' } },
		{ type: 'content_block_start', index: 5, content_block: { type: 'text', text: '' } },
		{ type: 'content_block_delta', index: 5, delta: { type: 'text_delta', text: 'End' } },
		{ type: 'message_start', message: {} },
		{ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Next' } },
	], [['thinking', 'thinking', 'So'], ['text', '', 'One text'], ['tool', 'tool bash', '{"c":"ls"}'], ['result', 'result bash', 'a.txt'],
		['text', '', 'End'], ['text', '', 'Next']]],
	'AI SDK UI messages: an input that came in deltas is not told twice': [[
		{ type: 'start', messageId: 'm' }, { type: 'text-start', id: '0' }, { type: 'text-delta', id: '0', delta: 'Hi' },
		{ type: 'reasoning-delta', id: '1', delta: 'Hm' }, { type: 'tool-input-start', toolCallId: 'a', toolName: 'sum' },
		{ type: 'tool-input-delta', toolCallId: 'a', inputTextDelta: '{"n"' }, { type: 'tool-input-delta', toolCallId: 'a', inputTextDelta: ':1}' },
		{ type: 'tool-input-available', toolCallId: 'a', toolName: 'sum', input: { n: 1 } },
		{ type: 'tool-input-available', toolCallId: 'b', toolName: 'now', input: 'utc' },
		{ type: 'tool-output-available', toolCallId: 'a', output: 'one' }, { type: 'text-delta', id: '0', delta: '.' },
		{ type: 'start', messageId: 'n' }, { type: 'text-delta', id: '0', delta: 'Again' },
	], [['text', '', 'Hi'], ['thinking', 'thinking', 'Hm'], ['tool', 'tool sum', '{"n":1}'], ['tool', 'tool now', 'utc'],
		['result', 'result sum', 'one'], ['text', '', '.'], ['text', '', 'Again']]],
	'AG-UI': [[
		{ type: 'RUN_STARTED' }, { type: 'TEXT_MESSAGE_START', messageId: 'm', role: 'assistant' },
		{ type: 'TEXT_MESSAGE_CONTENT', messageId: 'm', delta: 'A' }, { type: 'TEXT_MESSAGE_CONTENT', messageId: 'm', delta: 'B' },
		{ type: 'THINKING_TEXT_MESSAGE_CONTENT', delta: 'Hm' }, { type: 'TOOL_CALL_START', toolCallId: 't', toolCallName: 'go' },
		{ type: 'TOOL_CALL_ARGS', toolCallId: 't', delta: '{}' }, { type: 'TOOL_CALL_RESULT', toolCallId: 't', messageId: 'x', content: 'ok' },
		{ type: 'RUN_STARTED' }, { type: 'TEXT_MESSAGE_CONTENT', messageId: 'm', delta: 'C' },
	], [['text', '', 'AB'], ['thinking', 'thinking', 'Hm'], ['tool', 'tool go', '{}'], ['result', 'result go', 'ok'], ['text', '', 'C']]],
	'plain JSON, JSON strings and lines stay in their order': [[
		{ token: '1 ' }, { text: '2 ' }, { delta: '3 ' }, { content: '4 ' }, '"5 "', 'a line', '{"token": broken', '17', { token: '6' },
		{ level: 'info' }, { content: { deep: 1 } },
	], [['text', '', '1 2 3 4 5 a line\n{"token": broken\n17\n6']]],
	'a run, an author and a message begin anew': [[
		{ type: 'token', text: 'a' }, { type: 'run', number: 2 }, { type: 'token', text: 'b' }, { role: 'user', content: 'c' },
		{ role: 'assistant', content: 'd' }, { message_id: '1', content: 'e' }, { message_id: '2', content: 'f' },
	], [['text', '', 'a'], ['text', '', 'b'], ['text', 'user', 'c'], ['text', 'assistant', 'd'], ['text', '', 'e'], ['text', '', 'f']]],
};

for (const [name, [payloads, blocks]] of Object.entries(SAMPLES)) {
	test(`V106 ${name}`, () => assert.deepEqual(join(payloads), blocks));
}

test('V106 no payload breaks the joiner', () => {
	const odd = ['', 'null', '[]', '[1]', '{}', '{"choices":[]}', '{"choices":[{}]}', '{"choices":[{"delta":null}]}', '{"type":5}',
		'{"type":null,"delta":null}', '{"type":"content_block_delta"}', '{"type":"response.output_text.delta"}', '{"type":"step.delta","delta":{}}',
		'{"type":"tool-input-available"}', '{"type":"response.output_item.added","item":{}}', '{"type":"TOOL_CALL_RESULT"}',
		'{"choices":[{"delta":{"tool_calls":[{}]}}]}', '{"type":"content_block_start","content_block":null,"delta":null}',
		'{"choices":[null]}', '{"choices":[{"delta":{"tool_calls":[null]}}]}', '{"choices":[{"delta":{"tool_calls":5}}]}'];
	odd.push('{"type":{"toString":5},"text":{"toString":5}}', '{"choices":[{"delta":{"content":"x"},"index":{"toString":5}}]}');
	odd.forEach((payload) => assert.doesNotThrow(() => join([payload]), payload));
});

test('V106 a joiner keeps few names and lanes', () => {
	const joiner = new Joiner(() => {});
	for (let n = 0; n < 5000; n++) {
		joiner.take(JSON.stringify({ ...call(0, `name ${n}`, '{}'), id: `c${n}` }));
	}
	assert.ok(joiner.lanes.size < 1000 && joiner.names.size < 1000, `${joiner.lanes.size} lanes, ${joiner.names.size} names`);
});

test('V105 an event names itself', () => {
	assert.equal(nameEvent({ type: 'content_block_delta', delta: { type: 'text_delta' } }), 'text_delta');
	assert.equal(nameEvent({ object: 'chat.completion.chunk' }), 'chat.completion.chunk');
	assert.equal(nameEvent({ type: 'x'.repeat(100) }).length, 60);
	[null, undefined, 5, 'text', {}, { type: 5 }, { type: {} }].forEach((value) => assert.equal(nameEvent(value), ''));
});

// --- the ledger ---

const LIFE = '0'.repeat(31);
const id = (position, life = 1) => `rp1.${LIFE}${life}.0.${position}.0123abcd.a~2Eb`;

function begin(position) {
	const ledger = new Ledger();
	ledger.move(id(position));
	return ledger;
}

test('V105 a cursor is read, and no other text', () => {
	assert.deepEqual(parseCursor(id(7)), { life: `${LIFE}1`, position: 7, session: 'a%2Eb' });
	['', 'rp1', 'rp2.a.0.1.0.x', 'rp1.a.0.b.0.x', 'rp1.a.0.1.0.'].forEach((text) => assert.equal(parseCursor(text), null, text));
});

test('V105 each event counts once, and a second copy is doubled', () => {
	const ledger = begin(0);
	[1, 2, 2, 3, 1].forEach((position) => ledger.takeEvent(id(position)));
	assert.deepEqual([ledger.taken, ledger.doubled, ledger.lost, ledger.position], [3, 2, 0, 3]);
});

test('V105 a position that is not the next one leaves a hole', () => {
	const ledger = begin(4);
	assert.deepEqual(ledger.takeEvent(id(9)).hole, { first: 5, last: 8, cursor: id(4) });
	assert.equal(ledger.takeEvent(id(10)).hole, false);
});

test('V105 a gap counts as lost as told, and leaves no hole', () => {
	const ledger = begin(4);
	ledger.takeGap({ reason: 'trimmed', lost: 4, position: 8 }, id(8));
	assert.deepEqual([ledger.takeEvent(id(9)).hole, ledger.lost], [false, 4]);
});

test('V105 another life is told once, whatever its positions', () => {
	const ledger = begin(4);
	assert.equal(ledger.takeEvent(id(5, 2)).before, `${LIFE}1`);
	assert.equal(ledger.takeEvent(id(6, 2)).before, null);
});

test('V105 after an unknown loss the next event is no hole and no copy', () => {
	for (const next of [2, 12]) {
		const ledger = begin(4);
		ledger.takeGap({ reason: 'unavailable', lost: null, position: 0 }, id(0, 0));
		const { before, hole } = ledger.takeEvent(id(next, 2));
		assert.deepEqual([before, hole, ledger.doubled, ledger.taken], [`${LIFE}1`, false, 0, 1]);
	}
});

test('V105 events that had left the window are healed, and no other ones', () => {
	const ledger = begin(4);
	ledger.expectHealing(7);
	[5, 6, 7, 8].forEach((position) => ledger.takeEvent(id(position)));
	assert.deepEqual(ledger.finishHealing(), { first: 5, last: 7, count: 3 });
	assert.equal(ledger.healed, 3);
	assert.ok(!ledger.finishHealing());
	const whole = begin(4);
	whole.expectHealing(4);
	whole.takeEvent(id(5));
	assert.ok(!whole.finishHealing());
	assert.equal(whole.healed, 0);
});

test('V105 of a range that is lost nothing is healed', () => {
	const ledger = begin(4);
	ledger.expectHealing(7);
	ledger.takeGap({ reason: 'trimmed', lost: 3, position: 7 }, id(7));
	assert.ok(!ledger.finishHealing());
	assert.deepEqual([ledger.lost, ledger.healed], [3, 0]);
});

test('V105 events behind a gap are healed, too, while the window begins later', () => {
	const ledger = begin(4);
	ledger.expectHealing(12);
	ledger.takeEvent(id(5));
	assert.deepEqual(ledger.finishHealing(), { first: 5, last: 5, count: 1 });
	ledger.takeGap({ reason: 'trimmed', lost: 3, position: 8 }, id(8));
	[9, 10, 11, 12, 13].forEach((position) => ledger.takeEvent(id(position)));
	assert.deepEqual(ledger.finishHealing(), { first: 9, last: 12, count: 4 });
	assert.deepEqual([ledger.lost, ledger.healed], [3, 5]);
	assert.ok(!ledger.finishHealing());
});

// --- recordings ---

const streams = process.env.REPRISE_STREAMS ?? path.join(project, '../shared/data/agent-streams');

// The text of a recording by an independent reading: as the final events repeat the text, or the bare deltas.
function readFinal(events) {
	const done = events.filter(({ type }) => type === 'response.output_text.done').map(({ text }) => text);
	if (done.length > 0) {
		return done.join('');
	}
	return events.map((event) => event.choices?.[0]?.delta?.content ??
		(/^(text_delta|text)$/.test(event.delta?.type) ? event.delta.text : '')).join('');
}

test('V106 the text of recorded model streams is whole', { skip: !fs.existsSync(streams) }, () => {
	for (const file of fs.readdirSync(streams).filter((name) => name.endsWith('.jsonl'))) {
		const lines = fs.readFileSync(path.join(streams, file), 'utf8').trim().split('\n');
		const text = join(lines).filter(([role]) => role === 'text').map((block) => block[2]).join('');
		assert.ok(text.length > 100, file);
		assert.equal(text, readFinal(lines.map((line) => JSON.parse(line))), file);
	}
});
