#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// The reference server of Durable Streams with its file store, in the place of `reprise serve`: `run.mjs --program` takes this
// file, too. A row that fails with both servers is the row's or the client's fault. Takes --listen and --log of `reprise serve`.
import fs from 'node:fs';
import { DurableStreamTestServer } from '@durable-streams/server';

// The harness reads the first line: the address. The store has lines of its own.
console.info = console.error;
const value = (name) => process.argv[process.argv.indexOf(name) + 1];
const [host, port] = value('--listen').split(':');
const dataDir = `${value('--log').slice('sqlite:'.length)}.streams`;
const server = new DurableStreamTestServer({ host, port: Number(port), dataDir, longPollTimeout: 2000, compression: false });
fs.writeSync(1, `${await server.start()}\n`);
