// The dashboard of `entrakey leases serve` in Chromium, against the emulator: what a person does, by mouse and by keyboard,
// and what a page of somebody else's may not.

import assert from "node:assert/strict";
import http from "node:http";
import { after, before, describe, test } from "node:test";
import { launch, open } from "./browser.mjs";
import { ADMINISTRATOR, CACHE, GRACE, start } from "./service.mjs";

const SECRETS = (azure) => `
[secrets.orders]
kind = "application_password"
tenant-id = "${azure.ENTRAKEY_EMULATOR_TENANT_ID}"
application-id = "${azure.ENTRAKEY_EMULATOR_LEASED_APP_CLIENT_ID}"
default-ttl = "1h"
max-ttl = "8h"
[secrets.oncall]
kind = "redis_access"
cache = "${CACHE}"
users = ["${GRACE}", "${ADMINISTRATOR}"]
[secrets.legacy]
kind = "user_password"
users = ["ada@emulated.example"]
max-leases = 1
`;
const ALL = ["issue", "renew-own", "revoke", "list"];
const UNAUTHORIZED = "status of 401";

let browser, service, root;

before(async () => {
  [browser, service] = await Promise.all([launch(), start({ secrets: SECRETS })]);
  root = await service.token("root", ...ALL);
});
after(async () => {
  await browser?.close();
  await service?.stop();
});

const row = (page, secret) => page.getByRole("row").filter({ hasText: secret }).filter({ hasText: "ends in" }).first();

