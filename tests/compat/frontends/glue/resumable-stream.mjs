// SPDX-License-Identifier: MIT
// In place of createResumableStreamContext of the package resumable-stream: the same three calls, without Redis. The text
// lies in the log of the server, not in the memory of the producer. `url` is http://SERVER/v1/stream/PREFIX.
import { DurableStream, IdempotentProducer } from '@durable-streams/client';

const headers = { 'Content-Type': 'application/json', 'Stream-TTL': '86400' };
const again = (...request) => fetch(...request).catch(() => new Promise((go) => setTimeout(go, 50)).then(() => again(...request)));

export function createResumableStreamContext({ url, waitUntil = (work) => work.catch(console.error) }) {
	const open = (id) => new DurableStream({ url: `${url}/${encodeURIComponent(id)}`, contentType: 'application/json' });
	async function* read(id, skip = 0, seen = 0) {
		const answer = await open(id).stream({ live: 'sse' });
		answer.closed.catch(() => {}); // the loop has the same error
		try {
			for await (const text of answer.jsonStream()) {
				if (seen + text.length > skip) yield text.slice(Math.max(0, skip - seen));
				skip = Math.max(skip, (seen += text.length));
			}
		} catch (error) {
			if (!(error instanceof TypeError)) throw error;
			yield* read(id, skip); // the connection broke
		}
	}
	async function resumableStream(id, makeStream, skip) {
		if ((await fetch(open(id).url, { method: 'PUT', headers })).status !== 201) return resumeExistingStream(id, skip);
		const to = new IdempotentProducer(open(id), 'producer', { fetch: again });
		const [write, close] = [(text) => to.append(JSON.stringify(text)), () => to.close()];
		waitUntil(makeStream().pipeTo(new WritableStream({ write, close, abort: close })));
		return ReadableStream.from(read(id, skip));
	}
	const resumeExistingStream = async (id, skip) =>
		open(id).head().then((is) => (is.streamClosed ? null : is.exists ? ReadableStream.from(read(id, skip)) : undefined));
	const createNewResumableStream = (id, ...rest) => open(id).delete().catch(() => {}).then(() => resumableStream(id, ...rest));
	return { resumableStream, createNewResumableStream, resumeExistingStream };
}
