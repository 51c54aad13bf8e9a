// SPDX-License-Identifier: MIT
// The AI SDK with the transport of Durable Streams: an answer with reasoning, a tool call and a text. The transport reads a
// stream from its first chunk, so a chat that comes back gets the whole answer again.
import { createDurableChatTransport } from '@durable-streams/aisdk-transport';
import { readUIMessageStream } from 'ai';
import { runDurable } from '../durable/scenes.mjs';
import { createRoutes } from '../glue/durable-ai-sdk.mjs';
import { versionOf } from '../scenes.mjs';

const WORDS = ['It', ' rains', ' in', ' Oslo', ' today', '.'];
const CHUNKS = [
	{ type: 'start', messageId: 'message-1' },
	{ type: 'start-step' },
	{ type: 'reasoning-start', id: 'r1' },
	{ type: 'reasoning-delta', id: 'r1', delta: 'The tool knows.' },
	{ type: 'reasoning-end', id: 'r1' },
	{ type: 'tool-input-available', toolCallId: 'c1', toolName: 'weather', input: { city: 'Oslo' } },
	{ type: 'tool-output-available', toolCallId: 'c1', output: { sky: 'rain' } },
	{ type: 'text-start', id: 't1' },
	...WORDS.map((delta) => ({ type: 'text-delta', id: 't1', delta })),
	{ type: 'text-end', id: 't1' },
	{ type: 'finish-step' },
	{ type: 'finish' },
];
const QUESTION = [{ id: 'question', role: 'user', parts: [{ type: 'text', text: 'How is Oslo?' }] }];

// Reads an answer to its end: the chunks, and the message that the AI SDK makes of them.
async function readAnswer(chunks) {
	const delivered = [];
	const keep = (chunk, to) => {
		delivered.push(`${delivered.length} ${JSON.stringify(chunk)}`);
		to.enqueue(chunk);
	};
	let final = null;
	const stream = chunks.pipeThrough(new TransformStream({ transform: keep }));
	for await (const message of readUIMessageStream({ stream, terminateOnError: true })) {
		final = message;
	}
	return { delivered, final };
}

// The app: its routes answer the transport, with no network between the two.
function openChat(streams, session, generate, waitUntil) {
	const routes = createRoutes(streams, generate, waitUntil);
	const fetchClient = async (url, options = {}) =>
		options.method === 'POST' ? routes.post(new Request(url, options)) : routes.get(session);
	return createDurableChatTransport({ api: 'http://app.invalid/api/chat', fetchClient });
}

export default {
	name: 'durable-ai-sdk',
	package: '@durable-streams/aisdk-transport',
	glue: 'glue/durable-ai-sdk.mjs',
	needs: 'two routes of the app',
	scenes: ['stored', 'live'],
	// The transport's writer appends a chunk again where an answer is missing, and the chunk comes twice.
	isPatient: true,
	// The transport leaves the promise `closed` of the client without a handler.
	strays: /terminated/,
	version: () => versionOf('@durable-streams/aisdk-transport'),
	events: () => CHUNKS,
	async write(context, source) {
		const done = new Promise((resolve) => {
			context.transport = openChat(context.streams, context.session, () => source, resolve);
		});
		context.answer = context.transport.sendMessages({ trigger: 'submit-message', chatId: context.session, messages: QUESTION });
		context.answer.catch(() => {});
		await done;
	},
	async read({ transport, answer, session }, isLive) {
		for (let chunks = await answer; ; chunks = await transport.reconnectToStream({ chatId: session })) {
			try {
				if (isLive || chunks !== (await answer)) {
					return await readAnswer(chunks);
				}
				await chunks.cancel();
			} catch (error) {
				if (!(error instanceof TypeError)) {
					throw error;
				}
			}
		}
	},
	check: ({ final }) => (final?.parts.at(-1).text === WORDS.join('') ? [] : [JSON.stringify(final)]),
	async unknown({ streams, session }) {
		const chunks = await openChat(streams, session).reconnectToStream({ chatId: session });
		return chunks === null ? '204: nothing to resume' : 'wrong: there is an answer';
	},
	gap: () => 'reads from the start',
	run(options) {
		return runDurable(this, options);
	},
};
