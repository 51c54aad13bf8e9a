// SPDX-License-Identifier: MIT
// A stream of bytes: an event stream holds them in base64.
import { createClientRow } from '../durable/client_rows.mjs';

export default createClientRow({ name: 'durable-bytes', live: 'sse', scenes: ['stored', 'live'], type: 'application/octet-stream' });
