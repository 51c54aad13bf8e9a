// The bookkeeping of a stream: each number comes from the positions that arrived.

// A cursor is rp1.LIFE.REVISION.POSITION.CHECK.SESSION; null: the text is no cursor.
export function parseCursor(text) {
	const part = /^rp1\.(\w+)\.\d+\.(\d+)\.\w+\.(.+)$/.exec(text);
	return part && { life: part[1], position: Number(part[2]), session: part[3].replaceAll("~", "%") };
}

export class Ledger {
	position = null;
	life = null;
	cursor = null;
	taken = 0;
	lost = 0;
	doubled = 0;
	healed = 0;
	heal = null;

	// Goes to the place of an id; answers the life before another one.
	move(id) {
		const { life, position } = parseCursor(id) ?? this, before = this.life === life ? null : this.life;
		Object.assign(this, { life, position, cursor: id });
		return before;
	}

	// Up to `last` only the log has the events.
	expectHealing(last) {
		this.heal = last > this.position ? { last, count: 0 } : null;
	}

	takeEvent(id) {
		const { position, cursor, heal } = this, next = parseCursor(id).position;
		if (next <= position) {
			this.doubled++;
			return {};
		}
		this.taken++;
		if (next <= heal?.last) {
			heal.first ??= next;
			heal.count++;
			this.healed++;
		}
		return { before: this.move(id), hole: position !== null && next > position + 1 && { first: position + 1, last: next - 1, cursor } };
	}

	takeGap({ lost, position, reason }, id) {
		if (reason === "unavailable") {
			this.position = this.cursor = null;
			return;
		}
		const before = this.move(id);
		this.lost += lost ?? 0;
		this.position = position;
		return before;
	}

	finishHealing() {
		const { heal, position } = this;
		this.expectHealing(heal?.last);
		return heal?.count > 0 && { ...heal, last: Math.min(heal.last, position) };
	}
}
