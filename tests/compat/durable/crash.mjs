// SPDX-License-Identifier: MIT
// Kills a server in the middle of pipelined appends of producers, again and again. After each restart the producers send
// the batches without an answer once more, with the same numbers: each batch is in its stream once, whole and in order.
import { startServer } from '../sse/server.mjs';
import { createFindings } from './book.mjs';
import { call, openPipeline, readFrom } from './http.mjs';
import { endServer } from './servers.mjs';

const PRODUCERS = 6;
const IN_FLIGHT = 24;
const SHARED = '/v1/stream/crash/shared';
const LIST = '/v1/stream/crash/list';
const VALUES = 5; // of a batch of the list

const fieldsOf = (type, id, seq) => ({
	'Content-Type': type,
	'Producer-Id': id,
	'Producer-Epoch': 0,
	'Producer-Seq': seq,
});

async function create(base, pathname, type, fields = {}) {
	const { status } = await call(base, 'PUT', pathname, { fields: { 'Content-Type': type, ...fields } });
	if (status !== 201 && status !== 200) {
		throw new Error(`PUT ${pathname}: ${status}`);
	}
}

// A producer of numbered batches; `acknowledged` is how many batches have been answered.
function createProducer(pathname, type, id, bodyOf) {
	return { pathname, type, id, bodyOf, acknowledged: 0, sent: 0, again: 0, answeredTwice: 0, wrong: [] };
}

// Sends batches on one connection, IN_FLIGHT at a time, until `limit` are acknowledged or the connection breaks.
async function pump(base, producer, limit) {
	const pipeline = openPipeline(base);
	let next = producer.acknowledged;
	const retried = producer.sent;
	await new Promise((resolve) => {
		pipeline.gone.then(resolve);
		const sendMore = () => {
			while (next < limit && next - producer.acknowledged < IN_FLIGHT) {
				send(next++);
			}
			if (producer.acknowledged >= limit) {
				resolve();
			}
		};
		const send = (seq) => {
			producer.again += seq < retried ? 1 : 0;
			producer.sent = Math.max(producer.sent, seq + 1);
			pipeline.post(producer.pathname, fieldsOf(producer.type, producer.id, seq), producer.bodyOf(seq)).then(
				({ status }) => {
					if (status !== 200 && status !== 204) {
						producer.wrong.push(`${producer.id}, batch ${seq}: ${status}`);
						resolve();
						return;
					}
					producer.answeredTwice += status === 204 ? 1 : 0;
					producer.acknowledged = seq + 1;
					sendMore();
				},
				() => {},
			);
		};
		sendMore();
	});
	pipeline.close();
}

const lineOf = (id) => (seq) => `${id}:${seq}\n`;
const batchOf = (id) => (seq) => JSON.stringify(Array.from({ length: VALUES }, (_, value) => ({ id, seq, value })));

// The batches of a stream, as texts; the values of the list must stand together, in their order.
function unitsOf({ pathname }, pieces, findings) {
	if (pathname !== LIST) {
		return Buffer.concat(pieces).toString().split('\n').slice(0, -1);
	}
	const values = pieces.flatMap((piece) => JSON.parse(piece.toString()));
	const units = [];
	for (let at = 0; at < values.length; at += VALUES) {
		const { id, seq } = values[at];
		const whole = batchOf(id)(seq);
		findings.same(JSON.stringify(values.slice(at, at + VALUES)), whole, `${pathname}: a batch is whole`);
		units.push(`${id}:${seq}`);
	}
	return units;
}

/**
 * Compares a stream with its producers: of each producer the batches 0, 1, 2 and so on, each once and in order; at least those
 * that were acknowledged, and at most those that were sent.
 */
export function checkUnits(units, producers, findings) {
	for (const { id, acknowledged, sent } of producers) {
		const numbers = units.filter((unit) => unit.startsWith(`${id}:`)).map((unit) => Number(unit.slice(id.length + 1)));
		const at = numbers.findIndex((number, index) => number !== index);
		findings.same(at < 0 ? 'in order' : `${numbers[at]} at place ${at}`, 'in order', `the batches of ${id}`);
		findings.same(numbers.length >= acknowledged, true, `${id}: ${numbers.length} batches, ${acknowledged} acknowledged`);
		findings.same(numbers.length <= sent, true, `${id}: ${numbers.length} batches, ${sent} sent`);
	}
}

async function checkProducers(base, producers, findings) {
	for (const pathname of [SHARED, LIST]) {
		const { status, pieces } = await readFrom(base, pathname, '-1');
		findings.same(status, 200, `GET ${pathname}`);
		checkUnits(unitsOf({ pathname }, pieces, findings), producers.filter((p) => p.pathname === pathname), findings);
	}
}

// A stream of one producer whose fourth batch closes the stream, and a fork; both in flight when the server is killed.
async function closeAndFork(base, round) {
	const closing = `/v1/stream/crash/closing-${round}`;
	const pipeline = openPipeline(base);
	try {
		await create(base, closing, 'text/plain');
		const sent = [0, 1, 2, 3].map((seq) =>
			pipeline.post(closing, { ...fieldsOf('text/plain', 'c', seq), ...(seq === 3 ? { 'Stream-Closed': 'true' } : {}) }, `${seq}\n`));
		await Promise.all([...sent, create(base, `${closing}-fork`, 'text/plain', { 'Stream-Forked-From': closing })]);
		return true;
	} catch {
		return false;
	} finally {
		pipeline.close();
	}
}

