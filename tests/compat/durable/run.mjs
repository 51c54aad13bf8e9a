// SPDX-License-Identifier: MIT
// Runs `./dev compat durable-streams` and `./dev compat retention`; compat.sh starts this program.
//
// Usage: run.mjs durable-streams|retention --build BUILD --place PLACE --log sqlite:|postgres: ... [--reference] [--restart]
//                [--rounds N]
//
// BUILD has the program reprise, and PLACE the packages. For PostgreSQL the variable REPRISE_POSTGRES names the server.
// Exit status: 0 everything is right; 1 something is wrong. The reference server decides nothing.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startServer } from '../sse/server.mjs';
import { crashChains } from './chains.mjs';
import { crashLoop, twoConnections } from './crash.mjs';
import { printSteps, runRestart } from './restart.mjs';
import { archiveUnderClients } from './retention.mjs';
import { endServer, ourServer, referenceServer } from './servers.mjs';
import { GROUPS, judgeReport, printTable, runSuite } from './suite.mjs';

const { values: options, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		build: { type: 'string' },
		place: { type: 'string' },
		log: { type: 'string', multiple: true, default: [] },
		reference: { type: 'boolean', default: false },
		restart: { type: 'boolean', default: false },
		rounds: { type: 'string', default: '20' },
	},
});

const groups = [...GROUPS.keys()];

async function judgeServer(spec) {
	const server = await startServer(spec.command);
	try {
		const judgement = judgeReport(await runSuite(options.place, server.url, groups), groups);
		const words = await endServer(spec, server);
		if (words !== null) {
			judgement.faults.push(words);
			judgement.isRight = false;
		}
		return { name: spec.name, judgement };
	} finally {
		await server.kill();
	}
}

async function runWhole(ours, references) {
	const columns = [];
	for (const server of [...ours, ...references]) {
		columns.push(await judgeServer(server));
	}
	printTable(columns);
	return columns.slice(0, ours.length).every(({ judgement }) => judgement.isRight);
}

// Kills of one kind of server, each scene with a fresh log.
async function runKills(freshServer) {
	const { name } = freshServer();
	const isRight = await runRestart(freshServer(), options.place, scratch);
	const rounds = Number(options.rounds);
	const { findings, acknowledged, again, answeredTwice } = await crashLoop(freshServer(), rounds);
	const counts = `${acknowledged} batches, ${again} sent again, of which ${answeredTwice} were recorded before`;
	const twice = await twoConnections(freshServer());
	const { findings: chains, cut } = await crashChains(freshServer(), rounds);
	printSteps([
		{ words: `killed ${rounds} times in the middle of pipelined appends: ${counts}`, findings },
		{ words: 'one producer on two connections at once', findings: twice.findings },
		{ words: `killed ${rounds} times in the middle of forks and deletions, cut at the steps ${cut.join(', ')}`, findings: chains },
	]);
	const isProven = again > 0 && acknowledged > 0;
	if (!isProven) {
		console.log(`  ${name}: no batch was sent again, and nothing is shown`);
	}
	console.log('');
	return isRight && isProven && [findings, twice.findings, chains].every(({ faults }) => faults.length === 0);
}

async function runAllKills() {
	let isRight = true;
	for (const log of options.log) {
		isRight = (await runKills(() => ourServer(options.build, log, scratch))) && isRight;
	}
	if (options.reference) {
		let count = 0;
		await runKills(() => referenceServer(options.place, path.join(scratch, `reference-${count++}`)));
	}
	return isRight;
}

async function runRetention() {
	let isRight = true;
	for (const log of options.log) {
		const spec = ourServer(options.build, log, scratch, ['--events-max', '64']);
		const { findings, story, counts } = await archiveUnderClients(spec);
		console.log(`${spec.name}: ${story.positions.length} events, archived ${story.archives} times under three clients`);
		for (const [name, { read, gone, answers, ends }] of counts) {
			const words = `${read} read, ${gone} told as archived by ${answers} answers 410`;
			console.log(`  ${name.padEnd(10)} ${words}${name === 'sse' ? `; ${ends} streams ended` : ''}`);
		}
		printSteps([{ words: 'each event once, and nothing between', findings }]);
		console.log('');
		isRight = isRight && findings.faults.length === 0;
	}
	return isRight;
}

function main() {
	if (positionals[0] === 'retention') {
		return runRetention();
	}
	if (options.restart) {
		return runAllKills();
	}
	const ours = options.log.map((log) => ourServer(options.build, log, scratch));
	const references = !options.reference
		? []
		: [referenceServer(options.place), referenceServer(options.place, path.join(scratch, 'reference'))];
	return runWhole(ours, references);
}

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'reprise-durable-'));
process.on('exit', () => fs.rmSync(scratch, { recursive: true, force: true }));
const isRight = await main().catch((error) => {
	console.error(`${positionals[0]}: ${error.stack}`);
	return false;
});
process.exitCode = isRight ? 0 : 1;
