// SPDX-License-Identifier: MIT
// A proxy that cuts TCP connections at a byte of the body. The path of a request is /cut/TOKEN/PATH; the server
// is asked for PATH. The first response of a token with a plan is cut behind as many bytes of its body as the
// plan says, not counting the framing of chunks. Later responses of the token pass whole.
import net from 'node:net';

// A stream of fetch() drops the bytes that the program has not yet read when the connection breaks. The pause
// lets the program read every byte before the cut.
const PAUSE_MS = 5;

/**
 * How many bytes of a response pass: take(bytes) walks the bytes, and returns how many bytes lie before the place
 * where `limit` bytes of the body have passed, or -1 while the place is not reached.
 */
function createCounter(limit) {
	let head = '';
	let state = 'head';
	let isChunked = false;
	let line = '';
	let left = 0;
	let body = 0;
	const steps = {
		head(byte) {
			head += String.fromCharCode(byte);
			if (head.endsWith('\r\n\r\n')) {
				isChunked = /\r\ntransfer-encoding: *chunked\r\n/i.test(head);
				state = isChunked ? 'size' : 'data';
				left = isChunked ? 0 : Infinity;
			}
		},
		size(byte) {
			line += String.fromCharCode(byte);
			if (line.endsWith('\n')) {
				left = parseInt(line, 16);
				line = '';
				state = left > 0 ? 'data' : 'over';
			}
		},
		data() {
			body++;
			left--;
			if (left === 0) {
				left = 2;
				state = 'gone';
			}
		},
		gone() {
			left--;
			if (left === 0) {
				state = 'size';
			}
		},
		over() {},
	};
	return {
		take(bytes) {
			for (let i = 0; i < bytes.length; i++) {
				steps[state](bytes[i]);
				if (state !== 'head' && body === limit) {
					return i + 1;
				}
			}
			return -1;
		},
	};
}

// Names the server in place of the proxy. The client's own choice of keeping the connection stays: the fetch() of
// Node takes a response that says `Connection: close` for a whole one, wherever the connection was cut.
function rewriteHead(head, path, target) {
	const [request, ...fields] = head.split('\r\n');
	const kept = fields.filter((field) => !/^(host|origin|referer):/i.test(field));
	const [method] = request.split(' ');
	return [`${method} ${path} HTTP/1.1`, `Host: ${target.host}`, ...kept].join('\r\n');
}

// The pages of Chromium are of another origin.
function allowOrigins(bytes) {
	const end = bytes.indexOf('\r\n');
	return end < 0
		? bytes
		: Buffer.concat([bytes.subarray(0, end), Buffer.from('\r\nAccess-Control-Allow-Origin: *'), bytes.subarray(end)]);
}

/** openProxy(URL of the server) returns the proxy; how is 'fin' or 'reset': the way in which connections are cut. */
export async function openProxy(serverUrl, how = 'fin') {
	const target = new URL(serverUrl);
	const plans = new Map();
	const sockets = new Set();

	const cut = (socket, plan) => {
		plan.isCut = true;
		setTimeout(() => (how === 'reset' ? socket.resetAndDestroy() : socket.destroy()), PAUSE_MS);
	};

	const pass = (socket, head, token, path) => {
		const plan = plans.get(token);
		const isFirst = plan !== undefined && plan.requests++ === 0;
		const counter = isFirst ? createCounter(plan.position) : null;
		let hasBegun = false;
		const upstream = net.connect(Number(target.port), target.hostname);
		upstream.setNoDelay(true);
		upstream.write(rewriteHead(head, path, target));
		upstream.on('data', (raw) => {
			const bytes = hasBegun ? raw : allowOrigins(raw);
			if (!hasBegun) {
				plan?.statuses.push(raw.toString('latin1', 'HTTP/1.1 '.length, 'HTTP/1.1 200'.length));
			}
			hasBegun = true;
			const passing = counter === null ? -1 : counter.take(bytes);
			if (passing < 0) {
				socket.write(bytes);
				return;
			}
			upstream.removeAllListeners('data').removeAllListeners('close').destroy();
			socket.write(bytes.subarray(0, passing), () => cut(socket, plan));
		});
		upstream.on('error', () => {});
		upstream.on('close', () => (hasBegun ? socket.end() : socket.destroy()));
		return upstream;
	};

	const server = net.createServer((socket) => {
		let head = '';
		let upstream;
		sockets.add(socket);
		socket.setNoDelay(true);
		socket.on('error', () => {});
		socket.on('close', () => {
			sockets.delete(socket);
			upstream?.destroy();
		});
		socket.on('data', (bytes) => {
			head += bytes.toString('latin1');
			if (!head.endsWith('\r\n\r\n')) {
				return;
			}
			// A connection that is used again has a new connection to the server.
			upstream?.removeAllListeners('data').removeAllListeners('close').destroy();
			const [, token, path] = /^\S+ \/cut\/([^/]+)(\/\S*) /.exec(head) ?? [];
			if (token === undefined) {
				socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
			} else {
				upstream = pass(socket, head, token, path);
			}
			head = '';
		});
	});
	await new Promise((resolve) => server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, resolve));
	const { port } = server.address();
	return {
		/** The address of `path` behind the proxy; host is a name of the loopback. */
		address: (token, path, host = '127.0.0.1') => `http://${host}:${port}/cut/${token}${path}`,
		/** Plans the cut of a token: { position, requests, statuses, isCut }; the statuses are those of the responses. */
		plan(token, position) {
			const plan = { position, requests: 0, statuses: [], isCut: false };
			plans.set(token, plan);
			return plan;
		},
		close() {
			server.close();
			sockets.forEach((socket) => socket.destroy());
		},
	};
}
