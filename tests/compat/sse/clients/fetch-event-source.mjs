// SPDX-License-Identifier: MIT
// The client takes an id before its event is complete. The client asks its page for visibility and timers.
import { fetchEventSource } from '@microsoft/fetch-event-source';

globalThis.window = globalThis;
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };

export const flaws = { losesAtId: true };

export function follow(url, deliver) {
	const controller = new AbortController();
	const onmessage = ({ event, data, id }) => deliver(event || 'message', data, id);
	fetchEventSource(url, { signal: controller.signal, onmessage });
	return () => controller.abort();
}
