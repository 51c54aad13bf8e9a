// SPDX-License-Identifier: MIT
// The row of the package openai, in two versions: a response with a reasoning item and a text, resumed by starting_after.
import { followResponse } from './glue/openai.mjs';
import { appendJson, endSession } from './gateway.mjs';
import { versionOf } from './scenes.mjs';

const WORDS = ['The', ' tide', ' turns', ' at', ' noon', '.'];

function createResponse(id, status, output) {
	return { id, object: 'response', created_at: 1764500000, status, model: 'm', output, parallel_tool_calls: true, tools: [] };
}

function createEvents(id) {
	const part = (text) => ({ type: 'output_text', text, annotations: [] });
	const item = (status, content) => ({ id: 'msg_1', type: 'message', role: 'assistant', status, content });
	const place = { item_id: 'msg_1', output_index: 0, content_index: 0 };
	const text = WORDS.join('');
	const whole = item('completed', [part(text)]);
	return [
		{ type: 'response.created', response: createResponse(id, 'in_progress', []) },
		{ type: 'response.in_progress', response: createResponse(id, 'in_progress', []) },
		{ type: 'response.output_item.added', output_index: 0, item: item('in_progress', []) },
		{ type: 'response.content_part.added', ...place, part: part('') },
		...WORDS.map((delta) => ({ type: 'response.output_text.delta', ...place, delta, logprobs: [] })),
		{ type: 'response.output_text.done', ...place, text, logprobs: [] },
		{ type: 'response.content_part.done', ...place, part: part(text) },
		{ type: 'response.output_item.done', output_index: 0, item: whole },
		{ type: 'response.completed', response: createResponse(id, 'completed', [whole]) },
	].map((event, index) => ({ ...event, sequence_number: index }));
}

const connect = (OpenAI, url) => new OpenAI({ baseURL: `${url}/openai`, apiKey: 'none' });

/** The row of a version of the package, which is installed under the name `installed`. */
export function createRow(name, installed) {
	const load = async () => (await import(installed)).default;
	return {
		name,
		package: 'openai',
		glue: 'glue/openai.mjs',
		needs: 'a route',
		isCutOften: true,
		version: () => versionOf(installed),
		events: () => createEvents('resp_1'),
		append: appendJson,
		end: endSession,
		async deliver({ session }, url) {
			const client = connect(await load(), url);
			const delivered = [];
			let text = '';
			let response = null;
			for await (const event of followResponse(client, session)) {
				delivered.push(event.sequence_number);
				text += event.type === 'response.output_text.delta' ? event.delta : '';
				response = event.response ?? response;
			}
			return { delivered, final: { text, status: response.status, output: response.output } };
		},
		async unknown({ session }, url) {
			const client = connect(await load(), url);
			try {
				await followResponse(client, session).next();
				return 'wrong: an event of no response';
			} catch (error) {
				return `${error.constructor.name} ${error.status}`;
			}
		},
	};
}
