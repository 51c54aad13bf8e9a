// SPDX-License-Identifier: MIT
// The keyboard, screen readers, a phone and the dark.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import fs from 'node:fs';
import { hook, listAddress, openSession, readBook, readRows, readSessions, sessionAddress, until, untilBook } from '../hooks.mjs';
import { overtake } from '../overtake.mjs';
import { PHONE, tokens } from '../stage.mjs';

const AXE = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// The policy of the page holds: the source comes by the debugger's protocol.
async function judgeAxe(page, where) {
	await page.evaluate(AXE);
	const violations = await page.evaluate(async () => {
		const result = await window.axe.run(document, { resultTypes: ['violations'] });
		return result.violations.map(({ id, help, nodes }) =>
			`${id}: ${help}: ${nodes.slice(0, 3).map(({ target, failureSummary }) => `${target.join(' ')} ${failureSummary}`).join('; ')}`);
	});
	assert.deepEqual(violations, [], `axe-core, ${where}`);
}

// A server whose session `chat` has a gap for the page, which is open.
async function openGap(stage, settings) {
	const server = await stage.server(['--events-max', '100']);
	await stage.append(server.url, 'chat', tokens(1, 50));
	await stage.append(server.url, 'other', tokens(1, 3));
	const proxy = await stage.proxy(server.url);
	const page = await stage.page(proxy.url, settings);
	await overtake(server, page, proxy, () => stage.append(server.url, 'chat', tokens(51, 500)));
	await untilBook(page, 'the gap is told', ({ events, lost, state }) => events + lost === 500 && state === 'live');
	return { page, url: proxy.url };
}

const axe = {
	name: 'axe',
	sentence: 'V109 axe-core finds no violation in the list, a live session, a gap, the help, the dark and a phone',
	async run(stage) {
		const { page, url } = await openGap(stage);
		await judgeAxe(page, 'a gap');
		await page.locator('[data-mark="gap"]').first().click();
		await judgeAxe(page, 'a gap that is chosen');
		await page.emulateMedia({ colorScheme: 'dark' });
		await judgeAxe(page, 'a gap in the dark');
		await page.keyboard.press('Escape');
		await page.keyboard.press('?');
		await page.getByRole('dialog').waitFor({ state: 'visible', timeout: 5000 });
		await judgeAxe(page, 'the help in the dark');
		await page.emulateMedia({ colorScheme: 'light' });
		await judgeAxe(page, 'the help');
		await page.goto(listAddress(url));
		await until('the list is there', async () => (await readSessions(page)).length === 2);
		await judgeAxe(page, 'the list');
		await page.emulateMedia({ colorScheme: 'dark' });
		await judgeAxe(page, 'the list in the dark');
		await page.goto(sessionAddress(url, 'none'));
		await untilBook(page, 'an unknown session is told', ({ state }) => state === 'gone' || state === 'error');
		await judgeAxe(page, 'an unknown session');
		const phone = await stage.page(url, PHONE);
		await openSession(phone, url, 'chat');
		await judgeAxe(phone, 'a live session on a phone');
		await phone.goto(listAddress(url));
		await until('the list is there', async () => (await readSessions(phone)).length === 2);
		await judgeAxe(phone, 'the list on a phone');
	},
};

// Presses Tab until test() is true; returns the hooks that had the focus.
async function walk(page, test, max = 120) {
	const seen = new Set();
	for (let n = 0; n < max; n++) {
		await page.keyboard.press('Tab');
		const names = await page.evaluate(() => {
			const found = [];
			for (let at = document.activeElement; at; at = at.parentElement) {
				found.push(at.dataset?.test ?? '', at.dataset?.mark ? 'mark' : '', at.dataset?.session ? 'row' : '');
			}
			return found.filter(Boolean);
		});
		names.forEach((name) => seen.add(name));
		if (test(names, seen)) {
			break;
		}
	}
	return seen;
}

// Whether the element with the focus looks otherwise than without.
const hasRing = (page) => page.evaluate(() => {
	const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(document.activeElement);
	return (outlineStyle !== 'none' && parseFloat(outlineWidth) > 0) || boxShadow !== 'none';
});

