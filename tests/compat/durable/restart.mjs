// SPDX-License-Identifier: MIT
// Kills a server between two halves of the suite, and checks that each stream is as before.
import path from 'node:path';
import { startServer } from '../sse/server.mjs';
import { Book, checkBook, createFindings } from './book.mjs';
import { collectForms, collectTwins, growForms, makeForms } from './forms.mjs';
import { endServer } from './servers.mjs';
import { checkRecorded, compareSnapshots, readRecord, takeSnapshot } from './snapshot.mjs';
import { GROUPS, judgeReport, runSuite, SKIPPED, TIMED } from './suite.mjs';

const chosen = [...GROUPS.keys()].filter((name) => !TIMED.includes(name) && name !== SKIPPED);
// Every second group: forks, closed streams and producers are in the first half.
export const HALVES = [1, 0].map((rest) => chosen.filter((_, index) => index % 2 === rest));

let count = 0;

// Both kinds of streams, compared after a restart.
async function checkAll(base, book, streams, snapshot, words) {
	const findings = createFindings();
	await checkBook(base, book, findings);
	compareSnapshots(snapshot, await takeSnapshot(base, streams), findings);
	const producers = await checkRecorded(base, streams, snapshot, findings);
	const counts = `${book.streams.size} streams of ours, ${snapshot.size} of the suite with ${producers} producers`;
	return { words: `${words}: ${counts}`, findings };
}

/**
 * Runs the scene. `runHalf(url, groups, record)` runs a half of the suite, and returns its judgement. Returns
 * { halves, steps, isWhole }: the judgements, and the findings behind each restart. The scene ends at the first restart with
 * a fault; then isWhole is false.
 */
export async function restartBetween(spec, scratch, runHalf, collect_ms) {
	const record = path.join(scratch, `record-${process.pid}-${count++}`);
	const book = new Book(collect_ms);
	const steps = [];
	const halves = [];
	let server = await startServer(spec.command);
	const isRightBehind = async (words, streams = new Map(), snapshot = new Map()) => {
		await server.kill();
		server = await server.restart();
		steps.push(await checkAll(server.url, book, streams, snapshot, words));
		return steps.at(-1).findings.faults.length === 0;
	};
	const endHalf = async () => {
		halves.push(await runHalf(server.url, HALVES[halves.length], record));
		await (halves.length === 1 ? makeForms : growForms)(server.url, book);
		const streams = readRecord(record);
		const snapshot = await takeSnapshot(server.url, streams);
		await growForms(server.url, book);
		return isRightBehind(`killed behind half ${halves.length}`, streams, snapshot);
	};
	const collect = async (work, words) => {
		await work(server.url, book);
		return isRightBehind(`killed behind the DELETE of the last ${words}`);
	};
	try {
		const isWhole =
			(await endHalf()) &&
			(await endHalf()) &&
			(await collect(collectForms, 'fork of a chain')) &&
			(await collect(collectTwins, 'of two forks'));
		steps.at(-1).findings.same(await endServer(spec, server), null, 'the end');
		return { halves, steps, isWhole };
	} finally {
		await server.kill();
	}
}

/** Runs the scene with the suite, prints the results, and returns whether all is right. */
export async function runRestart(spec, place, scratch) {
	const runHalf = async (url, groups, record) => judgeReport(await runSuite(place, url, groups, { record }), groups);
	const { halves, steps, isWhole } = await restartBetween(spec, scratch, runHalf);
	console.log(`${spec.name}: killed with SIGKILL, and started again at the same address`);
	console.log(`  left out, because their tests wait for streams to expire: ${TIMED.join(', ')}`);
	for (const [index, { sum, faults }] of halves.entries()) {
		console.log(`  half ${index + 1}, ${HALVES[index].length} groups: ${sum.passed} passed, ${sum.failed} failed`);
		sum.failures.forEach((failure) => console.log(`    failed: ${failure.name}\n      ${failure.words}`));
		faults.forEach((fault) => console.log(`    ${fault}`));
	}
	printSteps(steps);
	return isWhole && halves.every(({ isRight }) => isRight) && steps.every(({ findings }) => findings.faults.length === 0);
}

/** Prints a line for each step, and its faults. */
export function printSteps(steps) {
	for (const { words, findings } of steps) {
		console.log(`  ${words}; ${findings.checks} comparisons, ${findings.faults.length} wrong`);
		findings.faults.slice(0, 20).forEach((fault) => console.log(`    ${fault}`));
	}
}
