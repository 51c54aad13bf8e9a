// SPDX-License-Identifier: MIT
// The rows of @durable-streams/client: one for each way to read, and one for its producer.
import { DurableStream, FetchError } from '@durable-streams/client';
import { follow, openProducer } from '../glue/durable-client.mjs';
import { versionOf } from '../scenes.mjs';
import { runDurable, withProxy } from './scenes.mjs';

const WORDS = ['The', ' file', ' has', ' three', ' "bugs"', ',', ' [one', ' of', ' them]', ' in', ' \\n', ' æ', ' 🌧', '.'];
const EVENTS = WORDS.map((text, index) => ({ index, text, nested: [[index], { '}': ']' }] }));

const decoder = new TextDecoder();

// A closed stream whose body comes long behind its head: the front end waits, and reads the stream once.
const SLOW_MS = 1500;
async function readSlowly(world) {
	const { row } = world;
	return withProxy(world, 'slow', async (context, proxy) => {
		await row.open(context);
		await row.write(context, (async function* () { yield* EVENTS; })());
		const armed = proxy.arm({ hold_ms: SLOW_MS });
		const { final } = await row.read(context);
		const isRight = armed.reads === 1 && final === WORDS.join('');
		return { lines: [], faults: isRight ? [] : [`a slow body: ${armed.reads} requests, ${final}`] };
	});
}

/** A row that reads by `live`; `type` is the content type of its streams. */
export function createClientRow({ name, live, scenes, type = 'application/json', ...more }) {
	const isJson = type === 'application/json';
	const address = ({ streams, session }) => `${streams}/${session}`;
	return {
		name,
		package: '@durable-streams/client',
		glue: 'glue/durable-client.mjs',
		needs: 'a URL',
		version: () => versionOf('@durable-streams/client'),
		scenes,
		events: () => EVENTS,
		open: ({ direct, session }) => DurableStream.create({ url: `${direct}/${session}`, contentType: type }),
		async write(context, source) {
			const producer = openProducer(address(context), 'writer', type);
			for await (const event of source) {
				producer.append(`${JSON.stringify(event)}${isJson ? '' : '\n'}`);
			}
			await producer.close();
		},
		async read(context) {
			const pieces = [];
			await follow(address(context), live, (piece) => pieces.push(piece));
			const lines = isJson ? pieces.map((event) => JSON.stringify(event)) : decoder.decode(Buffer.concat(pieces)).trim().split('\n');
			return { delivered: lines, final: lines.map((line) => JSON.parse(line).text).join('') };
		},
		check: ({ final }) => (final === WORDS.join('') ? [] : [final]),
		async unknown(context) {
			const error = await follow(address(context), live, () => {}).catch((caught) => caught);
			return error instanceof FetchError && error.status === 404 ? '404: FetchError' : `wrong: ${error}`;
		},
		// A stream that is deleted and created again has no events of the old one: a client that comes with an old offset is told.
		async gap(context) {
			const offsets = [];
			const url = address(context);
			for (let lap = 0; lap < 2; lap++) {
				await this.open(context);
				await this.write(context, (async function* () { yield* EVENTS; })());
				offsets.push((await DurableStream.head({ url })).offset);
				if (lap === 0) {
					await DurableStream.delete({ url });
				}
			}
			const error = await follow(url, live, () => {}, offsets[0].replace(/.$/, '1')).catch((caught) => caught);
			return error instanceof FetchError && error.status === 410 ? '410: FetchError' : `wrong: ${error}`;
		},
		more: readSlowly,
		run(options) {
			return runDurable(this, options);
		},
		...more,
	};
}
