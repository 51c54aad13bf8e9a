// The view of one session: stream, panes and buttons.
import { askGateway, copyText, find, formatNumber, make, say, showTemplate } from "./page.js";
import { addMark, drawPlot, passTime, Rows, TextPane } from "./panes.js";
import { Joiner, nameEvent } from "./shapes.js";
import { EventStream, findOldest } from "./stream.js";

const RESUME_MS = 3000, DETAILS_MAX = 1 << 20, NAMES_MAX = 32;

export class SessionView {
	kinds = new Map();
	samples = [];
	taken = 0;
	lag = 0;
	found = { rows: [] };
	timer = setInterval(() => this.tick(), 1000);

	constructor(place) {
		showTemplate("session", place.session);
		this.text = new TextPane(find("text"), this);
		this.joiner = new Joiner(piece => this.text.add(piece));
		this.rows = new Rows(find("events"), this);
		this.stream = new EventStream(place, this);
		find("drop").onclick = () => this.leaveOrResume("dropped", "dropped the connection, and resumes in 3 s");
		find("behind").onclick = () => this.leaveOrResume("behind",
			"left the connection, whose buffers would hold events, and resumes once the window has moved on");
		find("copy-cursor").onclick = () => copyText(this.stream.ledger.cursor);
		find("search").oninput = ({ target }) => this.search(target.value);
		find("hits").onsubmit = event => {
			event.preventDefault();
			this.moveFound(Number(event.submitter.value));
		};
		find("kinds").onchange = () => this.rows.filter(({ kind }) => !kind || kind.box.checked);
		this.stream.start();
	}

	close() {
		clearInterval(this.timer);
		this.stream.stop("closed", "");
		cancelAnimationFrame(this.frame);
	}

	setState(state, words) {
		this.state = find("state").textContent = state;
		find("words").textContent = words;
		find("drop").textContent = state === "dropped" ? "Resume" : "Drop my connection";
		find("behind").textContent = state === "behind" ? "Resume" : "Fall behind";
		say(words);
		this.schedule();
	}

	takeEvent({ position, id, data: payload, name }) {
		const isBytes = name === "base64", own = isBytes ? "" : nameEvent(this.joiner.take(payload));
		this.taken++;
		const kind = this.countKind(isBytes ? "bytes" : name, own);
		this.push({ position, id, isBytes, payload, kind, name: `${kind.number} ${own}` });
	}

	takeMark(mark) {
		const { kind, title, words, position } = mark, row = { mark, position, name: kind, payload: `${title}. ${words}` };
		if (this.state === "closed")
			return;
		this.push(row);
		addMark(mark, () => this.rows.select(row, true));
		if (kind === "gap" || kind === "restart")
			this.text.add({ key: mark, role: "note", label: title, text: "" });
		say(title);
	}

	push(row) {
		this.rows.push(row);
		this.judgeFound(row);
		this.schedule();
	}

	schedule() {
		this.frame ||= requestAnimationFrame(() => this.render());
	}

	render() {
		const { found: { pattern, rows, at }, stream: { ledger: { position, lost, doubled, healed, taken } } } = this;
		const facts = { position, lost, doubled, healed };
		this.frame = 0;
		Object.assign(find("session").dataset, facts, { events: taken, state: this.state });
		Object.assign(facts, this.samples.at(-1));
		for (const name in facts)
			find(name).textContent = formatNumber(facts[name]);
		find("found").textContent = pattern ? `${at + 1} of ${formatNumber(rows.length)}` : "";
		this.rows.render();
		this.text.render();
	}

