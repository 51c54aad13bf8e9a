// SPDX-License-Identifier: MIT
// A proxy in front of the server. The proxy notes the blocks of each event stream, cuts streams, refuses connections, and,
// for the harness's own test, changes blocks and files.
import http from 'node:http';

const BLOCK_END = '\n\n';

const field = (block, name) => new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1];

// The blocks of a stream, one by one: latin1 keeps the bytes.
function createSplitter(take) {
	let text = '';
	return (bytes) => {
		text += bytes.toString('latin1');
		for (let end = text.indexOf(BLOCK_END); end >= 0; end = text.indexOf(BLOCK_END)) {
			take(text.slice(0, end + BLOCK_END.length));
			text = text.slice(end + BLOCK_END.length);
		}
	};
}

// A stream that is changed goes on block by block; any other as the bytes come. The server waits while the page does not read.
function passStream(answer, response, blocks, changeBlock) {
	const write = (piece) => {
		if (!response.write(piece, 'latin1')) {
			answer.pause();
			response.once('drain', () => answer.resume());
		}
	};
	let place = 0;
	const split = createSplitter((block) => {
		blocks.push({ name: field(block, 'event'), data: field(block, 'data'), id: field(block, 'id') });
		if (changeBlock !== undefined) {
			place += field(block, 'event') === 'message' || /^event: ?\d+$/m.test(block) ? 1 : 0;
			changeBlock(block, place).forEach(write);
		}
	});
	answer.on('data', (bytes) => {
		split(bytes);
		if (changeBlock === undefined) {
			write(bytes);
		}
	});
	answer.on('end', () => response.end());
}

async function passFile(answer, response, url, changeFile) {
	const pieces = [];
	for await (const piece of answer) {
		pieces.push(piece);
	}
	const { body, fields } = changeFile(url, Buffer.concat(pieces).toString(), { ...answer.headers });
	delete fields['content-length'];
	response.writeHead(answer.statusCode, fields).end(body);
}

function pass(request, response, target, { blocks, changeBlock, changeFile }) {
	const headers = { ...request.headers, host: target.host };
	const forward = http.request({ ...target, agent: false, method: request.method, path: request.url, headers }, (answer) => {
		const isStream = /^text\/event-stream/.test(answer.headers['content-type'] ?? '');
		if (changeFile !== undefined && !request.url.startsWith('/v1/')) {
			passFile(answer, response, request.url, changeFile).catch(() => response.destroy());
			return;
		}
		response.writeHead(answer.statusCode, answer.headers);
		answer.on('error', () => response.destroy());
		response.flushHeaders();
		isStream ? passStream(answer, response, blocks, changeBlock) : answer.pipe(response);
	});
	forward.on('error', () => response.destroy());
	response.on('close', () => forward.destroy());
	request.pipe(forward);
}

/**
 * Opens the proxy. `blocks` has the blocks of the streams, { name, data, id }. cut() breaks each connection; while
 * `isDown` is true, each further connection is broken, too. changeBlock(block, place) returns the blocks in the place of a
 * block, and changeFile(url, body, fields) returns { body, fields }.
 */
export async function openProxy(serverUrl, { changeBlock, changeFile } = {}) {
	const { hostname, port, host } = new URL(serverUrl);
	const sockets = new Set();
	const proxy = { blocks: [], isDown: false, changeBlock, changeFile };
	const server = http.createServer((request, response) => {
		response.on('error', () => {});
		pass(request, response, { hostname, port, host }, proxy);
	});
	server.on('connection', (socket) => {
		if (proxy.isDown) {
			socket.destroy();
			return;
		}
		sockets.add(socket);
		socket.setNoDelay(true);
		socket.on('close', () => sockets.delete(socket));
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	proxy.url = `http://127.0.0.1:${server.address().port}`;
	proxy.cut = () => sockets.forEach((socket) => socket.destroy());
	proxy.close = () => {
		server.close();
		proxy.cut();
	};
	return proxy;
}

/** The gaps with a known extent that the server told: [{ first, last }]. */
export const toldGaps = (blocks) =>
	blocks
		.filter(({ name }) => name === 'gap')
		.map(({ data }) => JSON.parse(data))
		.filter(({ first }) => first !== null)
		.map(({ first, last }) => ({ first, last }));
