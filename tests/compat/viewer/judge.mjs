// SPDX-License-Identifier: MIT
// Compares the book of a page with what was appended.
import { readBook, until } from './hooks.mjs';

const RIGHT_MS = 5000;

const size = ({ first, last }) => last - first + 1;

// Lost ranges must be in order, within the session, and apart.
function judgeRanges(ranges, appended) {
	const faults = [];
	let end = 0;
	for (const range of ranges) {
		if (!(range.first > end && range.last >= range.first && range.last <= appended)) {
			faults.push(`the gap ${range.first} to ${range.last} is behind ${end} in a session of ${appended} events`);
		}
		end = range.last;
	}
	return faults;
}

/**
 * Returns the words for each fault. `truth` is { appended, first, lost, text }: `appended` events are in the session, the
 * page began at the position `first` (default: 1), and the ranges `lost` ([{ first, last }]) are gone, or undefined where
 * nobody knows them but the server. `text` is the joined text, or undefined.
 */
export function judge(truth, book) {
	const { appended, first = 1, lost, text } = truth;
	const gaps = book.marks.filter(({ what, first: from }) => what === 'gap' && from !== null);
	const sum = gaps.reduce((count, gap) => count + size(gap), 0);
	const faults = judgeRanges(gaps, appended);
	const expect = (words, seen, right) => {
		if (seen !== right) {
			faults.push(`${words}: ${seen}, not ${right}`);
		}
	};
	expect('events that came and events that are told as lost', book.events + book.lost, appended - first + 1);
	expect('the newest position', book.position, appended);
	expect('doubled events', book.doubled, 0);
	expect('lost events, by the marks of the time line', sum, book.lost);
	if (lost !== undefined) {
		expect('the lost ranges', gaps.map((gap) => `${gap.first}-${gap.last}`).join(), lost.map((gap) => `${gap.first}-${gap.last}`).join());
	}
	if (text !== undefined && book.text !== text) {
		let at = 0;
		while (book.text[at] === text[at]) {
			at++;
		}
		faults.push(`the text differs behind ${at} characters: ${JSON.stringify(book.text.slice(at, at + 40))}, not ${JSON.stringify(text.slice(at, at + 40))}`);
	}
	return faults;
}

/** Waits until the page's book has no fault: the page draws its numbers with the next frame. Fails with the faults. */
export async function untilRight(page, truth, words = '') {
	let book;
	let faults;
	await until(() => `${words} ${faults.join('; ')}`, async () => {
		book = await readBook(page);
		faults = judge(truth, book);
		return faults.length === 0;
	}, RIGHT_MS);
	return book;
}
