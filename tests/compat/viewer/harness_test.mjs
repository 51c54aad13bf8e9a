// SPDX-License-Identifier: MIT
// The harness's own test: the scenes fail behind a proxy with a deliberate fault, and pass behind one without.
// Usage: harness_test.mjs --program FILE
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openBrowser } from './browser.mjs';
import { judge } from './judge.mjs';
import { readScenes } from './scenes.mjs';
import { runScene } from './stage.mjs';

const PLACE = 15;
const pass = (block) => [block];
const onlyIndex = (change) => ({
	changeFile: (url, body, fields) => (url === '/' ? change(body, fields) : { body, fields }),
});
const addMarkup = (markup) => onlyIndex((body, fields) => ({ body: body + markup, fields }));
const moveGap = (change) => ({
	changeBlock: (block) => [/^event: ?gap$/m.test(block) ? block.replace(/"(first|last)":(\d+)/g, change) : block],
});

// The fault, the scene that must find it, and the words that tell it.
const FAULTS = [
	['doubles an event', 'live', { changeBlock: (block, place) => (place === PLACE ? [block, block] : [block]) }, /doubled|events that came|text differs/],
	['loses an event without a gap', 'live', { changeBlock: (block, place) => (place === PLACE ? [] : [block]) }, /lost|events that came|text differs/],
	['tells a gap that is too long', 'gap', moveGap((_, name, n) => `"${name}":${Number(n) + (name === 'last' ? 1 : 0)}`), /lost ranges|events that came|not within/],
	['tells a gap at another place', 'gap', moveGap((_, name, n) => `"${name}":${Number(n) - 1}`), /lost ranges|not within/],
	['has a picture of another origin', 'live', addMarkup('<img alt="" src="https://example.com/x.png">'), /report of the policy: img-src/],
	['has an inline style', 'live', addMarkup('<p style="color:red">x</p>'), /report of the policy: style-src/],
	['has an inline script', 'live', addMarkup('<script>window.isInline = true;</script>'), /report of the policy: script-src/],
	['has an inline script, in its bytes', 'files', addMarkup('<script>window.isInline = true;</script>'), /inline script/],
	['has no policy', 'files', onlyIndex((body, { 'content-security-policy': _, ...fields }) => ({ body, fields })), /./],
	['sends too many bytes', 'files', addMarkup(' '.repeat(41000)), /bytes together/],
	['has an address from the root', 'files', addMarkup('<a href="/viewer/viewer.js">x</a>'), /address from the root/],
	['has a button without a name', 'axe', addMarkup('<button></button>'), /button-name/],
];

const range = (first, last) => ({ what: 'gap', first, last });
const BOOK = { events: 90, lost: 10, position: 100, doubled: 0, marks: [range(11, 20)], text: '' };

const tests = {
	'a right book has no fault'() {
		assert.deepEqual(judge({ appended: 100 }, BOOK), []);
		assert.deepEqual(judge({ appended: 100, lost: [{ first: 11, last: 20 }], text: '' }, BOOK), []);
	},
	'each wrong book is found'() {
		const wrong = [
			{ events: 91 }, { events: 89 }, { lost: 9 }, { position: 99 }, { doubled: 1 }, { doubled: NaN }, { marks: [] },
			{ marks: [range(11, 21)] }, { marks: [range(12, 21)] }, { marks: [range(11, 15), range(15, 19)] },
			{ marks: [range(16, 20), range(11, 15)] }, { marks: [range(95, 104)] }, { text: 'x' },
		];
		for (const change of wrong) {
			const faults = judge({ appended: 100, lost: [{ first: 11, last: 20 }], text: '' }, { ...BOOK, ...change });
			assert.ok(faults.length > 0, JSON.stringify(change));
		}
	},
};

async function main() {
	const { values } = parseArgs({ options: { program: { type: 'string' } } });
	const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'reprise-viewer-'));
	process.once('exit', () => fs.rmSync(scratch, { recursive: true, force: true }));
	const browser = await openBrowser();
	const scenes = await readScenes();
	const run = (name, changes) => runScene(scenes.find((scene) => scene.name === name), { ...values, scratch, browser, changes });
	for (const name of new Set(FAULTS.map(([, scene]) => scene))) {
		tests[`the scene ${name} passes behind a proxy without a fault`] = async () => {
			assert.deepEqual((await run(name, { changeBlock: pass, changeFile: (_, body, fields) => ({ body, fields }) })).faults, []);
		};
	}
	for (const [words, name, changes, expected] of FAULTS) {
		tests[`the scene ${name} finds a server that ${words}`] = async () => {
			const { result, faults } = await run(name, changes);
			assert.equal(result, 'failed');
			assert.match(faults.join('\n'), expected);
		};
	}
	let failed = 0;
	for (const [name, test] of Object.entries(tests)) {
		try {
			await test();
			console.log(`ok      ${name}`);
		} catch (error) {
			failed++;
			console.log(`not ok  ${name}\n${error.stack}`);
		}
	}
	await browser.close();
	console.log(`${Object.keys(tests).length - failed} passed, ${failed} failed`);
	return failed > 0 ? 1 : 0;
}

process.exit(await main());
