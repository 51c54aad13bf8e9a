// SPDX-License-Identifier: MIT
// Resumes the stream of a chat until the answer is complete. `chat` is a Chat of the AI SDK, as useChat() has it.
export async function resumeToEnd(chat) {
	await chat.resumeStream();
	// The connection broke, or there was none: the stream is sent again from its first chunk.
	while (chat.error instanceof TypeError) {
		await new Promise((resolve) => setTimeout(resolve, 50));
		await chat.resumeStream();
	}
}
