// SPDX-License-Identifier: MIT
// An EventStore of the MCP SDK: a session of the gateway for each stream. `prefix` is the id of the MCP session.
export const createEventStore = (gateway, prefix) => ({
	async storeEvent(stream, message) {
		const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(message) };
		return (await ask(`${gateway}/v1/sessions/${prefix}_${stream}/events`, init)).cursor;
	},
	async replayEventsAfter(cursor, { send }) {
		// The sixth part of a cursor is the session, with ~XX for other bytes than letters, digits and hyphens.
		const session = decodeURIComponent(cursor.split('.')[5].replaceAll('~', '%'));
		for (let page; !page?.up_to_date; cursor = page.cursor) {
			page = await ask(`${gateway}/v1/sessions/${session}/events?limit=1&cursor=${cursor}`);
			for (const { type, code, data } of page.events) {
				if (type === 'event') {
					await send(page.cursor, data);
				} else if (code !== 'restart') {
					throw new Error(`messages are lost: ${code}`);
				}
			}
		}
		return session.slice(prefix.length + 1);
	},
});

async function ask(url, init) {
	const response = await fetch(url, init);
	return response.ok ? response.json() : Promise.reject(new Error(await response.text()));
}