const keyboard = {
	name: 'keyboard',
	sentence: 'V109 each control is reached and used by the keyboard alone, and the focus is seen',
	async run(stage) {
		const { page, url } = await openGap(stage);
		await page.goto(listAddress(url));
		await until('the list is there', async () => (await readSessions(page)).length === 2);
		const list = await walk(page, (names) => names.includes('row'));
		assert.ok(list.has('row'), `Tab reaches ${[...list].join()}`);
		assert.ok(await hasRing(page), 'the focus of a row is not seen');
		await page.keyboard.press('Enter');
		await untilBook(page, 'Enter opens the session', ({ state }) => state === 'live');
		const wanted = ['search', 'drop', 'behind', 'copy-cursor', 'open-cursor', 'kinds', 'events'];
		const seen = await walk(page, (_, all) => wanted.every((name) => all.has(name)));
		assert.deepEqual(wanted.filter((name) => !seen.has(name)), [], `Tab reaches ${[...seen].join()}`);
		await page.locator(hook('drop')).focus();
		const { marks } = await readBook(page);
		await page.keyboard.press('Enter');
		await untilBook(page, 'Enter drops the connection, which comes back', (book) => book.marks.length > marks.length && book.state === 'live');
		await walk(page, (names) => names.includes('mark'));
		assert.ok(await page.evaluate(() => document.activeElement.dataset.mark !== undefined), 'Tab reaches a mark of the time line');
		assert.ok(await hasRing(page), 'the focus of a mark is not seen');
		await page.locator(hook('events')).focus();
		await page.keyboard.press('Home');
		const first = await until('Home shows the oldest events', async () => {
			const rows = await readRows(page);
			return rows.length > 0 && Math.min(...rows.map(({ position }) => position)) === 401 && rows;
		});
		assert.ok(first.length < 300, 'the list has the rows of the screen alone');
		await page.keyboard.press('End');
		await until('End shows the newest event', async () => (await readRows(page)).some(({ position }) => position === 500));
		await page.keyboard.press('?');
		await page.getByRole('dialog').waitFor({ state: 'visible', timeout: 5000 });
		await page.keyboard.press('Escape');
		await page.getByRole('dialog').waitFor({ state: 'hidden', timeout: 5000 });
	},
};

// Runs in the page: the pairs of controls and words that lie over each other, outside of panes that scroll.
function findOverlaps() {
	const box = (element) => {
		const range = document.createRange();
		range.selectNodeContents(element);
		return (element.matches('input, button') ? element : range).getBoundingClientRect();
	};
	const all = [...document.querySelectorAll('h1, button, input, header a, dt, dd, [data-test="words"], [data-test="state"], p')]
		.filter((element) => element.checkVisibility() && !element.closest('[data-test="events"], [data-test="text"], dialog'))
		.map((element) => ({ element, box: box(element) }))
		.filter(({ box: { width, height } }) => width > 1 && height > 1);
	const isOver = (a, b) =>
		!a.element.contains(b.element) && !b.element.contains(a.element) &&
		Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left) > 1 &&
		Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top) > 1;
	const name = ({ element }) => `${element.tagName} ${element.textContent.slice(0, 20)}`;
	return all.flatMap((a, place) => all.slice(place + 1).filter((b) => isOver(a, b)).map((b) => `${name(a)} over ${name(b)}`));
}

const phone = {
	name: 'phone',
	sentence: 'V109 a phone shows the list and a session without scrolling sideways, and nothing lies over something else',
	async run(stage) {
		const { url } = await stage.server();
		await stage.append(url, `a-long-name-${'x'.repeat(100)}`, tokens(1, 3));
		await stage.append(url, 'agent-borealis-9', tokens(1, 3));
		await stage.append(url, 'chat', [...tokens(1, 60), { token: 'w'.repeat(400) }]);
		const page = await stage.page(url, PHONE);
		const width = () => page.evaluate(() => document.documentElement.scrollWidth);
		await page.goto(listAddress(url));
		await until('the list is there', async () => (await readSessions(page)).length === 3);
		assert.equal(await width(), 360, 'the width of the list');
		assert.deepEqual(await page.evaluate(findOverlaps), [], 'the list');
		await openSession(page, url, 'agent-borealis-9');
		assert.deepEqual(await page.evaluate(findOverlaps), [], 'a session with a longer name');
		await openSession(page, url, 'chat');
		assert.equal(await width(), 360, 'the width of a session');
		assert.deepEqual(await page.evaluate(findOverlaps), [], 'a session');
		for (const name of ['text', 'events', 'timeline', 'drop', 'search']) {
			const element = page.locator(hook(name)).first();
			await element.scrollIntoViewIfNeeded({ timeout: 5000 });
			assert.ok(await element.isVisible(), `${name} is not seen`);
		}
	},
};

export default [axe, keyboard, phone];
