// SPDX-License-Identifier: MIT
// A page whose connection breaks, and comes back behind more events than the window holds.
import { openSession, untilBook } from './hooks.mjs';

/**
 * Breaks the page's connection to the session `chat` through the proxy, waits for append(), and lets the page connect
 * again. Returns what the server tells first behind the page's cursor: an event or a gap, as an entry of a page of events.
 */
export async function breakOff(server, page, proxy, append) {
	const cursor = proxy.blocks.findLast(({ id }) => id).id;
	proxy.isDown = true;
	proxy.cut();
	await untilBook(page, 'the broken connection is told', ({ state }) => state !== 'live');
	await append();
	const address = `${server.url}/v1/sessions/chat/events?limit=1&cursor=${cursor}`;
	const [told] = (await (await fetch(address)).json()).events;
	proxy.isDown = false;
	return told;
}

/** The same for a page that opens the session first. */
export async function overtake(server, page, proxy, append) {
	await openSession(page, proxy.url, 'chat');
	return breakOff(server, page, proxy, append);
}
