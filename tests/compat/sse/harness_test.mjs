// SPDX-License-Identifier: MIT
// The harness's own test, without packages: right servers pass, and a server with a deliberate fault fails.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openClient } from './processes.mjs';
import { cutEverywhere, killAndRestart, makeStream, withProxy } from './scenes.mjs';

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'reprise-sse-'));
const mock = fileURLToPath(new URL('mock.mjs', import.meta.url));
const withGap = (fault) => `"${process.execPath}" "${mock}" --listen {listen} --events-max {events} --fault ${fault}`;
const withLog = (fault) => `"${process.execPath}" "${mock}" --listen {listen} --log {log} --fault ${fault}`;
const options = { step: 1, width: 256, deadline_ms: 80000 };

const cut = (fault, client, how = 'fin', chosen = options) =>
	withProxy(withGap(fault), {}, how, async (server, proxy) => {
		const stream = await makeStream(server, 'cut');
		return { ...(await cutEverywhere(client, proxy, () => stream, chosen)), blocks: stream.blocks };
	});

// The parts of a judgement that must be 0.
const wrong = ({ lost, doubled, corrupt, hung }) => ({ lost, doubled, corrupt, hung });
const NOTHING_WRONG = { lost: 0, doubled: 0, corrupt: 0, hung: 0 };

const tests = {
	async 'a right server and a right client: nothing is wrong at any byte'({ plain }) {
		for (const how of ['fin', 'reset']) {
			const { blocks, ...sum } = await cut('none', plain, how);
			assert.deepEqual(sum.faults, []);
			assert.deepEqual(wrong(sum), NOTHING_WRONG);
			assert.equal(sum.cuts, blocks.at(-1).end + 1);
			assert.equal(sum.tolerated, 0);
		}
	},
	async 'a hasty client loses each event and gap at one byte, which is tolerated'({ hasty }) {
		for (const how of ['fin', 'reset']) {
			const { blocks, ...sum } = await cut('none', hasty, how);
			assert.deepEqual(sum.faults, []);
			assert.equal(sum.tolerated, blocks.filter(({ type }) => type === 'message' || type === 'gap').length);
		}
	},
	async 'what a hasty client loses is lost in any other client'({ hasty }) {
		const { blocks, ...sum } = await cut('none', { ...hasty, flaws: {} });
		assert.equal(sum.lost, blocks.filter(({ type }) => type === 'message' || type === 'gap').length);
	},
	async 'an id before the data is found in the bytes'({ plain }) {
		await assert.rejects(cut('id-first', plain), /block 0: event was expected, not id: /);
	},
	async 'a gap that is not told is found'({ plain }) {
		await assert.rejects(cut('silent-gap', plain), /event 1 is .* was sent/);
	},
	async 'a lost event is found'({ plain }) {
		assert.ok((await cut('loses', plain)).lost > 0);
	},
	async 'a doubled event is found'({ plain }) {
		assert.ok((await cut('doubles', plain)).doubled > 0);
	},
	async 'other bytes are found'({ plain }) {
		assert.ok((await cut('spoils', plain)).corrupt > 0);
	},
	async 'a stream without an end is found'({ plain }) {
		assert.ok((await cut('hangs', plain, 'fin', { ...options, step: 40, deadline_ms: 500 })).hung > 0);
	},
	async 'a right server that is killed loses nothing and doubles nothing'({ plain, hasty }) {
		const log = path.join(scratch, 'right');
		const results = await killAndRestart(withLog('none'), { log }, [plain, hasty], options.deadline_ms);
		assert.deepEqual([...results.keys()], ['plain', 'hasty']);
		results.forEach((counts) => assert.deepEqual(wrong(counts), NOTHING_WRONG));
	},
	async 'a server that forgets an event when it starts is found'({ plain }) {
		const log = path.join(scratch, 'forgets');
		await assert.rejects(killAndRestart(withLog('forgets'), { log }, [plain], 2000), /acknowledged events are not in/);
	},
	async 'a server that doubles or loses an event when it starts again is found'({ plain }) {
		for (const [fault, count] of [['doubles', 'doubled'], ['loses', 'lost']]) {
			const log = path.join(scratch, fault);
			const results = await killAndRestart(withLog(fault), { log }, [plain], options.deadline_ms);
			assert.ok(results.get('plain')[count] > 0);
		}
	},
};

let failed = 0;
const clients = { plain: await openClient('plain'), hasty: await openClient('hasty') };
for (const [name, test] of Object.entries(tests)) {
	try {
		await test(clients);
		console.log(`ok      ${name}`);
	} catch (error) {
		failed++;
		console.log(`not ok  ${name}\n${error.stack}`);
	}
}
Object.values(clients).forEach((client) => client.close());
fs.rmSync(scratch, { recursive: true });
console.log(`${Object.keys(tests).length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
