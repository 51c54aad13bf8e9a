// SPDX-License-Identifier: MIT
// The requests of the harness to the gateway's own interface.

async function post(url, type, body, fields = {}) {
	const response = await fetch(url, { method: 'POST', headers: { 'Content-Type': type, ...fields }, body });
	const text = await response.text();
	if (!response.ok) {
		throw new Error(`POST ${url}: ${response.status} ${text}`);
	}
	return JSON.parse(text);
}

const address = ({ url, session }) => `${url}/v1/sessions/${encodeURIComponent(session)}`;

/**
 * Appends JSON values as events of the session `context.session`; the server has recorded them afterwards. `fields` are
 * fields of the request, such as { 'Reprise-Kind': 1 }.
 */
export function appendJson(context, values, fields) {
	const lines = values.map((value) => `${JSON.stringify(value)}\n`);
	return post(`${address(context)}/events`, 'application/x-ndjson', lines.join(''), fields);
}

/** Ends the session `context.session`. */
export const endSession = (context) => post(`${address(context)}/end`, 'application/json', '{"status":0}');
