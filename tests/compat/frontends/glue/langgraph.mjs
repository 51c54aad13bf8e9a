// SPDX-License-Identifier: MIT
// The parts of a run. The gateway's own events are no parts. A gap says that parts are lost; where the gateway
// was killed, only parts whose append was never answered are.
const OWN = new Set(['hello', 'live', 'gap', 'end', 'bye']);

export async function* joinRun(client, threadId, runId) {
	for await (const part of client.runs.joinStream(threadId, runId)) {
		if (part.event === 'gap' && part.data.code !== 'restart') {
			throw new Error(`parts are lost: ${part.data.text}`);
		}
		if (!OWN.has(part.event)) {
			yield part;
		}
	}
}
