// SPDX-License-Identifier: MIT
// A client that is a program of its own: the program resumes by itself, and prints [event, data, id] as a line of JSON for
// each block.
import { spawn } from 'node:child_process';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The function that follows a stream by `command`, with `file` of the harness's folder and the address as arguments. */
export const followBy = (command, file) => (url, deliver) => {
	const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
	const child = spawn(command, [path, url], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, no_proxy: '*' } });
	const lines = readline.createInterface({ input: child.stdout });
	lines.on('line', (line) => deliver(...JSON.parse(line)));
	child.on('error', (error) => console.error(error.message));
	return () => child.kill();
};
