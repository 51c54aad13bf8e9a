// SPDX-License-Identifier: MIT
// Kills a server in the middle of forks and deletions. Afterwards each request is done or not done: a source
// is collected with its last fork, and no source stays gone for a fork that never came to be.
import { startServer } from '../sse/server.mjs';
import { createFindings } from './book.mjs';
import { call, readFrom } from './http.mjs';
import { endServer } from './servers.mjs';

const WORKERS = 8;
const TYPE = { 'Content-Type': 'text/plain' };

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const pathsOf = (name) => ({ source: `/v1/stream/${name}`, fork: `/v1/stream/${name}/fork` });

// The life of a chain: the statuses that each request may have, also when the request is sent again.
const steps = ({ source, fork }) => [
	['PUT', source, { fields: TYPE, body: 'data' }, [200, 201]],
	['PUT', fork, { fields: { ...TYPE, 'Stream-Forked-From': source } }, [200, 201]],
	['POST', fork, { fields: { ...TYPE, 'Producer-Id': 'p', 'Producer-Epoch': 0, 'Producer-Seq': 0 }, body: 'more' }, [200, 204]],
	['DELETE', source, {}, [204, 410]],
	['DELETE', fork, {}, [204, 404]],
];

// Makes and deletes chains until the server is gone. Returns the name of the last, and how many of its steps were answered.
async function makeChains(base, worker, findings) {
	for (let i = 0; ; i++) {
		const name = `chain/${worker}/${i}`;
		let done = 0;
		for (const [method, pathname, options, statuses] of steps(pathsOf(name))) {
			try {
				const { status } = await call(base, method, pathname, options);
				findings.same(statuses.includes(status), true, `${method} ${pathname}: ${status}`);
			} catch {
				return { name, done };
			}
			done++;
		}
	}
}

async function waitForAbsence(base, pathname, { findings, collect_ms }) {
	const end = performance.now() + collect_ms;
	let status;
	do {
		({ status } = await call(base, 'HEAD', pathname));
	} while (status !== 404 && performance.now() < end);
	findings.same(status, 404, `HEAD ${pathname}, collected`);
}

// Sends the request without an answer once more, and the requests behind it.
async function goOn(base, { name, done }, scene) {
	const { findings } = scene;
	const { source, fork } = pathsOf(name);
	for (const [method, pathname, options, statuses] of steps({ source, fork }).slice(done)) {
		const { status } = await call(base, method, pathname, options);
		findings.same(statuses.includes(status), true, `${method} ${pathname}, again: ${status}`);
		if (method === 'POST') {
			const { pieces } = await readFrom(base, fork, '-1');
			findings.same(Buffer.concat(pieces).toString(), 'datamore', `GET ${fork}`);
		}
	}
	await waitForAbsence(base, fork, scene);
	await waitForAbsence(base, source, scene);
}

// Sends nothing again: the streams that are there are whole, and are deleted.
async function giveUp(base, { name }, scene) {
	const { findings } = scene;
	const { source, fork } = pathsOf(name);
	for (const [pathname, whole] of [[fork, ['data', 'datamore']], [source, ['data']]]) {
		const { status, pieces } = await readFrom(base, pathname, '-1');
		if (status === 200) {
			findings.same(whole.includes(Buffer.concat(pieces).toString()), true, `GET ${pathname}: whole`);
			findings.same((await call(base, 'DELETE', pathname)).status, 204, `DELETE ${pathname}, given up`);
		}
	}
	await waitForAbsence(base, fork, scene);
	await waitForAbsence(base, source, scene);
	// The names can be used again.
	for (const pathname of [source, fork]) {
		findings.same((await call(base, 'PUT', pathname, { fields: TYPE })).status, 201, `PUT ${pathname}, anew`);
		findings.same((await call(base, 'DELETE', pathname)).status, 204, `DELETE ${pathname}, anew`);
	}
}

/**
 * Kills the server `rounds` times. Returns { findings, cut }: `cut` is how many chains were cut at each of their
 * steps.
 */
export async function crashChains(spec, rounds, { deadline_ms = 200, collect_ms = 10000 } = {}) {
	const findings = createFindings();
	const cut = [0, 0, 0, 0, 0];
	let server = await startServer(spec.command);
	try {
		for (let round = 0; round < rounds; round++) {
			const workers = Array.from({ length: WORKERS }, (_, i) => makeChains(server.url, `${round}-${i}`, findings));
			await pause(Math.random() * deadline_ms);
			await server.kill();
			const chains = await Promise.all(workers);
			server = await server.restart();
			for (const [i, chain] of chains.entries()) {
				cut[chain.done]++;
				await (i % 2 === 0 ? goOn : giveUp)(server.url, chain, { findings, collect_ms });
			}
		}
		findings.same(await endServer(spec, server), null, 'the end');
		return { findings, cut };
	} finally {
		await server.kill();
	}
}
