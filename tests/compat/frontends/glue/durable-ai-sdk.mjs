// SPDX-License-Identifier: MIT
// The two routes of an app whose useChat() has the transport of @durable-streams/aisdk-transport: POST /api/chat starts an
// answer, GET /api/chat/ID/stream names the stream of the chat's newest answer. `streams` is http://SERVER/v1/stream/PREFIX.
import { toDurableStreamResponse } from '@durable-streams/aisdk-transport';

export function createRoutes(streams, generate, waitUntil) {
	const newest = new Map(); // an app keeps this in its database
	return {
		async post(request) {
			const { id, messages } = await request.json();
			newest.set(id, `${streams}/${id}-${crypto.randomUUID()}`);
			return toDurableStreamResponse({ source: generate(messages), stream: { writeUrl: newest.get(id) }, waitUntil });
		},
		get(id) {
			const streamUrl = newest.get(id);
			return streamUrl ? Response.json({ streamUrl }, { headers: { Location: streamUrl } }) : new Response(null, { status: 204 });
		},
	};
}
