// SPDX-License-Identifier: MIT
// The list of sessions.
import assert from 'node:assert/strict';
import { listAddress, readBook, readSessions, until } from '../hooks.mjs';
import { tokens } from '../stage.mjs';

async function fillSessions(stage, url, count) {
	for (let first = 0; first < count; first += 20) {
		await Promise.all(Array.from({ length: Math.min(20, count - first) }, (_, index) =>
			stage.append(url, `agent-${String(first + index).padStart(3, '0')}`, tokens(1, 1))));
	}
}

const FILTER = 'main input[type="search"]';

const list = {
	name: 'list',
	sentence: 'V104 the list shows each session with its newest position, and a rate where events come',
	async run(stage) {
		const { url } = await stage.server();
		await stage.append(url, 'quiet', tokens(1, 3));
		await stage.append(url, 'a b/ü%2F', tokens(1, 5));
		await stage.append(url, 'busy', tokens(1, 1));
		const page = await stage.page(url);
		await page.goto(listAddress(url));
		const newest = async () => Object.fromEntries((await readSessions(page)).map(({ id, newest: n }) => [id, n]));
		await until('the sessions are listed', async () => Object.keys(await newest()).length === 3);
		assert.deepEqual(await newest(), { busy: 1, quiet: 3, 'a b/ü%2F': 5 });
		const posting = stage.post(url, 'busy', 200, 5, 100);
		const rows = await until('the busy session has a rate', async () => {
			const seen = await readSessions(page);
			return seen.find(({ id }) => id === 'busy').rate > 0 && seen;
		});
		assert.equal(rows.find(({ id }) => id === 'quiet').rate, 0, 'the rate of a quiet session');
		await posting;
		await until('the list has the newest position', async () => (await newest()).busy === 201);
		await until('the rate is zero again', async () => (await readSessions(page)).every(({ rate }) => rate === 0));
		await stage.append(url, 'later', tokens(1, 1));
		await until('a later session is listed', async () => 'later' in (await newest()));
		await page.locator(`[data-session="a b/ü%2F"] a`).first().click();
		await until('the row leads to its session', async () => (await readBook(page)).events === 5);
	},
};

const many = {
	name: 'many',
	sentence: 'V104 300 sessions are listed, and a filter finds each of them',
	isLong: true,
	async run(stage) {
		const { url } = await stage.server();
		await fillSessions(stage, url, 300);
		const page = await stage.page(url);
		await page.goto(listAddress(url));
		const found = async (words) => {
			await page.locator(FILTER).fill(words);
			return until(`the filter ${words} finds its sessions`, async () => {
				const ids = (await readSessions(page)).map(({ id }) => id);
				return ids.length > 0 && ids.every((id) => id.includes(words)) && ids;
			});
		};
		await until('300 sessions are listed', async () => (await readSessions(page)).length === 300);
		assert.deepEqual(await found('agent-299'), ['agent-299']);
		assert.deepEqual(await found('agent-000'), ['agent-000']);
		assert.equal((await found('agent-15')).length, 10);
		await stage.append(url, 'agent-150', tokens(2, 9));
		await until('one of 300 has its newest position', async () =>
			(await readSessions(page)).find(({ id }) => id === 'agent-150').newest === 9);
	},
};

export default [list, many];
