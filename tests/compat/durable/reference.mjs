// SPDX-License-Identifier: MIT
// The reference server of Durable Streams. Prints its base URL first.
// Usage: reference.mjs HOST:PORT [FOLDER]
//        With FOLDER the streams are in files, else in memory.
import { DurableStreamTestServer } from '@durable-streams/server';

const [host, port] = process.argv[2].split(':');
const options = { host, port: Number(port), longPollTimeout: 2000, dataDir: process.argv[3] };
// The server writes its own log to the output.
console.log = console.info = console.warn = () => {};
process.stdout.write(`${await new DurableStreamTestServer(options).start()}\n`);
