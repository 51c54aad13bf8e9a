// SPDX-License-Identifier: MIT
// The harness's own test, without packages: a right front end passes, and a front end with a deliberate fault fails.
// Usage: harness_test.mjs PROGRAM
import assert from 'node:assert/strict';
import { appendJson, endSession } from './gateway.mjs';
import { countLines, judge } from './judge.mjs';
import { runRow } from './scenes.mjs';

const program = process.argv[2];
const EVENTS = Array.from({ length: 6 }, (_, index) => ({ n: index + 1 }));

// Reads one response: calls take(type, data, id) for each block, and returns at the end of the connection.
async function readOnce(url, id, take) {
	const response = await fetch(url, { headers: { Accept: 'text/event-stream', ...(id && { 'Last-Event-ID': id }) } });
	if (!response.ok) {
		throw Object.assign(new Error(`status ${response.status}`), { status: response.status });
	}
	let text = '';
	for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
		text += piece;
		for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
			const field = (name) => new RegExp(`^${name}: (.*)$`, 'm').exec(text.slice(0, end))?.[1];
			take(field('event'), field('data'), field('id'));
			text = text.slice(end + 2);
		}
	}
}

// A small front end. The fault says what happens to the first event after a resume.
function createRow(fault) {
	return {
		name: `plain-${fault}`,
		glue: null,
		events: () => EVENTS,
		append: appendJson,
		isCutOften: true,
		end: endSession,
		async deliver({ session }, url) {
			const delivered = [];
			let id;
			let gaps = 0;
			let isOver = false;
			let isResumed = false;
			const take = (type, data, newest) => {
				id = newest;
				isOver = type === 'end';
				gaps += type === 'gap' ? 1 : 0;
				const value = type === 'message' ? JSON.parse(data).n : null;
				if (value !== null && !(isResumed && fault === 'loses')) {
					delivered.push(...(isResumed && fault === 'doubles' ? [value, value] : [value]));
				}
				isResumed = value === null && isResumed;
			};
			while (!isOver) {
				await readOnce(`${url}/v1/sessions/${session}/events`, fault === 'begins anew' ? null : id, take).catch(() => {});
				isResumed = !isOver;
				if (fault === 'gives up') {
					break;
				}
			}
			return { delivered, final: delivered.length, gaps };
		},
		gap: ({ gaps }) => (gaps === 1 && fault !== 'is silent' ? 'an event' : undefined),
		async unknown({ session }, url) {
			if (fault === 'hangs') {
				await new Promise(() => {});
			}
			return readOnce(`${url}/v1/sessions/${session}/events`, null, () => {}).then(() => 'wrong: a stream', String);
		},
	};
}

const run = (fault, how = 'fin') => runRow(createRow(fault), { program, how, deadline_ms: 3000 });

const tests = {
	async 'a right front end is cut behind each event, and nothing is wrong'() {
		for (const how of ['fin', 'reset']) {
			const sum = await run('none', how);
			// hello, the events, live or end; and a cut before the first.
			assert.deepEqual({ ...sum, cuts: sum.cuts >= EVENTS.length + 2, often: sum.often > 2 }, {
				...{ events: EVENTS.length, cuts: true, lost: 0, doubled: 0, often: true, killed: 'right' },
				...{ unknown: 'Error: status 404', gap: 'an event', faults: [], lines: [] },
			});
		}
	},
	async 'a lost event is found'() {
		const sum = await run('loses');
		assert.ok(sum.lost >= EVENTS.length - 1 && sum.doubled === 0 && sum.killed === 'wrong' && sum.faults.length > 0);
	},
	async 'a doubled event is found'() {
		const sum = await run('doubles');
		assert.ok(sum.doubled >= EVENTS.length - 1 && sum.lost === 0 && sum.killed === 'wrong' && sum.faults.length > 0);
	},
	async 'a front end that begins anew is found'() {
		assert.ok((await run('begins anew')).doubled > 0);
	},
	async 'a front end that gives up is found'() {
		assert.ok((await run('gives up')).lost > 0);
	},
	async 'a front end that hangs at an unknown id is found'() {
		const sum = await run('hangs');
		assert.match(sum.faults.join(), /^unknown id: .*nothing after 3000 ms/);
	},
	async 'a front end that is silent about a gap is found'() {
		assert.deepEqual((await run('is silent')).faults, ['gap: wrong: nothing is told']);
	},
	'another order and another result are found'() {
		const right = { delivered: [1, 2], final: 'a' };
		assert.equal(judge(right, { delivered: [1, 2], final: 'a' }).fault, null);
		assert.match(judge(right, { delivered: [2, 1], final: 'a' }).fault, /another order/);
		assert.match(judge(right, { delivered: [1, 2], final: 'b' }).fault, /another result/);
	},
	'the lines of glue are counted without comments and blank lines'() {
		assert.equal(countLines('// one\n\n/* two\n three */\n\tcode(); // four\n/* five */\nmore();\n'), 2);
	},
};

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
	try {
		await test();
		console.log(`ok      ${name}`);
	} catch (error) {
		failed++;
		console.log(`not ok  ${name}\n${error.stack}`);
	}
}
console.log(`${Object.keys(tests).length - failed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
