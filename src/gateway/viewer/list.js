// The list of sessions, asked for each second while the page is visible.
import { askGateway, find, formatNumber, make, say, showTemplate } from "./page.js";

export class ListView {
	before = new Map();
	timer = setInterval(() => this.refresh(), 1000);

	constructor() {
		showTemplate("list", "Sessions");
		this.body = find("sessions").tBodies[0];
		find("filter").oninput = () => this.refresh("");
		this.refresh("");
	}

	close() {
		clearInterval(this.timer);
	}

	async refresh(place = this.after) {
		this.after = place;
		if (document.hidden || this.isAsking)
			return;
		this.isAsking = true;
		const { sessions, after, message } = await askGateway(`v1/sessions?limit=500&after=${encodeURIComponent(place)}`).catch(fault => fault);
		this.isAsking = false;
		if (!this.body.isConnected)
			return;
		if (sessions)
			this.show(sessions, after);
		else
			say(find("count").textContent = message);
	}

	show(sessions, after) {
		const text = find("filter").value.toLowerCase(), now = performance.now(), { body, before } = this;
		const found = sessions.filter(({ id }) => id.toLowerCase().includes(text));
		for (const one of sessions) {
			const last = before.get(one.id) ?? one;
			one.now = now;
			one.rate = Math.round(Math.max(0, one.newest - last.newest) / (now - last.now || 1) * 1000);
		}
		this.before = new Map(sessions.map(one => [one.id, one]));
		while (body.rows.length > found.length)
			body.lastChild.remove();
		found.forEach((one, i) => fillRow(body.rows[i] ?? body.appendChild(makeRow()), one));
		find("next").hidden = !after && !this.after;
		find("next").onclick = () => this.refresh(after ?? "");
		find("count").textContent = `${found.length} of ${sessions.length} sessions${after ? " of this part" : ""}`;
	}
}

const makeRow = () => make("tr", {}, ...[make("a"), "", "", "", "", ""].map(child => make("td", {}, child)));

function fillRow(row, { id, newest, rate, ended, status, in_memory: isInMemory, retained, hosts }) {
	const [name, ...cells] = row.cells, state = ended ? `ended ${status}` : isInMemory ? "live" : "log only";
	Object.assign(row.dataset, { session: id, newest, rate });
	Object.assign(name.firstChild, { textContent: id, href: `#/s/${encodeURIComponent(id)}` });
	[state, rate, newest, retained, hosts].forEach((fact, i) => { cells[i].textContent = formatNumber(fact); });
}
