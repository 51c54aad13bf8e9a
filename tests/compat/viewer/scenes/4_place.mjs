// SPDX-License-Identifier: MIT
// Places in a session: cursors, the search and the filter by kinds.
import assert from 'node:assert/strict';
import { hook, openSession, readBook, readRows, sessionAddress, until, untilBook } from '../hooks.mjs';
import { untilRight } from '../judge.mjs';
import { textOf, tokens } from '../stage.mjs';

async function fetchCursor(url, session, position) {
	const response = await fetch(`${url}/v1/sessions/${session}/events?limit=${position}`);
	return (await response.json()).cursor;
}

const cursors = {
	name: 'cursors',
	sentence: 'V105 a session opens behind a cursor of the address, and a copied cursor leads to its place',
	async run(stage) {
		const { url } = await stage.server();
		await stage.append(url, 'chat', tokens(1, 40));
		const context = await stage.context(url, { permissions: ['clipboard-read', 'clipboard-write'] });
		const page = await context.newPage();
		const cursor = await fetchCursor(url, 'chat', 10);
		await openSession(page, url, 'chat', `?cursor=${encodeURIComponent(cursor)}`);
		await untilRight(page, { appended: 40, first: 11, text: textOf(11, 40), lost: [] });
		await page.locator(hook('copy-cursor')).first().click();
		const copied = await until('the cursor is on the clipboard', async () => {
			const text = await page.evaluate(() => navigator.clipboard.readText());
			return text.includes('rp1.') && text;
		});
		const [word] = /rp1\.[0-9a-f]{32}\.\d+\.\d+\.[0-9a-f]{8}\.\S+/.exec(copied) ?? [];
		assert.ok(word, `a cursor is copied, not ${copied}`);
		await stage.append(url, 'chat', tokens(41, 45));
		await page.goto(`${url}/#/`);
		await openSession(page, url, 'chat', `?cursor=${encodeURIComponent(word)}`);
		await untilRight(page, { appended: 45, first: 41, text: textOf(41, 45), lost: [] });
		await openSession(page, url, 'chat', '?from=newest');
		assert.equal((await readBook(page)).events, 0, 'from=newest begins behind the newest event');
		await page.locator(`input${hook('open-cursor')}, ${hook('open-cursor')} input`).first().fill(cursor);
		await page.locator(`button${hook('open-cursor')}, ${hook('open-cursor')} button`).first().click();
		await untilBook(page, 'the session opens behind the cursor', ({ events }) => events === 35);
		await untilRight(page, { appended: 45, first: 11, text: textOf(11, 45), lost: [] });
		await page.goto(sessionAddress(url, 'chat', '?cursor=rp1.broken'));
		await untilBook(page, 'a broken cursor is told', ({ state, told }) => state === 'error' && told.trim() !== '');
	},
};

const search = {
	name: 'search',
	sentence: 'V105 the search finds an event among those that are loaded, however far away its row is',
	async run(stage) {
		const { url } = await stage.server();
		await stage.append(url, 'chat', tokens(1, 1500).map((event, index) => (index === 699 ? { token: 'needle in hay ' } : event)));
		const page = await stage.page(url);
		await openSession(page, url, 'chat');
		await page.locator(hook('search')).pressSequentially('needle in hay');
		await page.keyboard.press('Enter');
		const isHere = async () => (await readRows(page)).some(({ position, text }) => position === 700 && text.includes('needle'));
		await until('the event 700 is in the list', isHere);
		assert.ok((await readRows(page)).length < 300, 'the list has the rows of the screen alone');
		await page.locator(hook('search')).fill('nowhere at all');
		await page.keyboard.press('Enter');
		await page.locator(hook('search')).fill('');
		await stage.append(url, 'chat', tokens(1501, 1501));
		await untilBook(page, 'the page goes on', ({ position }) => position === 1501);
	},
};

