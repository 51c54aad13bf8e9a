// SPDX-License-Identifier: MIT
// The conformance suite of Durable Streams, as a file that vitest runs. SUITE_URL is the server's base URL.
import './record.mjs';
import { runConformanceTests } from '@durable-streams/server-conformance-tests';

runConformanceTests({ baseUrl: process.env.SUITE_URL, subscriptions: false });
