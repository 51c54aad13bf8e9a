// SPDX-License-Identifier: MIT
import { createRow } from '../openai.mjs';

export default createRow('openai-6', 'openai-6');
