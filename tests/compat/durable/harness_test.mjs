// SPDX-License-Identifier: MIT
// The harness's own test, without packages: a right server passes, and a server with a deliberate fault fails.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startServer } from '../sse/server.mjs';
import { createFindings } from './book.mjs';
import { crashChains } from './chains.mjs';
import { checkUnits, crashLoop, twoConnections } from './crash.mjs';
import { judgeRecords, archiveUnderClients } from './retention.mjs';
import { HALVES, restartBetween } from './restart.mjs';
import { mockServer } from './servers.mjs';
import { compareSnapshots, readRecord, takeSnapshot } from './snapshot.mjs';
import { GROUPS, judgeReport, patternOf, SKIPPED, TIMED } from './suite.mjs';

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'reprise-durable-'));
let count = 0;
const fresh = () => path.join(scratch, String(count++));
const mock = (fault) => mockServer(fresh(), fault);
const groups = [...GROUPS.keys()];

// A report of the whole suite in which all is right; change(tests) spoils the report.
function reportOf(change = () => {}) {
	const tests = groups.flatMap((name) =>
		Array.from({ length: GROUPS.get(name) }, (_, i) => ({
			ancestorTitles: [name],
			fullName: `${name} test ${i}`,
			status: name === SKIPPED ? 'skipped' : 'passed',
			failureMessages: [],
		})));
	const report = { success: true, testResults: [{ assertionResults: tests }] };
	change(tests, report);
	return report;
}

const judge = (change, chosen = groups) => judgeReport(reportOf(change), chosen);

// In the place of the suite: requests by fetch, which record.mjs records.
const REQUESTS = `
	const base = process.env.SUITE_URL;
	await import(process.env.RECORDER);
	const put = (name) => fetch(base + '/v1/stream/' + name, { method: 'PUT', headers: { 'Content-Type': 'text/plain' }, body: name });
	const post = (name, body, headers) =>
		fetch(base + '/v1/stream/' + name, { method: 'POST', headers: { 'Content-Type': 'text/plain', ...headers }, body });
	const half = process.env.HALF;
	await put('suite-a-' + half);
	await put('suite-b-' + half);
	await post('suite-a-' + half, 'more');
	for (const seq of [0, 1, 2]) {
		await post('suite-b-' + half, 'batch ' + seq, { 'Producer-Id': 'p', 'Producer-Epoch': '1', 'Producer-Seq': String(seq) });
	}
`;

// Every fault is found; find(fault) returns words about each. The faults are tried at once.
async function eachFault(faults, find) {
	await Promise.all(faults.map(async (fault) => assert.ok((await find(fault)).length > 0, fault)));
}

let half = 0;

async function runRequests(url, _groups, record) {
	const env = {
		...process.env,
		SUITE_URL: url,
		SUITE_RECORD: record,
		RECORDER: fileURLToPath(new URL('record.mjs', import.meta.url)),
		HALF: String(half++),
	};
	await promisify(execFile)(process.execPath, ['--input-type=module', '-e', REQUESTS], { env });
}

async function restart(fault) {
	const { steps, isWhole } = await restartBetween(mock(fault), scratch, runRequests, 100);
	assert.equal(isWhole, fault === 'none');
	return steps.flatMap(({ findings }) => findings.faults);
}

// The comparison of snapshots alone, over a restart.
async function compareOver(fault) {
	const record = fresh();
	let server = await startServer(mock(fault).command);
	try {
		await runRequests(server.url, [], record);
		const streams = readRecord(record);
		assert.equal(streams.size, 2);
		assert.deepEqual([...streams.values()].map(({ producers }) => producers.size), [0, 1]);
		const before = await takeSnapshot(server.url, streams);
		await server.kill();
		server = await server.restart();
		const findings = createFindings();
		compareSnapshots(before, await takeSnapshot(server.url, streams), findings);
		assert.ok(findings.checks > 0);
		return findings.faults;
	} finally {
		await server.kill();
	}
}

function unitFaults(units, sent = 3) {
	const findings = createFindings();
	checkUnits(units, [{ id: 'p', acknowledged: 3, sent }], findings);
	return findings.faults.length;
}

// Three events at the positions 2, 4 and 6, of which the first is archived.
function recordFaults(records) {
	const findings = createFindings();
	judgeRecords({ name: 'client', records }, { positions: [2, 4, 6], archived: 2 }, findings);
	return findings.faults.length;
}
const at = (position) => `${'0'.repeat(16)}_${String(position).padStart(16, '0')}`;

