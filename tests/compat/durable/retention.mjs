// SPDX-License-Identifier: MIT
// Archives the events of a stream, in another process, under clients that follow the stream. The events that a client
// has read, and the events that a 410 has told as archived, are together each event once.
import { startServer } from '../sse/server.mjs';
import { createFindings } from './book.mjs';
import { call, positionOf, readFrom } from './http.mjs';
import { startClient, WAY_NAMES } from './live.mjs';
import { endServer } from './servers.mjs';

const PATH = '/v1/stream/retained';
const TYPE = 'text/plain';
const LATE = 5;
const KEEP_MS = 2000;
// Large events: the buffers of a connection hold few of them, so that the server itself waits for a client that is held.
const LETTERS = 'x'.repeat(20000);

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function waitFor(clients, holds, words, deadline_ms) {
	const end = performance.now() + deadline_ms;
	for (const client of clients) {
		while (!holds(client) && client.error === null) {
			if (performance.now() > end) {
				throw new Error(`${client.name}: ${words}, and is at event ${client.newest}`);
			}
			await pause(2);
		}
		if (client.error !== null) {
			throw client.error;
		}
	}
}

// The stream and its history: the position of each event, and how far events are archived.
function createStory(server, base, deadline_ms) {
	const story = { positions: [], archived: 0, archives: 0 };
	/** Appends events with the next numbers. */
	story.append = async (count) => {
		for (let i = 0; i < count; i++) {
			const number = story.positions.length + 1;
			const producer = { 'Producer-Id': 'writer', 'Producer-Epoch': 0, 'Producer-Seq': number - 1 };
			const answer = await call(base(), 'POST', PATH, { fields: { 'Content-Type': TYPE, ...producer }, body: `${number}:${LETTERS};` });
			if (answer.status !== 200) {
				throw new Error(`POST ${PATH}: ${answer.status} ${answer.body}`);
			}
			story.positions.push(positionOf(answer.fields['stream-next-offset']));
		}
	};
	/** Archives the events up to a number. */
	story.archive = async (number) => {
		const position = story.positions[number - 1];
		if (position > story.archived) {
			await server.archive(PATH, position);
			story.archived = position;
			story.archives++;
		}
	};
	/** Archives all but the last entries, of which an event has one or two. */
	story.prune = async (entries) => {
		await server.prune(entries);
		story.archived = await server.archived(PATH);
		story.archives++;
	};
	/** Waits until each client has read the event with a number. */
	story.reach = (clients, number) =>
		waitFor(clients, ({ newest }) => newest >= number, `does not come to event ${number}`, deadline_ms);
	return story;
}

// The number of the first event behind a position.
function numberBehind(positions, position) {
	const index = positions.findIndex((each) => each > position);
	return index < 0 ? positions.length + 1 : index + 1;
}

/**
 * Walks the records of a client: each event is read once, or lies before the earliest offset of a 410. `positions` are those of
 * the events, and `archived` how far the log is archived.
 */
export function judgeRecords({ name, records }, { positions, archived }, findings) {
	let next = 1;
	let count = { read: 0, gone: 0, answers: 0 };
	for (const record of records) {
		if (record.earliest !== undefined) {
			const earliest = positionOf(record.earliest);
			const from = record.gone === '-1' ? 0 : positionOf(record.gone);
			findings.same(from < earliest, true, `${name}: a 410 to ${record.gone} names ${record.earliest}`);
			findings.same(earliest <= archived, true, `${name}: a 410 names ${earliest}; ${archived} is archived`);
			const behind = numberBehind(positions, earliest);
			findings.same(behind >= next, true, `${name}: a 410 goes back from event ${next} to ${behind}`);
			count.gone += behind - next;
			count.answers++;
			next = behind;
			continue;
		}
		const right = record.numbers.every((number, index) => number === next + index);
		findings.same(right ? 'in order' : `${record.numbers[0]} to ${record.numbers.at(-1)}`, 'in order', `${name}: from event ${next}`);
		count.read += record.numbers.length;
		next = (record.numbers.at(-1) ?? next - 1) + 1;
		findings.same(numberBehind(positions, positionOf(record.to)), next, `${name}: the event behind the offset ${record.to}`);
	}
	findings.same(next, positions.length + 1, `${name}: the event to read next, at the end`);
	return count;
}

// The clients are held in the middle, and unread events are archived.
async function archiveUnderHeld(clients, story) {
	await story.append(400);
	await story.reach(clients, 1);
	// By now each has read some events, and a client that is fast all of them: those wait at the tail.
	clients.forEach((client) => client.hold());
	await story.append(400);
	await story.archive(700);
	clients.forEach((client) => client.go());
	await story.reach(clients, 800);
}

