// SPDX-License-Identifier: MIT
import { createClientRow } from '../durable/client_rows.mjs';

export default createClientRow({ name: 'durable-long-poll', live: 'long-poll', scenes: ['stored', 'live'] });
