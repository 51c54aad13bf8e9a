// SPDX-License-Identifier: MIT
// LangGraph: the parts of a run in several modes, joined by joinStream, which resumes by itself.
import { joinRun } from '../glue/langgraph.mjs';
import { appendJson, endSession } from '../gateway.mjs';
import { versionOf } from '../scenes.mjs';

// The kinds of the events; routes.json has the same names.
const KINDS = ['metadata', 'values', 'messages', 'updates', 'custom'];
const WORDS = ['Low', ' water', ' at', ' six'];
const token = (content) => [{ id: 'ai-1', type: 'AIMessageChunk', content }, { langgraph_node: 'answer' }];
const PARTS = [
	['metadata', { run_id: 'run-1', attempt: 1 }],
	['values', { messages: [{ type: 'human', content: 'When?' }] }],
	...WORDS.map((content) => ['messages', token(content)]),
	['custom', { progress: 0.5 }],
	['updates', { answer: { messages: [{ type: 'ai', content: WORDS.join('') }] } }],
	['values', { messages: [{ type: 'human', content: 'When?' }, { type: 'ai', content: WORDS.join('') }] }],
];

async function createClient(url) {
	const { Client } = await import('@langchain/langgraph-sdk');
	return new Client({ apiUrl: url, apiKey: null });
}

export default {
	name: 'langgraph',
	package: '@langchain/langgraph-sdk',
	glue: 'glue/langgraph.mjs',
	needs: 'a route',
	isCutOften: true,
	// The package waits for 1 to 2 seconds before it connects again.
	width: 20,
	version: () => versionOf('@langchain/langgraph-sdk'),
	events: () => PARTS,
	async append(context, parts) {
		for (const [mode, data] of parts) {
			await appendJson(context, [data], { 'Reprise-Kind': String(KINDS.indexOf(mode)) });
		}
	},
	end: endSession,
	async deliver({ session }, url) {
		const client = await createClient(url);
		const parts = [];
		for await (const { event, data } of joinRun(client, 'thread-1', session)) {
			parts.push([event, data]);
		}
		return { delivered: parts.map((part) => JSON.stringify(part)), final: parts };
	},
	check: ({ final }) => (JSON.stringify(final) === JSON.stringify(PARTS) ? [] : [JSON.stringify(final)]),
	async unknown({ session }, url) {
		const client = await createClient(url);
		return joinRun(client, 'thread-1', session).next().then(() => 'wrong: a part', ({ name, status }) => `${name} ${status}`);
	},
};
