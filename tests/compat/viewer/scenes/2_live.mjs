// SPDX-License-Identifier: MIT
// One session, live: the events, and their joined text.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { hook, openSession, readRows, untilBook } from '../hooks.mjs';
import { untilRight } from '../judge.mjs';
import { PIECES, recordedTexts, SHAPES } from '../shapes.mjs';
import { Skip, textOf, tokens } from '../stage.mjs';

const live = {
	name: 'live',
	sentence: 'V105 events come as they are appended, each once',
	async run(stage) {
		const { url } = await stage.server();
		await stage.append(url, 'chat', tokens(1, 20));
		const page = await stage.page(url);
		await openSession(page, url, 'chat');
		await untilRight(page, { appended: 20, text: textOf(1, 20) });
		const delays = [];
		for (let n = 21; n <= 40; n++) {
			const began = performance.now();
			await stage.append(url, 'chat', tokens(n, n));
			await untilBook(page, `the event ${n} comes`, ({ position }) => position === n);
			delays.push(performance.now() - began);
		}
		await untilRight(page, { appended: 40, text: textOf(1, 40), lost: [] });
		const rows = await readRows(page);
		assert.ok(rows.some(({ position, text }) => position === 40 && text.includes('40 ')), 'the newest row has the payload');
		stage.facts.push(`from the append to the page: ${delays.sort((a, b) => a - b)[10].toFixed(0)} ms (median of 20)`);
	},
};

// Another session for each shape.
const shapes = {
	name: 'shapes',
	sentence: 'V106 the deltas of each known shape are joined into the text',
	async run(stage) {
		const { url } = await stage.server();
		const page = await stage.page(url);
		for (const [name, { begin, piece, end }] of Object.entries(SHAPES)) {
			const events = [...begin, ...PIECES.map(piece), ...end];
			await stage.append(url, name, events.slice(0, 3));
			await openSession(page, url, name);
			await stage.append(url, name, events.slice(3));
			const book = await untilBook(page, `${name}: the text is whole`, ({ text, position }) =>
				position === events.length && text.includes(PIECES.join('').trim()));
			assert.equal(book.text.trim(), PIECES.join('').trim(), name);
			await untilRight(page, { appended: events.length, lost: [] }, name);
		}
	},
};

// White space between the parts of an answer is the viewer's own.
const recordings = {
	name: 'recordings',
	sentence: 'V106 the text of recorded model streams is in the page, part by part',
	async run(stage) {
		const folder = stage.options.streams;
		const files = folder && fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => name.endsWith('.jsonl')) : [];
		if (files.length === 0) {
			throw new Skip('there are no recordings beside the project');
		}
		const { url } = await stage.server(['--bytes-max', '16777216']);
		const page = await stage.page(url);
		let characters = 0;
		for (const file of files) {
			const events = fs.readFileSync(path.join(folder, file), 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
			await stage.append(url, file, events);
			await stage.end(url, file);
			await openSession(page, url, file);
			await untilBook(page, `${file} is whole`, ({ events: taken }) => taken === events.length);
			await untilRight(page, { appended: events.length, lost: [] }, file);
			for (const text of recordedTexts(events)) {
				const end = await untilBook(page, `${file}: the text ${JSON.stringify(text.slice(0, 60))}`, (seen) => seen.text.includes(text));
				characters += end.text.length > 0 ? text.length : 0;
			}
		}
		stage.facts.push(`${files.length} recordings, ${characters} characters`);
	},
};

const ends = {
	name: 'end',
	sentence: 'V105 the end of a session is told with its status, to a live page and to a page that comes later',
	async run(stage) {
		const { url } = await stage.server();
		await stage.append(url, 'chat', tokens(1, 5));
		const page = await stage.page(url);
		await openSession(page, url, 'chat');
		const response = await fetch(`${url}/v1/sessions/chat/end`, {
			...{ method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"status":7}' },
		});
		assert.equal(response.status, 200);
		for (const when of ['live', 'later']) {
			if (when === 'later') {
				await page.reload();
			}
			await untilBook(page, `${when}: the end is told`, ({ state }) => state === 'ended');
			const mark = page.locator(hook('timeline')).getByRole('button', { name: /status 7\b/ });
			assert.equal(await mark.count(), 1, `${when}: the end is a mark of the time line, with its status`);
			await untilRight(page, { appended: 5, text: textOf(1, 5), lost: [] }, when);
		}
		await page.goto(`${url}/#/s/none`);
		await untilBook(page, 'an unknown session is told', ({ state }) => state === 'gone' || state === 'error');
	},
};

export default [live, shapes, recordings, ends];
