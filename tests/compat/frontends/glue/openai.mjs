// SPDX-License-Identifier: MIT
// Follows a response to its end, over any number of broken connections. `client` is an OpenAI whose
// baseURL is the gateway's.
export async function* followResponse(client, id) {
	const query = { stream: true };
	for (let last = -1; ;) {
		try {
			for await (const event of await client.responses.retrieve(id, query)) {
				if (event.sequence_number !== ++last) {
					throw new RangeError(`event ${last} was expected, not ${event.sequence_number}`);
				}
				query.starting_after = event.sequence_number;
				yield event;
				if (/^response\.(completed|failed|incomplete)$/.test(event.type)) {
					return;
				}
			}
		} catch (error) {
			// A status is an answer: the response does not exist, or is not permitted.
			if (error.status !== undefined || error instanceof RangeError) {
				throw error;
			}
		}
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}
