// SPDX-License-Identifier: MIT
// 100 EventSources in one page of Chromium, behind a proxy with HTTP/2: all are open and receive, and once the tab is
// closed the gateway has no stream any more.
//
// Usage: hundred.mjs PROXY-URL GATEWAY-URL TOKEN
//
// The name of the proxy's URL leads to the loopback. Prints a line with what was measured. Exits with 1 at a fault.
import assert from 'node:assert/strict';
import { openBrowser } from './browser.mjs';
import { until } from './hooks.mjs';

const SOURCES = 100;
const GONE_MS_MAX = 1000;

const [proxy, gateway, token] = process.argv.slice(2);
const authorization = { Authorization: `Bearer ${token}` };
const id = (n) => `hundred-${n}`;

async function appendEach(value) {
	const headers = { ...authorization, 'Content-Type': 'application/json' };
	for (let n = 0; n < SOURCES; n++) {
		const response = await fetch(`${gateway}/v1/sessions/${id(n)}/events?wait=none`, { method: 'POST', headers, body: JSON.stringify(value) });
		assert.ok(response.ok, `an append: ${response.status}`);
	}
}

// The clients whose stream of a session is open at the gateway.
async function countHosts() {
	const response = await fetch(`${gateway}/v1/sessions?limit=1000`, { headers: authorization });
	const { sessions } = await response.json();
	return sessions.reduce((sum, { hosts }) => sum + hosts, 0);
}

// Runs in the page.
function openSources(addresses) {
	window.sources = addresses.map((address) => {
		const source = new EventSource(address);
		source.events = [];
		source.onmessage = ({ data }) => source.events.push(data);
		return source;
	});
}

const readSources = (page) =>
	page.evaluate(() => window.sources.map(({ readyState, events }) => ({ isOpen: readyState === EventSource.OPEN, events })));

const isWith = (sources, events) => sources.every((source) => source.isOpen && source.events.join() === events.join());

// The page comes from the proxy's origin, without a file at the proxy.
async function openPage(browser) {
	const { context, newPage, faults } = await browser.openContext(proxy, { ignoreHTTPSErrors: true, extraHTTPHeaders: authorization });
	const page = await newPage();
	await context.route(`${proxy}/page`, (route) => route.fulfill({ contentType: 'text/html', body: '<!DOCTYPE html><title>100</title>' }));
	await page.goto(`${proxy}/page`);
	await context.unrouteAll();
	return { page, faults };
}

// The version of HTTP that the streams have.
const protocols = (page) =>
	page.evaluate(async () => {
		await fetch('/v1/sessions?limit=1').then((response) => response.text());
		return performance.getEntriesByType('resource').at(-1).nextHopProtocol;
	});

async function main() {
	const name = new URL(proxy).hostname;
	const browser = await openBrowser([`--host-resolver-rules=MAP ${name} 127.0.0.1`, '--ignore-certificate-errors']);
	await appendEach({ n: 1 });
	const { page, faults } = await openPage(browser);
	const began = performance.now();
	await page.evaluate(openSources, Array.from({ length: SOURCES }, (_, n) => `/v1/sessions/${id(n)}/events`));
	await until('each EventSource is open and has its event', async () => isWith(await readSources(page), ['{"n":1}']));
	const opened_ms = performance.now() - began;
	await appendEach({ n: 2 });
	await until('each EventSource has the second event', async () => isWith(await readSources(page), ['{"n":1}', '{"n":2}']));
	assert.equal(await protocols(page), 'h2');
	assert.equal(await countHosts(), SOURCES, 'streams at the gateway');
	assert.deepEqual(faults, []);
	await page.close();
	const closed = performance.now();
	await until('the gateway has no stream', async () => (await countHosts()) === 0);
	const gone_ms = performance.now() - closed;
	assert.ok(gone_ms <= GONE_MS_MAX, `the streams are gone ${gone_ms.toFixed(0)} ms after the tab`);
	console.log(`${SOURCES} EventSources open after ${opened_ms.toFixed(0)} ms, and gone ${gone_ms.toFixed(0)} ms after the tab`);
	await browser.close();
}

await main().then(() => process.exit(0), (error) => {
	console.log(error.message);
	process.exit(1);
});
