// SPDX-License-Identifier: MIT
// The AI SDK: an answer with reasoning, a tool call and a text, resumed by DefaultChatTransport.
import { resumeToEnd } from '../glue/ai-sdk.mjs';
import { appendJson, endSession } from '../gateway.mjs';
import { versionOf } from '../scenes.mjs';

const WORDS = ['It', ' rains', ' in', ' Oslo', ' today', '.'];
const CHUNKS = [
	{ type: 'start', messageId: 'message-1' },
	{ type: 'start-step' },
	{ type: 'reasoning-start', id: 'r1' },
	{ type: 'reasoning-delta', id: 'r1', delta: 'The tool' },
	{ type: 'reasoning-delta', id: 'r1', delta: ' knows.' },
	{ type: 'reasoning-end', id: 'r1' },
	{ type: 'tool-input-start', toolCallId: 'c1', toolName: 'weather', dynamic: true },
	{ type: 'tool-input-delta', toolCallId: 'c1', inputTextDelta: '{"city":"Oslo"}' },
	{ type: 'tool-input-available', toolCallId: 'c1', toolName: 'weather', dynamic: true, input: { city: 'Oslo' } },
	{ type: 'tool-output-available', toolCallId: 'c1', dynamic: true, output: { sky: 'rain' } },
	{ type: 'finish-step' },
	{ type: 'start-step' },
	{ type: 'text-start', id: 't1' },
	...WORDS.map((delta) => ({ type: 'text-delta', id: 't1', delta })),
	{ type: 'text-end', id: 't1' },
	{ type: 'finish-step' },
	{ type: 'finish' },
];

// The state that a framework's binding of the AI SDK keeps.
function createState() {
	const state = { status: 'ready', error: undefined, messages: [] };
	state.pushMessage = (message) => (state.messages = [...state.messages, message]);
	state.popMessage = () => (state.messages = state.messages.slice(0, -1));
	state.replaceMessage = (index, message) => (state.messages = state.messages.with(index, structuredClone(message)));
	state.snapshot = structuredClone;
	return state;
}

async function createChat(id, url) {
	const { AbstractChat, DefaultChatTransport } = await import('ai');
	const transport = new DefaultChatTransport({ api: `${url}/api/chat` });
	return new (class extends AbstractChat {})({ id, transport, state: createState() });
}

export default {
	name: 'ai-sdk',
	package: 'ai',
	glue: 'glue/ai-sdk.mjs',
	needs: 'a route',
	isCutOften: true,
	version: () => versionOf('ai'),
	events: () => CHUNKS,
	append: appendJson,
	end: endSession,
	async deliver({ session }, url) {
		const chat = await createChat(session, url);
		await resumeToEnd(chat);
		const { messages, status, error } = chat;
		const texts = messages.flatMap(({ parts }) => parts).filter(({ type }) => type === 'text' || type === 'reasoning');
		const delivered = texts.flatMap(({ text }) => text.split(/(?= )/));
		return { delivered, final: { messages, status, error: error?.message ?? null } };
	},
	check({ final: { messages, status } }) {
		const kinds = messages[0].parts.map(({ type, state }) => `${type}:${state ?? ''}`).join(' ');
		const isRight = status === 'ready' && messages.length === 1
			&& kinds === 'step-start: reasoning:done dynamic-tool:output-available step-start: text:done';
		return isRight ? [] : [`${status}: ${kinds}`];
	},
	gap: ({ final: { status, error } }) => (status === 'error' ? error : 'wrong: nothing is told'),
	// The AI SDK takes 204 for a chat without a stream, and goes on.
	async unknown({ session }, url) {
		const chat = await createChat(session, url);
		await resumeToEnd(chat);
		return chat.status === 'ready' && chat.messages.length === 0 ? '204: nothing to resume' : `wrong: ${chat.error}`;
	},
};
