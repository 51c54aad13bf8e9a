// SPDX-License-Identifier: MIT
// TanStack AI with the transport of Durable Streams: a question and its answer in the stream of a chat. A client that comes to
// stored chunks gets a snapshot of the messages, and the chunks behind the snapshot.
import { durableStreamConnection, materializeSnapshotFromDurableStream } from '@durable-streams/tanstack-ai-transport';
import { runDurable } from '../durable/scenes.mjs';
import { connect, follow, post } from '../glue/durable-tanstack.mjs';
import { versionOf } from '../scenes.mjs';

const WORDS = ['It', ' rains', ' in', ' Oslo', ' today', ',', ' "as', ' ever"', '.'];
const CHUNKS = [
	{ type: 'RUN_STARTED', runId: 'run-1' },
	{ type: 'TEXT_MESSAGE_START', messageId: 'answer', role: 'assistant' },
	...WORDS.map((delta) => ({ type: 'TEXT_MESSAGE_CONTENT', messageId: 'answer', delta })),
	{ type: 'TEXT_MESSAGE_END', messageId: 'answer' },
	{ type: 'RUN_FINISHED', runId: 'run-1' },
];
const QUESTION = [{ id: 'question', role: 'user', parts: [{ type: 'text', content: 'How is Oslo?' }] }];
const API = 'http://app.invalid/api/chat';

// The text of each message, from a snapshot and the chunks behind the snapshot.
function applyChunk(texts, chunk) {
	if (chunk.type === 'MESSAGES_SNAPSHOT') {
		return Object.fromEntries(chunk.messages.map(({ id, parts }) => [id, parts.map(({ content }) => content).join('')]));
	}
	const { type, messageId, delta = '' } = chunk;
	return /^TEXT_MESSAGE/.test(type) ? { ...texts, [messageId]: (texts[messageId] ?? '') + delta } : texts;
}

export default {
	name: 'durable-tanstack',
	package: '@durable-streams/tanstack-ai-transport',
	glue: 'glue/durable-tanstack.mjs',
	needs: 'a route of the app',
	scenes: ['stored', 'live'],
	// The transport's writer appends a chunk again where an answer is missing, and the chunk comes twice.
	isPatient: true,
	version: () => versionOf('@durable-streams/tanstack-ai-transport'),
	events: () => CHUNKS,
	open: ({ direct, session }) => fetch(`${direct}/${session}`, { method: 'PUT', headers: { 'Content-Type': 'application/json' } }),
	async write({ streams, session }, source) {
		// The question is posted when the client may have its first chunk.
		const first = await source.next();
		const generate = async function* () {
			yield first.value;
			yield* source;
		};
		const done = new Promise((resolve, reject) => {
			const answer = (url, options) => post(session, new Request(url, options), streams, generate, resolve);
			connect(session, streams, API, answer).send(QUESTION).catch(reject);
		});
		await done;
	},
	async read({ streams, session }, isLive) {
		const delivered = [];
		let texts = {};
		for await (const chunk of follow(connect(session, streams, API))) {
			texts = applyChunk(texts, chunk);
			const { timestamp, ...rest } = chunk;
			delivered.push(`${delivered.length} ${JSON.stringify(rest)}`);
			if (chunk.type === (isLive ? 'RUN_FINISHED' : 'MESSAGES_SNAPSHOT')) {
				break;
			}
		}
		return { delivered, final: texts };
	},
	check: ({ final }) => (final.question === 'How is Oslo?' && final.answer === WORDS.join('') ? [] : [JSON.stringify(final)]),
	async unknown({ streams, session }) {
		const words = (error) => `${error.status}: ${error.name}`;
		const [live, snapshot] = await Promise.all([
			follow(connect(session, streams, API)).next().then(() => 'a chunk', words),
			materializeSnapshotFromDurableStream({ readUrl: `${streams}/${session}` }).then(() => 'a snapshot', words),
		]);
		return live === '404: FetchError' && snapshot === live ? live : `wrong: ${live}, ${snapshot}`;
	},
	// The stream was deleted and created again: a client that comes with an old offset is told.
	async gap({ streams, session }) {
		const readUrl = `${streams}/${session}`;
		const headers = { 'Content-Type': 'application/json' };
		let offset;
		for (const method of ['PUT', 'DELETE', 'PUT']) {
			const { headers: fields } = await fetch(readUrl, { method, headers, body: method === 'PUT' ? JSON.stringify(CHUNKS) : null });
			offset ??= fields.get('stream-next-offset');
		}
		const connection = durableStreamConnection({ sendUrl: API, readUrl, initialOffset: offset.replace(/.$/, '1') });
		const error = await connection.subscribe().next().catch((caught) => caught);
		return error.status === 410 ? `410: ${error.name}` : `wrong: ${JSON.stringify(error)}`;
	},
	run(options) {
		return runDurable(this, options);
	},
};
