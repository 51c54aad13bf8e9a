// SPDX-License-Identifier: MIT
// The route of an app that a question is posted to, the connection for useChat() of TanStack AI, and a subscription that
// outlives a broken connection. `streams` is http://SERVER/v1/stream/PREFIX: one stream for each chat.
import { durableStreamConnection, toDurableChatSessionResponse } from '@durable-streams/tanstack-ai-transport';

export async function post(id, request, streams, generate, waitUntil) {
	const { messages } = await request.json();
	const stream = { writeUrl: `${streams}/${id}` };
	return toDurableChatSessionResponse({ stream, newMessages: messages.slice(-1), responseStream: generate(messages), waitUntil });
}

export const connect = (id, streams, sendUrl, fetchClient) =>
	durableStreamConnection({ sendUrl, readUrl: `${streams}/${id}`, fetchClient });

export async function* follow(connection, signal) {
	for (;;)
		try {
			return yield* connection.subscribe(signal);
		} catch (error) {
			if (!(error instanceof TypeError)) throw error; // fetch() has a TypeError where a connection breaks
		}
}
