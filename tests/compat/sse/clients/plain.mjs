// SPDX-License-Identifier: MIT
// A client without a package, for the harness's own test.
import http from 'node:http';
import { createDecoder } from '../wire.mjs';

export function createFollow(isHasty) {
	return (url, deliver) => {
		let id = '';
		let request;
		let isStopped = false;
		const connect = () => {
			const headers = id === '' ? {} : { 'Last-Event-ID': id };
			request = http.get(url, { agent: false, headers }, (response) => {
				response.on('data', createDecoder(deliver, { id, isHasty, onId: (newest) => (id = newest) }));
				response.on('error', () => {});
			});
			request.on('error', () => {});
			request.on('close', () => isStopped || setTimeout(connect, 20));
		};
		connect();
		return () => {
			isStopped = true;
			request.destroy();
		};
	};
}

export const follow = createFollow(false);
