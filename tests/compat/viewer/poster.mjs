// SPDX-License-Identifier: MIT
// A process that appends at a pace: poster.mjs URL SESSION EVENTS BATCH PER_SECOND. Each event is {"token":"N "}. Prints the
// number of events and the milliseconds at the end. A late batch is sent at once, so the pace holds on average.
import http from 'node:http';

const [url, session, events, batch, perSecond] = [process.argv[2], process.argv[3], ...process.argv.slice(4).map(Number)];
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const path = `/v1/sessions/${encodeURIComponent(session)}/events?wait=none`;
const { hostname, port } = new URL(url);

function post(body) {
	return new Promise((resolve, reject) => {
		const headers = { 'Content-Type': 'application/x-ndjson', 'Content-Length': Buffer.byteLength(body) };
		const request = http.request({ hostname, port, path, method: 'POST', agent, headers }, (response) => {
			response.resume();
			response.on('end', () => (response.statusCode < 300 ? resolve() : reject(new Error(`status ${response.statusCode}`))));
		});
		request.on('error', reject);
		request.end(body);
	});
}

const began = performance.now();
for (let first = 1; first <= events; first += batch) {
	const count = Math.min(batch, events - first + 1);
	await post(Array.from({ length: count }, (_, index) => `{"token":"${first + index} "}\n`).join(''));
	const due = ((first + count - 1) / perSecond) * 1000;
	const early = due - (performance.now() - began);
	if (early > 1) {
		await new Promise((resolve) => setTimeout(resolve, early));
	}
}
console.log(`${events} ${Math.round(performance.now() - began)}`);
agent.destroy();
