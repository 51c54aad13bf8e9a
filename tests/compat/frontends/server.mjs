// SPDX-License-Identifier: MIT
// `reprise serve` on a fresh log in SQLite.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';

const START_MS = 10000;

// No server outlives the harness.
const children = new Set();
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));
['SIGINT', 'SIGTERM'].forEach((signal) => process.on(signal, () => process.exit(1)));

async function start(program, arguments_) {
	const child = spawn(program, arguments_, { stdio: ['ignore', 'pipe', 'inherit'] });
	children.add(child);
	const gone = new Promise((resolve) => child.once('close', resolve)).then(() => children.delete(child));
	const lines = readline.createInterface({ input: child.stdout });
	const command = [program, ...arguments_].join(' ');
	const url = await new Promise((resolve, reject) => {
		const fail = (words) => () => reject(new Error(`${words}: ${command}`));
		const timer = setTimeout(fail('the server prints no address'), START_MS);
		child.once('error', fail('the server does not start'));
		gone.then(() => clearTimeout(timer)).then(fail('the server has exited'));
		lines.once('line', (line) => {
			clearTimeout(timer);
			resolve(/https?:\/\/[^\s/]+/.exec(line)?.[0]);
		});
	});
	return { url, child, gone };
}

/**
 * Starts `PROGRAM serve` on a fresh log, or without a log. `extra` has further arguments, such as --routes FILE. kill9()
 * kills the server and waits until the server has gone; restart() starts the server again on the same log and port;
 * freeze() stops the process as SIGSTOP does, so that connections stay open in silence, and thaw() lets the process
 * go on; stop() kills the server and removes the log.
 */
export async function startServer(program, extra = [], hasLog = true) {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'reprise-frontends-'));
	const log = hasLog ? ['--log', `sqlite:${folder}/log.db`] : [];
	const listen = (address) => ['serve', '--quiet', '--listen', address, ...log, ...extra];
	let running = await start(program, listen('127.0.0.1:0'));
	const { url } = running;
	return {
		url,
		folder,
		async kill9() {
			running.child.kill('SIGKILL');
			await running.gone;
		},
		freeze: () => running.child.kill('SIGSTOP'),
		thaw: () => running.child.kill('SIGCONT'),
		async restart() {
			running = await start(program, listen(new URL(url).host));
		},
		async stop() {
			running.child.kill('SIGKILL');
			await running.gone;
			fs.rmSync(folder, { recursive: true, force: true });
		},
	};
}
