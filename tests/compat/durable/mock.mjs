// SPDX-License-Identifier: MIT
// A small server of durable streams, which the harness is tested against. A deliberate fault must make the harness fail.
//
// Usage: mock.mjs --listen HOST:PORT --log FILE [--fault NAME]
//        mock.mjs --log FILE --archive PATH --before N
//
// The log has a line for each request that changes something; the state is the sum of the lines. The second form archives
// the events 1 to N of a stream, under a running server. The faults:
//   forgets    the newest requests are dropped at a start: more than are without an answer
//   doubles    the newest append is applied twice at a start
//   tears      the newest batch of JSON values loses its last value at a start
//   unfenced   producers are forgotten at a start
//   reopens    closed streams are open after a start
//   revives    sources that are gone are there again after a start
//   hoards     a source that is gone stays when its last fork is deleted
//   shifts     offsets of before a start are those of the next event after the start
//   twice      a duplicate of a producer is appended
//   hole       a read before the archived events goes on behind them
//   late       the earliest offset of a 410 is that of the event after
//   repeats    a live answer begins with the event of its offset
//   crashes    the exit status is 3
import fs from 'node:fs';
import http from 'node:http';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
	options: {
		listen: { type: 'string' },
		log: { type: 'string' },
		fault: { type: 'string', default: 'none' },
		archive: { type: 'string' },
		before: { type: 'string' },
	},
});
const has = (fault) => options.fault === fault;
const JSON_TYPE = 'application/json';
const LONG_POLL_MS = 300;
const CHUNK = 64; // events of an answer
const FORGOTTEN = 200;

const streams = new Map();
let shift = 0; // of the fault `shifts`

const offsetOf = (position) => `${'0'.repeat(16)}_${String(position).padStart(16, '0')}`;
const isThere = (stream) => stream !== undefined && !stream.isGone;
const valuesOf = (type, body) => {
	if (type !== JSON_TYPE) {
		return [body];
	}
	const value = JSON.parse(body);
	return (Array.isArray(value) ? value : [value]).map((each) => Buffer.from(JSON.stringify(each)));
};
const add = (stream, body) => valuesOf(stream.type, body).forEach((value) => stream.events.push(value));
const tail = (stream) => stream.events.length;
const tailFields = (stream) => ({
	'Stream-Next-Offset': offsetOf(tail(stream)),
	...(stream.isClosed ? { 'Stream-Closed': 'true' } : {}),
});

function create(path, fields, body) {
	const found = streams.get(path);
	if (found?.isGone) {
		return [409];
	}
	if (found) {
		return [found.type === fields['content-type'] && !found.isClosed ? 200 : 409, tailFields(found)];
	}
	const stream = { type: fields['content-type'], events: [], archived: 0, producers: {}, forks: new Set(), order: '' };
	const source = fields['stream-forked-from'];
	if (source !== undefined) {
		const from = streams.get(source);
		if (!isThere(from)) {
			return [from ? 409 : 404];
		}
		const count = fields['stream-fork-offset'] === undefined ? tail(from) : Number(fields['stream-fork-offset'].split('_')[1]);
		const sub = Number(fields['stream-fork-sub-offset'] ?? 0);
		stream.events = from.events.slice(0, stream.type === JSON_TYPE ? count + sub : count);
		if (sub > 0 && stream.type !== JSON_TYPE) {
			stream.events.push(from.events[count].subarray(0, sub));
		}
		from.forks.add(path);
		stream.source = source;
	}
	if (body.length > 0) {
		add(stream, body);
	}
	stream.isClosed = fields['stream-closed'] === 'true';
	streams.set(path, stream);
	return [201, tailFields(stream)];
}

// The answer to a producer whose batch is not new, or null.
function judgeProducer(stream, { id, epoch, seq }) {
	const known = stream.producers[id];
	if (known === undefined || epoch > known.epoch) {
		return seq === 0 ? null : [known ? 400 : 409, { 'Producer-Expected-Seq': 0, 'Producer-Received-Seq': seq }];
	}
	if (epoch < known.epoch) {
		return [403, { 'Producer-Epoch': known.epoch }];
	}
	if (seq <= known.seq) {
		return has('twice') ? null : [204, { 'Producer-Epoch': epoch, 'Producer-Seq': known.seq }];
	}
	return seq === known.seq + 1 ? null : [409, { 'Producer-Expected-Seq': known.seq + 1, 'Producer-Received-Seq': seq }];
}

