// SPDX-License-Identifier: MIT
// The JavaScript client of src/GUIDE.md; compat.sh copies the program.
import { followBy } from './program.mjs';

export const follow = followBy(process.execPath, 'guide.mjs');
