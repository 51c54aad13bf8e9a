// SPDX-License-Identifier: MIT
// Compares the deliveries of a front end with a cut and without.
import { isDeepStrictEqual } from 'node:util';

const countEach = (items) => items.reduce((counts, item) => counts.set(item, (counts.get(item) ?? 0) + 1), new Map());

/** Results are { delivered, final }. Returns { lost, doubled, fault }; the fault is null where all is right. */
export function judge(expected, actual) {
	const wanted = countEach(expected.delivered);
	const had = countEach(actual.delivered);
	let lost = 0;
	let doubled = 0;
	new Set([...wanted.keys(), ...had.keys()]).forEach((item) => {
		const difference = (had.get(item) ?? 0) - (wanted.get(item) ?? 0);
		lost += Math.max(0, -difference);
		doubled += Math.max(0, difference);
	});
	if (lost + doubled > 0) {
		return { lost, doubled, fault: `lost ${lost}, doubled ${doubled}` };
	}
	if (!isDeepStrictEqual(expected.delivered, actual.delivered)) {
		return { lost, doubled, fault: `another order: ${JSON.stringify(actual.delivered)}` };
	}
	if (!isDeepStrictEqual(expected.final, actual.final)) {
		return { lost, doubled, fault: `another result: ${JSON.stringify(actual.final)}` };
	}
	return { lost, doubled, fault: null };
}

/** The lines of a file that are neither blank nor comments alone. */
export function countLines(text) {
	const code = text.replace(/^\s*\/\*[\s\S]*?\*\/\s*$/gm, '');
	return code.split('\n').filter((line) => !/^\s*(\/\/.*)?$/.test(line)).length;
}
