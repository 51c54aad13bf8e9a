// SPDX-License-Identifier: MIT
// The Python client of src/GUIDE.md; compat.sh copies the program.
import { followBy } from './program.mjs';

export const follow = followBy('python3', 'guide.py');
