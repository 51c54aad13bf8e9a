// SPDX-License-Identifier: MIT
// The MCP SDK: a tool call that sends notifications. The client resumes by itself, and the server replays from the log.
import { versionOf } from '../scenes.mjs';

const EVENTS = Array.from({ length: 8 }, (_, index) => `step ${index + 1}`);

async function connect(url) {
	const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
	const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
	const delays = { initialReconnectionDelay: 50, maxReconnectionDelay: 200, reconnectionDelayGrowFactor: 1.5 };
	const reconnectionOptions = { ...delays, maxRetries: 20 };
	const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { reconnectionOptions });
	const client = new Client({ name: 'frontends', version: '1.0.0' });
	await client.connect(transport);
	return { client, transport };
}

export default {
	name: 'mcp',
	package: '@modelcontextprotocol/sdk',
	glue: 'glue/mcp.mjs',
	needs: 'an EventStore',
	isCutOften: true,
	version: () => versionOf('@modelcontextprotocol/sdk'),
	async prepare({ url }) {
		const { startMcp } = await import('../mcp.mjs');
		return startMcp(url);
	},
	events: () => EVENTS,
	async append({ feeds, session }, events) {
		const { Feed } = await import('../mcp.mjs');
		if (!feeds.has(session)) {
			feeds.set(session, new Feed());
		}
		feeds.get(session).push(events);
	},
	end: ({ feeds, session }) => feeds.get(session).end(),
	// The stream of the tool call: the response to a POST after the initialization, or to a GET that resumes.
	isMeant: ({ method, headers }) =>
		(method === 'POST' && headers['mcp-protocol-version'] !== undefined) || headers['last-event-id'] !== undefined,
	// Without an event the client has no id to resume from: MCP makes no promise for such a call.
	firstCut: 1,
	// The kill breaks no stream of the MCP server. The first half is in the log by then.
	isCutWhenKilled: true,
	killAfter: (count) => count + 1,
	// The replay finds the gap; the SDK's client asks again, and the call ends at its deadline.
	async deliver({ session }, url, { isGap }) {
		const { LoggingMessageNotificationSchema } = await import('@modelcontextprotocol/sdk/types.js');
		const { client } = await connect(url);
		const delivered = [];
		client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => delivered.push(params.data));
		const call = { name: 'tell', arguments: { name: session } };
		const { content } = await client.callTool(call, undefined, { timeout: isGap ? 2000 : 60000 });
		await client.close();
		return { delivered, final: content };
	},
	check: ({ delivered, final }) =>
		delivered.join() === EVENTS.join() && final[0].text === `told ${EVENTS.length}` ? [] : [JSON.stringify({ delivered, final })],
	async unknown(_, url) {
		const { client, transport } = await connect(url);
		const id = `rp1.${'0'.repeat(32)}.0.1.00000000.${transport.sessionId}~5Fnone`;
		const words = await transport.resumeStream(id).then(() => 'wrong: a stream', ({ name, code }) => `${name} ${code}`);
		await client.close();
		return words;
	},
	// The suite's client speaks a version of MCP without priming events, and the suite warns of both missing fields. The
	// last scenario asks the gateway itself.
	async more({ url, target }) {
		const { runScenario } = await import('../mcp.mjs');
		const scenarios = [
			['server-sse-multiple-streams', `${target}/mcp`, 'Passed: 2/2, 0 failed, 0 warnings'],
			['server-sse-polling', `${target}/mcp`, 'Passed: 1/1, 0 failed, 2 warnings'],
			['dns-rebinding-protection', `${target}/mcp`, 'Passed: 2/2, 0 failed, 0 warnings'],
			['dns-rebinding-protection', `${url}/v1/sessions/rebinding/events`, 'Passed: 2/2, 0 failed, 0 warnings'],
		];
		const lines = [];
		const faults = [];
		for (const [name, address, expected] of scenarios) {
			const line = await runScenario(name, address);
			const words = `conformance ${versionOf('@modelcontextprotocol/conformance')} ${name}: ${line}`;
			(line === expected ? lines : faults).push(words);
		}
		return { lines, faults };
	},
};
