// SPDX-License-Identifier: MIT
// A small server of the native framing, which the harness is tested against. A deliberate fault must make the
// harness fail.
//
// Usage: mock.mjs [--listen HOST:PORT] [--log FILE] [--events-max N] [--retry MS] [--fault NAME]
//
// Without a log a session keeps its newest N events, and older cursors get a gap. With a log nothing is
// dropped, and a server that starts again goes on where the file ends. The faults:
//   id-first     the id is the first field of a block
//   loses        a resumed stream leaves out its first event
//   doubles      a resumed stream begins with the event of its cursor
//   silent-gap   a gap is not told
//   hangs        a resumed stream stops before its end
//   spoils       a resumed stream has other bytes in place of the letters of UTF-8
//   forgets      the newest event of a log is dropped at the start
import fs from 'node:fs';
import http from 'node:http';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
	options: {
		listen: { type: 'string', default: '127.0.0.1:0' },
		log: { type: 'string' },
		'events-max': { type: 'string', default: '4096' },
		retry: { type: 'string', default: '50' },
		fault: { type: 'string', default: 'none' },
	},
});
const eventsMax = Number(options['events-max']);
const sessions = new Map();

function findSession(name) {
	if (!sessions.has(name)) {
		sessions.set(name, { name, events: [], dropped: 0, end: null, streams: new Set() });
	}
	return sessions.get(name);
}

function append(session, entry) {
	if ('end' in entry) {
		session.end = entry.end;
	} else {
		session.events.push(entry.payload);
	}
	if (!options.log && session.events.length > eventsMax) {
		session.events.shift();
		session.dropped++;
	}
}

function loadLog() {
	if (!options.log || !fs.existsSync(options.log)) {
		return;
	}
	const lines = fs.readFileSync(options.log, 'utf8').split('\n').slice(0, -1);
	if (options.fault === 'forgets') {
		lines.pop();
	}
	lines.map((line) => JSON.parse(line)).forEach((entry) => append(findSession(entry.session), entry));
}

// Entries are in the log before a stream or a response tells of them.
function record(session, entries) {
	if (options.log) {
		const lines = entries.map((entry) => JSON.stringify({ session: session.name, ...entry }) + '\n');
		fs.appendFileSync(options.log, lines.join(''));
	}
	entries.forEach((entry) => append(session, entry));
	session.streams.forEach(send);
}

const newest = (session) => session.dropped + session.events.length;
const cursorOf = (session, position) => `mock1.${session.name}.${position}`;

function block(type, data, id) {
	const lines = data.split('\n').map((line) => `data: ${line}\n`);
	const fields = [`event: ${type}\n`, ...lines, `id: ${id}\n`];
	if (options.fault === 'id-first') {
		fields.unshift(fields.pop());
	}
	return fields.join('') + '\n';
}

function sendGap(stream) {
	const { session, response } = stream;
	const first = stream.position + 1;
	const last = session.dropped;
	stream.position = last;
	const gap = {
		reason: 'trimmed', detail: 'capacity', lost: last - first + 1, first, last, position: last, healed: false,
	};
	if (options.fault !== 'silent-gap') {
		response.write(block('gap', JSON.stringify(gap), cursorOf(session, last)));
	}
}

function sendEvent(stream) {
	const { session, response } = stream;
	let payload = session.events[stream.position - session.dropped];
	stream.position++;
	if (options.fault === 'loses' && stream.isResumed && !stream.hasLost) {
		stream.hasLost = true;
		return;
	}
	if (options.fault === 'spoils' && stream.isResumed) {
		payload = payload.replace(/[^\x00-\x7f]/gu, '?');
	}
	response.write(block('message', payload, cursorOf(session, stream.position)));
	if (stream.position % 2 === 0) {
		response.write(':\n');
	}
}

// Sends what the stream lacks, and ends the stream where the session has ended.
function send(stream) {
	const { session, response } = stream;
	while (stream.position < newest(session)) {
		if (stream.position < session.dropped) {
			sendGap(stream);
		} else {
			sendEvent(stream);
		}
	}
	if (session.end !== null && !(options.fault === 'hangs' && stream.isResumed)) {
		session.streams.delete(stream);
		response.end(block('end', JSON.stringify(session.end), cursorOf(session, newest(session))));
	} else if (!stream.isLive) {
		stream.isLive = true;
		response.write(block('live', '{}', cursorOf(session, stream.position)));
	}
}

// The place where a stream begins: behind the cursor of the request, or at the oldest event.
function beginningOf(session, request, query) {
	const cursor =
		request.headers['last-event-id'] ?? query.get('lastEventId') ?? query.get('last_event_id') ?? query.get('cursor');
	const isResumed = cursor !== null && cursor !== query.get('cursor');
	const position = cursor === null ? session.dropped : Number(cursor.split('.').pop());
	return { position: Math.max(0, isResumed && options.fault === 'doubles' ? position - 1 : position), isResumed };
}

function openStream(session, request, response, query) {
	const stream = { session, response, ...beginningOf(session, request, query) };
	response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
	const id = cursorOf(session, stream.position);
	response.write(`retry: ${options.retry}\n` + block('hello', JSON.stringify({ session: session.name }), id));
	session.streams.add(stream);
	response.on('close', () => session.streams.delete(stream));
	send(stream);
}

async function takePost(session, action, request, response) {
	const pieces = [];
	for await (const piece of request) {
		pieces.push(piece);
	}
	const body = Buffer.concat(pieces).toString();
	if (action === 'end') {
		record(session, [{ end: JSON.parse(body) }]);
	} else {
		const isLines = request.headers['content-type'] === 'application/x-ndjson';
		const payloads = isLines ? body.split('\n').filter((line) => line !== '') : [body];
		record(session, payloads.map((payload) => ({ payload })));
	}
	response.writeHead(200, { 'Content-Type': 'application/json' });
	response.end(JSON.stringify({ cursor: cursorOf(session, newest(session)) }));
}

loadLog();
const server = http.createServer((request, response) => {
	const url = new URL(request.url, 'http://mock');
	const [, name, action] = /^\/v1\/sessions\/([^/]+)\/(events|end)$/.exec(url.pathname) ?? [];
	if (name === undefined) {
		response.writeHead(404).end();
	} else if (request.method === 'POST') {
		takePost(findSession(name), action, request, response);
	} else {
		openStream(findSession(name), request, response, url.searchParams);
	}
});
const [host, port] = options.listen.split(':');
server.listen({ host, port: Number(port), backlog: 4096 }, () => {
	console.log(`http://${host}:${server.address().port}`);
});
