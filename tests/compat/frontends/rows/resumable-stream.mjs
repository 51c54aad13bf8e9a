// SPDX-License-Identifier: MIT
// In place of resumable-stream 2.2.13: its three calls over Durable Streams. The row writes a text through resumableStream()
// and reads the text through resumeExistingStream(); then the cases of ../durable/resumable_cases.mjs run.
import { runDurable } from '../durable/scenes.mjs';
import { MORE, runCases, SIX } from '../durable/resumable_cases.mjs';
import { createResumableStreamContext } from '../glue/resumable-stream.mjs';
import { versionOf } from '../scenes.mjs';

const WORDS = ['The', ' file', ' has', ' three', ' "bugs"', ',', ' [one', ' of', ' them]', ' in', ' \\n', ' æ', ' 🌧', '.'];
const openCalls = ({ streams, session }, waitUntil) => createResumableStreamContext({ url: `${streams}/${session}`, waitUntil });

export default {
	name: 'resumable-stream',
	package: '@durable-streams/client',
	glue: 'glue/resumable-stream.mjs',
	needs: 'a URL',
	scenes: ['live'],
	version: () => versionOf('@durable-streams/client'),
	events: () => WORDS,
	async write(context, source) {
		await new Promise((resolve) => {
			context.calls = openCalls(context, resolve);
			context.first = context.calls.resumableStream('text', () => ReadableStream.from(source));
		});
	},
	// Two clients read beside each other, the second behind its first characters.
	async read(context) {
		const read = async (stream) => {
			const pieces = [];
			for await (const piece of stream) {
				pieces.push(piece);
			}
			return pieces;
		};
		const first = await context.first;
		const second = await context.calls.resumeExistingStream('text', 3);
		const [all, rest] = await Promise.all([read(first), read(second)]);
		return { delivered: all, final: [all.join(''), rest.join('')] };
	},
	check: ({ final }) => (final[0] === WORDS.join('') && final[1] === final[0].slice(3) ? [] : [JSON.stringify(final)]),
	async unknown(context) {
		const stream = await openCalls(context).resumeExistingStream('text');
		return stream === undefined ? 'undefined' : `wrong: ${stream}`;
	},
	async more({ server: { url } }) {
		const calls = createResumableStreamContext({ url: `${url}/v1/stream/cases`, waitUntil: (work) => work.catch(() => {}) });
		const six = await runCases(calls, SIX);
		const more = await runCases(calls, MORE);
		const count = (cases, faults) => `${Object.keys(cases).length - faults.length} of ${Object.keys(cases).length}`;
		return { lines: [`the cases of its repository: ${count(SIX, six)}, further cases: ${count(MORE, more)}`], faults: [...six, ...more] };
	},
	gap: () => 'reads from the start',
	run(options) {
		return runDurable(this, options);
	},
};
