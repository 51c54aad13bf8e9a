// SPDX-License-Identifier: MIT
// The servers of the scenes: commands that print their base URL first; see startServer of ../sse/server.mjs.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

const quote = (text) => `'${text.replace(/'/g, `'\\''`)}'`;
const quoteAll = (words) => words.map((word) => (word.startsWith('{') ? word : quote(word))).join(' ');

// How long a long-poll waits. A test of the suite waits for the answer, and vitest gives a test 5 s.
const LONG_POLL = '2000';

// Pages of this origin may use the server: the suite asks as one of them.
const ORIGIN = 'https://example.com';

const idOf = (pathname) => decodeURIComponent(pathname.replace('/v1/stream/', ''));

let count = 0;

/**
 * `reprise serve` of the folder `build` over a fresh log: { name, command, endsWell, archive, prune, archived }.
 * archive(path, before) archives the events 1 to `before` of a stream, and prune(entries) all but the last entries of each
 * stream, in a process of its own; archived(path) is how far the log is archived.
 */
export function ourServer(build, log, scratch, extra = []) {
	const program = path.join(build, 'reprise');
	const name = `fresh_${process.pid}_${count++}`;
	const isFile = log === 'sqlite:';
	const file = path.join(scratch, name);
	const conninfo = process.env.REPRISE_POSTGRES ?? '';
	const place = isFile ? ['--log', `sqlite:${file}`] : ['--log', `postgres:${conninfo}`, '--schema', name];
	const ofLog = isFile ? ['--file', file] : ['--postgres', conninfo, '--schema', name];
	const settings = ['--long-poll', LONG_POLL, '--origin', ORIGIN, ...extra];
	return {
		name: log.slice(0, -1),
		endsWell: true,
		command: quoteAll([program, 'serve', '--quiet', '--listen', '{listen}', ...place, ...settings]),
		archive: (pathname, before) => run(program, ['log', 'archive', ...ofLog, idOf(pathname), '--before', String(before)]),
		prune: (entries) => run(program, ['log', 'prune', ...ofLog, '--max-entries', String(entries)]),
		async archived(pathname) {
			const { stdout } = await run(program, ['log', 'ls', ...ofLog, '--json']);
			const threads = stdout.split('\n').slice(0, -1).map((line) => JSON.parse(line));
			return Number(threads.find(({ thread }) => thread === idOf(pathname))?.watermark);
		},
	};
}

/** Ends a server of `spec`. Returns words about a server that has crashed, or does not end with status 0; else null. */
export async function endServer(spec, server) {
	const status = await server.stop();
	return spec.endsWell && status !== 0 ? `the server has ended with ${status ?? 'a signal'}, not with status 0` : null;
}

/** The reference server: in memory, or with `folder` in files. */
export function referenceServer(place, folder) {
	const words = [process.execPath, path.join(place, 'reference.mjs'), '{listen}', ...(folder === undefined ? [] : [folder])];
	return { name: folder === undefined ? 'reference, memory' : 'reference, files', command: quoteAll(words) };
}

/** The mock of the harness's own test, with a fault. */
export function mockServer(file, fault = 'none') {
	const mock = fileURLToPath(new URL('mock.mjs', import.meta.url));
	return {
		name: `mock, ${fault}`,
		endsWell: true,
		command: quoteAll([process.execPath, mock, '--listen', '{listen}', '--log', file, '--fault', fault]),
		archive: (pathname, before) =>
			run(process.execPath, [mock, '--log', file, '--archive', pathname, '--before', String(before)]),
	};
}
