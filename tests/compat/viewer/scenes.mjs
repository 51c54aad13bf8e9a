// SPDX-License-Identifier: MIT
import fs from 'node:fs';

const FOLDER = new URL('scenes/', import.meta.url);

/** The scenes in their order: each file of scenes/ exports an array of scenes. */
export async function readScenes() {
	const files = fs.readdirSync(FOLDER).filter((file) => file.endsWith('.mjs')).sort();
	const modules = await Promise.all(files.map((file) => import(new URL(file, FOLDER))));
	return modules.flatMap(({ default: scenes }) => scenes);
}
