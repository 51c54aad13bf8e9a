// SPDX-License-Identifier: MIT
// Runs front ends of other projects against `reprise serve`, and prints a row for each front end.
//
// Usage: run.mjs --program FILE [--step N] [--cut fin|reset] [--deadline MS] [NAME ...]
//
// A front end (a file of rows/) is cut behind each N-th event (default: behind every event) and resumes. Exits with 1
// where a row fails, and with 77 where a named browser is not installed.
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { countLines } from './judge.mjs';
import { runRow } from './scenes.mjs';

const GLUE_LINES_MAX = 30;
const here = (name) => new URL(name, import.meta.url);
const NAMES = fs.readdirSync(here('rows')).filter((file) => file.endsWith('.mjs')).map((file) => file.slice(0, -4)).sort();

const COLUMNS = [
	['front end', 24], ['version', 9], ['glue', 5], ['needs', 22], ['events', 7], ['cuts', 5], ['lost', 5],
	['doubled', 8], ['in one', 7], ['kill -9', 8], ['unknown id', 24], ['result', 7], ['a gap', 0],
];
const print = (cells) => console.log(cells.map((cell, index) => String(cell).padEnd(COLUMNS[index][1])).join(' ').trimEnd());

function glueLines(row) {
	return row.glue === null ? 0 : countLines(fs.readFileSync(here(row.glue), 'utf8'));
}

// The row of a name with its version. Returns null, and prints the reason, where the front end cannot run here: only an
// optional one may be missing, such as a browser.
async function open(name, count) {
	let row;
	try {
		({ default: row } = await import(`./rows/${name}.mjs`));
		return { row, version: await row.version() };
	} catch (error) {
		const result = row?.isOptional ? 'left out' : 'FAILED';
		console.log(`${name.padEnd(COLUMNS[0][1])} ${result}: ${error.message.split('\n')[0]}`);
		count[row?.isOptional ? 'missing' : 'failed']++;
		return null;
	}
}

// Runs a row. An error that the package leaves without a handler fails the row, unless the row knows the error. The
// console is silent: packages write errors there and throw the errors, too.
async function runAlone(row, options) {
	const strays = [];
	const onStray = (error) => strays.push(String(error?.message ?? error));
	const { error, warn } = console;
	process.on('unhandledRejection', onStray);
	process.on('uncaughtException', onStray);
	Object.assign(console, { error() {}, warn() {} });
	try {
		return { ...(await (row.run?.(options) ?? runRow(row, options))), strays };
	} finally {
		Object.assign(console, { error, warn });
		process.off('unhandledRejection', onStray);
		process.off('uncaughtException', onStray);
	}
}

async function runOne({ row, version }, options) {
	const glue = glueLines(row);
	const sum = await runAlone(row, options);
	const isKnown = (stray) => row.strays?.test(stray) ?? false;
	const strays = sum.strays.filter((stray) => !isKnown(stray));
	const faults = [...sum.faults, ...strays.map((stray) => `an error without a handler: ${stray}`)];
	if (glue > GLUE_LINES_MAX) {
		faults.push(`the glue has ${glue} lines, more than ${GLUE_LINES_MAX}`);
	}
	print([row.name, version, glue, row.needs, sum.events, sum.cuts, sum.lost, sum.doubled, sum.often, sum.killed, sum.unknown,
		faults.length === 0 ? 'passed' : 'FAILED', sum.gap]);
	[...sum.lines, ...faults.slice(0, 5)].forEach((words) => console.log(`  ${words}`));
	if (faults.length > 5) {
		console.log(`  and ${faults.length - 5} more`);
	}
	const known = sum.strays.filter(isKnown).length;
	if (known > 0) {
		console.log(`  the package leaves ${known} errors without a handler, which is known`);
	}
	return faults.length === 0;
}

async function main() {
	const { values, positionals } = parseArgs({
		allowPositionals: true,
		options: {
			program: { type: 'string' },
			step: { type: 'string', default: '1' },
			cut: { type: 'string', default: 'fin' },
			deadline: { type: 'string', default: '20000' },
		},
	});
	const unknown = positionals.find((name) => !NAMES.includes(name));
	if (unknown !== undefined) {
		console.error(`there is no front end ${unknown}; there are: ${NAMES.join(' ')}`);
		return 2;
	}
	const [step, deadline_ms] = [Number(values.step), Number(values.deadline)];
	if (!values.program || !(step >= 1) || !(deadline_ms >= 1) || !['fin', 'reset'].includes(values.cut)) {
		console.error('wrong arguments: see the head of run.mjs');
		return 2;
	}
	const extra = ['--routes', fileURLToPath(here('routes.json'))];
	const options = { extra, program: values.program, step, deadline_ms, how: values.cut };
	const names = positionals.length > 0 ? positionals : NAMES;
	print(COLUMNS.map(([title]) => title));
	const count = { passed: 0, failed: 0, missing: 0 };
	for (const name of names) {
		const opened = await open(name, count);
		if (opened !== null) {
			count[(await runOne(opened, options)) ? 'passed' : 'failed']++;
		}
	}
	console.log(`${count.passed} passed, ${count.failed} failed, ${count.missing} left out`);
	const isSkipped = count.passed === 0 || (positionals.length > 0 && count.missing > 0);
	return count.failed > 0 ? 1 : isSkipped ? 77 : 0;
}

process.exit(await main().catch((error) => {
	console.error(`frontends: ${error.message}`);
	return error.code?.startsWith?.('ERR_PARSE_ARGS') ? 2 : 1;
}));
