// Helpers: elements by data-test, words for a screen reader, requests.
export const find = name => document.querySelector(`[data-test=${name}]`);

export function make(tag, members, ...children) {
	const element = Object.assign(document.createElement(tag), members);
	element.append(...children);
	return element;
}

export function showTemplate(name, title) {
	document.querySelector("main").replaceWith(document.getElementById(name).content.cloneNode(true));
	document.querySelector("h1").textContent = document.title = title;
}

export const formatNumber = value => value?.toLocaleString("en") ?? "–";

// Tells a screen reader, at most once in two seconds: the newest words count.
let timer = 0, newest = "";
export function say(words) {
	newest = words;
	timer ||= setTimeout(() => {
		timer = 0;
		find("status").textContent = newest;
	}, 2000);
}

export function copyText(text) {
	addEventListener("copy", event => {
		event.preventDefault();
		event.clipboardData.setData("text/plain", text);
	}, { once: true });
	document.execCommand("copy");
	say("cursor copied");
}

// Adds the token of this tab; 401 asks for one. An error has words.
export async function callGateway(path, { headers, signal = AbortSignal.timeout(5000) } = {}) {
	const token = sessionStorage.getItem("token"), field = token && { Authorization: `Bearer ${token}` };
	const reply = await fetch(path, { cache: "no-store", headers: { ...headers, ...field }, signal }), { status } = reply;
	find("login").hidden = status !== 401;
	if (reply.ok)
		return reply;
	const { error } = await reply.json().catch(() => ({}));
	throw { status, message: `${error?.message ?? "no answer of a gateway"} (${status})` };
}

export const askGateway = async path => (await callGateway(path)).json();
