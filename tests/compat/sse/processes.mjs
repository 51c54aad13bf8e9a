// SPDX-License-Identifier: MIT
// Clients in processes of their own: a client that crashes is a client that hangs.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * The run of one stream: a promise of { deliveries, hasEnded }, with `hasBegun`, a promise that is kept when `count`
 * events were delivered or the run is over. take(delivery) tells a delivery, and stop() ends the run without an end.
 */
export function createRun(deadline_ms, count = 1) {
	const deliveries = [];
	let begin;
	let finish;
	const hasBegun = new Promise((resolve) => (begin = resolve));
	const run = new Promise((resolve) => (finish = resolve));
	const over = (hasEnded) => {
		clearTimeout(timer);
		begin();
		finish({ deliveries, hasEnded });
	};
	const timer = setTimeout(over, deadline_ms, false);
	let events = 0;
	run.hasBegun = hasBegun;
	run.stop = () => over(false);
	run.take = (delivery) => {
		deliveries.push(delivery);
		events += delivery.type === 'message' ? 1 : 0;
		if (events >= count) {
			begin();
		}
		if (delivery.type === 'end') {
			over(true);
		}
	};
	return run;
}

/** Opens the client of clients/NAME.mjs: { name, flaws, followToEnd, close }. */
export async function openClient(name) {
	const path = fileURLToPath(new URL('client.mjs', import.meta.url));
	const child = fork(path, [name], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
	const runs = [];
	let errors = '';
	let hasExited = false;
	child.stderr.on('data', (bytes) => (errors = (errors + bytes).slice(-4000)));
	const { flaws } = await new Promise((resolve, reject) => {
		child.once('message', resolve);
		child.once('exit', () => reject(new Error(`the client ${name} does not start\n${errors}`)));
	});
	child.on('message', ({ job, ...delivery }) => runs[job].take(delivery));
	child.on('exit', (code, signal) => {
		hasExited = true;
		errors += `the client has exited: ${signal ?? code}\n`;
		runs.forEach((run) => run.stop());
	});
	return {
		name,
		flaws,
		/** Follows the stream of addressOf(host) to its end; see createRun. */
		followToEnd(addressOf, deadline_ms, count) {
			const run = createRun(deadline_ms, count);
			if (hasExited) {
				run.stop();
				return run;
			}
			child.send({ job: runs.push(run) - 1, url: addressOf() });
			return run;
		},
		/** The last words of the client on its standard error. */
		errors: () => errors,
		close: () => child.disconnect(),
	};
}
