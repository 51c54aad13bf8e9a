// SPDX-License-Identifier: MIT
import { createEventSource } from 'eventsource-client';

export function follow(url, deliver) {
	const onMessage = ({ event, data, id }) => deliver(event ?? 'message', data, id);
	const source = createEventSource({ url, onMessage });
	return () => source.close();
}
