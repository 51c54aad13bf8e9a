// SPDX-License-Identifier: MIT
// curl neither parses nor connects again: a loop around `curl -N`, with the id of the last complete event.
import { spawn } from 'node:child_process';
import { createDecoder } from '../wire.mjs';

export function follow(url, deliver) {
	let id = '';
	let curl;
	let isStopped = false;
	const connect = () => {
		curl = spawn('curl', ['-sN', ...(id === '' ? [] : ['-H', `Last-Event-ID: ${id}`]), url]);
		curl.stdout.on('data', createDecoder(deliver, { id, onId: (newest) => (id = newest) }));
		curl.on('close', () => isStopped || setTimeout(connect, 50));
	};
	connect();
	return () => {
		isStopped = true;
		curl.kill();
	};
}
