// SPDX-License-Identifier: MIT
// Requests of the harness: one at a time, or pipelined on a connection.
import http from 'node:http';
import net from 'node:net';

const DEADLINE_MS = 30000;

/**
 * Sends one request on a connection of its own: { status, fields, body }. Rejects where no whole answer comes; with `onlyHead`
 * the head is enough, for answers that do not end.
 */
export function call(base, method, pathname, { fields = {}, body, onlyHead = false } = {}) {
	return new Promise((resolve, reject) => {
		const length = body === undefined && method !== 'POST' ? {} : { 'Content-Length': Buffer.byteLength(body ?? '') };
		const request = http.request(`${base}${pathname}`, { method, agent: false, headers: { ...fields, ...length } });
		request.on('response', (response) => {
			const pieces = [];
			if (onlyHead) {
				resolve({ status: response.statusCode, fields: response.headers, body: Buffer.alloc(0) });
				request.destroy();
				return;
			}
			response.on('data', (piece) => pieces.push(piece));
			response.on('error', reject);
			response.on('close', () =>
				response.complete
					? resolve({ status: response.statusCode, fields: response.headers, body: Buffer.concat(pieces) })
					: reject(new Error(`${method} ${pathname}: the answer is not whole`)));
		});
		request.on('error', reject);
		request.setTimeout(DEADLINE_MS, () => request.destroy(new Error(`${method} ${pathname}: no answer`)));
		request.end(body);
	});
}

const withQuery = (pathname, query) => `${pathname}?${new URLSearchParams(query)}`;

/**
 * Reads a stream from an offset to its end: { status, pieces, next, isClosed }. `pieces` are the bodies of the answers. A
 * status other than 200 ends the reading, and is the status of the whole.
 */
export async function readFrom(base, pathname, offset) {
	const pieces = [];
	for (let next = offset; ; ) {
		const { status, fields, body } = await call(base, 'GET', withQuery(pathname, { offset: next }));
		if (status !== 200) {
			return { status, fields, pieces, next };
		}
		pieces.push(body);
		const isDone = fields['stream-up-to-date'] === 'true';
		const before = next;
		next = fields['stream-next-offset'];
		if (isDone) {
			return { status, fields, pieces, next, isClosed: fields['stream-closed'] === 'true' };
		}
		if (next === before) {
			throw new Error(`GET ${pathname}?offset=${next}: neither data nor Stream-Up-To-Date`);
		}
	}
}

/** The offset behind an event, as a number. */
export const positionOf = (offset) => Number(offset.split('_')[1]);

function parseHead(text) {
	const [line, ...lines] = text.split('\r\n');
	const fields = {};
	for (const field of lines) {
		const colon = field.indexOf(':');
		fields[field.slice(0, colon).toLowerCase()] = field.slice(colon + 1).trim();
	}
	return { status: Number(line.split(' ')[1]), fields };
}

// The end of a body in chunks, or -1.
function endOfChunks(bytes, start) {
	for (let at = start; ; ) {
		const line = bytes.indexOf('\r\n', at);
		if (line < 0) {
			return -1;
		}
		const size = parseInt(bytes.toString('latin1', at, line), 16);
		at = line + 2 + size + 2;
		if (at > bytes.length) {
			return -1;
		}
		if (size === 0) {
			return at;
		}
	}
}

// The first answer in `bytes`, with the place where it ends, or null.
function takeAnswer(bytes) {
	const end = bytes.indexOf('\r\n\r\n');
	if (end < 0) {
		return null;
	}
	const answer = parseHead(bytes.toString('latin1', 0, end));
	const body = end + 4;
	const length = answer.status === 204 ? 0 : Number(answer.fields['content-length'] ?? 0);
	answer.end = answer.fields['transfer-encoding'] === undefined ? body + length : endOfChunks(bytes, body);
	return answer.end < 0 || answer.end > bytes.length ? null : answer;
}

/**
 * Opens a connection for pipelined POSTs: { post, gone }. post(path, fields, body) returns a promise of { status, fields }, and
 * rejects where the connection breaks first.
 */
export function openPipeline(base) {
	const { hostname, port, host } = new URL(base);
	const socket = net.connect(Number(port), hostname);
	const waiting = [];
	let bytes = Buffer.alloc(0);
	socket.setNoDelay(true);
	socket.on('error', () => {});
	const gone = new Promise((resolve) => socket.once('close', resolve)).then(() => {
		waiting.splice(0).forEach(({ reject }) => reject(new Error('the connection is gone')));
	});
	socket.on('data', (piece) => {
		bytes = Buffer.concat([bytes, piece]);
		for (let answer = takeAnswer(bytes); answer !== null; answer = takeAnswer(bytes)) {
			bytes = bytes.subarray(answer.end);
			waiting.shift()?.resolve(answer);
		}
	});
	return {
		post(pathname, fields, body) {
			return new Promise((resolve, reject) => {
				if (socket.destroyed) {
					reject(new Error('the connection is gone'));
					return;
				}
				waiting.push({ resolve, reject });
				const lines = Object.entries({ Host: host, ...fields, 'Content-Length': Buffer.byteLength(body) });
				socket.write(`POST ${pathname} HTTP/1.1\r\n${lines.map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n`);
				socket.write(body);
			});
		},
		close: () => socket.destroy(),
		gone,
	};
}