	tick() {
		const { stream, state, taken: rate } = this;
		this.taken = 0;
		if (state === "dropped" && performance.now() > this.leftAt + RESUME_MS)
			stream.start();
		if (stream.heardAt && performance.now() > stream.heardAt + stream.silenceMs)
			stream.abort.abort(Error("no heartbeat"));
		if (!this.isAsking && (!document.hidden || state === "behind"))
			this.ask();
		this.samples = [...this.samples.slice(-59), { rate, lag: this.lag }];
		drawPlot(this.samples);
		passTime(find("timeline"));
		for (const { label, number, names, count } of this.kinds.values())
			label.textContent = `${number} ${[...names].sort((a, b) => b[1] - a[1])[0][0]} (${formatNumber(count)})`;
		this.render();
	}

	async ask() {
		const { stream } = this;
		this.isAsking = true;
		const object = await askGateway(stream.path).catch(() => ({})), { newest, ended } = object;
		const { state } = this, { position } = stream.ledger, left = position + 1 - findOldest(object);
		this.isAsking = false;
		if (newest === undefined)
			return;
		const lag = this.lag = Math.max(0, newest - position);
		if (state === "gone" || (state === "ended" && (lag > 0 || !ended)) || (state === "behind" && (left < 0 || ended)))
			stream.start();
		else if (state === "behind")
			find("words").textContent = `${formatNumber(lag)} behind; ${formatNumber(left + 1)} more until the window has moved on`;
	}

	countKind(number, name) {
		const kind = this.kinds.get(number) ?? this.addKind(number), { names } = kind;
		kind.count++;
		if (names.has(name) || names.size < NAMES_MAX)
			names.set(name, (names.get(name) ?? 0) + 1);
		return kind;
	}

	addKind(number) {
		const box = make("input", { type: "checkbox", checked: true }), label = make("span", { className: "kind" }, number);
		const kind = { number, names: new Map(), count: 0, box, label, hue: 190 + this.kinds.size * 137 };
		label.style.setProperty("--hue", kind.hue);
		find("kinds").append(make("label", {}, box, label));
		this.kinds.set(number, kind);
		return kind;
	}

	leaveOrResume(state, words) {
		const { stream } = this, { position } = stream.ledger;
		if (this.state === state)
			return stream.start();
		if (this.state !== "live")
			return;
		this.leftAt = performance.now();
		this.takeMark({ kind: "drop", title: state, words: `Behind ${position} the page ${words}.`, position });
		stream.stop(state, `The page ${words}.`);
	}

	search(text) {
		this.found = { pattern: text && new RegExp(text.replace(/[^\w\s]/g, "\\$&"), "i"), rows: [], at: -1 };
		this.rows.rows.forEach(row => this.judgeFound(row));
		this.schedule();
	}

	judgeFound(row) {
		const { pattern, rows } = this.found;
		row.isFound = Boolean(pattern) && pattern.test(row.payload);
		if (row.isFound && rows.length < 50000)
			rows.push(row);
	}

	moveFound(by) {
		const { found } = this, { rows, at } = found, { length } = rows;
		if (length === 0)
			return;
		found.at = (Math.max(at, by < 0 ? 0 : -1) + by + length) % length;
		this.rows.select(rows[found.at], true);
	}

	showDetails({ mark, id, kind, position, payload, isBytes }) {
		const title = mark?.title ?? `Event ${position}, kind ${kind.number}, ${formatNumber(payload.length)} characters `;
		const body = mark?.words ?? `${id}\n${isBytes ? describeBytes(payload) : indentJson(payload)}`;
		const copy = id ? make("button", { onclick: () => copyText(id) }, "Copy cursor") : "";
		find("details").replaceChildren(make("h2", {}, title, copy), make("pre", {}, body.slice(0, DETAILS_MAX)));
		find("details").hidden = false;
	}
}

function describeBytes(base64) {
	const bytes = Array.from(atob(base64), byte => byte.charCodeAt().toString(16).padStart(2, 0));
	return `${bytes.length} bytes: ${bytes.join(" ")}`;
}

function indentJson(payload) {
	try {
		return JSON.stringify(JSON.parse(payload), null, 2);
	} catch {
		return payload;
	}
}
