// SPDX-License-Identifier: MIT
// Runs the conformance suite with vitest, and judges its report.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

// The groups of @durable-streams/server-conformance-tests 0.3.6, with the number of their tests. The report must have
// each group and each test: a suite that runs less than the whole has not passed.
export const GROUPS = new Map([
	['Basic Stream Operations', 5],
	['Append Operations', 3],
	['Read Operations', 3],
	['Long-Poll Operations', 2],
	['HTTP Protocol', 15],
	['Browser Security Headers', 9],
	['TTL and Expiry Validation', 5],
	['Case-Insensitivity', 3],
	['Content-Type Validation', 3],
	['HEAD Metadata', 3],
	['Offset Validation and Resumability', 20],
	['Protocol Edge Cases', 12],
	['Long-Poll Edge Cases', 5],
	['TTL and Expiry Edge Cases', 9],
	['HEAD Metadata Edge Cases', 2],
	['TTL Expiration Behavior', 14],
	['Caching and ETag', 5],
	['Chunking and Large Payloads', 2],
	['Read-Your-Writes Consistency', 3],
	['SSE Mode', 31],
	['JSON Mode', 16],
	['Property-Based Tests (fast-check)', 17],
	['Idempotent Producer Operations', 29],
	['Stream Closure', 34],
	['Fork - Creation', 34],
	['Fork - Reading', 6],
	['Fork - Appending', 5],
	['Fork - Recursive', 5],
	['Fork - Live Modes', 4],
	['Fork - Deletion and Lifecycle', 13],
	['Fork - TTL and Expiry', 9],
	['Fork - JSON Mode', 2],
	['Fork - Edge Cases', 4],
	['Reserved subscription APIs', 6],
]);

// Subscriptions are no part of the protocol's base: the suite skips the group unless it is asked for.
export const SKIPPED = 'Reserved subscription APIs';

// The groups whose tests wait for streams to expire.
export const TIMED = ['TTL Expiration Behavior', 'Fork - TTL and Expiry'];

const escape = (text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

// The names of tests begin with the name of their group. The name of a group may begin with that of another.
export function patternOf(groups) {
	const one = (name) => {
		const longer = [...GROUPS.keys()].filter((other) => other.startsWith(`${name} `) && !groups.includes(other));
		return escape(name) + longer.map((other) => `(?!${escape(other.slice(name.length))} )`).join('');
	};
	return `^(${groups.map(one).join('|')}) `;
}

/** Runs the groups `groups` against the server at `url`, in the folder of the packages. Returns vitest's report. */
export async function runSuite(place, url, groups, { record = '', deadline_ms = 600000 } = {}) {
	const file = path.join(place, `report-${process.pid}.json`);
	fs.rmSync(file, { force: true });
	const args = ['node_modules/vitest/vitest.mjs', 'run', 'suite.test.mjs', '--reporter=json', `--outputFile=${file}`];
	const isWhole = groups.length === GROUPS.size;
	const chosen = isWhole ? [] : ['--testNamePattern', patternOf(groups)];
	const child = spawn(process.execPath, [...args, ...chosen], {
		cwd: place,
		env: { ...process.env, SUITE_URL: url, SUITE_RECORD: record },
		stdio: ['ignore', 'ignore', 'pipe'],
		timeout: deadline_ms,
		killSignal: 'SIGKILL',
	});
	let errors = '';
	child.stderr.on('data', (bytes) => (errors = (errors + bytes).slice(-8000)));
	await new Promise((resolve) => child.once('close', resolve));
	if (!fs.existsSync(file)) {
		throw new Error(`vitest has written no report\n${errors}`);
	}
	const report = JSON.parse(fs.readFileSync(file, 'utf8'));
	fs.rmSync(file);
	return report;
}

const STATUSES = { passed: 'passed', failed: 'failed', skipped: 'skipped', pending: 'skipped' };

function countTests(tests, rows, faults) {
	for (const { ancestorTitles, status, fullName, failureMessages } of tests) {
		const row = rows.get(ancestorTitles[0]);
		if (row === undefined) {
			// Tests of other groups must not have run.
			if (status !== 'skipped' && status !== 'pending') {
				faults.push(`a test of another group has run: ${fullName}`);
			}
			continue;
		}
		const counter = STATUSES[status];
		if (counter === undefined) {
			faults.push(`${status}: ${fullName}`);
			continue;
		}
		row[counter]++;
		if (counter === 'failed') {
			row.failures.push({ name: fullName, words: (failureMessages?.[0] ?? '').split('\n')[0].slice(0, 300) });
		}
	}
}

/**
 * Judges a report for the groups `groups`: { rows, sum, faults, isRight }. `rows` maps each group to its passed, failed and
 * skipped tests; `faults` are words about a report that is not of the whole suite.
 */
export function judgeReport(report, groups) {
	const rows = new Map(groups.map((name) => [name, { passed: 0, failed: 0, skipped: 0, failures: [] }]));
	const faults = [];
	countTests(report.testResults.flatMap(({ assertionResults }) => assertionResults), rows, faults);
	const sum = { passed: 0, failed: 0, skipped: 0, failures: [] };
	for (const [name, row] of rows) {
		const count = row.passed + row.failed + row.skipped;
		if (count !== GROUPS.get(name)) {
			faults.push(`${name}: the report has ${count} tests of ${GROUPS.get(name)}`);
		}
		if (row.skipped !== (name === SKIPPED ? GROUPS.get(name) : 0)) {
			faults.push(`${name}: ${row.skipped} tests are skipped`);
		}
		sum.passed += row.passed;
		sum.failed += row.failed;
		sum.skipped += row.skipped;
		sum.failures.push(...row.failures);
	}
	// A failure outside of the tests, such as an error that nobody has caught.
	if (!report.success && sum.failed === 0) {
		faults.push('vitest reports a failure beside the tests');
	}
	return { rows, sum, faults, isRight: sum.failed === 0 && faults.length === 0 };
}

const cells = ({ passed, failed, skipped }) => [passed, failed, skipped].map((n) => String(n).padStart(8)).join('');

/** Prints a table: a row for each group, with the columns of each { name, judgement }. */
export function printTable(columns) {
	const first = columns[0].judgement;
	console.log(`${''.padEnd(36)}${columns.map(({ name }) => `  ${name}`.padEnd(26)).join('')}`.trimEnd());
	console.log(`${''.padEnd(36)}${columns.map(() => '  passed  failed skipped  ').join('')}`.trimEnd());
	const row = (name, of) => console.log(`${name.padEnd(36)}${columns.map((c) => `${cells(of(c.judgement))}  `).join('')}`.trimEnd());
	for (const name of first.rows.keys()) {
		row(name, (judgement) => judgement.rows.get(name));
	}
	row('total', (judgement) => judgement.sum);
	console.log('');
	for (const { name, judgement } of columns) {
		judgement.sum.failures.forEach((failure) => console.log(`${name}: failed: ${failure.name}\n  ${failure.words}`));
		judgement.faults.forEach((fault) => console.log(`${name}: ${fault}`));
	}
}