function append(path, fields, body) {
	const stream = streams.get(path);
	if (!isThere(stream)) {
		return [stream ? 410 : 404];
	}
	const id = fields['producer-id'];
	const producer = id && { id, epoch: Number(fields['producer-epoch']), seq: Number(fields['producer-seq']) };
	const closes = fields['stream-closed'] === 'true';
	if (stream.isClosed) {
		const isSame = closes && (producer ? JSON.stringify(producer) === stream.closing : body.length === 0);
		return [isSame ? 204 : 409, tailFields(stream)];
	}
	const refused = producer && judgeProducer(stream, producer);
	if (refused) {
		return refused;
	}
	const order = fields['stream-seq'];
	if (order !== undefined && order <= stream.order) {
		return [409];
	}
	if (body.length > 0) {
		add(stream, body);
	}
	stream.order = order ?? stream.order;
	if (producer) {
		stream.producers[id] = { epoch: producer.epoch, seq: producer.seq };
	}
	if (closes) {
		stream.isClosed = true;
		stream.closing = producer && JSON.stringify(producer);
	}
	const echo = producer ? { 'Producer-Epoch': producer.epoch, 'Producer-Seq': producer.seq } : {};
	return [producer && body.length > 0 ? 200 : 204, { ...tailFields(stream), ...echo }];
}

function remove(path) {
	const stream = streams.get(path);
	if (!isThere(stream)) {
		return [stream ? 410 : 404];
	}
	stream.isGone = true;
	collect(path);
	return [204];
}

// Drops a stream that is gone and has no forks, and then the source of the stream.
function collect(path) {
	const stream = streams.get(path);
	if (!stream.isGone || stream.forks.size > 0) {
		return;
	}
	streams.delete(path);
	const source = stream.source !== undefined && streams.get(stream.source);
	if (source && !has('hoards')) {
		source.forks.delete(path);
		collect(stream.source);
	}
}

function apply({ method, path, fields, body, before }) {
	const bytes = Buffer.from(body ?? '', 'base64');
	const calls = {
		PUT: () => create(path, fields, bytes),
		POST: () => append(path, fields, bytes),
		DELETE: () => remove(path),
		ARCHIVE: () => (streams.get(path).archived = before),
	};
	return calls[method]();
}

// --- the log ------------------------------------------------------------------------------------

let read = 0;

function readLines() {
	const size = fs.existsSync(options.log) ? fs.statSync(options.log).size : 0;
	if (size === read) {
		return [];
	}
	const bytes = Buffer.alloc(size - read);
	const file = fs.openSync(options.log);
	fs.readSync(file, bytes, 0, bytes.length, read);
	fs.closeSync(file);
	const whole = bytes.subarray(0, bytes.lastIndexOf(10) + 1);
	read += whole.length;
	return whole.toString().split('\n').slice(0, -1).map((line) => JSON.parse(line));
}

// Applies all lines that are new, and returns the answer to the last.
function catchUp() {
	let answer;
	for (const line of readLines()) {
		answer = apply(line);
	}
	return answer;
}

function start() {
	const lines = readLines();
	if (has('forgets')) {
		lines.splice(-FORGOTTEN);
	}
	lines.forEach(apply);
	const last = lines.findLast(({ method, path, body }) => method === 'POST' && body !== '' && streams.has(path));
	if (last && has('doubles')) {
		add(streams.get(last.path), Buffer.from(last.body, 'base64'));
	}
	const torn = has('tears') && lines.findLast(({ method, path }) => method === 'POST' && streams.get(path)?.type === JSON_TYPE);
	if (torn) {
		streams.get(torn.path).events.pop();
	}
	for (const stream of streams.values()) {
		stream.producers = has('unfenced') ? {} : stream.producers;
		stream.isClosed = has('reopens') ? false : stream.isClosed;
		stream.isGone = has('revives') ? false : stream.isGone;
	}
	shift = has('shifts') && lines.length > 0 ? 1 : 0;
}

// --- reading ------------------------------------------------------------------------------------

function textOf(stream, events) {
	return stream.type === JSON_TYPE ? Buffer.from(`[${events.join(',')}]`) : Buffer.concat(events);
}

