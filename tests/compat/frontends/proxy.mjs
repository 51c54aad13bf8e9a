// SPDX-License-Identifier: MIT
// A proxy that cuts the connection of one response behind the k-th event. An event is a block with
// data, or a byte of the body. Other responses pass whole, and a broken connection of the server
// breaks the connection of the client.
import http from 'node:http';

// A stream of fetch() drops the bytes that the program has not yet taken when the connection breaks.
// The pause lets the program take every byte before the cut.
const PAUSE_MS = 5;
const HAS_DATA = /(^|\n)data/;

/**
 * Counts the events of a body. take(bytes, limit) returns how many of the bytes lie before the place
 * where `limit` events have passed, or -1 while the place is not reached.
 */
export function createCounter(unit) {
	let block = '';
	let count = 0;
	const isEvent = { bytes: () => true, blocks: () => block.endsWith('\n\n') };
	return {
		get count() {
			return count;
		},
		take(bytes, limit) {
			for (let i = 0; i < bytes.length; i++) {
				if (count >= limit) {
					return i;
				}
				block += String.fromCharCode(bytes[i]);
				if (isEvent[unit]()) {
					count += unit === 'bytes' || HAS_DATA.test(block) ? 1 : 0;
					block = '';
				}
			}
			return count >= limit ? bytes.length : -1;
		},
	};
}

const isStream = (response) =>
	response.statusCode === 200 && /^text\/event-stream/.test(response.headers['content-type'] ?? '');

// The fields of a response that are not of one connection alone. `Connection: close` would be wrong: the fetch() of Node
// takes such a response for a whole one, wherever the cut is.
const fieldsOf = ({ rawHeaders }) =>
	rawHeaders.filter((_, index, all) => !/^(connection|keep-alive|transfer-encoding)$/i.test(all[index & ~1]));

function passWhole(source, sink) {
	source.on('data', (bytes) => sink.write(bytes));
	source.on('end', () => sink.end());
}

// Passes a response until the place of the cut, or of the action of the plan.
function passUntil(watched, source, sink, how) {
	const cut = (last) => {
		const { socket } = sink;
		source.removeAllListeners().on('error', () => {}).destroy();
		sink.write(last, () => setTimeout(() => (how === 'reset' ? socket.resetAndDestroy() : socket.destroy()), PAUSE_MS));
	};
	const take = (bytes) => {
		const passing = watched.counter.take(bytes, watched.after);
		if (passing < 0) {
			sink.write(bytes);
			return;
		}
		const { act } = watched;
		watched.after = Infinity;
		watched.act = null;
		if (act !== null) {
			watched.isActing = true;
			watched.hasActed = act().finally(() => (watched.isActing = false));
		}
		if (act === null || watched.isCutToo) {
			watched.isCut = true;
			watched.count?.();
			cut(bytes.subarray(0, passing));
		} else {
			sink.write(bytes);
		}
	};
	passWhole(source, sink);
	source.removeAllListeners('data').on('data', take);
	if (watched.after === 0) {
		take(Buffer.alloc(0));
	}
}

/** openProxy(URL of the server, 'fin' or 'reset') returns the proxy. */
export async function openProxy(serverUrl, how = 'fin') {
	const target = new URL(serverUrl);
	let plan = null;
	let requests = [];

	// The first event stream that the plan names is the stream of the plan; or each, the n-th to be cut behind n events.
	const watch = (request, response) => {
		const isFree = plan !== null && (plan.counter === null || plan.isEach);
		if (!isFree || !isStream(response) || !plan.isMeant(request)) {
			return null;
		}
		plan.counter = createCounter(plan.unit);
		plan.streams++;
		return plan.isEach ? { ...plan, after: plan.streams, count: () => plan.cuts++ } : plan;
	};

	const server = http.createServer((request, response) => {
		if (plan?.isActing && plan.isShut) {
			request.socket.destroy();
			return;
		}
		const options = { host: target.hostname, port: target.port, method: request.method, path: request.url };
		const upstream = http.request({ ...options, headers: request.rawHeaders, agent: false });
		upstream.on('error', () => request.socket.destroy());
		request.pipe(upstream);
		response.on('close', () => upstream.destroy());
		response.on('error', () => {});
		upstream.on('response', (source) => {
			requests.push({ method: request.method, path: request.url, status: source.statusCode });
			response.writeHead(source.statusCode, fieldsOf(source));
			response.flushHeaders();
			source.on('error', () => request.socket.destroy());
			source.on('aborted', () => request.socket.destroy());
			const watched = watch(request, source);
			if (watched === null) {
				passWhole(source, response);
			} else {
				passUntil(watched, source, response, how);
			}
		});
	});
	server.on('connection', (socket) => socket.setNoDelay(true));
	server.on('clientError', (_, socket) => socket.destroy());
	await new Promise((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
	return {
		url: `http://127.0.0.1:${server.address().port}`,
		/** The requests since the last plan: { method, path, status }. */
		get requests() {
			return requests;
		},
		/**
		 * Plans a cut of the next event stream that isMeant(request) names, behind the event `after`. With
		 * act() the proxy calls act() there in the place of the cut; isCutToo cuts as well,
		 * and isShut refuses connections while act() is under way. With isEach each stream is cut, the n-th
		 * behind n events; `cuts` counts the cuts. Returns the plan: isCut, and the
		 * counter with the number of events that have passed (null until there is a stream).
		 */
		arm({ unit = 'blocks', isMeant = () => true, ...wishes } = {}) {
			const wanted = { after: Infinity, act: null, isCutToo: false, isShut: false, isEach: false, ...wishes };
			const fresh = { isCut: false, isActing: false, hasActed: null, counter: null, streams: 0, cuts: 0 };
			requests = [];
			plan = { unit, isMeant, ...wanted, ...fresh };
			return plan;
		},
		close() {
			server.closeAllConnections();
			server.close();
		},
	};
}
