// SPDX-License-Identifier: MIT
// Streams of all forms: text, JSON, bytes; closed in each way; with producers; forks of forks; sources that are gone.

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
const LARGE = Buffer.alloc(100000, 'reprise 0123456789\r\n');

const BODIES = {
	'text/plain': ['a', 'Grüße, 世界 🦊\n', 'line\r\nline\n\n', 'x'.repeat(5000)],
	'application/json': ['{"n":1}', '[1,"two",null,[3,[4]]]', '[[]]', '{"text":"Grüße, 世界 🦊","number":1.50e3}'],
	'application/octet-stream': [ALL_BYTES, Buffer.from([0]), LARGE, Buffer.from('\r\n\r\n')],
};

/** Makes the streams. Every call is acknowledged before the next. */
export async function makeForms(base, book) {
	for (const [type, bodies] of Object.entries(BODIES)) {
		const kind = type.split('/')[1];
		await book.create(base, `form/${kind}`, type);
		for (const body of [...bodies, ...bodies]) {
			await book.append(base, `form/${kind}`, body);
		}
		await book.create(base, `form/${kind}-begun`, type, { body: bodies[0], fields: { 'Stream-TTL': 86400 } });
		await book.create(base, `form/${kind}-empty`, type);
		await book.create(base, `closed/${kind}-created`, type, { body: bodies[1], closed: true });
		await book.create(base, `closed/${kind}-alone`, type);
		await book.append(base, `closed/${kind}-alone`, bodies[0]);
		await book.append(base, `closed/${kind}-alone`, undefined, { closes: true });
		await book.create(base, `closed/${kind}-last`, type);
		await book.append(base, `closed/${kind}-last`, bodies[0]);
		await book.append(base, `closed/${kind}-last`, bodies[1], { closes: true });
		await book.create(base, `closed/${kind}-producer`, type);
		await book.append(base, `closed/${kind}-producer`, bodies[0], { producer: { id: 'p', epoch: 3, seq: 0 } });
		await book.append(base, `closed/${kind}-producer`, bodies[1], { producer: { id: 'p', epoch: 3, seq: 1 }, closes: true });
		await makeProducers(base, book, `producers/${kind}`, type, bodies);
	}
	await book.create(base, 'ordered', 'text/plain');
	for (const order of ['0001', '0002', '0010']) {
		await book.append(base, 'ordered', order, { order });
	}
	await makeForks(base, book);
	await makeGone(base, book);
}

async function makeProducers(base, book, name, type, bodies) {
	await book.create(base, name, type);
	const counts = { zero: [6], once: [2, 3], 'with space': [1, 1, 4], 'a/b;c=d': [2] };
	for (const [id, epochs] of Object.entries(counts)) {
		for (const [epoch, count] of epochs.entries()) {
			for (let seq = 0; seq < count; seq++) {
				const producer = { id, epoch, seq };
				await book.append(base, name, bodies[seq % bodies.length], { producer });
			}
		}
	}
}

async function makeForks(base, book) {
	for (const kind of ['plain', 'json', 'octet-stream']) {
		const source = `form/${kind}`;
		const body = kind === 'json' ? '["fork"]' : 'fork';
		await book.fork(base, source, `fork/${kind}-0`, 0);
		await book.fork(base, source, `fork/${kind}-3`, 3);
		await book.append(base, `fork/${kind}-3`, body);
		await book.fork(base, `fork/${kind}-3`, `fork/${kind}-3-4`, 4);
		await book.append(base, `fork/${kind}-3-4`, body, { producer: { id: 'p', epoch: 1, seq: 0 } });
		await book.fork(base, `fork/${kind}-3-4`, `fork/${kind}-3-4-2`, 2);
		await book.append(base, `fork/${kind}-3-4-2`, body, { closes: true });
		// Inside the second event, which has several bytes or values.
		await book.fork(base, source, `fork/${kind}-sub`, 1, kind === 'octet-stream' ? 1 : 2);
		await book.append(base, `fork/${kind}-sub`, body);
		await book.append(base, source, body);
	}
	await book.fork(base, 'closed/plain-last', 'fork/of-closed', 2);
	await book.append(base, 'fork/of-closed', 'goes on');
}

// Chains whose sources are deleted: those with forks are gone, and those without are absent.
async function makeGone(base, book) {
	await book.create(base, 'gone/source', 'text/plain', { body: 'source' });
	await book.fork(base, 'gone/source', 'gone/middle', 1);
	await book.append(base, 'gone/middle', 'middle');
	await book.fork(base, 'gone/middle', 'gone/fork', 2);
	await book.append(base, 'gone/fork', 'fork');
	await book.remove(base, 'gone/source', 'gone');
	await book.remove(base, 'gone/middle', 'gone');
	await book.create(base, 'gone/alone', 'text/plain', { body: 'alone' });
	await book.remove(base, 'gone/alone', 'absent');
	await book.create(base, 'gone/again', 'text/plain', { body: 'first' });
	await book.remove(base, 'gone/again', 'absent');
	await book.create(base, 'gone/again', 'text/plain', { body: 'second' });
	await book.create(base, 'gone/twins', 'text/plain', { body: 'twins' });
	await book.fork(base, 'gone/twins', 'gone/twin-1', 1);
	await book.fork(base, 'gone/twins', 'gone/twin-2', 1);
	await book.remove(base, 'gone/twins', 'gone');
}

/** Appends to every stream that is open, and producers go on from their numbers, or in a new epoch. */
export async function growForms(base, book) {
	for (const stream of book.streams.values()) {
		if (stream.state !== 'there' || stream.closed) {
			continue;
		}
		const body = stream.type === 'application/json' ? '["grown",{}]' : 'grown';
		if (stream.order !== '') {
			await book.append(base, stream.name, body, { order: `${stream.order}1` });
			continue;
		}
		await book.append(base, stream.name, body);
		for (const [id, { epoch, seq }] of [...stream.producers]) {
			await book.append(base, stream.name, body, { producer: { id, epoch, seq: seq + 1 } });
			await book.append(base, stream.name, body, { producer: { id, epoch: epoch + 1, seq: 0 } });
		}
	}
}

/** Deletes the last forks of the chains: the sources are collected. One fork of the twins stays, and so does their source. */
export async function collectForms(base, book) {
	await book.remove(base, 'gone/fork', 'absent');
	book.stream('gone/middle').state = 'absent';
	book.stream('gone/source').state = 'absent';
	await book.remove(base, 'gone/twin-1', 'absent');
}

/** Deletes the last twin. */
export async function collectTwins(base, book) {
	await book.remove(base, 'gone/twin-2', 'absent');
	book.stream('gone/twins').state = 'absent';
}
