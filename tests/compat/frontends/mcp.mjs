// SPDX-License-Identifier: MIT
// An MCP server of the SDK whose EventStore is on the gateway, and the conformance suite.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { z } from 'zod';
import { createEventStore } from './glue/mcp.mjs';

const RETRY_MS = 50;

/** The items that a tool sends: push(items) and end(); an iterator that waits for the items. */
export class Feed {
	#items = [];
	#isEnded = false;
	#wake = () => {};
	push(items) {
		this.#items.push(...items);
		this.#wake();
	}
	end() {
		this.#isEnded = true;
		this.#wake();
	}
	async *[Symbol.asyncIterator]() {
		for (let at = 0; at < this.#items.length || !this.#isEnded;) {
			if (at < this.#items.length) {
				yield this.#items[at++];
			} else {
				await new Promise((resolve) => (this.#wake = resolve));
			}
		}
	}
}

// `tell` sends each item of a feed as a notification. `test_reconnection` is of the conformance suite.
function createServer(feeds, transport) {
	const server = new McpServer({ name: 'frontends', version: '1.0.0' }, { capabilities: { logging: {} } });
	server.registerTool('tell', { inputSchema: { name: z.string() } }, async ({ name }, extra) => {
		let count = 0;
		for await (const data of feeds.get(name)) {
			count++;
			await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data } });
		}
		return { content: [{ type: 'text', text: `told ${count}` }] };
	});
	server.registerTool('test_reconnection', {}, async (extra) => {
		await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data: 'before' } });
		transport.closeSSEStream(extra.requestId);
		return { content: [{ type: 'text', text: 'reconnected' }] };
	});
	return server;
}

/** Starts the MCP server. Returns { target, feeds, close }. */
export async function startMcp(gateway) {
	const feeds = new Map();
	const transports = new Map();
	const app = createMcpExpressApp();
	const open = async () => {
		const id = randomUUID();
		const transport = new StreamableHTTPServerTransport({
			sessionIdGenerator: () => id,
			eventStore: createEventStore(gateway, id),
			retryInterval: RETRY_MS,
		});
		transports.set(id, transport);
		await createServer(feeds, transport).connect(transport);
		return transport;
	};
	app.all('/mcp', async (request, response) => {
		const id = request.headers['mcp-session-id'];
		const transport = id === undefined ? await open() : transports.get(id);
		if (transport === undefined) {
			response.status(404).end();
		} else {
			await transport.handleRequest(request, response, request.body);
		}
	});
	const server = await new Promise((resolve) => {
		const listening = app.listen(0, '127.0.0.1', () => resolve(listening));
	});
	return {
		target: `http://127.0.0.1:${server.address().port}`,
		feeds,
		async close() {
			await Promise.all([...transports.values()].map((transport) => transport.close()));
			server.closeAllConnections();
			server.close();
		},
	};
}

/** Runs a scenario of the conformance suite. Returns the last line, such as 'Passed: 2/2, 0 failed, 0 warnings'. */
export function runScenario(name, url) {
	const suite = fileURLToPath(import.meta.resolve('@modelcontextprotocol/conformance/dist/index.js'));
	return new Promise((resolve) => {
		execFile(process.execPath, [suite, 'server', '--url', url, '--scenario', name], (error, output, errors) => {
			const [line] = /^Passed: .*$/m.exec(output) ?? [];
			resolve(error === null && line !== undefined ? line : `failed: ${error?.message}\n${output}${errors}`);
		});
	});
}
