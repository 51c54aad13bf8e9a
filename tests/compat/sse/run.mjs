// SPDX-License-Identifier: MIT
// Runs the scenes with the clients of other projects, and prints a row for each client.
//
// Usage: run.mjs --with-gap COMMAND --with-log COMMAND [--client NAME ...] [--step N] [--width N] [--cut fin|reset]
//                [--coarser N] [--deadline MS]
//
// A client is cut at each N-th byte (default: at every byte), at most `width` streams at a time. The stream from the log is
// cut at fewer bytes, as `coarser` says. Exits with 1 where a client loses, doubles or spoils an event or hangs, and with 77
// where a named client cannot run.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openChromium } from './chromium.mjs';
import { openClient } from './processes.mjs';
import { cutEverywhere, killAndRestart, makeStreams, withKilledServer, withProxy } from './scenes.mjs';

const { values: options } = parseArgs({
	options: {
		'with-gap': { type: 'string' },
		'with-log': { type: 'string' },
		client: { type: 'string', multiple: true },
		step: { type: 'string', default: '1' },
		width: { type: 'string', default: '256' },
		cut: { type: 'string', default: 'fin' },
		coarser: { type: 'string', default: '1' },
		deadline: { type: 'string', default: '80000' },
	},
});

// The width of a client, where it is not the default: curl and the clients of the guide are a process a stream, Chromium
// has 256 sockets, and the polyfill waits for a second at least. A coarse client is cut at fewer bytes. `plain` is the harness's own, and runs where it is named.
const CLIENTS = new Map([
	['plain', { isOwn: true }],
	['eventsource-2', {}],
	['eventsource-3', {}],
	['eventsource-4', {}],
	['eventsource-5', {}],
	['undici', {}],
	['eventsource-client', {}],
	['fetch-event-source', {}],
	['event-source-polyfill', { width: 512 }],
	['curl', { width: 16 }],
	['guide-python', { width: 16, coarse: 7 }],
	['guide-js', { width: 16, coarse: 7 }],
	['chromium', { width: 128 }],
]);
const COLUMNS = ['cuts', 'lost', 'doubled', 'corrupt', 'hung', 'tolerated', 'spoilt'];
const deadline_ms = Number(options.deadline);

function version(name) {
	const program = { curl: 'curl', 'guide-python': 'python3', 'guide-js': process.execPath }[name];
	if (program !== undefined) {
		return /[\d.]+/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' }))[0];
	}
	const folder = { 'fetch-event-source': '@microsoft/fetch-event-source' }[name] ?? name;
	const file = new URL(`node_modules/${folder}/package.json`, import.meta.url);
	return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')).version : '';
}

async function open(name) {
	try {
		const client = name === 'chromium' ? await openChromium() : await openClient(name);
		return { ...client, version: client.version ?? version(name) };
	} catch (error) {
		console.log(`${name.padEnd(22)} left out: ${error.message.split('\n')[0]}`);
		return null;
	}
}

const NOTHING = { lost: 0, doubled: 0, corrupt: 0, hung: 0 };
const isRight = ({ lost, doubled, corrupt, hung }) => lost + doubled + corrupt + hung === 0;

function printRow(client, sum, words) {
	const cells = COLUMNS.map((column) => String(sum[column]).padStart(10)).join('');
	console.log(`${client.name.padEnd(22)} ${client.version.padEnd(8)}${cells}  ${words}`.trimEnd());
	sum.faults.slice(0, 3).forEach((fault) => console.log(`  ${fault}`));
	if (client.errors?.() && sum.faults.length > 0) {
		console.log(client.errors().replace(/^/gm, '  '));
	}
}

// Cuts one stream with every client. `killed` has the judgements of the other scene, or is null.
async function cutStream(words, proxy, streamOf, clients, killed, coarser) {
	const stream = await streamOf();
	console.log(`${words}: ${stream.blocks.length} blocks and ${stream.blocks.at(-1).end} bytes\n`);
	console.log(`${''.padEnd(31)}${COLUMNS.map((column) => column.padStart(10)).join('')}${killed ? '  killed' : ''}`);
	let isAllRight = true;
	for (const client of clients) {
		const { width = Number(options.width), coarse = 1 } = CLIENTS.get(client.name);
		const scene = { step: Number(options.step) * coarse * coarser, width, deadline_ms };
		const sum = await cutEverywhere(client, proxy, streamOf, scene);
		const ofKill = killed === null ? NOTHING : killed.get(client.name);
		printRow(client, sum, killed === null ? '' : isRight(ofKill) ? 'right' : JSON.stringify(ofKill));
		isAllRight = isAllRight && sum.faults.length === 0 && isRight(sum) && isRight(ofKill);
	}
	console.log('');
	return isAllRight;
}

async function cutAll(clients, killed, log) {
	const ofMemory = await withProxy(options['with-gap'], {}, options.cut, (server, proxy) =>
		cutStream('a stream from memory', proxy, makeStreams(server), clients, killed, 1));
	const ofLog = await withKilledServer(options['with-log'], { log }, options.cut, (proxy, stream) =>
		cutStream('a stream from a log, of two lives', proxy, () => stream, clients, null, Number(options.coarser)));
	return ofMemory && ofLog;
}

async function main() {
	const names = options.client ?? [...CLIENTS.keys()].filter((name) => !CLIENTS.get(name).isOwn);
	const unknown = names.find((name) => !CLIENTS.has(name));
	if (unknown !== undefined || !options['with-gap'] || !options['with-log']) {
		console.error(unknown ? `there is no client ${unknown}` : 'two commands are needed: --with-gap and --with-log');
		return 2;
	}
	const clients = (await Promise.all(names.map(open))).filter((client) => client !== null);
	const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'reprise-sse-'));
	try {
		const log = path.join(scratch, 'log');
		const killed = await killAndRestart(options['with-log'], { log }, clients, deadline_ms);
		const isAllRight = await cutAll(clients, killed, `${log}-cut`);
		console.log('spoilt: the first data of a stream, hello, has left-over data of the cut stream before its own');
		console.log('tolerated: lost where the cut was between the line end of an id and the blank line');
		const isWhole = options.client === undefined || clients.length === names.length;
		return !isAllRight ? 1 : isWhole ? 0 : 77;
	} finally {
		clients.forEach((client) => client.close());
		fs.rmSync(scratch, { recursive: true });
	}
}

process.exitCode = await main().catch((error) => {
	console.error(`sse-clients: ${error.message}${error.cause ? `: ${error.cause.message}` : ''}`);
	return 1;
});
