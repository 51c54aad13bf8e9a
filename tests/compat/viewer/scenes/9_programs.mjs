// SPDX-License-Identifier: MIT
// The programs that print an address for a browser: `reprise demo --serve` and `reprise run`.
import assert from 'node:assert/strict';
import { hook, listAddress, openSession, readBook, readSessions, until, untilBook } from '../hooks.mjs';
import { untilRight } from '../judge.mjs';
import { textOf } from '../stage.mjs';

// Starts the program; returns the first address that it prints. The name of the stream is 'stdout' or 'stderr'.
async function startProgram(stage, words, name) {
	const child = stage.spawn(stage.options.program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
	let text = '';
	child.stdout.on('data', () => {});
	child.stderr.on('data', () => {});
	child[name].on('data', (bytes) => (text += bytes));
	return until('the program prints an address', () => /https?:\/\/[^\s]+(?=\s)/.exec(text)?.[0]);
}

const demo = {
	name: 'demo',
	sentence: 'V105 the demo is shown live: rates in the list, a page that falls behind is told of the gap, 0 doubled',
	isLong: true,
	async run(stage) {
		const url = await startProgram(stage, ['demo', '--serve'], 'stdout');
		const page = await stage.page(url);
		await page.goto(listAddress(url));
		await until('four sessions have a rate', async () => (await readSessions(page)).filter(({ rate }) => rate > 0).length >= 4);
		const first = await openSession(page, url, 'chat');
		const base = await untilBook(page, 'events come', ({ position }) => position > first.position + 5);
		const before = base.position - base.events - base.lost;
		assert.ok(base.text.trim().length > 0, 'the text is joined');
		await page.locator(hook('behind')).click();
		const book = await untilBook(page, 'the gap is told, and the page is live', ({ state, lost }) => state === 'live' && lost > base.lost, 60000);
		assert.equal(book.position - book.events - book.lost, before, 'each event came or is told as lost');
		assert.equal(book.doubled, 0);
		stage.facts.push(`${book.events} events came, ${book.lost} are told as lost`);
	},
};

const program = {
	name: 'run',
	sentence: 'V105 the page that `reprise run` names shows each line of the command, and its exit status',
	async run(stage) {
		const loop = 'for i in $(seq 60); do echo "{\\"token\\":\\"$i \\"}"; sleep 0.02; done; exit 3';
		const words = ['run', '--session', 'loop', '--listen', '127.0.0.1:0', '--linger', '60', '--', 'sh', '-c', loop];
		const address = await startProgram(stage, words, 'stderr');
		const page = await stage.page(new URL(address).origin);
		await page.goto(address);
		await untilBook(page, 'the end is told', ({ state }) => state === 'ended');
		await untilRight(page, { appended: 60, text: textOf(1, 60), lost: [] });
		const mark = page.locator(hook('timeline')).getByRole('button', { name: /status 3\b/ });
		assert.equal(await mark.count(), 1, 'the end has the exit status');
		assert.equal((await readBook(page)).state, 'ended');
	},
};

export default [demo, program];
