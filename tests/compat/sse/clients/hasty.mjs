// SPDX-License-Identifier: MIT
// A client without a package that takes an id before its event is complete, for the harness's own test.
import { createFollow } from './plain.mjs';

export const flaws = { losesAtId: true };
export const follow = createFollow(true);
