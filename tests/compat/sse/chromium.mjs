// SPDX-License-Identifier: MIT
// Chromium as a client: a page whose EventSources report their events to a server of the harness's own.
//
// Chromium opens six connections to a host, so the streams are spread over names of the loopback.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { createRun } from './processes.mjs';

const START_MS = 60000;
const HOSTS = 40;

// The page asks for jobs, and posts what was delivered. Both requests are few: one of each is under way at most.
const PAGE = `<!DOCTYPE html><script>
let reports = [];
function follow({ job, url }) {
	const source = new EventSource(url);
	for (const type of ['message', 'hello', 'gap', 'live', 'end', 'bye']) {
		source.addEventListener(type, ({ data, lastEventId }) => {
			reports.push({ job, type, data, id: lastEventId });
			if (type === 'end') source.close();
		});
	}
}
async function report() {
	for (;;) {
		const sent = reports;
		reports = [];
		const response = await fetch('/reports', { method: 'POST', body: JSON.stringify(sent) });
		(await response.json()).forEach(follow);
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}
report();
</script>`;

async function readBody(request) {
	const pieces = [];
	for await (const piece of request) {
		pieces.push(piece);
	}
	return Buffer.concat(pieces).toString();
}

function findProgram() {
	const version = execFileSync('chromium', ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
	return /\d+(\.\d+)?/.exec(version)[0];
}

function startProgram(url, folder) {
	// Chromium's sandbox does not work for root.
	const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
	const child = spawn('chromium', [...flags, `--user-data-dir=${folder}`, url], {
		stdio: ['ignore', 'ignore', 'ignore'],
		detached: true,
	});
	child.on('error', () => {});
	return child;
}

/** Opens Chromium as a client, as openClient does. Throws where Chromium is not installed or does not start. */
export async function openChromium() {
	let version;
	try {
		version = findProgram();
	} catch {
		throw new Error('chromium is not installed');
	}
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'reprise-chromium-'));
	const runs = [];
	let jobs = [];
	let begin;
	const hasBegun = new Promise((resolve) => (begin = resolve));
	const server = http.createServer(async (request, response) => {
		if (request.method === 'GET') {
			response.writeHead(200, { 'Content-Type': 'text/html' }).end(request.url === '/' ? PAGE : '');
			return;
		}
		begin(true);
		JSON.parse(await readBody(request)).forEach(({ job, ...delivery }) => runs[job].take(delivery));
		response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(jobs));
		jobs = [];
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	const child = startProgram(`http://127.0.0.1:${server.address().port}/`, folder);
	const killAll = () => process.kill(-child.pid, 'SIGKILL');
	process.once('exit', killAll);
	const close = async () => {
		const gone = new Promise((resolve) => child.once('exit', resolve));
		process.off('exit', killAll);
		killAll();
		server.closeAllConnections();
		server.close();
		await gone;
		fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
	};
	const timer = setTimeout(() => begin(false), START_MS);
	child.once('exit', () => begin(false));
	const isThere = await hasBegun;
	clearTimeout(timer);
	if (!isThere) {
		await close().catch(() => {});
		throw new Error('chromium does not open a page');
	}
	return {
		name: 'chromium',
		version,
		flaws: {},
		followToEnd(addressOf, deadline_ms, count) {
			const run = createRun(deadline_ms, count);
			const job = runs.push(run) - 1;
			jobs.push({ job, url: addressOf(`s${job % HOSTS}.localhost`) });
			return run;
		},
		close,
	};
}
