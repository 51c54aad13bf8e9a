// SPDX-License-Identifier: MIT
// Appends a line for each answered request of the suite to the file SUITE_RECORD, if there is one: the request, and
// the fields of the answer. The suite itself is unchanged.
import fs from 'node:fs';

const file = process.env.SUITE_RECORD;
const call = globalThis.fetch;

function record(resource, options, response) {
	const request = resource instanceof Request ? resource : new Request(resource, { ...options, body: undefined, signal: null });
	const entry = {
		method: request.method,
		path: new URL(request.url).pathname,
		fields: Object.fromEntries(request.headers),
		status: response.status,
		answer: Object.fromEntries(response.headers),
	};
	fs.appendFileSync(file, `${JSON.stringify(entry)}\n`);
}

if (file) {
	globalThis.fetch = async (resource, options) => {
		const response = await call(resource, options);
		record(resource, options, response);
		return response;
	};
}
