// SPDX-License-Identifier: MIT
// Runs the scenes of the viewer, and prints a row for each scene.
//
// Usage: run.mjs --program FILE [--short] [--screens DIR] [--streams DIR] [SCENE ...]
//
// --screens writes rest.png, live.png, gap.png, healed.png, phone.png and dark.png, beside the named scenes. Exits with 1
// where a scene fails, and with 77 where Chromium does not start.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openBrowser } from './browser.mjs';
import { readScenes } from './scenes.mjs';
import { runScene } from './stage.mjs';

// One fault of a page often comes again and again.
const FAULTS_MAX = 8;
// Scenes of a short run mostly wait.
const BESIDE = 3;

function readArguments() {
	const { values, positionals } = parseArgs({
		allowPositionals: true,
		options: {
			program: { type: 'string' },
			short: { type: 'boolean', default: false },
			screens: { type: 'string' },
			streams: { type: 'string', default: process.env.REPRISE_STREAMS ?? '' },
		},
	});
	return { ...values, names: positionals };
}

function printRow({ name, sentence }, { result, facts, faults, seconds }) {
	const word = result === 'failed' ? 'FAILED' : result;
	console.log(`${word.padEnd(8)}${seconds.toFixed(1).padStart(5)} s  ${name.padEnd(12)} ${sentence}`);
	[...facts, ...[...new Set(faults)].slice(0, FAULTS_MAX)].forEach((words) => console.log(`                    ${words}`));
}

// Runs the scenes, some beside each other, and prints the rows in the order of the scenes.
async function runBeside(scenes, options) {
	const results = [];
	let begun = 0;
	let printed = 0;
	const work = async () => {
		while (begun < scenes.length) {
			const at = begun++;
			const began = Date.now();
			const outcome = await runScene(scenes[at], options);
			results[at] = { ...outcome, seconds: (Date.now() - began) / 1000 };
			for (; results[printed] !== undefined; printed++) {
				printRow(scenes[printed], results[printed]);
			}
		}
	};
	await Promise.all(Array.from({ length: options.short ? BESIDE : 1 }, work));
	return results;
}

async function runAll(scenes, options) {
	const browser = await openBrowser().catch((error) => {
		console.error(`viewer: skipped: ${error.message.split('\n')[0]}`);
		process.exit(77);
	});
	const count = { passed: 0, failed: 0, skipped: 0 };
	console.log(`Chromium ${browser.version}`);
	const results = await runBeside(scenes, { ...options, browser });
	results.forEach(({ result }) => count[result]++);
	await browser.close();
	console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
	return count.failed > 0 ? 1 : count.passed === 0 ? 77 : 0;
}

async function main() {
	const options = readArguments();
	const all = await readScenes();
	const unknown = options.names.find((name) => !all.some((scene) => scene.name === name));
	if (unknown !== undefined) {
		console.error(`there is no scene ${unknown}; there are: ${all.map(({ name }) => name).join(' ')}`);
		return 2;
	}
	if (!options.program) {
		console.error('wrong arguments: see the head of run.mjs');
		return 2;
	}
	if (options.screens) {
		fs.mkdirSync(options.screens, { recursive: true });
	}
	options.scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'reprise-viewer-'));
	process.once('exit', () => fs.rmSync(options.scratch, { recursive: true, force: true }));
	const isMeant = ({ name, isLong }) =>
		(name === 'screens' && options.screens !== undefined) ||
		(options.names.length > 0 ? options.names.includes(name) : !(options.short && isLong));
	return runAll(all.filter(isMeant), options);
}

process.exit(await main().catch((error) => {
	console.error(`viewer: ${error.message}`);
	return error.code?.startsWith?.('ERR_PARSE_ARGS') ? 2 : 1;
}));
