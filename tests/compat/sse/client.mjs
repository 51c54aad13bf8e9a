// SPDX-License-Identifier: MIT
// The process of one client: follows streams as the parent asks, and tells each delivery to the parent.
// Usage: forked with the name of a client of clients/ as its argument.
const { follow, flaws = {} } = await import(`./clients/${process.argv[2]}.mjs`);

process.on('message', ({ job, url }) => {
	const stop = follow(url, (type, data, id) => {
		process.send({ job, type, data, id });
		if (type === 'end') {
			stop();
		}
	});
});
process.on('disconnect', () => process.exit());
process.send({ flaws });
