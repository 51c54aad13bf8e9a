// SPDX-License-Identifier: MIT
// Connections that drop, pages that fall behind, and servers that are killed.
import assert from 'node:assert/strict';
import { hook, listAddress, openSession, readBook, readSessions, until, untilBook } from '../hooks.mjs';
import { untilRight } from '../judge.mjs';
import { overtake } from '../overtake.mjs';
import { toldGaps } from '../proxy.mjs';
import { textOf, tokens } from '../stage.mjs';

const isTaken = (appended) => ({ events, lost }) => events + lost === appended;

const drop = {
	name: 'drop',
	sentence: 'V105 a page that drops its connection resumes: 0 lost, 0 doubled',
	async run(stage) {
		const { url } = await stage.server();
		await stage.append(url, 'chat', tokens(1, 50));
		const page = await stage.page(url);
		await openSession(page, url, 'chat');
		await page.locator(hook('drop')).click();
		await stage.append(url, 'chat', tokens(51, 150));
		await untilBook(page, 'the page has resumed by itself', isTaken(150));
		await untilBook(page, 'the page is live again', ({ state }) => state === 'live');
		const book = await untilRight(page, { appended: 150, text: textOf(1, 150), lost: [] });
		assert.ok(book.marks.some(({ what }) => what === 'drop' || what === 'resume'), 'a drop is a mark of the time line');
		// Drops while events flow; the same button resumes at once.
		const posting = stage.post(url, 'drops', 600, 4, 150);
		await until('the session exists', async () => (await fetch(`${url}/v1/sessions/drops/events?limit=1`)).ok);
		await openSession(page, url, 'drops');
		for (let n = 1; n <= 3; n++) {
			const { position } = await readBook(page);
			await page.locator(hook('drop')).click();
			await untilBook(page, 'the page has dropped its connection', ({ state }) => state === 'dropped');
			await page.locator(hook('drop')).click();
			await untilBook(page, 'events come again', ({ position: newest, state }) =>
				state === 'live' && (newest > position || newest === 600));
		}
		await posting;
		await untilBook(page, 'all events came', isTaken(600));
		await untilRight(page, { appended: 600, text: textOf(1, 600), lost: [] });
	},
};

const gap = {
	name: 'gap',
	sentence: 'V105 lost events are a gap with the exact range that the server tells',
	async run(stage) {
		const server = await stage.server(['--events-max', '100']);
		await stage.append(server.url, 'chat', tokens(1, 50));
		const proxy = await stage.proxy(server.url);
		const page = await stage.page(proxy.url);
		const told = await overtake(server, page, proxy, () => stage.append(server.url, 'chat', tokens(51, 500)));
		assert.deepEqual([told.type, told.first, told.last], ['gap', 51, 400]);
		await untilBook(page, 'the page has gone on', isTaken(500));
		const text = textOf(1, 50) + textOf(401, 500);
		const words = (value) => value.replace(/\s+/g, ' ').trim();
		const book = await untilRight(page, { appended: 500, lost: [{ first: 51, last: 400 }] });
		// The text may have a note in the place of the lost events.
		assert.ok(words(book.text).startsWith(words(textOf(1, 50))), book.text);
		assert.ok(words(book.text).endsWith(words(textOf(401, 500))), book.text);
		assert.ok(book.text.length < text.length + 200, 'the text has a short note at most');
		const mark = page.locator('[data-mark="gap"]').first();
		await mark.click();
		await untilBook(page, 'the page says 51 and 400', async () => {
			const said = await page.locator(hook('session')).textContent();
			return /\b51\b/.test(said) && /\b400\b/.test(said);
		});
	},
};

// More bytes than the buffers between the server and the page hold.
async function flood(stage, url, first, last) {
	const pad = 'x'.repeat(16000);
	await stage.append(url, 'chat', tokens(first, last).map((event) => ({ ...event, pad })));
}

// Falls behind by the button, and catches up by itself or by the button.
async function fallBehind(stage, page, url, count) {
	await page.locator(hook('behind')).click();
	await untilBook(page, 'the page is behind', ({ state }) => state === 'behind');
	await flood(stage, url, 11, count);
	if ((await readBook(page)).state === 'behind') {
		await page.locator(hook('behind')).click();
	}
	await untilBook(page, 'the page has caught up', isTaken(count), 40000);
}

