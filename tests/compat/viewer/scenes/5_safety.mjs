// SPDX-License-Identifier: MIT
// Tokens, markup in the data, and what the server sends for the page.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { hook, listAddress, openSession, readBook, readRows, readSessions, sessionAddress, until, untilBook } from '../hooks.mjs';
import { untilRight } from '../judge.mjs';
import { Skip, textOf, tokens } from '../stage.mjs';

const TOKEN = 'read-0123456789abcdef';
const BYTES_MAX = 40 * 1024;
const POLICY = [
	"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self'", "base-uri 'none'",
	"form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
];

const token = {
	name: 'token',
	sentence: 'V107 a token is asked for at 401, a wrong token is told, and no token is in the address',
	async run(stage) {
		const folder = fs.mkdtempSync(path.join(stage.options.scratch, 'tokens-'));
		const file = path.join(folder, 'tokens');
		fs.writeFileSync(file, `${TOKEN} default * write\n`, { mode: 0o600 });
		const { url } = await stage.server(['--token-file', file]);
		const response = await fetch(`${url}/v1/sessions/chat/events`, {
			...{ method: 'POST', headers: { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/x-ndjson' } },
			body: tokens(1, 5).map((event) => `${JSON.stringify(event)}\n`).join(''),
		});
		assert.ok(response.ok, `the append: ${response.status}`);
		const page = await stage.page(url);
		await page.goto(listAddress(url));
		const field = page.locator(hook('token'));
		await field.waitFor({ state: 'visible', timeout: 10000 });
		const give = async (value) => {
			await field.fill(value);
			await field.press('Enter');
		};
		const told = () => page.locator(hook('status')).textContent();
		const asked = await told();
		await give('wrong-0123456789abcdef');
		await until('a wrong token is told', async () => /token/i.test(await told()) && (await told()) !== asked);
		assert.ok(await field.isVisible(), 'a wrong token leaves the field');
		await give(TOKEN);
		await until('the list is there', async () => (await readSessions(page)).some(({ id }) => id === 'chat'));
		await page.locator('[data-session="chat"] a').first().click();
		await untilBook(page, 'the session is live', ({ state }) => state === 'live');
		await untilRight(page, { appended: 5, text: textOf(1, 5), lost: [] });
		assert.ok(!page.url().includes(TOKEN), 'the address has no token');
		// Another tab that begins with the session.
		const other = await stage.page(url);
		await other.goto(sessionAddress(url, 'chat'));
		await other.locator(hook('token')).waitFor({ state: 'visible', timeout: 10000 });
		await other.locator(hook('token')).fill(TOKEN);
		await other.locator(hook('token')).press('Enter');
		await untilBook(other, 'the session is live', ({ state }) => state === 'live');
	},
};

// Each would run a script, load a picture or make an element, if the page took text for markup.
const MARKUP = [
	'<img src=x onerror="reportViolation(\'markup ran\')">', '<script>reportViolation("markup ran")</script>',
	'"><svg onload=reportViolation(1)>', '<iframe src="https://example.com/"></iframe>', '<b data-evil=1>bold</b>',
	'<link rel=stylesheet href="https://example.com/x.css">', '</textarea><a href="javascript:reportViolation(2)">x</a>',
];

const countEvil = (page) => page.evaluate(() =>
	document.querySelectorAll('img, iframe, b[data-evil], svg[onload], [onerror], [onload], link[href*="example"], a[href^="javascript"], script:not([src])').length);

const markup = {
	name: 'markup',
	sentence: 'V107 markup in payloads, session ids and kinds stays text, and the policy has nothing to report',
	async run(stage) {
		const { url } = await stage.server();
		const ids = MARKUP.slice(0, 4);
		const shapes = (text) => [
			{ token: text }, { type: text, delta: text }, { type: 'text-delta', id: text, delta: text }, { kind: text, name: text },
			{ choices: [{ delta: { content: text } }] }, text, { [text]: text },
		];
		for (const id of ids) {
			await stage.append(url, id, MARKUP.flatMap(shapes), { 'Reprise-Kind': '7' });
		}
		const page = await stage.page(url);
		await page.goto(listAddress(url));
		await until('the sessions are listed', async () => (await readSessions(page)).length === ids.length);
		assert.deepEqual((await readSessions(page)).map(({ id }) => id).sort(), [...ids].sort());
		assert.equal(await countEvil(page), 0, 'elements of markup in the list');
		for (const id of ids) {
			await openSession(page, url, id);
			await page.locator(hook('search')).fill('<img src=x');
			await page.keyboard.press('Enter');
			await until('rows have the payloads', async () => (await readRows(page)).some(({ text }) => text.includes('onerror')));
			assert.equal(await countEvil(page), 0, `elements of markup in the session ${id}`);
			const { text } = await readBook(page);
			assert.ok(text.includes('</iframe>'), 'the text has the markup as text');
		}
	},
};

const payloads = {
	name: 'payloads',
	sentence: 'V106 bytes that are no text, broken JSON and an event of 1 MiB are shown, and harm nothing',
	async run(stage) {
		const { url } = await stage.server(['--bytes-max', '8388608', '--body-bytes-max', '2097152']);
		const address = `${url}/v1/sessions/chat/events`;
		const post = async (body, type) => {
			const response = await fetch(address, { method: 'POST', headers: { 'Content-Type': type }, body });
			assert.ok(response.ok, `the append: ${response.status}`);
		};
		await stage.append(url, 'chat', tokens(1, 1));
		await post(Buffer.from([0, 255, 254, 13, 10, 128]), 'application/octet-stream');
		await post('{"token": broken', 'application/octet-stream');
		await post('two\nlines', 'application/octet-stream');
		await post(JSON.stringify({ token: 'L'.repeat(1024 * 1024 - 14) }), 'application/json');
		await stage.append(url, 'chat', tokens(6, 6));
		const page = await stage.page(url);
		await openSession(page, url, 'chat');
		const book = await untilRight(page, { appended: 6, lost: [] });
		assert.ok(book.text.includes('L6 '), `the text goes on behind the big event: ${JSON.stringify(book.text.slice(-60))}`);
		const rows = await readRows(page);
		assert.ok(rows.some(({ position, text }) => position === 5 && text.includes('LLLL')), 'the big event has a row');
		assert.ok(rows.every(({ text }) => text.length < 100000), 'a row has the beginning of a big event');
	},
};

async function fetchFiles(url) {
	const index = await fetch(`${url}/`);
	const html = await index.text();
	const files = new Map([['/', { response: index, text: html }]]);
	const names = [...html.matchAll(/(?:src|href)=["']?([^"'\s>]+)/g)].map(([, name]) => name);
	while (names.length > 0) {
		const at = new URL(names.pop(), `${url}/`);
		if (at.hash || files.has(at.pathname)) {
			continue;
		}
		const response = await fetch(at);
		const text = await response.text();
		files.set(at.pathname, { response, text });
		for (const [, name] of text.matchAll(/(?:from|import)\s*\(?\s*["'](\.[^"']+)["']/g)) {
			names.push(new URL(name, at).href);
		}
	}
	return files;
}

const files = {
	name: 'files',
	sentence: 'V107 the files have no inline script or style and name no other origin; the policy is strict; caches ask once',
	async run(stage) {
		const { url } = await stage.server();
		const all = await fetchFiles(url);
		let bytes = 0;
		for (const [name, { response, text }] of all) {
			bytes += Buffer.byteLength(text);
			assert.equal(response.status, 200, name);
			const field = (word) => response.headers.get(word) ?? '';
			const policy = field('content-security-policy').split(';').map((part) => part.trim());
			assert.deepEqual(policy.sort(), [...POLICY].sort(), name);
			assert.equal(field('x-content-type-options'), 'nosniff', name);
			assert.equal(field('referrer-policy'), 'no-referrer', name);
			assert.match(field('cache-control'), /no-cache/, name);
			const again = await fetch(response.url, { headers: { 'If-None-Match': field('etag') } });
			assert.equal(again.status, 304, `${name}: a cached file`);
			assert.equal((await again.text()).length, 0, name);
			const others = text.match(/(?:https?:)?\/\/[a-z0-9-]+\.[a-z][^\s"'`)]*/gi) ?? [];
			assert.deepEqual(others.filter((word) => !word.includes('www.w3.org/')), [], `${name}: other origins`);
			assert.doesNotMatch(text, /\beval\s*\(|new Function\b|document\.write|\.innerHTML|\.outerHTML|insertAdjacentHTML/, name);
		}
		const html = all.get('/').text;
		assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)/i, 'an inline script');
		assert.doesNotMatch(html, /<style|\sstyle=|\son[a-z]+=/i, 'an inline style or handler');
		assert.doesNotMatch(html, /(?:src|href)=["']?\//, 'an address from the root, which no prefix has');
		assert.ok(all.size >= 3, `the files are ${[...all.keys()].join()}`);
		assert.ok(bytes <= BYTES_MAX, `the files have ${bytes} bytes together`);
		stage.facts.push(`${all.size} files, ${bytes} bytes together`);
	},
};

function writeNginx(folder, port, upstream) {
	fs.writeFileSync(path.join(folder, 'conf'), [
		'daemon off;', 'master_process off;', `pid ${folder}/pid;`, `error_log ${folder}/error.log;`, 'events { }', 'http {',
		'access_log off;', `client_body_temp_path ${folder}/body;`, `proxy_temp_path ${folder}/proxy;`, 'server {',
		`listen 127.0.0.1:${port};`, 'location /r/ {', `proxy_pass ${upstream}/;`, 'proxy_http_version 1.1;',
		'proxy_set_header Connection "";', 'proxy_buffering off;', 'proxy_read_timeout 60s;', '}', '}', '}', '',
	].join('\n'));
}

const prefix = {
	name: 'prefix',
	sentence: 'V107 the viewer works below a path of a proxy',
	async run(stage) {
		const program = ['/usr/sbin/nginx', '/usr/bin/nginx'].find((file) => fs.existsSync(file));
		if (program === undefined) {
			throw new Skip('nginx is not installed');
		}
		const { url } = await stage.server();
		await stage.append(url, 'chat', tokens(1, 5));
		const folder = fs.mkdtempSync(path.join(stage.options.scratch, 'nginx-'));
		const port = await stage.freePort();
		writeNginx(folder, port, url);
		stage.spawn(program, ['-p', folder, '-e', `${folder}/error.log`, '-c', `${folder}/conf`]);
		const below = `http://127.0.0.1:${port}/r`;
		await until('nginx answers', () => fetch(`${below}/healthz`).then(({ ok }) => ok, () => false));
		const page = await stage.page(below);
		const strays = [];
		page.on('request', (request) => request.url().startsWith(`${below}/`) || strays.push(request.url()));
		await page.goto(listAddress(below));
		await until('the list is there', async () => (await readSessions(page)).length === 1);
		await page.locator('[data-session="chat"] a').first().click();
		await untilBook(page, 'the session is live', ({ state }) => state === 'live');
		await stage.append(url, 'chat', tokens(6, 10));
		await untilRight(page, { appended: 10, text: textOf(1, 10), lost: [] });
		assert.deepEqual(strays, [], 'requests beside the prefix');
		assert.ok(page.url().startsWith(sessionAddress(below, 'chat')), page.url());
	},
};

export default [token, markup, payloads, files, prefix];
