// SPDX-License-Identifier: MIT
// The client takes an id before its event is complete, and glues the data that a cut has left over to the next
// response's hello.
import EventSource from 'eventsource-2';
import { followSource } from './event_types.mjs';

export const flaws = { losesAtId: true, spoilsHello: true };
export const follow = (url, deliver) => followSource(new EventSource(url), deliver);