const tests = {
	'a whole report in which all tests pass is right'() {
		const { isRight, sum } = judge();
		assert.ok(isRight);
		assert.deepEqual({ ...sum, failures: [] }, { passed: 332, failed: 0, skipped: 6, failures: [] });
	},
	'a failed test is found and named'() {
		const { isRight, sum } = judge((tests) => (tests[40].status = 'failed'));
		assert.ok(!isRight);
		assert.deepEqual(sum.failures.map(({ name }) => name), [reportOf().testResults[0].assertionResults[40].fullName]);
	},
	'a group that is missing is found'() {
		const { isRight, faults } = judge((tests, report) => {
			report.testResults[0].assertionResults = tests.filter(({ ancestorTitles }) => ancestorTitles[0] !== 'JSON Mode');
		});
		assert.ok(!isRight);
		assert.deepEqual(faults, ['JSON Mode: the report has 0 tests of 16']);
	},
	'a test that is missing, skipped or to be written is found'() {
		assert.ok(!judge((tests) => tests.pop()).isRight);
		assert.ok(!judge((tests) => (tests[7].status = 'skipped')).isRight);
		assert.ok(!judge((tests) => (tests[7].status = 'todo')).isRight);
	},
	'a failure beside the tests is found'() {
		assert.ok(!judge((_, report) => (report.success = false)).isRight);
	},
	'a report of half of the groups is judged by these groups'() {
		const rest = groups.filter((name) => !HALVES[0].includes(name));
		const skipRest = (tests) => tests.forEach((test) => rest.includes(test.ancestorTitles[0]) && (test.status = 'skipped'));
		assert.ok(judge(skipRest, HALVES[0]).isRight);
		assert.ok(!judge(() => {}, HALVES[0]).isRight);
	},
	'both halves are the whole suite without the groups that are named'() {
		assert.deepEqual([...HALVES.flat(), ...TIMED, SKIPPED].sort(), [...groups].sort());
		const names = (chosen) => groups.filter((name) => new RegExp(patternOf(chosen)).test(`${name} test 1`));
		for (const chosen of HALVES) {
			assert.deepEqual(names(chosen), groups.filter((name) => chosen.includes(name)));
		}
	},
	async 'a right server is as before when it was killed'() {
		assert.deepEqual(await restart('none'), []);
	},
	async 'a server that loses, doubles, tears, reopens, revives, shifts or keeps something is found'() {
		await eachFault(['forgets', 'doubles', 'tears', 'unfenced', 'reopens', 'revives', 'shifts', 'hoards'], restart);
	},
	async 'the streams of the suite are compared'() {
		assert.deepEqual(await compareOver('none'), []);
		await eachFault(['forgets', 'doubles', 'shifts'], compareOver);
	},
	'a batch that is lost, doubled, out of order or never sent is found'() {
		assert.equal(unitFaults(['p:0', 'p:1', 'p:2']), 0);
		assert.equal(unitFaults(['p:0', 'p:1', 'p:2', 'p:3'], 4), 0);
		assert.ok(unitFaults(['p:0', 'p:1']) > 0);
		assert.ok(unitFaults(['p:0', 'p:2', 'p:3'], 4) > 0);
		assert.ok(unitFaults(['p:0', 'p:1', 'p:1', 'p:2']) > 0);
		assert.ok(unitFaults(['p:0', 'p:2', 'p:1']) > 0);
		assert.ok(unitFaults(['p:0', 'p:1', 'p:2', 'p:3']) > 0);
	},
	async 'a right server that is killed in the middle of appends has each batch once'() {
		const { findings, again, acknowledged } = await crashLoop(mock('none'), 3);
		assert.deepEqual(findings.faults, []);
		assert.ok(again > 0 && acknowledged > 0);
	},
	async 'a server that loses, doubles or tears a batch, or forgets its producers, is found'() {
		const crash = async (fault) => (await crashLoop(mock(fault), 3)).findings.faults;
		await eachFault(['forgets', 'doubles', 'tears', 'unfenced'], crash);
	},
	async 'forks and deletions under way at a kill are done or not, and a source that stays is found'() {
		const { findings, cut } = await crashChains(mock('none'), 3);
		assert.deepEqual(findings.faults, []);
		assert.equal(cut.reduce((a, b) => a + b), 24);
		assert.ok((await crashChains(mock('hoards'), 2, { collect_ms: 100 })).findings.faults.length > 0);
	},
	async 'two connections of one producer append each batch once'() {
		assert.deepEqual((await twoConnections(mock('none'), 100)).findings.faults, []);
		assert.ok((await twoConnections(mock('twice'), 100)).findings.faults.length > 0);
	},
	async 'a server that does not end well is found'() {
		const { findings } = await twoConnections(mock('crashes'), 10);
		assert.deepEqual(findings.faults, ['the end: the server has ended with 3, not with status 0, not null']);
	},
	'a silent hole, a doubled event and a wrong 410 are found'() {
		const gone = { gone: '-1', earliest: at(2) };
		assert.equal(recordFaults([gone, { numbers: [2, 3], to: at(6) }]), 0);
		assert.equal(recordFaults([{ numbers: [1, 2], to: at(4) }, { numbers: [], to: at(5) }, { numbers: [3], to: at(6) }]), 0);
		assert.ok(recordFaults([{ numbers: [2, 3], to: at(6) }]) > 0);
		assert.ok(recordFaults([{ numbers: [1], to: at(2) }, { numbers: [3], to: at(6) }]) > 0);
		assert.ok(recordFaults([gone, { numbers: [2], to: at(4) }, { numbers: [2, 3], to: at(6) }]) > 0);
		assert.ok(recordFaults([gone, { numbers: [2], to: at(4) }]) > 0);
		assert.ok(recordFaults([gone, { numbers: [2], to: at(6) }, { numbers: [3], to: at(6) }]) > 0);
		assert.ok(recordFaults([{ gone: '-1', earliest: at(4) }, { numbers: [3], to: at(6) }]) > 0);
		assert.ok(recordFaults([{ gone: at(2), earliest: at(2) }, { numbers: [2, 3], to: at(6) }]) > 0);
	},
	async 'a right server tells its clients of archived events'() {
		const { findings, counts } = await archiveUnderClients(mock('none'), { rounds: 5 });
		assert.deepEqual(findings.faults, []);
		assert.deepEqual([...counts.keys()], ['catch-up', 'long-poll', 'sse']);
	},
	async 'a server that hides archived events, names a wrong place or repeats an event is found'() {
		await eachFault(['hole', 'late', 'repeats'], async (fault) => {
			const { findings } = await archiveUnderClients(mock(fault), { rounds: 2, deadline_ms: 2000 });
			return findings.faults;
		});
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
fs.rmSync(scratch, { recursive: true });
console.log(`${Object.keys(tests).length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