// The list holds 32 Mi characters. An id that is left keeps its whole block in memory.
const hits = {
	name: 'hits',
	sentence: 'V108 hits whose events have left the list keep no payload in memory',
	isLong: true,
	async run(stage) {
		const { url } = await stage.server(['--bytes-max', String(64 << 20)]);
		const { context, newPage } = await stage.context(url);
		const page = await newPage();
		await stage.append(url, 'chat', [{ token: 'begin ' }]);
		await openSession(page, url, 'chat');
		await page.locator(hook('search')).fill('needle');
		for (let n = 0; n < 160; n++) {
			await stage.append(url, 'chat', [{ token: 'needle ', pad: 'x'.repeat(1000000) }]);
		}
		await untilBook(page, 'all events came', ({ events }) => events === 161);
		const kept = page.locator(hook('kept'));
		await until('the oldest events have left the list', () => kept.isVisible());
		const protocol = await context.newCDPSession(page);
		await protocol.send('Performance.enable');
		await protocol.send('HeapProfiler.collectGarbage');
		const { metrics } = await protocol.send('Performance.getMetrics');
		const mib = metrics.find(({ name }) => name === 'JSHeapUsedSize').value / 1024 / 1024;
		stage.facts.push(`after 160 events of 1 MB: ${mib.toFixed(1)} MiB`);
		assert.ok(mib <= 100, `the heap has ${mib} MiB`);
		await page.locator(hook('search')).press('Enter');
		const details = page.locator(hook('details'));
		await until('the first hit is shown', async () => (await details.textContent()).includes('Event 2,'));
		assert.ok((await details.textContent()).includes(' 0 characters'), 'the payload of the event 2 is still there');
	},
};

const kinds = {
	name: 'kinds',
	sentence: 'V105 kinds are named, and a checkbox leaves out the events of a kind',
	async run(stage) {
		const { url } = await stage.server();
		for (let n = 1; n <= 30; n++) {
			await stage.append(url, 'chat', tokens(n, n), { 'Reprise-Kind': String(n % 3) });
		}
		const page = await stage.page(url);
		await openSession(page, url, 'chat');
		const boxes = page.locator(`${hook('kinds')} input[type="checkbox"]`);
		await until('there are three kinds', async () => (await boxes.count()) === 3);
		const shown = async () => new Set((await readRows(page)).map(({ position }) => position % 3));
		await until('events of each kind are shown', async () => (await shown()).size === 3);
		const one = page.locator(`${hook('kinds')} label`, { hasText: /^\s*1\b/ }).locator('input');
		await one.click();
		await until('events of the kind 1 are left out', async () => !(await shown()).has(1) && (await shown()).size === 2);
		assert.equal((await readBook(page)).events, 30, 'a filter drops no event');
		await one.click();
		await until('events of each kind are shown again', async () => (await shown()).size === 3);
	},
};

const scroll = {
	name: 'scroll',
	sentence: 'V105 a list that is scrolled up stays there while events come, and follows the newest event again at its end',
	async run(stage) {
		const { url } = await stage.server();
		await stage.append(url, 'chat', tokens(1, 200));
		const page = await stage.page(url);
		await openSession(page, url, 'chat');
		const posting = stage.post(url, 'chat', 1500, 2, 200);
		const top = async () => Math.min(...(await readRows(page)).map(({ position }) => position));
		await untilBook(page, 'events flow', ({ position }) => position > 220);
		await page.locator(hook('events')).hover();
		for (const [words, move] of [
			['the wheel', () => page.mouse.wheel(0, -25)],
			['Page Up', () => page.locator(hook('events')).press('PageUp')],
			['Home', () => page.locator(hook('events')).press('Home')],
		]) {
			await move();
			const { position } = await readBook(page);
			await untilBook(page, 'more events come', (book) => book.position > position + 60);
			const there = await top();
			const { position: later } = await readBook(page);
			await untilBook(page, 'more events come', (book) => book.position > later + 20);
			assert.equal(await top(), there, `the list has moved on behind ${words}`);
			await page.locator(hook('events')).press('End');
			await until(`the list follows again behind ${words}`, async () => {
				const rows = await readRows(page);
				return rows.some(({ position: shown }) => shown > later + 20);
			});
		}
		await page.locator(hook('events')).press('Home');
		await until('Home shows the oldest event', async () => (await top()) === 1);
		await posting;
		assert.equal(await top(), 1, 'the oldest event is still shown');
	},
};

export default [cursors, search, hits, kinds, scroll];
