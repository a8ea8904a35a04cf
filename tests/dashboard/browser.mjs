// Debian's Chromium, and pages that notice everything that goes wrong in them.

import assert from "node:assert/strict";
import { readFile, mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const PICTURES = fileURLToPath(new URL("../../target/dashboard/", import.meta.url));
const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // Root has no sandbox; and nothing is asked of anybody but the page.
    args: ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
  });

/** A page in a context of its own. `troubles` are its errors: of scripts, of the console, of its policy. */
export async function open(browser, service, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, locale: "en-GB", timezoneId: "UTC", ignoreHTTPSErrors: true, ...options });
  context.setDefaultTimeout(60_000); // a busy machine; each wait ends as soon as what it waits for is there
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: service.url });
  const page = await context.newPage();
  const troubles = [], addresses = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) troubles.push(message.text());
  });
  page.on("pageerror", (error) => troubles.push(String(error)));
  page.on("requestfailed", (request) => {
    if (!request.failure().errorText.includes("ERR_ABORTED")) troubles.push(`${request.url()}: ${request.failure().errorText}`);
  });
  page.on("request", (request) => addresses.push(request.url()));
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
  });
  await page.goto(service.page);
  const self = {
    context, page, troubles, addresses,
    signIn: async (token) => {
      await page.getByLabel("Access token").fill(token);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("button", { name: "Sign out" }).waitFor();
    },
    go: async (name) => {
      await page.getByRole("navigation").getByRole("link", { name }).click();
      await page.getByRole("heading", { name, level: 1 }).waitFor();
    },
    /** Makes one and closes the dialog: the credential by its labels. */
    generate: async (secret, { ttl, user } = {}) => {
      await page.getByRole("button", { name: `Generate from ${secret}` }).click();
      const dialog = page.getByRole("dialog", { name: `Generate from ${secret}` });
      if (user) await dialog.getByRole("radio", { name: user }).check();
      if (ttl) await dialog.getByLabel(ttl, { exact: true }).check();
      await dialog.getByRole("button", { name: "Generate" }).click();
      const credential = await self.credential();
      await page.getByRole("button", { name: /I have stored it|Close/ }).click();
      await page.getByRole("dialog").waitFor({ state: "detached" });
      return credential;
    },
    credential: async () => {
      const shown = page.getByRole("dialog", { name: "Your credential" });
      await shown.waitFor();
      const labels = await shown.locator("dt").allTextContents();
      const values = await shown.locator(".value").allTextContents();
      return Object.fromEntries(labels.map((label, index) => [label.toLowerCase().replaceAll(" ", "_"), values[index]]));
    },
    picture: async (name, whole = false) => {
      await mkdir(PICTURES, { recursive: true });
      await page.screenshot({ path: path.join(PICTURES, `${name}.png`), fullPage: whole });
    },
    /** What keeps somebody from using the page as it is now: names, roles, contrast. */
    accessible: async (where) => {
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"] }));
      const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join("; ")}`);
      assert.deepEqual(told, [], where);
    },
    /** Nothing went wrong, but for what was expected; and the page asked nobody else. */
    close: async (expected = []) => {
      const unexpected = troubles.filter((text) => !expected.some((known) => text.includes(known)));
      assert.deepEqual(unexpected, []);
      assert.deepEqual(addresses.filter((address) => !address.startsWith(`${service.url}/`)), []);
      await context.close();
    },
  };
  return self;
}
