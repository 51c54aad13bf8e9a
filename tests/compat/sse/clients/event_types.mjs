// SPDX-License-Identifier: MIT
// What the adapters of the clients with the interface of browsers have in common.

const TYPES = ['message', 'hello', 'gap', 'live', 'end', 'bye'];

/** Delivers every event of an EventSource. Returns the function that closes the source. */
export function followSource(source, deliver) {
	for (const type of TYPES) {
		source.addEventListener(type, ({ data, lastEventId }) => deliver(type, data, lastEventId));
	}
	return () => source.close();
}
