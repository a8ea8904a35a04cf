// Users: picked for a lease from those of its secret, and for the configuration from the tenant's.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launch, open } from "./browser.mjs";
import { start } from "./service.mjs";

const COUNT = 60;
const names = Array.from({ length: COUNT }, (_, at) => `svc-${String(at).padStart(2, "0")}`);
const mail = (name) => `${name}@emulated.example`;
const SECRETS = (azure) => `
[secrets.legacy]
kind = "user_password"
users = [${names.map((name) => `"${mail(name)}"`).join(", ")}]
[secrets.few]
kind = "user_password"
users = ["${mail("ada")}", "${mail("SVC-07")}"]
[secrets.orders]
kind = "application_password"
tenant-id = "${azure.ENTRAKEY_EMULATOR_TENANT_ID}"
application-id = "${azure.ENTRAKEY_EMULATOR_LEASED_APP_CLIENT_ID}"
`;
const LEASES = ["issue", "renew-own", "revoke", "list"];
const ALL = [...LEASES, "see-users"];

let browser, service;
before(async () => {
  [browser, service] = await Promise.all([launch(), start({ secrets: SECRETS, users: names })]);
});
after(async () => {
  await browser?.close();
  await service?.stop();
});

describe("users", { concurrency: 3 }, () => {
  test("for whom a lease is, is picked from pages that can be searched, and who is taken is marked", async () => {
    const me = await open(browser, service);
    const { page } = me;
    await me.signIn(await service.token("picks", ...ALL));
    const dialog = page.getByRole("dialog", { name: "Generate from legacy" });
    await page.getByRole("button", { name: "Generate from legacy" }).click();
    await dialog.getByText("50 and more users").waitFor();
    await dialog.getByRole("button", { name: "Show more users" }).click();
    await dialog.getByText(`${COUNT} users`).waitFor();
    assert.equal(await dialog.getByRole("radio", { name: "svc-" }).count(), COUNT);
    assert.equal(await page.evaluate(() => document.activeElement.value), mail("svc-50"), "the first of those that came");
    await dialog.getByLabel("Search by name").fill("C-1");
    await dialog.getByText("10 users").waitFor();
    await dialog.getByRole("radio", { name: mail("svc-17") }).check();
    await dialog.getByRole("button", { name: "Generate" }).click();
    const given = await me.credential();
    assert.equal(given.user, mail("svc-17"));
    await page.getByRole("button", { name: "I have stored it" }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });

    await page.getByRole("button", { name: "Generate from legacy" }).click();
    await dialog.getByLabel("Search by name").fill("svc-17");
    await dialog.getByText("1 user", { exact: true }).waitFor();
    assert.match(await dialog.getByText("taken until").textContent(), /^taken until \d\d:\d\d$/);
    assert.ok(await dialog.getByRole("radio", { name: mail("svc-17") }).isDisabled());
    await dialog.getByLabel("Search by name").fill("nobody");
    await dialog.getByText("Nobody is called so.").waitFor();
    await page.keyboard.press("Enter"); // who searches has not chosen
    assert.ok(await dialog.isVisible() && (await dialog.getByRole("alert").isHidden()));
    await page.keyboard.press("Escape");
    await me.go("Leases");
    const mine = page.getByRole("row").filter({ hasText: mail("svc-17") });
    await mine.getByRole("button", { name: "Revoke" }).click();
    await page.getByRole("dialog").getByText(mail("svc-17")).waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await mine.waitFor({ state: "detached" });
    await me.close();
  });

  test("that needs no mouse", async () => {
    const me = await open(browser, service);
    const { page } = me;
    await me.signIn(await service.token("keys", ...ALL));
    await page.getByRole("button", { name: "Generate from legacy" }).focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.getByText("50 and more users").waitFor();
    await page.keyboard.type("svc-2"); // the field has the focus
    await dialog.getByText("10 users").waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Space");
    await page.keyboard.press("ArrowDown");
    assert.equal(await dialog.getByRole("radio", { checked: true }).first().getAttribute("value"), mail("svc-21"));
    await page.keyboard.press("Enter");
    assert.equal((await me.credential()).user, mail("svc-21"));
    for (const _ of [1, 2]) await page.keyboard.press("Escape");
    await me.close();
  });

  test("an operator picks from the tenant, and gets the line for the file", async () => {
    const me = await open(browser, service);
    const { page } = me;
    await me.signIn(await service.token("operates", "see-users"));
    await page.getByRole("link", { name: "Pick users for few" }).click();
    await page.getByRole("heading", { name: "Users", level: 1 }).waitFor();
    const line = page.getByLabel("For the file");
    await page.getByText("50 and more users").waitFor();
    assert.equal(await line.textContent(), `[secrets.few]\nusers = ["${mail("ada")}", "${mail("SVC-07")}"]`);
    await page.getByRole("button", { name: "Show more users" }).click();
    await page.getByRole("checkbox", { name: "Pick svc-59" }).waitFor();
    const focused = await page.evaluate(() => document.activeElement.type);
    assert.equal(focused, "checkbox", "the first of those that came");
    assert.ok(await page.getByRole("checkbox", { name: "Pick svc-07" }).isChecked(), "by whatever letters the file has it");
    await page.getByRole("checkbox", { name: "Pick svc-07" }).uncheck();
    await page.getByLabel("Name begins with").fill("gra");
    await page.getByText("1 user").waitFor();
    await page.getByRole("checkbox", { name: "Pick grace" }).check();
    const wanted = `[secrets.few]\nusers = ["${mail("ada")}", "${mail("grace")}"]`;
    assert.equal(await line.textContent(), wanted, "what is not shown now is kept");
    await page.getByRole("button", { name: "Copy" }).click();
    await page.getByText("Copied.").waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `${wanted}\n`);
    await page.getByLabel("Name begins with").fill("nobody");
    await page.getByText("Nobody was found").waitFor();
    assert.equal(await page.getByRole("option").allTextContents().then((all) => all.join()), "few,legacy", "not those that are for nobody in particular");
    await page.getByLabel("Secret").selectOption("legacy");
    await line.filter({ hasText: "secrets.legacy" }).waitFor();
    assert.equal((await line.textContent()).split(", ").length, COUNT);
    await me.close();
  });

  test("who may not see the tenant's users has no page of them", async () => {
    const me = await open(browser, service);
    const { page } = me;
    await me.signIn(await service.token("uses", ...LEASES));
    await page.getByRole("button", { name: "Generate from few" }).waitFor();
    assert.equal(await page.getByRole("link", { name: /users/i }).count(), 0);
    await page.goto(`${service.page}#/users?secret=few`);
    await page.getByText("There is nothing to pick users for").waitFor();
    assert.equal((await me.context.request.get(`${service.url}/v1/dynamic-secrets/few/tenant-users`)).status(), 403);
    await me.close();
  });

  for (const [name, options] of [
    ["light", { colorScheme: "light" }],
    ["dark", { colorScheme: "dark" }],
    ["narrow", { colorScheme: "light", viewport: { width: 390, height: 844 } }],
  ]) {
    test(`both lists are readable and named, ${name}`, async () => {
      const me = await open(browser, service, options);
      const { page } = me;
      const seen = async (what) => {
        await me.accessible(`${name}: ${what}`);
        await me.picture(`${name}-${what}`);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${overflow} pixels are beyond the edge`);
      };
      await me.signIn(await service.token(`looks-${name}`, ...ALL));
      await me.generate("legacy", { user: mail({ light: "svc-01", dark: "svc-02", narrow: "svc-03" }[name]) });
      await page.getByRole("button", { name: "Generate from legacy" }).click();
      await page.getByRole("dialog").getByText("50 and more users").waitFor();
      await page.getByRole("radio", { name: mail("svc-05") }).check();
      await seen("generate-for-a-user");
      await page.keyboard.press("Escape");
      await me.go("Users");
      await page.getByText("50 and more users").waitFor();
      await page.getByLabel("Name begins with").fill("a");
      await page.getByRole("checkbox", { name: "Pick ada" }).waitFor();
      await page.getByText("50 and more users").waitFor({ state: "detached" });
      await seen("users");
      await me.close();
    });
  }
});