async function finishClosing(base, round, findings) {
	const closing = `/v1/stream/crash/closing-${round}`;
	await create(base, closing, 'text/plain').catch(() => {}); // 409 if closed
	for (const seq of [0, 1, 2, 3]) {
		const fields = { ...fieldsOf('text/plain', 'c', seq), ...(seq === 3 ? { 'Stream-Closed': 'true' } : {}) };
		const { status } = await call(base, 'POST', closing, { fields, body: `${seq}\n` });
		// A closed stream knows the batch that has closed it, and refuses all others.
		findings.same([200, 204].includes(status) || (status === 409 && seq < 3), true, `POST ${closing}, batch ${seq}: ${status}`);
	}
	const { pieces, isClosed } = await readFrom(base, closing, '-1');
	findings.same(Buffer.concat(pieces).toString(), '0\n1\n2\n3\n', `GET ${closing}`);
	findings.same(isClosed, true, `GET ${closing}: closed`);
	await create(base, `${closing}-fork`, 'text/plain', { 'Stream-Forked-From': closing }).catch(() => {});
	const fork = await readFrom(base, `${closing}-fork`, '-1');
	findings.same(fork.status, 200, `GET ${closing}-fork`);
	findings.same('0\n1\n2\n3\n'.startsWith(Buffer.concat(fork.pieces).toString()), true, `GET ${closing}-fork: a beginning`);
	findings.same((await call(base, 'DELETE', `${closing}-fork`)).status, 204, `DELETE ${closing}-fork`);
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Kills the server `rounds` times. Returns { findings, again, answeredTwice }: how many batches were sent again, and of
 * these how many the server had recorded without an answer.
 */
export async function crashLoop(spec, rounds, { batches = 3000, deadline_ms = 250 } = {}) {
	const findings = createFindings();
	const producers = Array.from({ length: PRODUCERS }, (_, i) =>
		i % 2 === 0
			? createProducer(SHARED, 'text/plain', `p${i}`, lineOf(`p${i}`))
			: createProducer(LIST, 'application/json', `p${i}`, batchOf(`p${i}`)));
	let server = await startServer(spec.command);
	try {
		await create(server.url, SHARED, 'text/plain');
		await create(server.url, LIST, 'application/json');
		for (let round = 0; round < rounds; round++) {
			const pumps = producers.map((producer) => pump(server.url, producer, producer.acknowledged + batches));
			// From in the middle of the first batches to far behind.
			await pause(Math.random() * deadline_ms);
			const closed = closeAndFork(server.url, round);
			await pause(Math.random() * 20);
			await server.kill();
			await Promise.all([...pumps, closed]);
			server = await server.restart();
			await checkProducers(server.url, producers, findings);
			await finishClosing(server.url, round, findings);
		}
		await Promise.all(producers.map((producer) => pump(server.url, producer, producer.sent + 10)));
		await checkProducers(server.url, producers, findings);
		findings.same(await endServer(spec, server), null, 'the end');
	} finally {
		await server.kill();
	}
	producers.flatMap(({ wrong }) => wrong).forEach((words) => findings.same(words, '200 or 204', 'an append'));
	const sum = (name) => producers.reduce((total, producer) => total + producer[name], 0);
	return { findings, acknowledged: sum('acknowledged'), again: sum('again'), answeredTwice: sum('answeredTwice') };
}

/**
 * The same producer sends the same batches on two connections at once: each batch is in the stream once, one of both answers is
 * 200 and the other 204.
 */
export async function twoConnections(spec, batches = 500) {
	const findings = createFindings();
	const server = await startServer(spec.command);
	const pathname = '/v1/stream/twice';
	const pipelines = [openPipeline(server.url), openPipeline(server.url)];
	try {
		await create(server.url, pathname, 'text/plain');
		const sent = [];
		for (let seq = 0; seq < batches; seq++) {
			for (const pipeline of seq % 2 === 0 ? pipelines : pipelines.toReversed()) {
				sent.push(pipeline.post(pathname, fieldsOf('text/plain', 'p', seq), `p:${seq}\n`));
			}
		}
		const answers = await Promise.all(sent);
		for (let seq = 0; seq < batches; seq++) {
			const both = [answers[2 * seq].status, answers[2 * seq + 1].status].sort().join(' and ');
			findings.same(both, '200 and 204', `batch ${seq}`);
		}
		const { pieces } = await readFrom(server.url, pathname, '-1');
		const units = Buffer.concat(pieces).toString().split('\n').slice(0, -1);
		checkUnits(units, [{ id: 'p', acknowledged: batches, sent: batches }], findings);
		pipelines.forEach((pipeline) => pipeline.close());
		findings.same(await endServer(spec, server), null, 'the end');
	} finally {
		await server.kill();
	}
	return { findings };
}
