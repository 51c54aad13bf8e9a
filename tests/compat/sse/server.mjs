// SPDX-License-Identifier: MIT
// The server under test: a command that prints its base URL as the first line, and the requests of the harness.
import { spawn } from 'node:child_process';
import http from 'node:http';
import readline from 'node:readline';
import { createDecoder } from './wire.mjs';

const START_MS = 10000;
const STREAM = { agent: false, headers: { Accept: 'text/event-stream' } };

// No server outlives the harness.
const children = new Set();
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));
['SIGINT', 'SIGTERM'].forEach((signal) => process.on(signal, () => process.exit(1)));

/**
 * Starts `command` in a shell, which becomes the program: the command is one program with arguments. {listen} in the
 * command is the address, 127.0.0.1:0 at the first start; any other {NAME} is of `names`.
 */
export async function startServer(command, names = {}, listen = '127.0.0.1:0') {
	const text = command.replace(/\{(\w+)\}/g, (place, name) => ({ listen, ...names })[name] ?? place);
	const child = spawn('sh', ['-c', `exec ${text}`], { stdio: ['ignore', 'pipe', 'inherit'] });
	children.add(child);
	const gone = new Promise((resolve) => child.once('exit', resolve));
	gone.then(() => children.delete(child));
	const lines = readline.createInterface({ input: child.stdout });
	const url = await new Promise((resolve, reject) => {
		const fail = (words) => () => reject(new Error(`${words}: ${text}`));
		const timer = setTimeout(fail('the server prints no address'), START_MS);
		gone.then(() => clearTimeout(timer)).then(fail('the server has exited'));
		lines.once('line', (line) => {
			clearTimeout(timer);
			resolve(/https?:\/\/[^\s/]+/.exec(line)?.[0] ?? line);
		});
	});
	return {
		url,
		/** Kills the program as kill -9 does, and waits until the program has gone. */
		async kill() {
			child.kill('SIGKILL');
			await gone;
		},
		/** Ends the program by SIGTERM, and returns the exit status: null if the program was killed or has crashed. */
		async stop() {
			child.kill('SIGTERM');
			return gone;
		},
		/** Starts the command again at the same address. */
		restart: () => startServer(command, names, new URL(url).host),
	};
}

/** Posts a body, and returns the status of the response. Throws where no complete response comes. */
export async function post(url, type, body) {
	const response = await fetch(url, { method: 'POST', headers: { 'Content-Type': type }, body });
	const text = await response.text();
	if (!response.ok) {
		throw new Error(`POST ${url}: ${response.status} ${text}`);
	}
}

export const postLines = (url, payloads) =>
	post(`${url}/events`, 'application/x-ndjson', payloads.map((payload) => `${payload}\n`).join(''));
export const postObject = (url, payload) => post(`${url}/events`, 'application/json', payload);
export const postEnd = (url) => post(`${url}/end`, 'application/json', '{"status":0}');

/** The bytes of a response, until the server closes the response or `deadline_ms` have passed. */
export function readAll(url, deadline_ms = 10000) {
	return new Promise((resolve, reject) => {
		const request = http.get(url, STREAM, (response) => {
			const pieces = [];
			response.on('data', (piece) => pieces.push(piece));
			response.on('end', () => resolve(Buffer.concat(pieces)));
			response.on('error', reject);
			if (response.statusCode !== 200) {
				reject(new Error(`GET ${url}: ${response.statusCode}`));
			}
		});
		request.on('error', reject);
		const fail = () => request.destroy(new Error(`GET ${url}: the stream does not end`));
		const timer = setTimeout(fail, deadline_ms);
		request.on('close', () => clearTimeout(timer));
	});
}

/** The ids of the first `count` events of a stream. */
export function readIds(url, count) {
	return new Promise((resolve, reject) => {
		const ids = [];
		const request = http.get(url, STREAM, (response) => {
			const decode = createDecoder((type, data, id) => {
				if (type !== 'message' || ids.push(id) < count) {
					return;
				}
				request.destroy();
				resolve(ids);
			});
			response.on('data', decode);
			response.on('error', reject);
		});
		request.on('error', reject);
		const fail = () => request.destroy(new Error(`GET ${url}: ${ids.length} of ${count} events`));
		const timer = setTimeout(fail, 10000);
		request.on('close', () => clearTimeout(timer));
	});
}
