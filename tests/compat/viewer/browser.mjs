// SPDX-License-Identifier: MIT
// Headless Chromium, and pages that tell of each fault: a request to another origin, a report of the page's
// Content-Security-Policy, and an error without a handler.
import fs from 'node:fs';
import { chromium } from 'playwright-core';

const PROGRAM = '/usr/bin/chromium';

// Chromium's sandbox does not work for root.
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'];

// The browser writes a line for each response above 399, and for each connection that breaks. Both are parts of the scenes.
const isMeant = (text) => text.startsWith('Failed to load resource');

// Runs in the page, before the page's own scripts.
function reportViolations() {
	document.addEventListener('securitypolicyviolation', (event) => {
		window.reportViolation(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`);
	});
}

function watchPage(page, origin, faults) {
	page.on('request', (request) => {
		const url = request.url();
		if (!url.startsWith(`${origin}/`) && !/^(data|blob):/.test(url)) {
			faults.push(`a request to another origin: ${url}`);
		}
	});
	page.on('pageerror', (error) => faults.push(`an error without a handler: ${error.message}`));
	page.on('dialog', (dialog) => {
		faults.push(`a dialog: ${dialog.message()}`);
		dialog.dismiss().catch(() => {});
	});
	page.on('console', (message) => {
		if (message.type() === 'error' && !isMeant(message.text())) {
			faults.push(`an error on the console: ${message.text()}`);
		}
	});
}

/**
 * Opens Chromium. openContext(url, options) returns a context of its own, without cookies of others; url is the address
 * of the server. A context has newPage(), which opens further pages; `faults`, the words for each fault of the pages; and
 * close(). The options are those of playwright's newContext.
 */
export async function openBrowser(flags = []) {
	if (!fs.existsSync(PROGRAM)) {
		throw new Error('chromium is not installed');
	}
	const browser = await chromium.launch({ executablePath: PROGRAM, args: [...FLAGS, ...flags], headless: true });
	return {
		version: browser.version(),
		async openContext(url, options = {}) {
			const { origin } = new URL(url);
			const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
			const faults = [];
			await context.exposeBinding('reportViolation', (_, words) => faults.push(`a report of the policy: ${words}`));
			await context.addInitScript(reportViolations);
			return {
				faults,
				context,
				async newPage() {
					const page = await context.newPage();
					watchPage(page, origin, faults);
					return page;
				},
				close: () => context.close(),
			};
		},
		close: () => browser.close(),
	};
}