// Where to read on: a position, or null where archived events are behind the position.
function placeOf(stream, offset) {
	const position = offset === '-1' ? 0 : offset === 'now' ? tail(stream) : Number(offset.split('_')[1]);
	const place = position > 0 ? Math.min(position + shift, tail(stream)) : position;
	if (place >= stream.archived) {
		return place;
	}
	return has('hole') ? stream.archived : null;
}

const goneFields = (stream) => ({ 'Stream-Earliest-Offset': offsetOf(stream.archived + (has('late') ? 1 : 0)) });

function answerPage(response, stream, place) {
	const end = Math.min(tail(stream), place + CHUNK);
	const isDone = end === tail(stream);
	response.writeHead(200, {
		'Content-Type': stream.type,
		'Stream-Next-Offset': offsetOf(end),
		...(isDone ? { 'Stream-Up-To-Date': 'true' } : {}),
		...(isDone && stream.isClosed ? { 'Stream-Closed': 'true' } : {}),
	});
	response.end(textOf(stream, stream.events.slice(place, end)));
}

function poll(response, stream, place) {
	const end = performance.now() + LONG_POLL_MS;
	const timer = setInterval(() => {
		catchUp();
		if (tail(stream) > place && place >= stream.archived) {
			answerPage(response, stream, place);
		} else if (place < stream.archived) {
			response.writeHead(410, goneFields(stream)).end();
		} else if (performance.now() > end) {
			response.writeHead(204, { ...tailFields(stream), 'Stream-Up-To-Date': 'true', 'Stream-Cursor': '1' }).end();
		} else {
			return;
		}
		clearInterval(timer);
	}, 5);
	response.on('close', () => clearInterval(timer));
}

function stream(response, found, place) {
	response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
	response.flushHeaders();
	let at = has('repeats') && place > 0 ? place - 1 : place;
	const timer = setInterval(() => {
		catchUp();
		if (at < found.archived && !has('hole')) {
			response.end();
			return;
		}
		at = Math.max(at, found.archived);
		// One batch at a time, as a client takes it.
		if (at < tail(found) && !response.writableNeedDrain) {
			const end = Math.min(tail(found), at + CHUNK);
			const lines = textOf(found, found.events.slice(at, end)).toString().split('\n');
			const control = { streamNextOffset: offsetOf(end), streamCursor: '1', upToDate: end === tail(found) };
			response.write(`event: data\n${lines.map((line) => `data:${line}\n`).join('')}\n`);
			response.write(`event: control\ndata:${JSON.stringify(control)}\n\n`);
			at = end;
		}
	}, 5);
	response.on('close', () => clearInterval(timer));
}

function answerRead(request, response, url) {
	catchUp();
	const found = streams.get(url.pathname);
	if (!isThere(found)) {
		response.writeHead(found ? 410 : 404).end();
		return;
	}
	if (request.method === 'HEAD') {
		response.writeHead(200, { 'Content-Type': found.type, ...tailFields(found) }).end();
		return;
	}
	const place = placeOf(found, url.searchParams.get('offset') ?? '-1');
	const live = url.searchParams.get('live');
	if (place === null) {
		response.writeHead(410, goneFields(found)).end();
	} else if (live === 'sse') {
		stream(response, found, place);
	} else if (live === 'long-poll') {
		poll(response, found, place);
	} else {
		answerPage(response, found, place);
	}
}

function answerWrite(request, response, url, body) {
	const line = { method: request.method, path: url.pathname, fields: request.headers, body: body.toString('base64') };
	catchUp();
	fs.appendFileSync(options.log, `${JSON.stringify(line)}\n`);
	const [status, fields = {}] = catchUp();
	response.writeHead(status, fields).end();
}

if (options.archive) {
	const line = { method: 'ARCHIVE', path: options.archive, before: Number(options.before) };
	fs.appendFileSync(options.log, `${JSON.stringify(line)}\n`);
} else {
	start();
	const server = http.createServer(async (request, response) => {
		const pieces = [];
		for await (const piece of request) {
			pieces.push(piece);
		}
		const url = new URL(request.url, 'http://mock');
		const isRead = request.method === 'GET' || request.method === 'HEAD';
		(isRead ? answerRead : answerWrite)(request, response, url, Buffer.concat(pieces));
	});
	const [host, port] = options.listen.split(':');
	process.on('SIGTERM', () => process.exit(has('crashes') ? 3 : 0));
	server.listen(Number(port), host, () => console.log(`http://${host}:${server.address().port}`));
}
