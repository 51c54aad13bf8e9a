// SPDX-License-Identifier: MIT
// A scene with all that it opens: servers, proxies, processes and pages, which are closed behind the scene.
import { execFile, spawn } from 'node:child_process';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { appendJson, endSession } from './gateway.mjs';
import { openProxy } from './proxy.mjs';
import { startServer } from './server.mjs';

const SCENE_MS = 120000;
const REQUEST_EVENTS = 50;
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/** The settings of a context for a phone. */
export const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

/** A reason why a scene cannot run here; the scene is skipped. */
export class Skip extends Error {}

/** Events whose joined text is '1 2 3 …'. */
export const tokens = (first, last) =>
	Array.from({ length: last - first + 1 }, (_, index) => ({ token: `${first + index} ` }));
export const textOf = (first, last) => tokens(first, last).map(({ token }) => token).join('');

function createStage(options) {
	const closers = [];
	const contexts = [];
	const later = (close) => closers.unshift(close);
	return {
		options,
		facts: [],
		later,
		faults: () => contexts.flatMap(({ faults }) => faults),
		/** `reprise serve` with further arguments; see server.mjs. The harness's own test puts a faulty proxy in front. */
		async server(extra = [], hasLog = false) {
			const server = await startServer(options.program, extra, hasLog);
			later(() => server.stop());
			return options.changes ? { ...server, url: (await this.proxy(server.url, options.changes)).url } : server;
		},
		async proxy(url, changes) {
			const proxy = await openProxy(url, changes);
			later(() => proxy.close());
			return proxy;
		},
		/** A context of pages for the server at `url`; see browser.mjs. */
		async context(url, settings) {
			const context = await options.browser.openContext(url, settings);
			contexts.push(context);
			later(() => context.close());
			return context;
		},
		async page(url, settings) {
			return (await this.context(url, settings)).newPage();
		},
		/** Appends values as events: a request has as many as the smallest window of the scenes holds. */
		async append(url, session, values, fields) {
			for (let first = 0; first < values.length; first += REQUEST_EVENTS) {
				await appendJson({ url, session }, values.slice(first, first + REQUEST_EVENTS), fields);
			}
		},
		end: (url, session) => endSession({ url, session }),
		/** Appends {"token":"N "} at a pace in a process of its own; returns a promise of the milliseconds. */
		post(url, session, events, batch, perSecond) {
			const posting = new Promise((resolve, reject) => {
				const words = [here('poster.mjs'), url, session, events, batch, perSecond].map(String);
				const child = execFile(process.execPath, words, (error, output) =>
					error ? reject(error) : resolve(Number(output.split(' ')[1])),
				);
				later(() => child.kill('SIGKILL'));
			});
			// A scene that fails does not wait for the process.
			posting.catch(() => {});
			return posting;
		},
		async freePort() {
			const server = net.createServer();
			await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
			const { port } = server.address();
			await new Promise((resolve) => server.close(resolve));
			return port;
		},
		/** A process that ends with the scene. */
		spawn(program, words, settings = { stdio: 'ignore' }) {
			const child = spawn(program, words, settings);
			const gone = new Promise((resolve) => child.once('close', resolve));
			later(async () => {
				child.kill('SIGKILL');
				await gone;
			});
			return child;
		},
		async close() {
			for (const close of closers) {
				await Promise.resolve(close()).catch(() => {});
			}
		},
	};
}

/** Runs a scene: { result, facts, faults }; the result is 'passed', 'failed' or 'skipped'. */
export async function runScene(scene, options) {
	const stage = createStage(options);
	const faults = [];
	let timer;
	const deadline = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`the scene is not over after ${SCENE_MS} ms`)), SCENE_MS);
	});
	let isSkipped = false;
	try {
		await Promise.race([scene.run(stage), deadline]);
	} catch (error) {
		isSkipped = error instanceof Skip;
		(isSkipped ? stage.facts : faults).push(isSkipped ? error.message : words(error));
	}
	clearTimeout(timer);
	faults.push(...stage.faults());
	await stage.close();
	const result = faults.length > 0 ? 'failed' : isSkipped ? 'skipped' : 'passed';
	return { result, facts: stage.facts, faults };
}

// The message and the place in a scene.
function words(error) {
	const place = /scenes\/[^)]*/.exec(error.stack ?? '')?.[0] ?? '';
	return `${error.message.split('\n').slice(0, 12).join('\n                    ')} (${place})`;
}