// All clients are at the tail when everything is archived: none of them loses an event.
async function archiveAtTail(clients, story) {
	await story.archive(story.positions.length);
	await story.append(20);
	await story.reach(clients, story.positions.length);
}

// Appends, archives, prunes and holds at random.
async function archiveAtRandom(clients, story, rounds, hasPrune) {
	for (let round = 0; round < rounds; round++) {
		for (const client of clients) {
			Math.random() < 0.5 ? client.hold() : client.go();
		}
		await story.append(1 + Math.floor(Math.random() * 60));
		const kept = Math.floor(Math.random() * 80);
		if (hasPrune && round % 3 === 0) {
			await story.prune(kept + 1);
		} else {
			await story.archive(Math.max(1, story.positions.length - kept));
		}
	}
	clients.forEach((client) => client.go());
	await story.append(1);
	await story.reach(clients, story.positions.length);
}

// Compares the stream with the story when the clients have gone, and when the server has been killed.
async function checkRest(spec, base, story, findings) {
	if (spec.archived) {
		findings.same(await spec.archived(PATH), story.archived, 'the log: how far it is archived');
	}
	const behind = numberBehind(story.positions, story.archived);
	const gone = await call(base, 'GET', `${PATH}?offset=-1`);
	findings.same(gone.status, 410, 'GET from the beginning');
	const earliest = gone.fields['stream-earliest-offset'];
	findings.same(positionOf(earliest ?? '_'), story.archived, 'GET from the beginning: the earliest offset');
	for (const live of ['long-poll', 'sse']) {
		const { status } = await call(base, 'GET', `${PATH}?offset=-1&live=${live}`, { onlyHead: true });
		findings.same(status, 410, `GET from the beginning, ${live}`);
	}
	if (earliest !== undefined) {
		const { pieces, next } = await readFrom(base, PATH, earliest);
		const texts = Buffer.concat(pieces).toString().split(';').slice(0, -1).map((event) => parseInt(event, 10));
		const should = story.positions.map((_, index) => index + 1).slice(behind - 1);
		findings.same(texts.join(), should.join(), 'GET from the earliest offset');
		findings.same(positionOf(next), story.positions.at(-1), 'GET from the earliest offset: the tail');
	}
	const head = await call(base, 'HEAD', PATH);
	findings.same(head.fields['content-type'], TYPE, 'HEAD: the type');
	const seq = story.positions.length - 1;
	const fields = { 'Content-Type': TYPE, 'Producer-Id': 'writer', 'Producer-Epoch': 0, 'Producer-Seq': seq };
	findings.same((await call(base, 'POST', PATH, { fields, body: 'again' })).status, 204, 'POST of a duplicate');
}

/** Runs the scene: { findings, story, counts }; `counts` maps each client to { read, gone, answers, ends }. */
export async function archiveUnderClients(spec, { rounds = 25, deadline_ms = 60000 } = {}) {
	const findings = createFindings();
	let server = await startServer(spec.command);
	const story = createStory(spec, () => server.url, deadline_ms);
	let clients = [];
	try {
		const { status } = await call(server.url, 'PUT', PATH, { fields: { 'Content-Type': TYPE } });
		if (status !== 201) {
			throw new Error(`PUT ${PATH}: ${status}`);
		}
		clients = WAY_NAMES.map((name) => startClient(server.url, PATH, name));
		await archiveUnderHeld(clients, story);
		await archiveAtTail(clients, story);
		await archiveAtRandom(clients, story, rounds, spec.prune !== undefined);
		await Promise.all(clients.map((client) => client.stop()));
		story.followed = story.positions.length;
		await checkRest(spec, server.url, story, findings);
		await server.kill();
		server = await server.restart();
		await checkRest(spec, server.url, story, findings);
		await story.append(LATE);
		await checkRest(spec, server.url, story, findings);
		// The log has no event any more. The server keeps the state of a stream apart from the events, soon after the last
		// event; a crash behind an archive of younger events would lose the newest numbers of the producers.
		await pause(KEEP_MS);
		await story.archive(story.positions.length);
		await checkRest(spec, server.url, story, findings);
		await server.kill();
		server = await server.restart();
		await checkRest(spec, server.url, story, findings);
		await story.append(LATE);
		await checkRest(spec, server.url, story, findings);
		findings.same(await endServer(spec, server), null, 'the end');
	} catch (error) {
		findings.faults.push(error.message);
	} finally {
		await Promise.all(clients.map((client) => client.stop()));
		await server.kill();
	}
	const followed = { ...story, positions: story.positions.slice(0, story.followed) };
	const counts = new Map();
	for (const client of clients) {
		const count = judgeRecords(client, followed, findings);
		findings.same(count.answers > 0, true, `${client.name}: is told of archived events`);
		counts.set(client.name, { ...count, ends: client.ends });
	}
	return { findings, story, counts };
}
