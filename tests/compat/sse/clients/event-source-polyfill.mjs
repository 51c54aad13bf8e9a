// SPDX-License-Identifier: MIT
// The client sends its cursor in the query, and waits for a second at least before it connects again.
import polyfill from 'event-source-polyfill';
import { followSource } from './event_types.mjs';

export const follow = (url, deliver) => followSource(new polyfill.EventSourcePolyfill(url), deliver);
