// SPDX-License-Identifier: MIT
// The promises to users of resumable-stream, said anew for the replacement of glue/resumable-stream.mjs: the six cases that
// the package's own repository tests, and what its page promises besides.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/** A source: readable, and write(text) and close() for its text. */
function createSource() {
	let controller;
	const readable = new ReadableStream({ start: (created) => (controller = created) });
	return { readable, write: (text) => controller.enqueue(text), close: () => controller.close(), fail: (error) => controller.error(error) };
}

async function readText(stream) {
	let text = '';
	for await (const piece of stream) {
		text += piece;
	}
	return text;
}

const never = () => assert.fail('the text was produced a second time');
const feed = (source, ...texts) => {
	texts.forEach((text) => source.write(text));
	source.close();
};

// The six cases of the repository.
export const SIX = {
	async 'the first client gets the text of the source'({ resumableStream }) {
		const source = createSource();
		const stream = await resumableStream('a', () => source.readable);
		feed(source, 'one\n', 'two\n', 'three\n');
		assert.equal(await readText(stream), 'one\ntwo\nthree\n');
	},
	async 'a second client, which reads behind the first, gets the same text'({ resumableStream }) {
		const source = createSource();
		const first = await resumableStream('b', () => source.readable);
		const second = await resumableStream('b', never);
		feed(source, 'one\n', 'two\n');
		assert.equal(await readText(first), 'one\ntwo\n');
		assert.equal(await readText(second), 'one\ntwo\n');
	},
	async 'a second client, which reads before the first, gets the same text'({ resumableStream }) {
		const source = createSource();
		const first = await resumableStream('c', () => source.readable);
		const second = await resumableStream('c', never);
		feed(source, 'one\n', 'two\n');
		assert.equal(await readText(second), 'one\ntwo\n');
		assert.equal(await readText(first), 'one\ntwo\n');
	},
	async 'a client that comes in the middle gets the text from its start'({ resumableStream }) {
		const source = createSource();
		const first = await resumableStream('d', () => source.readable);
		source.write('one\n');
		const second = await resumableStream('d', never);
		feed(source, 'two\n');
		assert.deepEqual(await Promise.all([first, second].map(readText)), ['one\ntwo\n', 'one\ntwo\n']);
	},
	async 'clients that come one after another get the same text'({ resumableStream }) {
		const source = createSource();
		const streams = [await resumableStream('e', () => source.readable)];
		source.write('one\n');
		streams.push(await resumableStream('e', never));
		source.write('two\n');
		streams.push(await resumableStream('e', never));
		source.close();
		assert.deepEqual(await Promise.all(streams.map(readText)), Array(3).fill('one\ntwo\n'));
	},
	async 'streams of two ids are two texts'({ resumableStream }) {
		const sources = [createSource(), createSource()];
		const streams = [];
		for (const id of ['f', 'g', 'f', 'g']) {
			streams.push(await resumableStream(id, streams.length < 2 ? () => sources[streams.length].readable : never));
		}
		feed(sources[0], 'one\n', 'two\n');
		feed(sources[1], 'another\n');
		assert.deepEqual(await Promise.all(streams.map(readText)), ['one\ntwo\n', 'another\n', 'one\ntwo\n', 'another\n']);
	},
};

export const MORE = {
	async 'a client skips the characters that it has'({ resumableStream, resumeExistingStream }) {
		const source = createSource();
		const first = await resumableStream('h', () => source.readable);
		source.write('abc');
		source.write('def');
		const late = [await resumeExistingStream('h', 2), await resumableStream('h', never, 3), await resumeExistingStream('h', 7)];
		feed(source, 'ghi');
		assert.deepEqual(await Promise.all([first, ...late].map(readText)), ['abcdefghi', 'cdefghi', 'defghi', 'hi']);
	},
	async 'a text that is done is null, and an unknown id is undefined'({ resumableStream, resumeExistingStream }) {
		const source = createSource();
		assert.equal(await resumeExistingStream('i'), undefined);
		const first = await resumableStream('i', () => source.readable);
		feed(source, 'all');
		assert.equal(await readText(first), 'all');
		assert.equal(await resumeExistingStream('i'), null);
		assert.equal(await resumableStream('i', never), null);
	},
	async 'a new stream takes the place of an old one with its id'({ createNewResumableStream, resumeExistingStream }) {
		for (const text of ['old', 'new']) {
			const source = createSource();
			const stream = await createNewResumableStream('j', () => source.readable);
			const second = await resumeExistingStream('j');
			feed(source, text);
			assert.deepEqual([await readText(stream), await readText(second)], [text, text]);
		}
	},
	async 'a client that goes away leaves the others their text'({ resumableStream }) {
		const source = createSource();
		const first = await resumableStream('k', () => source.readable);
		const second = await resumableStream('k', never);
		source.write('one\n');
		for await (const piece of first) {
			assert.equal(piece, 'one\n');
			break;
		}
		feed(source, 'two\n');
		assert.equal(await readText(second), 'one\ntwo\n');
	},
	async 'a character that is cut in two by the source stays whole'({ resumableStream }) {
		const source = createSource();
		const stream = await resumableStream('l', () => source.readable);
		feed(source, '\ud83d', '\ude00', '', '\u0000"');
		assert.equal(await readText(stream), '\u{1f600}\u0000"');
	},
	async 'a source that fails ends the text where the source failed'({ resumableStream }) {
		const source = createSource();
		const stream = await resumableStream('m', () => source.readable);
		source.write('one\n');
		const reading = readText(stream);
		await new Promise(setImmediate);
		source.fail(new Error('a failure of the source, on purpose'));
		assert.equal(await reading, 'one\n');
	},
};

/** Runs the cases with the three calls. Returns the words of each failed case. */
export async function runCases(calls, cases, deadline_ms = 10000) {
	const faults = [];
	for (const [words, run] of Object.entries(cases)) {
		const late = sleep(deadline_ms, null, { ref: false }).then(() => assert.fail(`not done after ${deadline_ms} ms`));
		await Promise.race([run(calls), late]).catch((error) => faults.push(`${words}: ${error.message}`));
	}
	return faults;
}
