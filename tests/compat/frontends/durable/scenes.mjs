// SPDX-License-Identifier: MIT
// The scenes of a front end that speaks Durable Streams. The scenes:
//   stored   the events were written before the front end begins: it reads stored events
//   live     the front end begins with an empty stream, and an event is written when the event before has passed the proxy
//   writes   as live, and the answer to a write is cut in the place of the stream
// Each scene is played without a cut, and with a cut behind each piece of what is read (or at each write). A server is killed in
// the middle of a live scene, or of a stored one where the front end has no live scene.
import { setTimeout as sleep } from 'node:timers/promises';
import { judge } from '../judge.mjs';
import { startServer } from '../server.mjs';
import { openProxy } from './proxy.mjs';

async function within(deadline_ms, words, promise) {
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`${words}: nothing after ${deadline_ms} ms`)), deadline_ms);
	});
	try {
		return await Promise.race([promise, late]);
	} finally {
		clearTimeout(timer);
	}
}

// Gives the events one by one: the next event when go() was called since the event before. before(index) may take its time.
function createFeed(events, before) {
	let go = () => {};
	let hasGone = false;
	async function* feed() {
		for (const [index, event] of events.entries()) {
			if (!hasGone) {
				await new Promise((resolve) => (go = resolve));
			}
			hasGone = false;
			await before(index);
			yield event;
		}
	}
	return { source: feed(), go: () => ((hasGone = true), go()) };
}

async function* giveAll(events) {
	yield* events;
}

/** Calls body(context, proxy) with a proxy of its own, and a session that `words` name. */
export async function withProxy(world, words, body) {
	const proxy = await openProxy(world.server.url, world.how);
	const session = `${world.row.name}-${words}`;
	const context = { session, url: proxy.url, streams: `${proxy.url}/v1/stream`, direct: `${world.server.url}/v1/stream` };
	try {
		return await within(world.deadline_ms, words, body(context, proxy));
	} finally {
		proxy.close();
	}
}

// Kills and restarts the server. A write whose answer is missing is not sent again by every package: `isPatient` waits for the
// answers.
async function killServer(world, proxy) {
	while (world.row.isPatient && proxy.writing > 0) {
		await sleep(5);
	}
	await world.server.kill9();
	await world.server.restart();
}

function playLive(world, words, plan, killAt = -1) {
	const { row } = world;
	return withProxy(world, words, async (context, proxy) => {
		const before = async (index) => index === killAt && killServer(world, proxy);
		const { source, go } = createFeed(row.events(), before);
		const armed = proxy.arm({ ...plan, onRead: go, onLive: () => setTimeout(go, 20) });
		await row.open?.(context);
		const [, result] = await Promise.all([row.write(context, source), row.read(context, true)]);
		return { result, armed };
	});
}

function playStored(world, words, plan, killAt = -1) {
	const { row } = world;
	return withProxy(world, words, async (context, proxy) => {
		await row.open?.(context);
		await row.write(context, giveAll(row.events()));
		let killing = null;
		const onRead = () => {
			if (killing === null && armed.pieces >= killAt && killAt >= 0) {
				killing = killServer(world, proxy);
			}
		};
		const armed = proxy.arm({ ...plan, onRead });
		const result = await row.read(context, false);
		await killing;
		return { result, armed };
	});
}

const SCENES = {
	stored: { play: playStored, cut: 'read', count: 'pieces' },
	live: { play: playLive, cut: 'read', count: 'pieces' },
	writes: { play: playLive, cut: 'write', count: 'writes' },
};

async function cutAt(world, scene, place, expected, sum) {
	const { play, cut, count } = SCENES[scene];
	const words = `${scene}-cut-${place}`;
	try {
		const { result, armed } = await play(world, words, { [cut]: place });
		if (armed.cuts === 0) {
			// Blocks of a live stream can be joined: then there are fewer places.
			if (armed[count] >= place) {
				sum.faults.push(`${words}: the connection was not cut`);
			}
			return;
		}
		const { lost, doubled, fault } = judge(expected, result);
		sum.cuts++;
		sum.lost += lost;
		sum.doubled += doubled;
		if (fault !== null) {
			sum.faults.push(`${words}: ${fault}`);
		}
	} catch (error) {
		sum.cuts++;
		sum.faults.push(`${words}: ${error.message}`);
	}
}

async function playScene(world, scene, sum) {
	const { row } = world;
	const { play, count } = SCENES[scene];
	const { result: expected, armed } = await play(world, `${scene}-uncut`, {});
	(row.check?.(expected) ?? []).forEach((fault) => sum.faults.push(`${scene}, without a cut: ${fault}`));
	if (armed[count] === 0 || expected.delivered.length === 0) {
		sum.faults.push(`${scene}, without a cut: nothing was delivered`);
		return expected;
	}
	const before = sum.cuts;
	const places = [];
	for (let place = 1; place <= armed[count]; place += world.step) {
		places.push(place);
	}
	const total = places.length;
	const work = async () => {
		while (places.length > 0) {
			await cutAt(world, scene, places.shift(), expected, sum);
		}
	};
	await Promise.all(Array.from({ length: row.width ?? 8 }, work));
	if (sum.cuts - before < Math.floor(total * 0.8)) {
		sum.faults.push(`${scene}: only ${sum.cuts - before} of ${total} places were cut`);
	}
	return expected;
}

// The connection is cut again and again in one run of the last scene.
async function cutOften(world, scene, expected, sum) {
	const { result, armed } = await SCENES[scene].play(world, `${scene}-often`, { [SCENES[scene].cut]: Infinity });
	const { fault } = judge(expected, result);
	sum.often = armed.cuts;
	if (fault !== null || armed.cuts < 1) {
		sum.faults.push(`cut ${armed.cuts} times: ${fault ?? 'too few'}`);
	}
}

/** Runs a row, as runRow() of ../scenes.mjs does. The server needs no routes. */
export async function runDurable(row, { program, step = 1, deadline_ms = 20000, how = 'fin' }) {
	const events = row.events().length;
	const sum = { events, cuts: 0, lost: 0, doubled: 0, often: '-', killed: '-', unknown: '-', gap: '-', faults: [], lines: [] };
	const server = await startServer(program, row.arguments ?? []);
	const world = { row, server, step, deadline_ms, how };
	try {
		let expected;
		for (const scene of row.scenes) {
			expected = await playScene(world, scene, sum);
		}
		await cutOften(world, row.scenes.at(-1), expected, sum);
		const isLive = !row.scenes.every((scene) => scene === 'stored');
		const { result } = await (isLive ? playLive : playStored)(world, 'kill', {}, isLive ? Math.ceil(events / 2) : 1);
		const { fault } = judge(expected, result);
		sum.killed = fault === null ? 'right' : 'wrong';
		if (fault !== null) {
			sum.faults.push(`kill -9: ${fault}`);
		}
		for (const question of ['unknown', 'gap']) {
			sum[question] = row[question] ? await withProxy(world, question, (context) => row[question](context)) : '-';
			if (/^wrong/.test(sum[question])) {
				sum.faults.push(`${question}: ${sum[question]}`);
			}
		}
		const more = await row.more?.(world);
		sum.lines.push(...(more?.lines ?? []));
		sum.faults.push(...(more?.faults ?? []));
	} catch (error) {
		sum.faults.push(error.message);
	} finally {
		await server.stop();
	}
	return sum;
}
