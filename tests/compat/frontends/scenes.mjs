// SPDX-License-Identifier: MIT
// The scenes of a front end: no cut, a cut behind each event, many cuts, a killed server, an unknown id, lost events.
import fs from 'node:fs';
import { judge } from './judge.mjs';
import { openProxy } from './proxy.mjs';
import { startServer } from './server.mjs';

/** promise, or an error after `deadline_ms`. */
export async function within(deadline_ms, words, promise) {
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

// Opens a proxy for a run: runs go on beside each other. Calls body(context, proxy), with another session for each run.
async function withProxy(world, words, body) {
	const proxy = await openProxy(world.target, world.how);
	try {
		return await body({ ...world.context, session: `${world.row.name}-${words}`, words, proxy }, proxy);
	} finally {
		proxy.close();
	}
}

// Appends all events, ends the session, and delivers through the proxy.
function deliverWhole(world, words, after, isEach = false) {
	const { row, deadline_ms } = world;
	return withProxy(world, words, async (context, proxy) => {
		await within(deadline_ms, 'append', row.append(context, row.events()));
		await within(deadline_ms, 'end', Promise.resolve(row.end?.(context)));
		const plan = proxy.arm({ after: after ?? Infinity, isEach, unit: row.unit, isMeant: row.isMeant });
		const result = await within(deadline_ms, 'deliver', row.deliver(context, proxy.url, { cut: after }));
		return { result, plan };
	});
}

async function cutAt(world, expected, after, add) {
	try {
		const { result, plan } = await deliverWhole(world, `cut-${after}`, after);
		const { fault, ...sum } = judge(expected, result);
		add({ cuts: 1, ...sum }, plan.isCut ? fault : 'the stream was not cut', `cut behind ${after}`);
	} catch (error) {
		add({ cuts: 1, lost: 0, doubled: 0 }, error.message, `cut behind ${after}`);
	}
}

// At most `width` runs at a time.
async function cutAll(world, expected, count, add) {
	const places = [];
	for (let after = world.row.firstCut ?? 0; after <= count; after += world.step) {
		places.push(after);
	}
	const work = async () => {
		while (places.length > 0) {
			await cutAt(world, expected, places.shift(), add);
		}
	};
	await Promise.all(Array.from({ length: world.row.width ?? 8 }, work));
}

// Each connection is cut, the n-th behind n events: a front end that reads from the start each time gets to the end, too.
async function cutOften(world, expected, sum) {
	const { result, plan } = await deliverWhole(world, 'often', null, true);
	const { fault } = judge(expected, result);
	sum.often = plan.cuts;
	if (fault !== null || plan.cuts < 2) {
		sum.faults.push(`cut ${plan.cuts} times: ${fault ?? 'too few'}`);
	}
}

// Half of the events are there. The server is killed when half of these have passed, and starts again;
// the other events are appended then.
function kill(world, expected) {
	const { row, server, deadline_ms } = world;
	const events = row.events();
	const half = Math.ceil(events.length / 2);
	return withProxy(world, 'kill', async (context, proxy) => {
		await within(deadline_ms, 'append', row.append(context, events.slice(0, half)));
		const act = async () => {
			await server.kill9();
			await server.restart();
			await row.append(context, events.slice(half));
			await row.end?.(context);
		};
		const after = row.killAfter?.(half) ?? Math.ceil(half / 2);
		const plan = proxy.arm({ after, act, isCutToo: row.isCutWhenKilled, unit: row.unit, isMeant: row.isMeant });
		const result = await within(deadline_ms, 'deliver', row.deliver(context, proxy.url, { cut: null, isKilled: true }));
		await within(deadline_ms, 'restart', Promise.resolve(plan.hasActed));
		return plan.hasActed === null ? 'the server was not killed' : judge(expected, result).fault;
	});
}

async function runScenes(world, sum) {
	const { row, deadline_ms } = world;
	const { result: expected, plan } = await deliverWhole(world, 'uncut', null);
	const count = plan.counter?.count ?? 0;
	if (expected.delivered.length === 0 || count === 0) {
		sum.faults.push('without a cut: nothing was delivered');
		return;
	}
	row.check?.(expected).forEach((fault) => sum.faults.push(`without a cut: ${fault}`));
	await cutAll(world, expected, count, ({ cuts, lost, doubled }, fault, words) => {
		sum.cuts += cuts;
		sum.lost += lost;
		sum.doubled += doubled;
		if (fault !== null) {
			sum.faults.push(`${words}: ${fault}`);
		}
	});
	if (row.isCutOften) {
		await cutOften(world, expected, sum).catch((error) => sum.faults.push(`cut often: ${error.message}`));
	}
	const fault = await kill(world, expected).catch((error) => error.message);
	sum.killed = fault === null ? 'right' : 'wrong';
	if (fault !== null) {
		sum.faults.push(`kill -9: ${fault}`);
	}
	const ask = (context, proxy) => within(deadline_ms, 'deliver', row.unknown(context, proxy.url));
	sum.unknown = await withProxy(world, 'unknown', ask).catch((error) => `wrong: ${error.message}`);
	if (/^wrong/.test(sum.unknown)) {
		sum.faults.push(`unknown id: ${sum.unknown}`);
	}
	if (row.more) {
		const { lines, faults } = await withProxy(world, 'more', (context, proxy) => row.more(context, proxy.url));
		sum.lines.push(...lines);
		sum.faults.push(...faults);
	}
}

// The server keeps four events and has no log. The front end is cut behind the second event, and comes back when all
// events have been appended: the events in between are lost.
async function askGap(world) {
	const { row, deadline_ms } = world;
	const events = row.events();
	return withProxy(world, 'gap', async (context, proxy) => {
		await within(deadline_ms, 'append', row.append(context, events.slice(0, 2)));
		const act = async () => {
			for (const event of events.slice(2)) {
				await row.append(context, [event]);
			}
			await row.end?.(context);
		};
		const plan = proxy.arm({ after: 2, act, isCutToo: true, isShut: true, unit: row.unit, isMeant: row.isMeant });
		const told = row.deliver(context, proxy.url, { cut: null, isGap: true }).then(
			(result) => row.gap?.(result) ?? 'wrong: nothing is told',
			(error) => error.message,
		);
		const words = await within(deadline_ms, 'deliver', told);
		await plan.hasActed;
		return plan.hasActed === null ? 'wrong: the stream was not cut' : words;
	}).catch((error) => `wrong: ${error.message.split('\n')[0]}`);
}

// Calls body(world) with a fresh server and the row's preparations.
async function withWorld(row, { program, extra = [], step = 1, deadline_ms = 20000, how = 'fin' }, hasLog, body) {
	const further = hasLog ? [] : ['--events-max', '4'];
	const server = await startServer(program, [...extra, ...(row.arguments ?? []), ...further], hasLog);
	const context = { url: server.url, folder: server.folder };
	let prepared;
	try {
		prepared = await row.prepare?.(context);
		const target = prepared?.target ?? server.url;
		return await body({ row, server, target, how, step, deadline_ms, context: { ...context, ...prepared } });
	} finally {
		await prepared?.close?.();
		await server.stop();
	}
}

/**
 * Runs a row. Returns the sums { events, cuts, lost, doubled }, the cuts of one run (`often`), words for the kill (`killed`),
 * for an unknown id (`unknown`) and for lost events (`gap`), `faults`, and `lines` to print. `extra` in the options has
 * arguments of the server.
 */
export async function runRow(row, options) {
	const sum = { cuts: 0, lost: 0, doubled: 0, often: '-', killed: '-', unknown: '-', gap: '-', faults: [], lines: [] };
	sum.events = row.events().length;
	try {
		await withWorld(row, options, true, (world) => runScenes(world, sum));
		sum.gap = row.hasNoGap ?? (await withWorld(row, options, false, askGap));
		if (/^wrong/.test(sum.gap)) {
			sum.faults.push(`gap: ${sum.gap}`);
		}
	} catch (error) {
		sum.faults.push(error.message);
	}
	return sum;
}

/** The installed version of a package below the harness. */
export function versionOf(name) {
	const file = new URL(`node_modules/${name}/package.json`, import.meta.url);
	if (!fs.existsSync(file)) {
		throw new Error(`${name} is not installed`);
	}
	return JSON.parse(fs.readFileSync(file, 'utf8')).version;
}
