// The client of an event stream. Parsing takes slices of a few milliseconds.
import { askGateway, callGateway } from "./page.js";
import { Ledger } from "./ledger.js";

const SLICE_MS = 6, WAIT_MAX_MS = 10000;

const sleep = ms => new Promise(done => setTimeout(done, ms));

// With a log `oldest` is the log's, not the window's.
export const findOldest = ({ newest, retained }) => newest - retained + 1;

function parseBlock(text) {
	const block = { lines: [] };
	for (const line of text.split("\n")) {
		const name = line.slice(0, line.indexOf(":")), value = line.slice(name.length + 2);
		if (name === "data")
			block.lines.push(value);
		else
			block[name] = value;
	}
	return block;
}

export class EventStream {
	ledger = new Ledger();
	turn = 0;

	constructor({ session, cursor, from }, view) {
		Object.assign(this, { path: `v1/sessions/${encodeURIComponent(session)}`, from, view });
		if (cursor)
			this.ledger.move(cursor);
	}

	stop(state, words) {
		this.turn++;
		this.abort.abort();
		this.view.setState(state, words);
	}

	// Connects until `stop`, the end, or a refusal.
	async start() {
		const turn = ++this.turn, { view } = this;
		for (let attempt = 1; turn === this.turn; attempt++) {
			view.setState("connecting", `attempt ${attempt}`);
			const fault = await this.read(turn).catch(fault => fault);
			if (turn !== this.turn || !fault)
				return;
			const { message, status = 503 } = fault;
			if (status < 500 && status !== 429)
				return view.setState([404, 410].includes(status) ? "gone" : "error", message);
			if (this.heardAt) {
				attempt = 0;
				this.mark("drop", "Connection lost", message);
			}
			const wait = Math.min(WAIT_MAX_MS, Math.max(this.retryMs ?? 0, 500 * 2 ** attempt)) * (0.75 + Math.random() / 2);
			view.setState("connecting", `attempt ${attempt + 1} in ${(wait / 1000).toFixed(1)} s: ${message}`);
			await sleep(wait);
		}
	}

	mark(kind, title, words, more) {
		this.view.takeMark({ kind, title, words, position: this.ledger.position, ...more });
	}

	async read(turn) {
		const { ledger, path, from } = this, id = ledger.cursor, { signal } = this.abort = new AbortController();
		const decoder = new TextDecoder();
		let rest = "", sliceAt = performance.now();
		this.heardAt = 0;
		if (id)
			ledger.expectHealing(findOldest(await askGateway(path)) - 1);
		this.before = id && { ...ledger };
		const { body } = await callGateway(`${path}/events?names=kinds${id || !from ? "" : `&from=${from}`}`,
			{ signal, headers: id && { "Last-Event-ID": id } });
		const reader = body.getReader();
		for (let part; !(part = await reader.read()).done;) {
			const blocks = (rest + decoder.decode(part.value, { stream: true })).split("\n\n");
			this.heardAt = performance.now();
			rest = blocks.pop();
			for (const block of blocks) {
				if (turn !== this.turn || this.takeBlock(parseBlock(block)))
					return;
				if (performance.now() - sliceAt > SLICE_MS) {
					await (globalThis.scheduler?.yield?.() ?? sleep(0));
					sliceAt = performance.now();
				}
			}
		}
		throw new Error("the connection ended");
	}

	takeBlock({ event, lines, id, retry = this.retryMs }) {
		const data = lines.join("\n");
		this.retryMs = retry;
		switch (lines.length && event) {
		case 0: return;
		case "hello": return this.takeHello(JSON.parse(data), id);
		case "live": return this.finishResume("live", "up to date");
		case "gap": return this.takeGap(JSON.parse(data), id);
		case "end": return this.takeEnd(JSON.parse(data), id);
		case "bye": throw new Error("the gateway is going down");
		default: this.takeEvent(event, data, id);
		}
	}

	takeHello(hello, id) {
		const { ledger, view } = this;
		this.silenceMs = 3 * hello.heartbeat_ms;
		if (!ledger.cursor)
			this.markLife(ledger.move(id));
		view.setState("replay", "reading older events");
	}

	markLife(before, words = "") {
		if (before)
			this.mark("restart", "New life", `The life ${this.ledger.life} of the session follows ${before}. ${words}`);
	}

	takeEvent(name, data, id) {
		const { ledger } = this, { before, hole } = ledger.takeEvent(id), { position, heal } = ledger;
		if (before === undefined)
			return;
		// The next life follows the ended one.
		if (position === this.endedAt + 1)
			this.unknown = "";
		this.markUnknown();
		this.markLife(before);
		if (hole)
			this.judgeHole(hole);
		this.view.takeEvent({ position, id, data, name });
		if (position === heal?.last)
			this.finishHealing();
	}

	takeGap(gap, id) {
		const { first, last, lost, reason, code, text } = gap, words = `Why: ${text} (${code}).`;
		const { position } = this.ledger;
		this.finishHealing();
		const before = this.ledger.takeGap(gap, id);
		if (lost > 0)
			this.mark("gap", `${lost} lost: ${first} to ${last}`, words, { first, last });
		this.markLife(before, words);
		if (reason === "unavailable") {
			this.before = this.from = null;
			this.unknown = words;
			if (position !== this.endedAt)
				this.markUnknown();
		}
	}

	markUnknown() {
		if (this.unknown)
			this.mark("gap", "Loss of unknown extent", this.unknown);
		this.unknown = "";
	}

	takeEnd({ status }, id) {
		const words = `ended with status ${status}`;
		this.ledger.move(id);
		this.endedAt = this.ledger.position;
		this.finishResume("ended", words);
		this.mark("end", `End, status ${status}`, words, { status });
		return true;
	}

	finishHealing() {
		const heal = this.ledger.finishHealing();
		if (heal)
			this.mark("healed", `${heal.count} healed: ${heal.first} to ${heal.last}`, "They had left the window; the log had them.", heal);
	}

	finishResume(state, words) {
		const { before, ledger: { lost, doubled, taken } } = this;
		this.finishHealing();
		this.before = null;
		if (before) {
			words += `; resumed behind ${before.position}: ${lost - before.lost} lost, ${doubled - before.doubled} doubled`;
			this.mark("resume", "Resumed", `${words}, ${taken - before.taken} events on`);
		}
		this.view.setState(state, words);
	}

	// Control events of durable streams, kind 65535, are no loss.
	async judgeHole({ first, last, cursor }) {
		const most = last - first + 1, query = `format=json&kinds=65535&limit=${most}&cursor=${cursor}`;
		const { events } = await askGateway(`${this.path}/events?${query}`).catch(() => ({ events: [] }));
		const lost = most - events.filter(({ type, position }) => type === "event" && position <= last).length;
		this.ledger.lost += lost;
		if (lost > 0)
			this.mark("gap", `Fault: ${lost} missing: ${first} to ${last}`, "The positions jumped.", { first, last });
	}
}
