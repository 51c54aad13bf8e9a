// SPDX-License-Identifier: MIT
// AG-UI: a run with a step, a text, a tool call and a state, read by HttpAgent.
import { runToEnd } from '../glue/ag-ui.mjs';
import { appendJson, endSession } from '../gateway.mjs';
import { versionOf } from '../scenes.mjs';

const WORDS = ['Three', ' boats', ' are', ' at', ' sea', '.'];
const RUN = { threadId: 'thread-1', runId: 'run-1' };
const EVENTS = [
	{ type: 'RUN_STARTED', ...RUN },
	{ type: 'STEP_STARTED', stepName: 'look' },
	{ type: 'STATE_SNAPSHOT', snapshot: { boats: 2 } },
	{ type: 'TEXT_MESSAGE_START', messageId: 'm1', role: 'assistant' },
	...WORDS.map((delta) => ({ type: 'TEXT_MESSAGE_CONTENT', messageId: 'm1', delta })),
	{ type: 'TEXT_MESSAGE_END', messageId: 'm1' },
	{ type: 'STATE_DELTA', delta: [{ op: 'replace', path: '/boats', value: 3 }] },
	{ type: 'TOOL_CALL_START', toolCallId: 'c1', toolCallName: 'radio', parentMessageId: 'm1' },
	{ type: 'TOOL_CALL_ARGS', toolCallId: 'c1', delta: '{"channel":' },
	{ type: 'TOOL_CALL_ARGS', toolCallId: 'c1', delta: '16}' },
	{ type: 'TOOL_CALL_END', toolCallId: 'c1' },
	{ type: 'STEP_FINISHED', stepName: 'look' },
	{ type: 'RUN_FINISHED', ...RUN },
];

async function createAgent(session, url) {
	const { HttpAgent } = await import('@ag-ui/client');
	const initialMessages = [{ id: 'u1', role: 'user', content: 'How many boats?' }];
	return new HttpAgent({ url: `${url}/ag-ui/${session}`, threadId: RUN.threadId, initialMessages });
}

export default {
	name: 'ag-ui',
	package: '@ag-ui/client',
	glue: 'glue/ag-ui.mjs',
	needs: 'a route',
	isCutOften: true,
	// Behind a broken stream the package cancels the stream once more, without a handler for the error.
	strays: /^(terminated|fetch failed)$/,
	version: () => versionOf('@ag-ui/client'),
	events: () => EVENTS,
	append: appendJson,
	end: endSession,
	async deliver({ session }, url) {
		const agent = await createAgent(session, url);
		const { newMessages } = await runToEnd(agent, { runId: RUN.runId });
		const delivered = agent.messages.flatMap(({ content }) => content.split(/(?= )/));
		return { delivered, final: { messages: agent.messages, newMessages, state: agent.state } };
	},
	check: ({ final: { messages, state } }) =>
		messages.length === 2 && messages[1].toolCalls[0].function.arguments === '{"channel":16}' && state.boats === 3
			? [] : [JSON.stringify({ messages, state })],
	async unknown({ session }, url) {
		const agent = await createAgent(session, url);
		return runToEnd(agent).then(() => 'wrong: a run', (error) => `${error.name} ${error.status}`);
	},
};
