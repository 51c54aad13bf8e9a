// SPDX-License-Identifier: MIT
import { EventSource } from 'eventsource-5';
import { followSource } from './event_types.mjs';

export const follow = (url, deliver) => followSource(new EventSource(url), deliver);