const behind = {
	name: 'behind',
	sentence: 'V105 a page that falls behind has each event or a gap as the server tells it; with a log it has each event',
	async run(stage) {
		for (const hasLog of [false, true]) {
			const server = await stage.server(['--events-max', '200'], hasLog);
			await stage.append(server.url, 'chat', tokens(1, 10));
			const proxy = await stage.proxy(server.url);
			const page = await stage.page(proxy.url);
			await openSession(page, proxy.url, 'chat');
			const count = hasLog ? 500 : 2000;
			await fallBehind(stage, page, server.url, count);
			const lost = toldGaps(proxy.blocks);
			const book = await untilRight(page, { appended: count, lost });
			assert.equal(book.lost > 0, !hasLog, `${book.lost} events are lost`);
			stage.facts.push(hasLog ? `with a log: ${book.events} events came, ${book.healed} of them healed`
				: `${book.events} events came, ${book.lost} are told as lost in ${lost.length} gaps`);
		}
	},
};

const heal = {
	name: 'heal',
	sentence: 'V105 with a log the page has all events: those from the log are marked as healed, 0 lost',
	async run(stage) {
		const server = await stage.server(['--events-max', '100'], true);
		await stage.append(server.url, 'chat', tokens(1, 50));
		const proxy = await stage.proxy(server.url);
		const page = await stage.page(proxy.url);
		const told = await overtake(server, page, proxy, () => stage.append(server.url, 'chat', tokens(51, 500)));
		assert.equal(told.type, 'event');
		await untilBook(page, 'the page has gone on', isTaken(500));
		await untilRight(page, { appended: 500, text: textOf(1, 500), lost: [] });
		const live = await untilBook(page, 'the healed events are marked', ({ healed, marks }) =>
			healed > 0 && marks.some(({ what }) => what === 'healed'));
		const [mark] = live.marks.filter(({ what }) => what === 'healed');
		assert.ok(mark.first >= 51 && mark.last <= 500 && mark.last >= 400 - 1, `the healed range is ${mark.first} to ${mark.last}`);
		stage.facts.push(`healed: ${live.healed} events, ${mark.first} to ${mark.last}`);
	},
};

const killed = {
	name: 'killed',
	sentence: 'V105 a server that is killed and comes back over its log: the page resumes, nothing is lost or doubled',
	async run(stage) {
		const server = await stage.server([], true);
		await stage.append(server.url, 'chat', tokens(1, 50));
		const page = await stage.page(server.url);
		await openSession(page, server.url, 'chat');
		const list = await stage.page(server.url);
		await list.goto(listAddress(server.url));
		await until('the list is there', async () => (await readSessions(list)).length === 1);
		await server.kill9();
		await untilBook(page, 'the lost connection is told', ({ state }) => state !== 'live');
		await server.restart();
		await stage.append(server.url, 'chat', tokens(51, 100));
		await until('the list goes on', async () => (await readSessions(list))[0]?.newest === 100);
		await untilBook(page, 'the page has resumed', ({ state, events, lost }) => state === 'live' && events + lost === 100);
		await untilRight(page, { appended: 100, text: textOf(1, 100), lost: [] });
	},
};

// A connection whose other end has vanished stays open; only the heartbeats are missing.
const frozen = {
	name: 'frozen',
	sentence: 'V105 a server that goes silent without closing: the page leaves after three heartbeats, and resumes',
	async run(stage) {
		const server = await stage.server(['--heartbeat', '1000']);
		await stage.append(server.url, 'chat', tokens(1, 30));
		const page = await stage.page(server.url);
		await openSession(page, server.url, 'chat');
		await untilBook(page, 'the page is live', ({ state }) => state === 'live');
		server.freeze();
		await untilBook(page, 'the silence is told', ({ state }) => state === 'connecting');
		server.thaw();
		await stage.append(server.url, 'chat', tokens(31, 60));
		await untilBook(page, 'the page has resumed', ({ state, events, lost }) => state === 'live' && events + lost === 60);
		await untilRight(page, { appended: 60, text: textOf(1, 60), lost: [] });
	},
};

