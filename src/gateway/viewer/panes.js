// The panes of a session: events, joined text, plot, time line.
import { find, formatNumber, make } from "./page.js";

const ROW_PX = 24, ROWS_MAX = 50000, BYTES_MAX = 32 << 20, CLIP = 400;
const PARAGRAPH = 1500, TEXT_MAX = 1 << 21, OPEN_MAX = 99, MARKS_MAX = 200;
const GLYPH = { gap: "✕", healed: "✚", restart: "↻", drop: "▽", resume: "▲", end: "■" };

// A pane follows its end until somebody scrolls up.
function watchScroll(pane) {
	pane.element.onscroll = ({ target: { scrollTop, clientHeight, scrollHeight } }) => {
		pane.follows = scrollTop + clientHeight > scrollHeight - 2 || (pane.follows && scrollTop >= pane.top);
		pane.top = scrollTop;
		pane.view.schedule();
	};
}

// The newest rows, of one height. Only the visible ones are elements.
export class Rows {
	rows = [];
	shown = [];
	lines = [];
	bytes = 0;
	follows = true;
	accepts = () => true;

	constructor(element, view) {
		Object.assign(this, { element, view });
		watchScroll(this);
		element.onclick = ({ target }) => this.select(target.closest("[role=row]")?.row);
	}

	push(row) {
		this.rows.push(row);
		this.bytes += row.payload.length;
		if (this.accepts(row))
			this.shown.push(row);
		if (this.rows.length > ROWS_MAX + 1000 || this.bytes > BYTES_MAX)
			this.trim();
	}

	// Removes the oldest rows.
	trim() {
		const { rows, shown, element } = this;
		let count = 0, hidden = 0;
		for (; rows.length - count > ROWS_MAX || this.bytes > BYTES_MAX; count++) {
			const row = rows[count];
			this.bytes -= row.payload.length;
			row.payload = row.id = "";
			hidden += row === shown[hidden];
		}
		rows.splice(0, count);
		shown.splice(0, hidden);
		find("kept").hidden = false;
		if (!this.follows)
			element.scrollTop -= hidden * ROW_PX;
	}

	filter(accepts) {
		this.accepts = accepts;
		this.shown = this.rows.filter(accepts);
		this.view.schedule();
	}

	// `isFar`: the list scrolls to the row.
	select(row, isFar) {
		const { element, shown, view } = this, { scrollTop, clientHeight } = element, top = shown.indexOf(row) * ROW_PX;
		if (!row)
			return;
		this.selected = row;
		this.follows &&= !isFar;
		if (isFar && (top < scrollTop || top + ROW_PX > scrollTop + clientHeight))
			element.scrollTop = top - clientHeight / 2;
		view.showDetails(row);
		view.schedule();
	}

	move(by) {
		const { shown, selected } = this, last = shown.length - 1, at = selected ? shown.indexOf(selected) + by : last;
		this.select(shown[Math.max(0, Math.min(at, last))], true);
	}

	render() {
		const { element, shown: { length }, lines, follows } = this, { clientHeight, firstChild: body } = element;
		body.style.height = `${length * ROW_PX}px`;
		element.ariaRowCount = length;
		if (follows)
			element.scrollTop = length * ROW_PX;
		while (lines.length < clientHeight / ROW_PX + 1)
			body.append(this.makeLine());
		this.top = element.scrollTop;
		const first = Math.floor(this.top / ROW_PX);
		lines.forEach((line, i) => this.fillLine(line, first + i));
	}

	makeLine() {
		const parts = ["position", "", "payload"].map(className => make("span", { className, role: "gridcell" }));
		const line = make("div", { role: "row", id: `row${this.lines.length}`, parts }, ...parts);
		this.lines.push(line);
		return line;
	}

	fillLine(line, at) {
		const row = line.row = this.shown[at], isSelected = row === this.selected;
		line.hidden = !row;
		if (!row)
			return;
		const { mark, kind, position, name, payload } = row, { parts } = line;
		line.style.transform = `translateY(${at * ROW_PX}px)`;
		line.ariaRowIndex = at + 1;
		line.ariaSelected = isSelected;
		if (isSelected)
			this.element.setAttribute("aria-activedescendant", line.id);
		line.toggleAttribute("data-found", row.isFound);
		line.dataset.position = mark ? "" : position;
		[formatNumber(position), name, payload.slice(0, CLIP)].forEach((text, i) => { parts[i].textContent = text; });
		parts[1].className = mark?.kind ?? "kind";
		parts[1].style.setProperty("--hue", kind?.hue);
	}
}

// A paragraph is an element of its own: a frame lays out the last one alone.
export class TextPane {
	waiting = [];
	open = new Map();
	size = 0;
	follows = true;

	constructor(element, view) {
		Object.assign(this, { element, view });
		watchScroll(this);
	}

	add(piece) {
		const last = this.waiting.at(-1);
		if (last?.key === piece.key)
			last.text += piece.text;
		else
			this.waiting.push(piece);
	}

	render() {
		const { element, open } = this;
		for (const piece of this.waiting.splice(0)) {
			if (piece.role === "note" || open.size > OPEN_MAX)
				open.clear();
			const block = open.get(piece.key);
			this.append(block?.isConnected ? block : this.begin(piece), piece.text);
		}
		while (this.size > TEXT_MAX)
			this.removeFirst();
		if (this.follows)
			element.scrollTop = 1e9;
		this.top = element.scrollTop;
	}

	begin({ key, role, label }) {
		const block = make("div", { className: `block ${role}` }, make("p"));
		block.dataset.label = label;
		this.element.append(block);
		this.open.set(key, block);
		return block;
	}

	append(block, text) {
		this.size += text.length;
		for (const line of text.match(/[^\n]{1,4000}\n?|\n/gu) ?? []) {
			const node = block.lastChild.firstChild ?? block.lastChild.appendChild(new Text());
			node.appendData(line);
			if (node.length > (line.endsWith("\n") ? PARAGRAPH : 4 * PARAGRAPH))
				block.append(make("p"));
		}
	}

	removeFirst() {
		const block = this.element.firstChild, paragraph = block.firstChild;
		this.size -= paragraph.textContent.length;
		(paragraph.nextSibling ? paragraph : block).remove();
		find("kept").hidden = false;
	}
}

export function drawPlot(samples) {
	const words = ["rate", "lag"].map((name, i) => {
		const values = samples.map(one => one[name]), most = Math.max(...values);
		find("plot").children[i].setAttribute("points", values.map((value, x) =>
			`${60 - values.length + x},${30 - 28 * value / (most || 1)}`).join(" "));
		return `${name} up to ${formatNumber(most)}`;
	});
	find("plot-words").textContent = `━ ${words[0]}  ┅ ${words[1]}`;
}

// A mark is as wide as the time before it.
export function addMark(mark, onclick) {
	const { kind, position, first = position, last = position } = mark, line = find("timeline");
	const title = `${mark.title}, ${new Date().toLocaleTimeString()}`;
	const button = make("button", { title, ariaLabel: title, onclick, className: kind }, GLYPH[kind]);
	Object.assign(button.dataset, { mark: kind, first, last });
	button.style.flexGrow = passTime(line);
	line.at = performance.now();
	line.append(button);
	if (line.children.length > MARKS_MAX)
		line.firstChild.remove();
}

export function passTime(line) {
	const passed = performance.now() - (line.at ??= performance.now());
	line.style.setProperty("--passed", passed);
	return passed;
}
