// SPDX-License-Identifier: MIT
// Runs an agent to the end of its run. A run that broke is sent again from its start, with the state before.
export async function runToEnd(agent, parameters, subscriber) {
	const messages = structuredClone(agent.messages);
	const state = structuredClone(agent.state);
	for (;;) {
		try {
			return await agent.runAgent(parameters, subscriber);
		} catch (error) {
			// fetch() has a TypeError for a connection; any other error is an answer.
			if (!(error instanceof TypeError)) {
				throw error;
			}
			agent.setMessages(messages);
			agent.setState(state);
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
	}
}
