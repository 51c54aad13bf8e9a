// SPDX-License-Identifier: MIT
// A proxy in front of a server of Durable Streams. A plan cuts the connection of one response: behind the k-th piece that was
// read, or before the first byte of the answer to the k-th write. A piece is a block of an event stream that holds data, an
// element of a JSON array, or a line of any other body, and is counted over all responses since the plan was made.
import http from 'node:http';

// A stream of fetch() drops the bytes that the program has not yet taken when the connection breaks.
// The pause lets the program take every byte before the cut.
const PAUSE_MS = 5;

function createBlocks() {
	let block = '';
	return (byte) => {
		block += String.fromCharCode(byte);
		if (!block.endsWith('\n\n')) {
			return false;
		}
		const isPiece = /(^|\n)data/.test(block);
		block = '';
		return isPiece;
	};
}

// An element ends with the comma or the bracket behind it, outside of strings and of nested values.
function createElements() {
	let depth = 0;
	let isText = false;
	let isEscaped = false;
	let isEmpty = true;
	return (byte) => {
		const sign = String.fromCharCode(byte);
		if (isText) {
			isText = isEscaped || sign !== '"';
			isEscaped = !isEscaped && sign === '\\';
			return false;
		}
		isText = sign === '"';
		depth += '[{'.includes(sign) ? 1 : ']}'.includes(sign) ? -1 : 0;
		const hasEnded = (depth === 1 && sign === ',') || (depth === 0 && sign === ']' && !isEmpty);
		isEmpty = isEmpty && (/\s/.test(sign) || (sign === '[' && depth === 1));
		return hasEnded;
	};
}

const typeOf = (response) => response.headers['content-type'] ?? '';
const isEvents = (response) => /^text\/event-stream/.test(typeOf(response));

function createPieces(response) {
	if (isEvents(response)) {
		return createBlocks();
	}
	return /^application\/json/.test(typeOf(response)) ? createElements() : (byte) => byte === 0x0a;
}

/** openProxy(URL of the server, 'fin' or 'reset') returns the proxy. */
export async function openProxy(serverUrl, how = 'fin') {
	const target = new URL(serverUrl);
	const agent = new http.Agent({ keepAlive: true });
	let plan = null;

	const cut = (socket) => setTimeout(() => (how === 'reset' ? socket.resetAndDestroy() : socket.destroy()), PAUSE_MS);

	const passRead = (source, sink, current) => {
		const isPiece = createPieces(source);
		// The sign behind an element or a line is kept back: a body whose length was told would be whole with the sign.
		const closing = isEvents(source) ? 1 : 0;
		let own = 0;
		// The n-th cut of many comes behind n pieces of its response: a client that reads from the start gets to the end, too.
		const isPlace = () => ++current.pieces === current.read || (++own > current.cuts && current.isOften);
		// How many of the bytes pass, or -1: all, and the place of the plan is not reached.
		const count = (bytes) => {
			for (let i = 0; i < bytes.length; i++) {
				if (isPiece(bytes[i]) && isPlace()) {
					return i + closing;
				}
			}
			return -1;
		};
		source.on('data', (bytes) => {
			const before = current.pieces;
			const passing = count(bytes);
			if (passing < 0) {
				sink.write(bytes);
			} else {
				current.cuts++;
				source.removeAllListeners().on('error', () => {}).destroy();
				sink.write(bytes.subarray(0, passing), () => cut(sink.socket));
			}
			if (current.pieces > before) {
				current.onRead?.();
			}
		});
		source.on('end', () => sink.end());
	};

	const passAnswer = (request, source, sink) => {
		const current = plan;
		const isWrite = current !== null && request.method === 'POST';
		if (isWrite && (++current.writes === current.write || (current.write === Infinity && current.writes % 2 === 1))) {
			current.cuts++;
			source.resume().on('error', () => {});
			cut(sink.socket);
			return;
		}
		// The server's own Connection field stays: the fetch() of Node takes a response that says `Connection: close` for a
		// whole one, wherever the connection was cut.
		const fields = source.rawHeaders.filter((_, index, all) => !/^(keep-alive|transfer-encoding)$/i.test(all[index & ~1]));
		sink.writeHead(source.statusCode, fields);
		sink.flushHeaders();
		if (current !== null && request.method === 'GET') {
			current.reads++;
			setTimeout(passRead, current.hold_ms, source, sink, current);
		} else {
			source.on('data', (bytes) => sink.write(bytes)).on('end', () => sink.end());
		}
	};

	let writing = 0;
	const server = http.createServer((request, response) => {
		const { method, url: path, rawHeaders: headers } = request;
		const isWrite = method === 'POST';
		writing += isWrite ? 1 : 0;
		const upstream = http.request({ host: target.hostname, port: target.port, method, path, headers, agent });
		upstream.on('error', () => request.socket.destroy());
		upstream.on('close', () => (writing -= isWrite ? 1 : 0));
		request.pipe(upstream);
		response.on('close', () => upstream.destroy()).on('error', () => {});
		upstream.on('response', (source) => {
			source.on('error', () => request.socket.destroy()).on('aborted', () => request.socket.destroy());
			passAnswer(request, source, response);
		});
		if (/[?&]live=/.test(path)) {
			plan?.onLive?.();
		}
	});
	server.on('connection', (socket) => socket.setNoDelay(true));
	server.on('clientError', (_, socket) => socket.destroy());
	await new Promise((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
	return {
		url: `http://127.0.0.1:${server.address().port}`,
		/**
		 * Makes a plan: a cut behind the `read`-th piece, or a cut in the place of the answer to the `write`-th POST. Infinity is
		 * a cut of each response that is long enough, or of the answer to each second POST. onRead() is called when pieces have
		 * passed, onLive() when a client asks for a live stream. Returns the plan with its counts: cuts, and the pieces and the
		 * answers to GET and to POST until now. A body that is read passes `hold_ms` behind its head.
		 */
		arm({ read = 0, write = 0, onRead = null, onLive = null, hold_ms = 0 } = {}) {
			const counts = { pieces: 0, reads: 0, writes: 0, cuts: 0 };
			plan = { read, write, onRead, onLive, hold_ms, isOften: read === Infinity, ...counts };
			return plan;
		},
		/** How many writes wait for their answers. */
		get writing() {
			return writing;
		},
		close() {
			agent.destroy();
			server.closeAllConnections();
			server.close();
		},
	};
}
