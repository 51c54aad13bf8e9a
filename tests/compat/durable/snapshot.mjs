// SPDX-License-Identifier: MIT
// The answers of a server about the streams of the suite: each answer before a restart must come again after the restart.
import fs from 'node:fs';
import { checkProducers } from './book.mjs';
import { call, readFrom } from './http.mjs';

const HEAD_FIELDS = ['content-type', 'stream-next-offset', 'stream-closed', 'stream-forked-from', 'stream-fork-offset'];

// A stream that expires soon, or that a read renews, cannot be compared.
const isShort = ({ fields }) =>
	(fields['stream-ttl'] !== undefined && Number(fields['stream-ttl']) < 600) ||
	(fields['stream-expires-at'] !== undefined && Date.parse(fields['stream-expires-at']) - Date.now() < 600000);

/** The streams of a record (record.mjs): each path with the offsets that were given out, and with its producers. */
export function readRecord(file) {
	const streams = new Map();
	const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
	for (const line of text.split('\n').slice(0, -1)) {
		const { method, path, fields, status, answer } = JSON.parse(line);
		if (!path.startsWith('/v1/stream/')) {
			continue;
		}
		const hasBegun = method === 'PUT' && status === 201;
		if (hasBegun || !streams.has(path)) {
			streams.set(path, { offsets: streams.get(path)?.offsets ?? new Set(), producers: new Map() });
		}
		const { offsets, producers } = streams.get(path);
		if (answer['stream-next-offset'] !== undefined) {
			offsets.add(answer['stream-next-offset']);
		}
		if (fields['producer-id'] !== undefined && (status === 200 || status === 204)) {
			keepGreatest(producers, fields['producer-id'], answer);
		}
	}
	return streams;
}

function keepGreatest(producers, id, answer) {
	const next = { epoch: Number(answer['producer-epoch']), seq: Number(answer['producer-seq']) };
	const last = producers.get(id);
	if (!last || next.epoch > last.epoch || (next.epoch === last.epoch && next.seq > last.seq)) {
		producers.set(id, next);
	}
}

/** Asks for every stream: a map of paths to { head, answers }; answers maps offsets to texts. Short-lived ones are left out. */
export async function takeSnapshot(base, streams) {
	const snapshot = new Map();
	for (const [pathname, { offsets }] of streams) {
		const head = await call(base, 'HEAD', pathname);
		if (isShort(head)) {
			continue;
		}
		const answers = new Map();
		for (const offset of ['-1', ...offsets]) {
			const { status, pieces, next, isClosed } = await readFrom(base, pathname, offset);
			answers.set(offset, JSON.stringify({ status, next, isClosed, bytes: Buffer.concat(pieces).toString('latin1') }));
		}
		const fields = HEAD_FIELDS.map((name) => `${name}: ${head.fields[name]}`);
		snapshot.set(pathname, { head: [head.status, ...fields].join('\n'), status: head.status, fields: head.fields, answers });
	}
	return snapshot;
}

/** Compares two snapshots of the same streams. */
export function compareSnapshots(before, after, findings) {
	for (const [pathname, { head, answers }] of before) {
		const now = after.get(pathname);
		findings.same(now?.head, head, `HEAD ${pathname}`);
		for (const [offset, answer] of answers) {
			findings.same(now?.answers.get(offset), answer, `GET ${pathname}?offset=${offset}`);
		}
	}
}

/** Checks the producers of the streams that are open. Returns how many there are. */
export async function checkRecorded(base, streams, snapshot, findings) {
	let count = 0;
	for (const [pathname, { status, fields }] of snapshot) {
		const { producers } = streams.get(pathname);
		if (status === 200 && fields['stream-closed'] !== 'true') {
			count += producers.size;
			await checkProducers(base, pathname, fields['content-type'], producers, findings);
		}
	}
	return count;
}
