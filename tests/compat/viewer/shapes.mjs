// SPDX-License-Identifier: MIT
// The shapes of events whose text the viewer joins: the events of a piece of text, and the events around it.

const chunk = (delta, more = {}) => ({
	...{ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1770770839, model: 'm' },
	choices: [{ index: 0, delta, finish_reason: null, ...more }],
});

export const SHAPES = {
	'OpenAI chat': {
		begin: [chunk({ role: 'assistant', content: '' })],
		piece: (text) => chunk({ content: text }),
		end: [chunk({}, { finish_reason: 'stop' })],
	},
	'OpenAI responses': {
		begin: [
			{ type: 'response.created', response: { id: 'resp_1', status: 'in_progress', output: [] } },
			{ type: 'response.output_item.added', output_index: 0, item: { id: 'msg_1', type: 'message', role: 'assistant' } },
		],
		piece: (text) => ({
			...{ type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, content_index: 0 },
			delta: text,
		}),
		end: [{ type: 'response.completed', response: { id: 'resp_1', status: 'completed', output: [] } }],
	},
	'Anthropic messages': {
		begin: [
			{ type: 'message_start', message: { id: 'msg_1', type: 'message', role: 'assistant', content: [] } },
			{ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
			{ type: 'ping' },
		],
		piece: (text) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }),
		end: [{ type: 'content_block_stop', index: 0 }, { type: 'message_stop' }],
	},
	'AI SDK UI messages': {
		begin: [{ type: 'start', messageId: 'm1' }, { type: 'start-step' }, { type: 'text-start', id: 't1' }],
		piece: (text) => ({ type: 'text-delta', id: 't1', delta: text }),
		end: [{ type: 'text-end', id: 't1' }, { type: 'finish-step' }, { type: 'finish' }],
	},
	'AG-UI': {
		begin: [
			{ type: 'RUN_STARTED', threadId: 't', runId: 'r' },
			{ type: 'TEXT_MESSAGE_START', messageId: 'm1', role: 'assistant' },
		],
		piece: (text) => ({ type: 'TEXT_MESSAGE_CONTENT', messageId: 'm1', delta: text }),
		end: [{ type: 'TEXT_MESSAGE_END', messageId: 'm1' }, { type: 'RUN_FINISHED', threadId: 't', runId: 'r' }],
	},
	'Gemini interactions': {
		begin: [
			{ event_type: 'interaction.created', interaction: { id: 'i1', object: 'interaction', status: 'in_progress' } },
			{ event_type: 'step.start', index: 1, step: { type: 'model_output' } },
		],
		piece: (text) => ({ event_type: 'step.delta', index: 1, delta: { type: 'text', text } }),
		end: [{ event_type: 'step.stop', index: 1 }],
	},
	'JSON with token': { begin: [], piece: (text) => ({ token: text }), end: [] },
	'JSON with text': { begin: [], piece: (text) => ({ text }), end: [] },
	'JSON with delta': { begin: [], piece: (text) => ({ delta: text }), end: [] },
	'JSON with content': { begin: [], piece: (text) => ({ content: text }), end: [] },
	'JSON strings': { begin: [], piece: (text) => text, end: [] },
};

/** Pieces of text with what breaks careless joins: spaces, line ends, other scripts, markup, escapes. */
export const PIECES = ['The ', 'file ', 'has ', 'three', ' bugs', '.\n', 'Größe ', '数 ', '🦊', ' <b>not bold</b>', ' "quoted" \\ ', '&amp;', ' end'];

// The texts of a recording, one for each part of the answer, in their order of beginning.
const RECORDED = {
	content_block_delta: (event) => (event.delta.type === 'text_delta' ? [event.index, event.delta.text] : null),
	'step.delta': (event) => (event.delta.type === 'text' ? [event.index, event.delta.text] : null),
	'response.output_text.delta': (event) => [`${event.item_id} ${event.content_index}`, event.delta],
};

/** The texts that a recording's deltas make: an array of a text for each part. */
export function recordedTexts(events) {
	const texts = new Map();
	for (const event of events) {
		const [part, text] = RECORDED[event.type ?? event.event_type]?.(event) ?? [0, event.choices?.[0]?.delta?.content];
		if (typeof text === 'string' && text !== '') {
			texts.set(part, (texts.get(part) ?? '') + text);
		}
	}
	return [...texts.values()];
}
