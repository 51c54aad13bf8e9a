// SPDX-License-Identifier: MIT
// The book of the streams that a server must hold: each acknowledged append, and each offset that the server gave out.
// The server is compared with the entries.
import { call, readFrom } from './http.mjs';

const JSON_TYPE = 'application/json';

const producerFields = (id, epoch, seq) => ({ 'Producer-Id': id, 'Producer-Epoch': epoch, 'Producer-Seq': seq });

function expectStatus(answer, statuses, words) {
	if (!statuses.includes(answer.status)) {
		throw new Error(`${words}: ${answer.status} ${answer.body ?? ''}`);
	}
	return answer;
}

// Text of JSON values for comparison; other bytes as they are.
const join = (type, pieces) =>
	type === JSON_TYPE
		? JSON.stringify(pieces.flatMap((piece) => JSON.parse(piece.toString())))
		: Buffer.concat(pieces).toString('latin1');

export class Book {
	/** A source is collected after the answer to the DELETE of its last fork, at most so much later. */
	constructor(collect_ms = 10000) {
		this.streams = new Map();
		this.collect_ms = collect_ms;
	}

	stream(name) {
		return this.streams.get(name);
	}

	/** Creates a stream; `body` is its first content. */
	async create(base, name, type, { body, closed = false, fields = {} } = {}) {
		const pathname = `/v1/stream/${name}`;
		const all = { 'Content-Type': type, ...fields, ...(closed ? { 'Stream-Closed': 'true' } : {}) };
		const answer = expectStatus(await call(base, 'PUT', pathname, { fields: all, body }), [201], `PUT ${pathname}`);
		const stream = { name, pathname, type, entries: [], offsets: [], producers: new Map(), closed, state: 'there', order: '' };
		// Without content the offset of the answer is that of the beginning.
		if (body === undefined) {
			stream.offsets.push(answer.fields['stream-next-offset']);
		} else {
			stream.offsets.push('-1');
			this.add(stream, body, answer);
		}
		this.streams.set(name, stream);
		return stream;
	}

	add(stream, body, answer) {
		stream.entries.push(Buffer.from(body));
		stream.offsets.push(answer.fields['stream-next-offset']);
	}

	/** Appends, closes, or both. `producer` is { id, epoch, seq }, and `order` a Stream-Seq. */
	async append(base, name, body, { producer, closes = false, order } = {}) {
		const stream = this.stream(name);
		const fields = {
			...(body === undefined ? {} : { 'Content-Type': stream.type }),
			...(producer ? producerFields(producer.id, producer.epoch, producer.seq) : {}),
			...(closes ? { 'Stream-Closed': 'true' } : {}),
			...(order ? { 'Stream-Seq': order } : {}),
		};
		const answer = await call(base, 'POST', stream.pathname, { fields, body });
		expectStatus(answer, producer && body !== undefined ? [200] : [204], `POST ${stream.pathname}`);
		if (body !== undefined) {
			this.add(stream, body, answer);
		}
		if (producer) {
			stream.producers.set(producer.id, { epoch: producer.epoch, seq: producer.seq });
		}
		if (closes) {
			stream.closed = true;
			stream.closing = producer;
		}
		stream.order = order ?? stream.order;
	}

	/** Forks a stream behind its entry number `count`, and `sub` bytes or values of the next. */
	async fork(base, source, name, count, sub = 0) {
		const from = this.stream(source);
		const pathname = `/v1/stream/${name}`;
		const offset = from.offsets[count];
		const fields = {
			'Content-Type': from.type,
			'Stream-Forked-From': from.pathname,
			'Stream-Fork-Offset': offset,
			...(sub > 0 ? { 'Stream-Fork-Sub-Offset': sub } : {}),
		};
		const answer = expectStatus(await call(base, 'PUT', pathname, { fields }), [201], `PUT ${pathname}`);
		const stream = { name, pathname, type: from.type, producers: new Map(), closed: false, state: 'there', order: '' };
		stream.entries = from.entries.slice(0, count);
		stream.offsets = from.offsets.slice(0, count + 1);
		if (sub > 0) {
			const next = from.entries[count];
			const part = from.type === JSON_TYPE ? JSON.stringify(JSON.parse(next).slice(0, sub)) : next.subarray(0, sub);
			this.add(stream, part, answer);
		}
		this.streams.set(name, stream);
		return stream;
	}

	/** Deletes a stream, which is gone while it has forks, and absent else. */
	async remove(base, name, state) {
		const stream = this.stream(name);
		expectStatus(await call(base, 'DELETE', stream.pathname), [204], `DELETE ${stream.pathname}`);
		stream.state = state;
	}
}

/** Counts checks, and has words about each fault. */
export function createFindings() {
	const faults = [];
	return {
		faults,
		checks: 0,
		same(is, should, words) {
			this.checks++;
			if (is !== should) {
				const short = (value) => (String(value).length > 120 ? `${String(value).slice(0, 120)}… (${String(value).length})` : value);
				faults.push(`${words}: ${short(is)}, not ${short(should)}`);
			}
		},
	};
}

const sampleOf = (type) => (type === JSON_TYPE ? '[0]' : 'x');

