// Reads the known shapes of payloads: which text an event adds to which block.

const findText = (...values) => values.find(value => typeof value === "string") ?? "";
const readType = value => findText(value?.type, value?.event_type, value?.event, value?.object);

// The name that an event gives itself.
export const nameEvent = value => findText(value?.delta?.type, readType(value)).slice(0, 60);

// OpenAI responses, AI SDK UI messages, AG-UI: the name says the role.
const ROLES = [
	["text", /^(response\.(output_text|refusal)\.delta|text-delta|TEXT_MESSAGE_(CONTENT|CHUNK))$/],
	["thinking", /^(response\.reasoning_\w*text\.delta|reasoning-delta|\w+_MESSAGE_(CONTENT|CHUNK))$/],
	["tool", /^(response\.\w+_(arguments|code|input)\.delta|tool-input-\w+|TOOL_CALL_(ARGS|CHUNK))$/],
	["result", /^(tool-output-\w+|TOOL_CALL_RESULT|RUN_ERROR)$/],
	["", /^(response\.|[A-Z]+_)/],
];
const RUN = /^(message_start|(response|interaction)\.created|start|run|RUN_STARTED)$/, KEPT_MAX = 256;

export class Joiner {
	run = 0;
	lanes = new Map();
	names = new Map();

	constructor(emit) {
		this.emit = emit;
	}

	// Answers the payload as a value; undefined: the payload is not JSON.
	take(payload) {
		let value;
		try {
			value = JSON.parse(payload);
			if (typeof value === "object")
				this.takeObject(value);
		} catch {}
		if (value === null || typeof value !== "object")
			this.add("text", "", findText(value, payload + "\n"));
		return value;
	}

	// Text after another role or id is a new block; a tool keeps its block.
	add(role, id, value, scope = this.run) {
		if (!value)
			return;
		const { lanes, names } = this, lane = `${role} ${id}`, last = lanes.get(scope);
		const phase = (last?.phase ?? 0) + (last?.lane !== lane), isTool = /tool|result/.test(role);
		for (const map of [lanes, names])
			if (map.size > KEPT_MAX)
				map.delete(map.keys().next().value);
		lanes.set(scope, { lane, phase });
		this.emit({ key: `${scope} ${lane} ${isTool || phase}`, role, label: `${role === "text" ? "" : role} ${names.get(id) ?? ""}`.trim(),
			text: typeof value === "string" ? value : JSON.stringify(value, null, "\t") });
	}

	takeObject(value) {
		const { choices, delta = {}, index, content_block: block = value.step ?? {} } = value, type = readType(value);
		const role = ROLES.find(([, pattern]) => pattern.test(type))?.[0];
		this.run += RUN.test(type);
		if (Array.isArray(choices))
			choices.forEach(choice => this.takeChoice(choice.delta ?? {}, `${this.run} ${value.id} ${choice.index}`));
		else if (/^(content_block|step)[._]/.test(type))
			this.takePart(block, delta, `${this.run} ${index}`);
		else if (role === undefined)
			this.takePlain(value);
		else
			this.takeNamed(value, role, value.item_id ?? value.toolCallId ?? value.messageId ?? value.id ?? "");
	}

	takeChoice({ reasoning_content: thought, reasoning, content, tool_calls: calls }, scope) {
		this.add("thinking", "", thought ?? reasoning, scope);
		this.add("text", "", content, scope);
		for (const { index, function: call } of calls ?? []) {
			if (call?.name)
				this.names.set(`${scope} ${index}`, call.name);
			this.add("tool", `${scope} ${index}`, call?.arguments, scope);
		}
	}

	// Anthropic messages, Gemini interactions. Text blocks in a row are one text.
	takePart({ id: tool, name, type, tool_use_id: used, content, thinking, text }, delta, id) {
		if (name ?? tool)
			this.names.set(id, name ?? type).set(tool, name);
		this.add("result", used ?? id, used ? content : delta.result);
		this.add("thinking", "", thinking ?? delta.thinking ?? delta.content?.text);
		this.add("text", "", text ?? delta.text);
		this.add("tool", id, delta.partial_json ?? delta.arguments);
	}

	takeNamed(value, role, id) {
		const { item, type, toolName: name = value.toolCallName, inputTextDelta: input, content_index: part = value.summary_index ?? "" } = value;
		if (item)
			this.names.set(item.id, item.name ?? item.type);
		if (name)
			this.names.set(id, name);
		this.add("result", item?.id, item?.output);
		if (role === "result")
			this.add(role, id, value.output ?? value.errorText ?? value.content ?? value.message);
		else if (role && !(type === "tool-input-available" && this.lanes.has("input " + id)))
			this.add(role, id + part, value.delta ?? input ?? value.input);
		if (input)
			this.lanes.set("input " + id);
	}

	// Plain JSON; an author or a message's id begins a block.
	takePlain({ text, token, delta, content, role = "", message_id: id }) {
		this.names.set(role, role);
		this.add("text", role, findText(text, token, delta, content), id && `${this.run} ${id}`);
	}
}
