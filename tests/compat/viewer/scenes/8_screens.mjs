// SPDX-License-Identifier: MIT
// The pictures: `--screens DIR` keeps them.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { listAddress, openSession, readSessions, sessionAddress, until, untilBook } from '../hooks.mjs';
import { breakOff } from '../overtake.mjs';
import { PHONE } from '../stage.mjs';
import { kindOf, STORY } from '../story.mjs';

const PER_SECOND = 60;

// Appends events with their kinds: neighbours of one kind are one request. The pace is for the plot alone.
async function appendKinds(stage, url, session, events, perSecond) {
	const began = performance.now();
	for (let first = 0; first < events.length;) {
		let end = first + 1;
		while (end < events.length && kindOf(events[end]) === kindOf(events[first]) && !(perSecond && end - first >= 5)) {
			end++;
		}
		await stage.append(url, session, events.slice(first, end), { 'Reprise-Kind': kindOf(events[first]) });
		first = end;
		if (perSecond) {
			const early = (first / perSecond) * 1000 - (performance.now() - began);
			await new Promise((resolve) => setTimeout(resolve, Math.max(0, early)));
		}
	}
}

async function shoot(stage, page, name) {
	const picture = await page.screenshot({ animations: 'disabled' });
	assert.ok(picture.length > 2000, `${name}.png is empty`);
	if (stage.options.screens) {
		fs.writeFileSync(path.join(stage.options.screens, `${name}.png`), picture);
	}
}

// A session that broke off and went on; with a log the events between are healed.
async function shootLoss(stage, hasLog, name) {
	const server = await stage.server(['--events-max', '60'], hasLog);
	const [first, second] = [Math.floor(STORY.length / 2), Math.floor(STORY.length / 2) + 110];
	const events = STORY;
	const proxy = await stage.proxy(server.url);
	await appendKinds(stage, server.url, 'chat', events.slice(0, 1));
	const page = await stage.page(proxy.url);
	await openSession(page, proxy.url, 'chat');
	await appendKinds(stage, server.url, 'chat', events.slice(1, first), PER_SECOND);
	await untilBook(page, 'the page has the beginning', ({ position }) => position === first);
	await breakOff(server, page, proxy, () => appendKinds(stage, server.url, 'chat', events.slice(first, second)));
	await untilBook(page, 'the page is live again', ({ state }) => state === 'live');
	await appendKinds(stage, server.url, 'chat', events.slice(second), PER_SECOND);
	await untilBook(page, 'the page has gone on', ({ events: taken, lost }) => taken + lost === events.length);
	await page.locator(`[data-mark="${hasLog ? 'healed' : 'gap'}"]`).first().click();
	await shoot(stage, page, name);
}

const SESSIONS = ['agent-atlas', 'agent-borealis', 'chat-1041', 'chat-1042', 'review-22', 'search-3', 'search-4'];

async function shootList(stage, url) {
	for (const [place, session] of SESSIONS.entries()) {
		await appendKinds(stage, url, session, STORY.slice(0, STORY.length - 31 * place));
	}
	await stage.end(url, 'review-22');
	await stage.end(url, 'search-3');
	const [watching, page] = [await stage.page(url), await stage.page(url)];
	await watching.goto(sessionAddress(url, 'chat-1042'));
	await page.goto(listAddress(url));
	await until('the list is there', async () => (await readSessions(page)).length === SESSIONS.length);
	const posting = [stage.post(url, 'agent-atlas', 240, 4, 80), stage.post(url, 'chat-1042', 75, 1, 25)];
	await until('two sessions have a rate', async () => (await readSessions(page)).filter(({ rate }) => rate > 0).length === 2);
	await shoot(stage, page, 'rest');
	await Promise.all(posting);
}

const screens = {
	name: 'screens',
	sentence: 'V109 the pictures at rest, live, in a gap, healed, on a phone and in the dark',
	isLong: true,
	async run(stage) {
		const { url } = await stage.server();
		await shootList(stage, url);
		const views = [['live', {}], ['dark', { colorScheme: 'dark' }], ['phone', PHONE]];
		await appendKinds(stage, url, 'agent-9', STORY.slice(0, 20));
		const pages = [];
		for (const [name, settings] of views) {
			const page = await stage.page(url, settings);
			await openSession(page, url, 'agent-9');
			pages.push([name, page]);
		}
		await appendKinds(stage, url, 'agent-9', STORY.slice(20), PER_SECOND);
		for (const [name, page] of pages) {
			await untilBook(page, `${name}: all events came`, ({ position }) => position === STORY.length);
			await shoot(stage, page, name);
		}
		await shootLoss(stage, false, 'gap');
		await shootLoss(stage, true, 'healed');
	},
};

export default [screens];