const restarted = {
	name: 'restarted',
	sentence: 'V105 a server that is killed without a log: the page tells of the restart, and goes on',
	async run(stage) {
		const server = await stage.server();
		await stage.append(server.url, 'chat', tokens(1, 50));
		const page = await stage.page(server.url);
		await openSession(page, server.url, 'chat');
		await server.kill9();
		await untilBook(page, 'the lost connection is told', ({ state }) => state !== 'live');
		await server.restart();
		await untilBook(page, 'the session is gone', ({ state }) => state !== 'live');
		await stage.append(server.url, 'chat', tokens(1, 20));
		const book = await untilBook(page, 'the page goes on with the new life', ({ state, marks, position }) =>
			state === 'live' && position === 20 && marks.some(({ what }) => what === 'restart'), 40000);
		assert.equal(book.doubled, 0);
		assert.equal(book.events, 70, 'events of both lives');
	},
};

// Control events of a durable stream are positions that no stream of events has.
async function openDurable(stage) {
	const { url } = await stage.server([], true);
	const address = `${url}/v1/stream/durable`;
	const send = async (method, body) => {
		const response = await fetch(address, { method, headers: { 'Content-Type': 'application/json' }, body });
		assert.ok(response.ok, `${method}: ${response.status} ${await response.text()}`);
	};
	await send('PUT');
	for (let n = 1; n <= 5; n++) {
		await send('POST', `[{"token":"${n} "}]`);
	}
	const page = await stage.page(url);
	await openSession(page, url, 'durable');
	return page;
}

const untold = {
	name: 'untold',
	sentence: 'V105 an event that is missing or doubled without a word is told; control events of durable streams are no loss',
	async run(stage) {
		const { url } = await stage.server();
		await stage.append(url, 'chat', tokens(1, 40));
		const changes = { 15: () => [], 30: (block) => [block, block] };
		const proxy = await stage.proxy(url, { changeBlock: (block, place) => changes[place]?.(block) ?? [block] });
		const page = await stage.page(proxy.url);
		await openSession(page, proxy.url, 'chat');
		const book = await untilBook(page, 'the fault is told', ({ lost, doubled }) => lost === 1 && doubled === 1);
		assert.deepEqual(book.marks.filter(({ what }) => what === 'gap').map(({ first, last }) => [first, last]), [[15, 15]]);
		assert.ok(book.text.includes('29 30 31 '), 'the doubled event is in the text once');
		const durable = await openDurable(stage);
		const { lost, doubled, marks } = await untilBook(durable, 'the text is whole', ({ text }) => text.includes('1 2 3 4 5 '));
		assert.deepEqual([lost, doubled, marks.filter(({ what }) => what === 'gap')], [0, 0, []]);
	},
};

const removed = {
	name: 'removed',
	sentence: 'V105 a window that is dropped is told as a new life, and a session that is deleted as gone',
	async run(stage) {
		const { url } = await stage.server();
		const ask = async (method, path) => {
			const headers = { 'Content-Type': 'application/json' };
			const response = await fetch(`${url}/v1/sessions/chat${path}`, { method, headers });
			assert.ok(response.ok, `${method} ${path}: ${response.status} ${await response.text()}`);
		};
		await stage.append(url, 'chat', tokens(1, 10));
		const page = await stage.page(url);
		await openSession(page, url, 'chat');
		await ask('POST', '/invalidate');
		await stage.append(url, 'chat', tokens(11, 20));
		const book = await untilBook(page, 'the page goes on', ({ text, state }) => state === 'live' && text.includes('19 20 '));
		assert.ok(book.marks.some(({ what }) => what === 'restart'), 'the new life is a mark');
		assert.deepEqual([book.events, book.lost, book.doubled], [20, 0, 0]);
		await ask('DELETE', '');
		await untilBook(page, 'the deletion is a mark', ({ marks }) => marks.length > book.marks.length);
		await page.reload();
		await untilBook(page, 'the session is gone', ({ state }) => state === 'gone');
	},
};

export default [drop, gap, behind, heal, killed, frozen, restarted, untold, removed];
