// Services of another kind: with TLS, with nothing to generate from, with more than a page.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launch, open } from "./browser.mjs";
import { start } from "./service.mjs";

const ALL = ["issue", "renew-own", "revoke", "list"];
const MANY = 60;
const orders = (azure) => `
[secrets.orders]
kind = "application_password"
tenant-id = "${azure.ENTRAKEY_EMULATOR_TENANT_ID}"
application-id = "${azure.ENTRAKEY_EMULATOR_LEASED_APP_CLIENT_ID}"
default-ttl = "1h"
max-ttl = "8h"
`;

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

describe("other services", { concurrency: 3 }, () => {
  test("with TLS the cookie is bound to the host", async (t) => {
    const service = await start({ secrets: orders, tls: true });
    t.after(service.stop);
    const me = await open(browser, service);
    await me.signIn(await service.token("tls", ...ALL));
    const [cookie] = await me.context.cookies();
    assert.match(cookie.name, /^__Host-/);
    assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.secure, cookie.path], [true, "Strict", true, "/"]);
    assert.equal((await me.generate("orders")).client_secret.length, 40);
    await me.close();
  });

  test("more than a page is shown on demand", async (t) => {
    const service = await start({ secrets: orders, emulator: ["--secret-delay", "0"] });
    t.after(service.stop);
    const me = await open(browser, service);
    const { page } = me;
    const bearer = await service.token("many", ...ALL);
    await me.signIn(bearer);
    const headers = { Authorization: `Bearer ${bearer}`, "Content-Type": "application/json" };
    const made = Array.from({ length: MANY }, () => fetch(`${service.url}/v1/leases`, { method: "POST", headers, body: '{"secret":"orders"}' }));
    assert.deepEqual([...new Set((await Promise.all(made)).map((answer) => answer.status))].length, 1);
    await me.go("Leases");
    await page.getByText("50 and more").waitFor();
    await page.getByRole("button", { name: "Show older leases" }).click();
    await page.getByText(`${MANY} leases`).waitFor();
    assert.equal(await page.getByRole("row").filter({ hasText: "ends in" }).count(), MANY);
    await me.go("Audit trail");
    await page.getByText("50 and more entries").waitFor();
    const numbers = async () => (await page.getByRole("row").count()) - 1;
    for (let shown = 50; await page.getByRole("button", { name: "Show older entries" }).isVisible(); shown = await numbers()) {
      await page.getByRole("button", { name: "Show older entries" }).click();
      await page.waitForFunction((count) => document.querySelectorAll("tbody tr").length > count, shown);
    }
    assert.ok((await numbers()) >= 3 * MANY);
    await page.getByRole("cell", { name: "Token made" }).waitFor();
    await me.close();
  });

  test("a trouble is said, with what to do, and passes", async (t) => {
    const service = await start({ secrets: orders });
    t.after(service.stop);
    const me = await open(browser, service);
    const { page } = me;
    await me.signIn(await service.token("trouble", ...ALL));
    await me.go("Leases");
    await page.getByText("No lease is living").waitFor();
    await me.picture("light-empty");
    await me.accessible("nothing is living");
    await page.getByRole("button", { name: "Go to Secrets" }).click();
    await me.generate("orders"); // Azure has said what time it is: from now on a refusal is that of a step of the lease
    const manager = service.azure.ENTRAKEY_EMULATOR_LEASE_MANAGER_OBJECT_ID;
    const grants = await service.control("GET", "/emulator/graph/grants");
    await service.control("PUT", `/emulator/graph/grants/${manager}`, {});
    await page.getByRole("button", { name: "Generate from orders" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Generate" }).click();
    await page.getByRole("alert").filter({ hasText: "Application.ReadWrite.OwnedBy" }).waitFor();
    await me.picture("light-refused");
    await me.accessible("a refusal");
    // What Azure has refused was answered: it is asked for anew, without opening the dialog again.
    await service.control("PUT", `/emulator/graph/grants/${manager}`, grants[manager]);
    await page.getByRole("dialog").getByRole("button", { name: "Generate" }).click();
    assert.equal((await me.credential()).client_secret.length, 40);
    await page.getByRole("button", { name: "I have stored it" }).click();
    await page.route("**/v1/dynamic-secrets", (route) => route.abort("connectionrefused"));
    await me.go("Leases");
    await me.go("Secrets");
    await page.getByText("The service does not answer").waitFor();
    await me.picture("light-unreachable");
    await page.unroute("**/v1/dynamic-secrets");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("button", { name: "Generate from orders" }).waitFor();
    await me.close(["status of 4", "status of 5", "ERR_CONNECTION_REFUSED"]);
  });
});
