// SPDX-License-Identifier: MIT
// The scenes: how the harness makes the streams of a server, and what it does to the clients. A server with
// another way of making a gap is taught here, in makeStream.
import { compareWithSent, judge, add } from './judge.mjs';
import { openProxy } from './proxy.mjs';
import { postEnd, postLines, postObject, readAll, readIds, startServer } from './server.mjs';
import { readBlocks } from './wire.mjs';

// How many events a session of the server with gaps keeps.
export const EVENTS_MAX = 4;

// How often killAndRestart kills the server. A stream of a log may tell each kill, by a gap of an empty range: events
// that no POST acknowledged may be lost.
const KILLS = 2;

/** The address of a session. */
const sessionOf = (url, name) => `${url}/v1/sessions/${name}`;

/**
 * Makes a session in a server without a log that keeps EVENTS_MAX events: the stream from a cursor that the
 * session has trimmed is hello, a gap, events and an end. Returns the path of the stream, and its blocks.
 */
export async function makeStream(server, name) {
	const session = sessionOf(server.url, name);
	const first = ['{"n":1}', '{"n":2}'];
	const trimmed = ['{"n":3}', '{"n":4}', '{"n":5}'];
	const kept = ['{"n":6}', '{"n":7,"text":"Grüße, 世界 🦊"}', '{"n":8,\n"lines":\n["two","three"]}', '{"n":9}'];
	await postLines(session, first);
	const cursor = (await readIds(`${session}/events?from=oldest`, first.length)).at(-1);
	await postLines(session, trimmed);
	for (const payload of kept) {
		await postObject(session, payload);
	}
	await postEnd(session);
	const path = `/v1/sessions/${name}/events?cursor=${encodeURIComponent(cursor)}`;
	const blocks = readBlocks(await readAll(server.url + path));
	const words = compareWithSent(blocks, [...trimmed, ...kept]);
	if (words !== null) {
		throw new Error(words);
	}
	if (!blocks.some(({ type }) => type === 'gap')) {
		throw new Error('the stream has no gap');
	}
	return { path, blocks };
}

// A session without a log drops its events after 120 s, and a slow machine takes longer for all cuts. Together with the
// deadline of a cut the time stays below 120 s.
const FRESH_MS = 30000;

/** A function that answers a stream of makeStream, and another one of the same size when the stream is old. */
export function makeStreams(server) {
	let count = 0;
	let newest;
	return () => {
		if (newest === undefined || performance.now() - newest.made > FRESH_MS) {
			const name = `cut-${String(count++).padStart(3, '0')}`;
			newest = { made: performance.now(), stream: makeStream(server, name) };
		}
		return newest.stream;
	};
}

// Runs work(item) for every item, `width` at a time.
async function pool(items, width, work) {
	const queue = [...items];
	const lane = async () => {
		while (queue.length > 0) {
			await work(queue.shift());
		}
	};
	await Promise.all(Array.from({ length: Math.min(width, queue.length) }, lane));
}

/** Every position of a cut, or each `step`th: 0 is a cut behind the head, and the last is behind the last byte. */
function positionsOf(blocks, step) {
	const positions = [];
	for (let position = 0; position <= blocks.at(-1).end; position += step) {
		positions.push(position);
	}
	return positions;
}

const told = ({ requests, statuses }) => `${requests} requests, answered ${statuses.join(' and ') || 'never'}`;

/**
 * Cuts the stream of streamOf() at every position, and returns the sum of the judgements, with the number of the cuts. A position
 * where the proxy did not cut, or where the client asked more than twice, is a fault of the scene: a line of `faults`.
 */
export async function cutEverywhere(client, proxy, streamOf, { step, width, deadline_ms }) {
	const sum = { cuts: 0, faults: [] };
	await pool(positionsOf((await streamOf()).blocks, step), width, async (position) => {
		const { path, blocks } = await streamOf();
		const token = `${client.name}-${position}`;
		const plan = proxy.plan(token, position);
		const run = await client.followToEnd((host) => proxy.address(token, path, host), deadline_ms);
		const counts = judge(blocks, run, position, client.flaws);
		add(sum, counts);
		sum.cuts += plan.isCut ? 1 : 0;
		if (!plan.isCut || plan.requests > 2) {
			sum.faults.push(`byte ${position}: ${told(plan)}, ${plan.isCut ? '' : 'not '}cut`);
		} else if (counts.lost + counts.doubled + counts.corrupt + counts.hung > 0) {
			sum.faults.push(`byte ${position}: ${told(plan)}, ${JSON.stringify(counts)} ${JSON.stringify(run)}`);
		}
	});
	return sum;
}

