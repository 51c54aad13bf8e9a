// SPDX-License-Identifier: MIT
// The attributes of the viewer, and waits with bounds.
import assert from 'node:assert/strict';

export const BOUND_MS = 20000;
const POLL_MS = 25;

export const hook = (name) => `[data-test="${name}"]`;

/** Waits until test() returns a truthy value, and returns the value. Fails with the words after `bound_ms`. */
export async function until(words, test, bound_ms = BOUND_MS) {
	const end = Date.now() + bound_ms;
	for (;;) {
		const value = await test();
		if (value) {
			return value;
		}
		if (Date.now() > end) {
			const last = typeof words === 'function' ? await words() : words;
			assert.fail(`not within ${bound_ms} ms: ${last}`);
		}
		await new Promise((resolve) => setTimeout(resolve, POLL_MS));
	}
}

// Runs in the page. Numbers that are missing are NaN, and so differ from any number.
function readSession() {
	const find = (name) => document.querySelector(`[data-test="${name}"]`);
	const { dataset } = find('session') ?? { dataset: {} };
	const number = (name) => Number(dataset[name] ?? NaN);
	const place = (text) => (/^\d+$/.test(text) ? Number(text) : null);
	return {
		state: dataset.state ?? null,
		position: number('position'),
		events: number('events'),
		lost: number('lost'),
		healed: number('healed'),
		doubled: number('doubled'),
		text: find('text')?.textContent ?? '',
		told: find('status')?.textContent ?? '',
		marks: [...(find('timeline')?.querySelectorAll('[data-mark]') ?? [])].map((element) => ({
			what: element.dataset.mark,
			first: place(element.dataset.first),
			last: place(element.dataset.last),
		})),
	};
}

/** The session that the page shows: the attributes as numbers, the joined text and the marks of the time line. */
export const readBook = (page) => page.evaluate(readSession);

/** Waits until the session of the page fulfils test(book); returns the book. */
export async function untilBook(page, words, test, bound_ms) {
	let book;
	const short = () => JSON.stringify({ ...book, text: book.text.slice(-80) });
	await until(() => `${words}; the page has ${short()}`, async () => {
		book = await readBook(page);
		return test(book);
	}, bound_ms);
	return book;
}

/** The rows of the event list that are shown: [{ position, text }]. */
export const readRows = (page) =>
	page.evaluate(() =>
		[...document.querySelectorAll('[data-test="events"] [data-position]')].filter((row) => row.checkVisibility()).map((row) => ({
			position: Number(row.dataset.position),
			text: row.textContent,
		})),
	);

/** The rows of the list of sessions: [{ id, newest, rate }]. */
export const readSessions = (page) =>
	page.evaluate(() =>
		[...document.querySelectorAll('[data-test="sessions"] [data-session]')].map(({ dataset }) => ({
			id: dataset.session,
			newest: Number(dataset.newest ?? NaN),
			rate: Number(dataset.rate ?? NaN),
		})),
	);

/** The address of the list, or of a session; `query` is such as '?cursor=rp1…'. */
export const listAddress = (url) => `${url}/#/`;
export const sessionAddress = (url, session, query = '') => `${url}/#/s/${encodeURIComponent(session)}${query}`;

/** Opens a session, and waits until the page has the newest event or the end, and has drawn the numbers. */
export async function openSession(page, url, session, query) {
	await page.goto(sessionAddress(url, session, query));
	return untilBook(page, 'the session is live or has ended', ({ state, position }) =>
		(state === 'live' || state === 'ended') && Number.isFinite(position));
}
