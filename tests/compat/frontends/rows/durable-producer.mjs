// SPDX-License-Identifier: MIT
// The producer of the package: the answers to its writes are cut, and the server is killed while a write waits for its answer.
import { createClientRow } from '../durable/client_rows.mjs';

export default createClientRow({ name: 'durable-producer', live: 'sse', scenes: ['writes'] });