// They share the service, and wait beside each other.
describe("the dashboard", { concurrency: 4 }, () => {
  test("a lease made here signs in to the cache by redis-cli, is renewed, revoked, and refused afterwards", async () => {
    const me = await open(browser, service);
    const { page } = me;
    await me.signIn(await service.token("whole", ...ALL));
    assert.equal(await page.getByLabel("Access token").count(), 0);
    const credential = await me.generate("orders", { ttl: "15 min" });
    const user = service.azure.ENTRAKEY_EMULATOR_LEASED_APP_OBJECT_ID;
    const token = await service.signIn(credential);
    assert.equal(await service.redis(user, token, "SET", "of:the:dashboard", "1"), "OK");

    await me.go("Leases");
    const mine = row(page, "by token:whole");
    await mine.getByText("ends in 15 min").waitFor();
    await mine.getByRole("button", { name: "Renew" }).click();
    await page.getByRole("dialog").getByLabel("4 h", { exact: true }).check();
    await page.getByRole("dialog").getByRole("button", { name: "Renew" }).click();
    await mine.getByText("ends in 4 h").waitFor();
    assert.equal(typeof await service.signIn(credential), "string", "the credential is the same");

    await mine.getByRole("button", { name: "Revoke" }).click();
    await page.getByRole("dialog").getByText("Tokens that were got with it stay valid").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await page.getByText("Revoked: Azure has taken it back").waitFor();
    await mine.waitFor({ state: "detached" });
    assert.equal(await service.signIn(credential), 7000215);

    await page.getByLabel("State").selectOption("All");
    await page.getByRole("row").filter({ hasText: "by token:whole" }).getByRole("button", { name: "History" }).click();
    await page.getByRole("heading", { name: "Audit trail" }).waitFor();
    for (const event of ["Asked for", "Made at Azure", "Handed out", "Renewed", "Revocation begun"]) {
      await page.getByRole("cell", { name: event }).first().waitFor();
    }
    await page.getByLabel("Event").selectOption("Renewed");
    await page.getByText("1 entry").waitFor();
    await page.getByLabel("Lease", { exact: true }).fill("");
    await page.getByLabel("Event").selectOption("Signed in");
    await page.getByLabel("By", { exact: true }).fill("token:whole");
    // "1 entry" is what was said before, too, and between the two filters everybody's are shown.
    const signedIn = page.getByRole("cell", { name: "Signed in" });
    const others = page.getByRole("cell", { name: /^token:(?!whole$)/ });
    await page.getByRole("table").filter({ has: signedIn, hasNot: others }).waitFor();
    assert.equal(await signedIn.count(), 1);
    await page.getByLabel("Event").selectOption("All");
    await page.getByLabel("By", { exact: true }).fill("token:nobody");
    await page.getByText("No entry fits these filters").waitFor();
    await me.close();
  });

  test("a credential is shown once, and is nowhere afterwards", async () => {
    const me = await open(browser, service);
    const { page } = me;
    const bearer = await service.token("once", ...ALL);
    await me.signIn(bearer);
    await page.getByRole("button", { name: "Generate from orders" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Generate" }).click();
    const { client_secret: secret } = await me.credential();
    assert.equal(secret.length, 40);
    await page.getByRole("button", { name: "Copy client secret" }).click();
    await page.getByText("Client secret copied.").waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
    await page.getByRole("button", { name: "Copy as environment variables" }).click();
    await page.getByText("All three copied.").waitFor();
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^AZURE_TENANT_ID=.*\nAZURE_CLIENT_ID=.*\nAZURE_CLIENT_SECRET=.*\n$/);
    await page.keyboard.press("Escape");
    await page.getByText("Close without having stored it?").waitFor();
    assert.equal((await me.credential()).client_secret, secret, "one Escape is no loss");
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    assert.ok(!(await page.content()).includes(secret), "what is closed is gone");

    await me.go("Leases");
    await row(page, "by token:once").waitFor();
    await me.go("Audit trail");
    await page.reload();
    await page.getByRole("heading", { name: "Audit trail" }).waitFor();
    const session = (await me.context.cookies()).map((cookie) => cookie.value);
    const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href, history.length && document.documentElement.outerHTML]));
    for (const hidden of [secret, bearer, ...session]) {
      assert.ok(!kept.includes(hidden), "in the page");
      assert.ok(!me.addresses.some((address) => address.includes(hidden)), "in an address");
      assert.ok(!(await service.written()).includes(hidden), "in a file or the log");
    }
    await me.close();
  });

  test("a credential that is under way is waited for, whatever is pressed", async () => {
    const me = await open(browser, service);
    const { page } = me;
    await me.signIn(await service.token("waits", ...ALL));
    let letThrough;
    const held = new Promise((resolve) => { letThrough = resolve; });
    await page.route("**/v1/leases", async (route) => {
      await held;
      await route.continue();
    });
    await page.getByRole("button", { name: "Generate from orders" }).click();
    const dialog = page.getByRole("dialog", { name: "Generate from orders" });
    await dialog.getByRole("button", { name: "Generate" }).click();
    await dialog.getByRole("button", { name: "Waiting until Entra takes it" }).waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click({ force: true });
    for (const _ of [1, 2, 3]) await page.keyboard.press("Escape");
    await dialog.getByRole("button", { name: "Waiting until Entra takes it" }).click({ force: true });
    assert.ok(await dialog.isVisible());
    letThrough();
    await me.credential();
    await page.keyboard.press("Escape");
    await page.getByText("Close without having stored it?").waitFor();
    assert.equal((await me.credential()).client_secret.length, 40);
    assert.equal(me.addresses.filter((address) => address.endsWith("/v1/leases")).length, 1);
    await me.close();
  });

  test("everything can be done without a mouse", async () => {
    const me = await open(browser, service);
    const { page } = me;
    const press = async (...keys) => {
      for (const key of keys) await page.keyboard.press(key);
    };
    /** Tab until the focus is on what has that name. */
    const reach = async (name) => {
      for (let count = 0; count < 60; count += 1) {
        const found = await page.evaluate(() => document.activeElement?.getAttribute("aria-label") || document.activeElement?.textContent || "");
        if (found === name) return;
        await press("Tab");
      }
      assert.fail(`Tab does not lead to ${name}`);
    };
    await page.keyboard.type(await service.token("keys", ...ALL)); // the field has the focus
    await press("Enter");
    await page.getByRole("heading", { name: "Secrets", level: 1 }).waitFor();
    await page.getByRole("button", { name: "Generate from orders" }).waitFor();
    await reach("Generate from orders");
    await press("Enter");
    await page.getByRole("dialog").waitFor();
    await press("ArrowLeft"); // from one hour to fifteen minutes
    await page.getByText("It ends in 15 min").waitFor();
    await reach("Generate");
    await press("Enter");
    await me.credential();
    const focused = await page.evaluate(() => document.activeElement.getAttribute("aria-label"));
    assert.equal(focused, "Copy client secret", "a second Enter loses nothing");
    await reach("I have stored it");
    await press("Enter");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await reach("Leases");
    await press("Enter");
    const mine = row(page, "by token:keys");
    await mine.waitFor();
    const target = service.azure.ENTRAKEY_EMULATOR_LEASED_APP_CLIENT_ID;
    await mine.getByRole("button", { name: "Revoke" }).focus();
    await press("Enter");
    await page.getByRole("dialog").waitFor();
    await press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    const back = await page.evaluate(() => document.activeElement.getAttribute("aria-label"));
    assert.equal(back, `Revoke orders for ${target}`, "the focus comes back");
    // The list is loaded anew meanwhile, and leaves it there.
    // When it is asked for a second time, the first answer was shown.
    for (const _ of [1, 2]) await page.waitForRequest((request) => request.url().includes("/v1/leases?"));
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), back);
    await press("Enter");
    await reach("Revoke");
    await press("Enter");
    await mine.waitFor({ state: "detached" });
    await press("Shift+Tab");
    await page.getByRole("button", { name: "Sign out" }).focus();
    await press("Enter");
    await page.getByText("You are signed out.").waitFor();
    await me.close();
  });

  test("one lease of an object id excludes another, and the dialog says so", async () => {
    const me = await open(browser, service);
    const { page } = me;
    await me.signIn(await service.token("excluded", ...ALL));
    const given = await me.generate("oncall", { user: ADMINISTRATOR });
    assert.equal(given.object_id, ADMINISTRATOR);
    await page.getByRole("button", { name: "Generate from oncall" }).click();
    const dialog = page.getByRole("dialog");
    const taken = dialog.getByRole("radio", { name: ADMINISTRATOR });
    assert.ok(await taken.isDisabled() && (await dialog.getByText("taken until").count()) === 1);
    await dialog.getByRole("button", { name: "Generate" }).click();
    await dialog.getByRole("alert").filter({ hasText: "Choose for whom" }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.type), "search", "where the choice is");
    // Somebody was faster.
    await taken.evaluate((radio) => { radio.disabled = false; radio.checked = true; });
    await dialog.getByRole("button", { name: "Generate" }).click();
    await dialog.getByRole("alert").filter({ hasText: "Somebody has a lease for this user" }).waitFor();
    await dialog.getByLabel("Other…").check();
    for (const [text, sentence] of [["soon", '"soon" is no time'], ["30d", "longer than the"]]) {
      await dialog.getByLabel("Another time").fill(text);
      await dialog.getByRole("button", { name: "Generate" }).click();
      await dialog.getByRole("alert").filter({ hasText: sentence }).waitFor();
    }
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await me.generate("legacy");
    await page.getByText("All are in use").waitFor();
    assert.ok(await page.getByRole("button", { name: "Generate from legacy" }).isDisabled());
    await me.close(["status of 409"]);
  });

  test("a session is a cookie that no script reads; it ends with its token and by signing out", async () => {
    const me = await open(browser, service);
    const { page } = me;
    await page.getByLabel("Access token").fill("ekl_nothing");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("This token is not known here").waitFor();
    await me.signIn(await service.token("ends", ...ALL));
    const [cookie] = await me.context.cookies();
    assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.secure, cookie.expires], [true, "Strict", false, -1]);
    await service.revokeToken("ends");
    await page.getByRole("link", { name: "Leases" }).click();
    await page.getByText("Your session has ended. Sign in again").waitFor();
    await me.signIn(await service.token("again", ...ALL));
    const before_ = await me.context.cookies();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("You are signed out.").waitFor();
    assert.deepEqual(await me.context.cookies(), []);
    await me.context.addCookies(before_);
    await page.reload();
    await page.getByLabel("Access token").waitFor();
    assert.equal((await me.context.request.get(`${service.url}/v1/leases`)).status(), 401, "the cookie is worth nothing");
    await me.close([UNAUTHORIZED]);
  });

  test("what changes something needs the page's own token, and another page's request is refused", async () => {
    const me = await open(browser, service);
    await me.signIn(await service.token("forged", ...ALL));
    const { request } = me.context;
    const data = { secret: "orders" };
    const status = async (headers) => (await request.post(`${service.url}/v1/leases`, { data, headers })).status();
    assert.equal(await status({}), 403);
    assert.equal(await status({ "X-CSRF-Token": "guessed" }), 403);
    assert.equal((await request.delete(`${service.url}/dashboard/session`)).status(), 403, "not even signed out");
    assert.equal((await request.get(`${service.url}/v1/leases`)).status(), 200);
    assert.equal((await request.get(`${service.url}/v1/leases`, { headers: { "Sec-Fetch-Site": "cross-site" } })).status(), 403);
    const form = await request.post(`${service.url}/dashboard/session`, { form: { token: root } });
    assert.equal(form.status(), 415, "no form of another page signs somebody in");

    // A page on another port of this host is of the same site: the browser sends it the cookie, and so the service has to refuse.
    const foreign = http.createServer((_, answer) => answer.setHeader("Content-Type", "text/html").end("<p>foreign</p>"));
    await new Promise((resolve) => foreign.listen(0, "127.0.0.1", resolve));
    const page = await me.context.newPage();
    await page.goto(`http://127.0.0.1:${foreign.address().port}/`);
    const answered = page.waitForResponse((response) => response.url().endsWith("/v1/leases"));
    await page.evaluate((url) => fetch(`${url}/v1/leases`, { method: "POST", mode: "no-cors", credentials: "include", body: '{"secret":"orders"}' }).catch(() => {}), service.url);
    assert.equal((await answered).status(), 403);
    const leases = await (await request.get(`${service.url}/v1/leases?secret=orders&state=living`)).json();
    assert.deepEqual(leases.leases.filter((lease) => lease.holder === "token:forged"), []);
    foreign.close();
    foreign.closeAllConnections();
    await me.close();
  });

  test("who may do less sees less", async () => {
    const me = await open(browser, service);
    const { page } = me;
    await me.signIn(await service.token("looks", "list"));
    await page.getByText("You may not generate").first().waitFor();
    assert.equal(await page.getByRole("button", { name: /^Generate/ }).count(), 0);
    await me.go("Leases");
    await page.getByRole("status").filter({ hasText: /lease/ }).waitFor();
    assert.equal(await page.getByRole("button", { name: /^(Renew|Revoke)/ }).count(), 0);
    await me.close();
  });

  for (const [name, options] of [
    ["light", { colorScheme: "light" }],
    ["dark", { colorScheme: "dark" }],
    ["narrow", { colorScheme: "light", viewport: { width: 390, height: 844 } }],
  ]) {
    test(`it is readable and named, ${name}`, async () => {
      const me = await open(browser, service, options);
      const { page } = me;
      const seen = async (what, whole) => {
        await me.accessible(`${name}: ${what}`);
        await me.picture(`${name}-${what}`, whole);
      };
      await page.getByLabel("Access token").waitFor();
      await seen("sign-in");
      await me.signIn(root);
      await page.getByRole("button", { name: "Generate from orders" }).waitFor();
      await seen("secrets");
      await page.getByRole("button", { name: "Generate from orders" }).click();
      await page.getByRole("dialog").waitFor();
      await seen("generate");
      await page.getByRole("dialog").getByRole("button", { name: "Generate" }).click();
      await me.credential();
      await seen("credential");
      await page.getByRole("button", { name: "I have stored it" }).click();
      await me.go("Leases");
      await row(page, "orders").waitFor();
      await seen("leases", true);
      for (const what of ["Renew", "Revoke"]) {
        await row(page, "by token:root").getByRole("button", { name: what }).click();
        await page.getByRole("dialog").waitFor();
        await seen(what.toLowerCase());
        await page.getByRole("button", { name: "Cancel" }).click();
      }
      await me.go("Audit trail");
      await page.getByRole("cell", { name: "Handed out" }).first().waitFor();
      await seen("audit");
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `${overflow} pixels are beyond the edge`);
      await me.close();
    });
  }
});
