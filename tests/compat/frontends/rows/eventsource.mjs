// SPDX-License-Identifier: MIT
// The EventSource of a browser, without a package and without glue: Chromium resumes by itself.
import { appendJson, endSession } from '../gateway.mjs';

const DEADLINE_MS = 15000;
const EVENTS = Array.from({ length: 8 }, (_, index) => ({ n: index + 1, text: `event ${index + 1}` }));
const address = (session, url) => `${url}/v1/sessions/${session}/events`;
let chromium;

// A copy of tests/compat/sse/chromium.mjs, which compat.sh makes.
async function open() {
	const { openChromium } = await import('../chromium.mjs');
	chromium ??= await openChromium();
}

async function close() {
	await chromium.close();
	chromium = undefined;
}

export default {
	name: 'eventsource',
	package: 'Chromium',
	glue: null,
	isOptional: true,
	needs: 'a URL',
	isCutOften: true,
	// The page of the harness is of another origin.
	arguments: ['--origin', '*'],
	async version() {
		await open();
		return chromium.version;
	},
	async prepare() {
		await open();
		return { close };
	},
	events: () => EVENTS,
	append: appendJson,
	end: endSession,
	async deliver({ session }, url) {
		const { deliveries, hasEnded } = await chromium.followToEnd(() => address(session, url), DEADLINE_MS);
		const events = deliveries.filter(({ type }) => type === 'message').map(({ data }) => JSON.parse(data));
		const gaps = deliveries.filter(({ type }) => type === 'gap').map(({ data }) => JSON.parse(data));
		return { delivered: events.map(({ n }) => n), final: { events, hasEnded }, gaps };
	},
	check: ({ final: { events, hasEnded } }) => (hasEnded && events.length === EVENTS.length ? [] : ['the stream has no end']),
	gap: ({ gaps }) => (gaps.length === 1 ? `an event: lost ${gaps[0].lost}` : 'wrong: nothing is told'),
	// The stream is refused, and EventSource gives up: no further request within the time of two retries.
	async unknown({ session, proxy }, url) {
		const { deliveries } = await chromium.followToEnd(() => address(session, url), 2500);
		const statuses = proxy.requests.map(({ status }) => status);
		return deliveries.length === 0 && statuses.join() === '404' ? '404: no more requests' : `wrong: ${statuses}`;
	},
};
