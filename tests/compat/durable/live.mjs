// SPDX-License-Identifier: MIT
// Clients that follow a stream, each in one way: catch-up reads, long-polls, or SSE. A client records each event and
// each 410, and goes on at the earliest offset that the 410 names.
import http from 'node:http';
import { call } from './http.mjs';

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const WAYS = { 'catch-up': {}, 'long-poll': { live: 'long-poll' }, sse: { live: 'sse' } };
export const WAY_NAMES = Object.keys(WAYS);

/** The numbers of the events in a text; an event is a number, a colon, letters and a semicolon. */
export const numbersOf = (text) => text.split(';').slice(0, -1).map((event) => parseInt(event, 10));

/**
 * Starts a client at the beginning: { name, records, newest, hold, go, stop }. A record is { numbers, to }, or { gone, earliest }
 * for a 410 to the offset `gone`; `ends` counts the SSE streams that the server has ended.
 */
export function startClient(base, pathname, name) {
	const client = { name, records: [], newest: 0, ends: 0, error: null };
	let isHeld = false;
	let isOver = false;
	let offset = '-1';
	let response = null;

	const deliver = (text, to) => {
		const numbers = numbersOf(text);
		client.records.push({ numbers, to });
		client.newest = numbers.at(-1) ?? client.newest;
		offset = to;
	};
	const takeGone = (fields) => {
		client.records.push({ gone: offset, earliest: fields['stream-earliest-offset'] });
		if (fields['stream-earliest-offset'] === undefined) {
			throw new Error('a 410 without Stream-Earliest-Offset');
		}
		offset = fields['stream-earliest-offset'];
	};

	const ask = async () => {
		const query = new URLSearchParams({ offset, ...WAYS[name] });
		const { status, fields, body } = await call(base, 'GET', `${pathname}?${query}`);
		if (status === 410) {
			takeGone(fields);
		} else if (status === 200) {
			deliver(body.toString(), fields['stream-next-offset']);
		} else if (status !== 204) {
			throw new Error(`${name}: ${status} ${body}`);
		}
		await pause(name === 'catch-up' ? 5 : 0);
	};

	// Takes whole blocks; the data count once their control event has come.
	const createTaker = () => {
		let rest = '';
		let data = '';
		return (piece) => {
			const blocks = (rest + piece).split('\n\n');
			rest = blocks.pop();
			for (const block of blocks) {
				const lines = block.split('\n').filter((line) => line.startsWith('data:')).map((line) => line.slice(5));
				if (/^event: ?data$/m.test(block)) {
					data += lines.join('\n');
				} else if (/^event: ?control$/m.test(block)) {
					deliver(data, JSON.parse(lines.join('')).streamNextOffset);
					data = '';
				}
			}
		};
	};
	const follow = () =>
		new Promise((resolve, reject) => {
			const query = new URLSearchParams({ offset, live: 'sse' });
			const request = http.get(`${base}${pathname}?${query}`, { agent: false });
			request.on('error', (error) => (isOver ? resolve() : reject(error)));
			request.on('response', (answer) => {
				response = answer;
				answer.on('error', () => {});
				answer.on('close', () => {
					response = null;
					client.ends += answer.statusCode === 200 ? 1 : 0;
					resolve();
				});
				if (answer.statusCode !== 200) {
					answer.resume();
					answer.statusCode === 410 ? takeGone(answer.headers) : reject(new Error(`sse: ${answer.statusCode}`));
					return;
				}
				answer.setEncoding('utf8');
				answer.on('data', createTaker());
				if (isHeld) {
					answer.pause();
				}
				if (isOver) {
					answer.destroy();
				}
			});
		});

	const run = async () => {
		while (!isOver) {
			if (isHeld) {
				await pause(2);
			} else {
				await (name === 'sse' ? follow() : ask());
			}
		}
	};
	const over = run().catch((error) => (client.error = error));
	return Object.assign(client, {
		hold() {
			isHeld = true;
			response?.pause();
		},
		go() {
			isHeld = false;
			response?.resume();
		},
		async stop() {
			isOver = true;
			response?.destroy();
			await over;
		},
	});
}
