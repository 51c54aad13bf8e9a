// SPDX-License-Identifier: MIT
import { createClientRow } from '../durable/client_rows.mjs';

export default createClientRow({ name: 'durable-sse', live: 'sse', scenes: ['stored', 'live'] });
