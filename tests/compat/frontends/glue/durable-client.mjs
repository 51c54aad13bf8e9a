// SPDX-License-Identifier: MIT
// follow() reads a stream to its end, over as many connections as are needed: take() gets each value of a JSON stream, or each
// piece of another stream. The events of a producer come once, however often a request had to be sent.
import { DurableStream, IdempotentProducer, stream } from '@durable-streams/client';

export async function follow(url, live, take, offset = '-1') {
	for (let isOver = false; !isOver; ) {
		let isCurrent = true;
		try {
			const response = await stream({ url, live, offset });
			response.closed.catch(() => {}); // json() has the same error
			const isJson = response.headers.get('content-type') === 'application/json';
			const subscribe = (resolve, reject) => {
				response[isJson ? 'subscribeJson' : 'subscribeBytes']((batch) => {
					if (isCurrent) (batch.items ?? [batch.data]).forEach((item) => take(item));
					if (isCurrent) offset = batch.offset;
					if (isCurrent && batch.streamClosed) resolve(true);
				});
				response.closed.then(() => setTimeout(resolve, 1000), reject); // can come before the last batch
			};
			const isWhole = live === false || response.streamClosed; // then the errors of a body come by json() and body() alone
			if (isWhole) (isJson ? await response.json() : [await response.body()]).forEach((item) => take(item));
			isOver = isWhole || (await new Promise(subscribe));
		} catch (error) {
			if (!(error instanceof TypeError)) throw error; // fetch() has a TypeError where a connection breaks
		}
		isCurrent = false;
	}
}

const again = (...request) => fetch(...request).catch(() => new Promise((go) => setTimeout(go, 50)).then(() => again(...request)));
export const openProducer = (url, id, contentType = 'application/json') =>
	new IdempotentProducer(new DurableStream({ url, contentType }), id, { fetch: again });
