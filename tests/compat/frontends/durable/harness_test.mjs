// SPDX-License-Identifier: MIT
// The own test of these scenes, without packages: a right front end passes, and a front end with a deliberate fault fails.
// Usage: harness_test.mjs PROGRAM
import assert from 'node:assert/strict';
import { runDurable } from './scenes.mjs';

const program = process.argv[2];
const EVENTS = Array.from({ length: 6 }, (_, index) => ({ n: index + 1, text: '[,]"' }));
const JSON_TYPE = { 'Content-Type': 'application/json' };

async function post(url, body, fields) {
	const response = await fetch(url, { method: 'POST', headers: { ...JSON_TYPE, ...fields }, body });
	assert.ok(response.ok, `POST: ${response.status}`);
}

// A long-poll for the events behind an offset, or null where the connection breaks.
async function poll(url, offset) {
	try {
		const response = await fetch(`${url}?offset=${offset}${offset === '-1' ? '' : '&live=long-poll'}`);
		const events = response.status === 200 ? await response.json() : [];
		return { events, next: response.headers.get('stream-next-offset'), isClosed: response.headers.has('stream-closed') };
	} catch {
		return null;
	}
}

// A small front end. The fault says what the front end does wrong behind a connection that broke, or behind a write.
function createRow(fault, scenes) {
	const address = ({ streams, session }) => `${streams}/${session}`;
	return {
		name: `plain-${fault.replaceAll(' ', '-')}`,
		scenes,
		events: () => EVENTS,
		open: ({ direct, session }) => fetch(`${direct}/${session}`, { method: 'PUT', headers: JSON_TYPE }),
		async write(context, source) {
			let number = 0;
			const send = async (body, fields) => {
				const producer = fault === 'writes twice' ? {} : { 'Producer-Id': 'w', 'Producer-Epoch': '0', 'Producer-Seq': `${number}` };
				await post(address(context), body, { ...fields, ...producer }).catch((error) => {
					if (!(error instanceof TypeError)) {
						throw error;
					}
					return send(body, fields);
				});
			};
			for await (const event of source) {
				await send(JSON.stringify([event]));
				number++;
			}
			await send(undefined, { 'Stream-Closed': 'true' });
		},
		async read(context) {
			const delivered = [];
			let offset = '-1';
			let isResumed = false;
			for (let isOver = false; !isOver; ) {
				const answer = await poll(address(context), offset);
				if (answer === null) {
					isResumed = true;
					offset = fault === 'begins anew' ? '-1' : offset;
					isOver = fault === 'gives up';
				} else {
					const events = answer.events.slice(isResumed && fault === 'loses' ? 1 : 0);
					delivered.push(...events.map(({ n }) => n));
					isResumed = isResumed && answer.events.length === 0;
					offset = answer.next;
					isOver = answer.isClosed;
				}
			}
			return { delivered, final: delivered.length };
		},
		async unknown(context) {
			const { status } = await fetch(address(context));
			return status === 404 ? '404' : `wrong: ${status}`;
		},
	};
}

const run = (fault, how = 'fin', scenes = ['stored', 'live']) => runDurable(createRow(fault, scenes), { program, how, deadline_ms: 5000 });

const tests = {
	async 'a right front end is cut behind each event, and nothing is wrong'() {
		for (const how of ['fin', 'reset']) {
			const sum = await run('none', how);
			assert.deepEqual({ ...sum, often: sum.often > 0 }, {
				...{ events: EVENTS.length, cuts: 2 * EVENTS.length, lost: 0, doubled: 0, often: true, killed: 'right' },
				...{ unknown: '404', gap: '-', faults: [], lines: [] },
			});
		}
	},
	async 'a lost event is found'() {
		const { lost, faults } = await run('loses');
		assert.ok(lost > 0 && faults.length > 0);
	},
	async 'a front end that begins anew is found'() {
		const { doubled, faults } = await run('begins anew', 'fin', ['live']);
		assert.ok(doubled > 0 && faults.length > 0);
	},
	async 'a front end that gives up is found'() {
		assert.ok((await run('gives up')).lost > 0);
	},
	async 'a write that is sent again is right with a producer, and found without one'() {
		const right = await run('none', 'fin', ['writes']);
		assert.deepEqual([right.faults, right.doubled, right.cuts > EVENTS.length], [[], 0, true]);
		const wrong = await run('writes twice', 'fin', ['writes']);
		assert.ok(wrong.doubled >= EVENTS.length && wrong.faults.length > 0);
	},
};

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
	try {
		await test();
	} catch (error) {
		failed++;
		console.log(`FAILED: ${name}\n${error.stack}`);
	}
}
console.log(`${Object.keys(tests).length - failed} of ${Object.keys(tests).length} tests passed`);
process.exit(failed > 0 ? 1 : 0);