/** Starts a server with gaps, and a proxy before it; work(server, proxy) cuts. */
export async function withProxy(command, names, how, work) {
	const server = await startServer(command, { events: EVENTS_MAX, ...names });
	let proxy;
	try {
		proxy = await openProxy(server.url, how);
		return await work(server, proxy);
	} finally {
		proxy?.close();
		await server.kill();
	}
}

const range = (from, to) => Array.from({ length: to - from }, (_, i) => `{"n":${from + i},"text":"ä"}`);

// Posts events one by one. The server is killed in the middle of the last request, whose event may be there or not.
async function postAndKill(server, session, payloads, acknowledged) {
	for (const payload of payloads.slice(0, -1)) {
		await postObject(session, payload);
		acknowledged.push(payload);
	}
	const last = postObject(session, payloads.at(-1)).then(
		() => acknowledged.push(payloads.at(-1)),
		() => {},
	);
	await server.kill();
	await last;
	return server.restart();
}

// Posts events, and ends the server in order. That is told by no gap.
async function postAndStop(server, session, payloads, acknowledged) {
	for (const payload of payloads) {
		await postObject(session, payload);
		acknowledged.push(payload);
	}
	await server.stop();
	return server.restart();
}

/**
 * Kills the server twice while `clients` follow one session, ends it once by SIGTERM, and starts it again each time at
 * the same address with the same log. Returns a map from the name of a client to its judgement. Every acknowledged event
 * is in the log.
 */
export async function killAndRestart(command, names, clients, deadline_ms) {
	let server = await startServer(command, names);
	try {
		const session = sessionOf(server.url, 'killed');
		const path = '/v1/sessions/killed/events?from=oldest&recorded=1';
		const acknowledged = range(0, 4);
		await postLines(session, acknowledged);
		const proxy = await openProxy(server.url);
		const runs = clients.map((client) =>
			client.followToEnd((host) => (host ? proxy.address('all', path, host) : server.url + path), deadline_ms, 4));
		await Promise.all(runs.map((run) => run.hasBegun));
		for (let kill = 0; kill < KILLS; kill++) {
			server = await postAndKill(server, session, range(4 + 8 * kill, 12 + 8 * kill), acknowledged);
		}
		server = await postAndStop(server, session, range(4 + 8 * KILLS, 8 + 8 * KILLS), acknowledged);
		const last = range(8 + 8 * KILLS, 12 + 8 * KILLS);
		await postLines(session, last);
		await postEnd(session);
		const results = await Promise.all(runs);
		proxy.close();
		const blocks = readBlocks(await readAll(server.url + path));
		checkAcknowledged(blocks, [...acknowledged, ...last]);
		return new Map(clients.map((client, i) => [client.name, judge(blocks, results[i], -1, client.flaws)]));
	} finally {
		await server.kill();
	}
}

/**
 * Starts a server with a log, kills the server in the middle of a session, and starts it again, with a proxy before it;
 * work(proxy, stream) cuts the session's stream, whose gap tells the kill.
 */
export async function withKilledServer(command, names, how, work) {
	let server = await startServer(command, names);
	let proxy;
	try {
		const session = sessionOf(server.url, 'cut');
		const path = '/v1/sessions/cut/events?from=oldest';
		const sent = range(0, 6);
		await postLines(session, sent.slice(0, 3));
		await server.kill();
		server = await server.restart();
		await postLines(session, sent.slice(3));
		await postEnd(session);
		const blocks = readBlocks(await readAll(server.url + path));
		const words = compareWithSent(blocks, sent);
		if (words !== null) {
			throw new Error(words);
		}
		proxy = await openProxy(server.url, how);
		return await work(proxy, { path, blocks });
	} finally {
		proxy?.close();
		await server.kill();
	}
}

function checkAcknowledged(blocks, acknowledged) {
	const there = new Set(blocks.map(({ data }) => data));
	const absent = acknowledged.filter((payload) => !there.has(payload));
	if (absent.length > 0) {
		throw new Error(`${absent.length} acknowledged events are not in the log, such as ${absent[0]}`);
	}
	const gaps = blocks.filter(({ type }) => type === 'gap').map(({ data }) => JSON.parse(data));
	if (gaps.length > KILLS || gaps.some(({ code, lost }) => code !== 'restart' || lost)) {
		throw new Error(`the stream of a log has the gaps ${JSON.stringify(gaps)}`);
	}
}
