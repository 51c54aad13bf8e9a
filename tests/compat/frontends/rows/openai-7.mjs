// SPDX-License-Identifier: MIT
import { createRow } from '../openai.mjs';

export default createRow('openai-7', 'openai-7');