async function checkContent(base, stream, findings) {
	const { pathname, type, entries, offsets, closed } = stream;
	const tail = offsets.at(-1);
	const head = await call(base, 'HEAD', pathname);
	findings.same(head.status, 200, `HEAD ${pathname}`);
	if (tail !== '-1') {
		findings.same(head.fields['stream-next-offset'], tail, `HEAD ${pathname}: the tail`);
	}
	findings.same(head.fields['content-type'], type, `HEAD ${pathname}: the type`);
	findings.same(head.fields['stream-closed'] === 'true', closed, `HEAD ${pathname}: closed`);
	const starts = [['-1', 0], ...offsets.map((offset, index) => [offset, index])];
	for (const [offset, index] of starts) {
		const words = `GET ${pathname}?offset=${offset}`;
		const answer = await readFrom(base, pathname, offset);
		findings.same(answer.status, 200, words);
		if (answer.status === 200) {
			findings.same(join(type, answer.pieces), join(type, entries.slice(index)), `${words}: the bytes`);
			findings.same(answer.next, tail === '-1' ? answer.next : tail, `${words}: the tail`);
			findings.same(answer.isClosed, closed, `${words}: closed`);
		}
	}
}

/**
 * Checks that producers are still fenced: a stale epoch 403, a duplicate 204, a gap 409. The checks append nothing.
 * `producers` maps ids to { epoch, seq }.
 */
export async function checkProducers(base, pathname, type, producers, findings) {
	const post = (id, epoch, seq) =>
		call(base, 'POST', pathname, {
			fields: { 'Content-Type': type, ...producerFields(id, epoch, seq) },
			body: sampleOf(type),
		});
	for (const [id, { epoch, seq }] of producers) {
		const words = `POST ${pathname}, producer ${id} at ${epoch}, ${seq}`;
		const again = await post(id, epoch, seq);
		findings.same(again.status, 204, `${words}: a duplicate`);
		findings.same(again.fields['producer-seq'], String(seq), `${words}: the highest number`);
		const gap = await post(id, epoch, seq + 2);
		findings.same(gap.status, 409, `${words}: a gap`);
		findings.same(gap.fields['producer-expected-seq'], String(seq + 1), `${words}: the expected number`);
		findings.same(gap.fields['producer-received-seq'], String(seq + 2), `${words}: the received number`);
		findings.same((await post(id, epoch + 1, 1)).status, 400, `${words}: a new epoch that begins at 1`);
		if (epoch > 0) {
			const stale = await post(id, epoch - 1, 0);
			findings.same(stale.status, 403, `${words}: a stale epoch`);
			findings.same(stale.fields['producer-epoch'], String(epoch), `${words}: the present epoch`);
		}
	}
}

async function checkClosed(base, { pathname, type, offsets, closing }, findings) {
	const late = await call(base, 'POST', pathname, { fields: { 'Content-Type': type }, body: sampleOf(type) });
	findings.same(late.status, 409, `POST ${pathname}, closed`);
	findings.same(late.fields['stream-closed'], 'true', `POST ${pathname}: Stream-Closed`);
	findings.same(late.fields['stream-next-offset'], offsets.at(-1), `POST ${pathname}: the final offset`);
	const again = await call(base, 'POST', pathname, { fields: { 'Stream-Closed': 'true' } });
	findings.same(again.status, 204, `POST ${pathname}, closed again`);
	if (closing) {
		const close = (seq) =>
			call(base, 'POST', pathname, {
				fields: { 'Stream-Closed': 'true', ...producerFields(closing.id, closing.epoch, seq) },
			});
		findings.same((await close(closing.seq)).status, 204, `POST ${pathname}: the closing batch again`);
		findings.same((await close(closing.seq + 1)).status, 409, `POST ${pathname}: another closing batch`);
	}
}

async function checkOrder(base, { pathname, type, order }, findings) {
	for (const text of [order, order.slice(0, -1)]) {
		const fields = { 'Content-Type': type, 'Stream-Seq': text };
		const answer = await call(base, 'POST', pathname, { fields, body: sampleOf(type) });
		findings.same(answer.status, 409, `POST ${pathname}, Stream-Seq ${text}`);
	}
}

async function checkGone(base, { pathname, type }, findings) {
	for (const method of ['GET', 'HEAD', 'DELETE']) {
		findings.same((await call(base, method, pathname)).status, 410, `${method} ${pathname}, gone`);
	}
	const fields = { 'Content-Type': type };
	const body = sampleOf(type);
	findings.same((await call(base, 'POST', pathname, { fields, body })).status, 410, `POST ${pathname}, gone`);
	findings.same((await call(base, 'PUT', pathname, { fields })).status, 409, `PUT ${pathname}, gone`);
}

async function waitForAbsence(base, { pathname }, findings, collect_ms) {
	const end = performance.now() + collect_ms;
	let status;
	do {
		({ status } = await call(base, 'HEAD', pathname));
	} while (status === 410 && performance.now() < end);
	findings.same(status, 404, `HEAD ${pathname}, absent`);
	findings.same((await call(base, 'GET', pathname)).status, 404, `GET ${pathname}, absent`);
}

/** Compares the server with every stream of the book. */
export async function checkBook(base, book, findings) {
	for (const stream of book.streams.values()) {
		if (stream.state === 'gone') {
			await checkGone(base, stream, findings);
		} else if (stream.state === 'absent') {
			await waitForAbsence(base, stream, findings, book.collect_ms);
		} else if (stream.closed) {
			await checkClosed(base, stream, findings);
			await checkContent(base, stream, findings);
		} else {
			await checkProducers(base, stream.pathname, stream.type, stream.producers, findings);
			if (stream.order !== '') {
				await checkOrder(base, stream, findings);
			}
			await checkContent(base, stream, findings);
		}
	}
}
