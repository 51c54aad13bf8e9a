// The viewer: addresses, keys, the token, the count of streams over all tabs.
import { find } from "./page.js";
import { parseCursor } from "./ledger.js";
import { ListView } from "./list.js";
import { SessionView } from "./session.js";

let view = null;

// #/ and #/s/SESSION?cursor=…&from=…
function openAddress() {
	const [, place] = /^#\/s\/(.+)/.exec(location.hash) ?? [];
	view?.close();
	view = place ? new SessionView(Object.fromEntries(new URLSearchParams("session=" + place.replace("?", "&")))) : new ListView();
	countStreams();
}

find("open-cursor").onsubmit = event => {
	const text = event.target.elements.cursor.value.trim(), cursor = parseCursor(text), escaped = encodeURIComponent(text);
	event.preventDefault();
	location.hash = cursor ? `#/s/${cursor.session}?cursor=${escaped}` : `#/s/${escaped}`;
};

const buttons = { d: "drop", b: "behind", c: "copy-cursor", "?": "keys" };
const moves = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };

addEventListener("keydown", event => {
	const { key, target, ctrlKey, metaKey, altKey } = event;
	if (target.matches("input, dialog *") || ctrlKey || metaKey || altKey)
		return;
	if (key === "/")
		document.querySelector("main [type=search]").focus();
	else if (key in buttons)
		find(buttons[key])?.click();
	else if (key in moves && (key.length === 1 || target.role === "grid"))
		view.rows?.move(moves[key]);
	else
		return;
	event.preventDefault();
});

const me = Math.random(), streams = new Map(), tabs = new BroadcastChannel("reprise");

function countStreams(asks = true) {
	tabs.postMessage({ from: me, count: view.stream ? 1 : 0, asks });
	warn(me, view.stream ? 1 : 0);
}

function warn(from, count) {
	const sum = [...streams.set(from, count).values()].reduce((total, one) => total + one);
	const isShared = performance.getEntriesByType("resource").some(({ nextHopProtocol }) => /^h[23]/.test(nextHopProtocol));
	find("warning").hidden = sum < 6 || isShared;
	find("warning").textContent = `${sum} tabs hold a stream, and a browser opens 6 connections over HTTP/1.1: ` +
		"further requests wait. Close tabs, or serve over HTTP/2.";
}

tabs.onmessage = ({ data: { from, count, asks } }) => {
	warn(from, count);
	if (asks)
		countStreams(false);
};
addEventListener("pagehide", () => tabs.postMessage({ from: me, count: 0 }));

find("login").onsubmit = event => {
	event.preventDefault();
	sessionStorage.setItem("token", find("token").value);
	openAddress();
};
find("keys").onclick = () => find("help").showModal();
addEventListener("hashchange", openAddress);
openAddress();
