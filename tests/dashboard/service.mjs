// A running `entrakey leases serve` in front of an emulator of its own.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import https from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const ENTRAKEY = process.env.ENTRAKEY_BIN ?? path.join(ROOT, "target/debug/entrakey");
const run = promisify(execFile);

export const CACHE =
  "/subscriptions/5ab5c819-0000-4000-8000-00000000000b/resourceGroups/emulated/providers/Microsoft.Cache/redisEnterprise/emulated";
export const GRACE = "99999999-0000-4000-8000-0000000000a2";
export const ADMINISTRATOR = "99999999-0000-4000-8000-0000000000a3";

/** The first line of a child that fits; what else it says is collected. */
function line(child, stream, wanted) {
  return new Promise((resolve, reject) => {
    child.said = "";
    child[stream].on("data", (data) => {
      child.said += data;
      const found = wanted.exec(child.said);
      if (found) resolve(found[1]);
    });
    child.once("exit", (code) => reject(new Error(`ended with ${code}: ${child.said}`)));
  });
}

async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}

const userOf = (name, at) => `
[[users]]
name = "${name}"
object_id = "10000000-0000-4000-8000-${String(at).padStart(12, "0")}"
password = "Emulated-Password-${at}"
`;

/** `secrets` is TOML; `tls` makes a certificate; `users` are names of more users than the tenant has. */
export async function start({ secrets, tls = false, emulator: options = [], users }) {
  const folder = await mkdtemp(path.join(tmpdir(), "entrakey-dashboard-"));
  if (users) {
    const file = path.join(folder, "identities.toml");
    const { stdout } = await run(ENTRAKEY, ["emulator", "--show-identities"]);
    await writeFile(file, stdout + users.map(userOf).join(""));
    options.push("--identities", file);
  }
  const emulator = spawn(ENTRAKEY, ["emulator", "--quiet", "--format", "json", "--exit-with-parent", ...options], { stdio: ["pipe", "pipe", "inherit"] });
  const azure = JSON.parse(await line(emulator, "stdout", /^(\{.*\})$/m));
  const file = path.join(folder, "leases.toml");
  await writeFile(file, `installation = "shop-test"
[entrakey]
identity = "managed_identity"
client_id = "${azure.ENTRAKEY_EMULATOR_LEASE_MANAGER_CLIENT_ID}"
${secrets(azure)}`);
  // Nothing of the developer's: only what the emulator gives, without its application's secret.
  const { AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, ...environment } = azure;
  const env = { PATH: process.env.PATH, HOME: folder, ...environment };
  const place = ["--config-file", file, "--database", path.join(folder, "leases.db")];
  const entrakey = async (...words) => (await run(ENTRAKEY, [...words, ...place], { env, cwd: folder })).stdout.trim();
  const arguments_ = ["leases", "serve", ...place, "--port", "0"];
  if (tls) {
    const [certificate, key] = ["tls.crt", "tls.key"].map((name) => path.join(folder, name));
    await run("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
      "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate]);
    arguments_.push("--tls-certificate", certificate, "--tls-key", key);
  }
  const service = spawn(ENTRAKEY, arguments_, { env, cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  const url = await line(service, "stderr", /listening on (https?:\/\/\S+)/);
  return {
    url,
    page: `${url}/dashboard/`,
    azure,
    token: (name, ...roles) => entrakey("leases", "token", "create", name, "--role", roles.join(","), "--secret", "*"),
    revokeToken: (name) => entrakey("leases", "token", "revoke", name),
    control: (method, place_, body) => control(azure, method, place_, body),
    signIn: (credential) => signIn(azure, credential),
    redis: (user, token, ...words) => redis(azure, user, token, words),
    /** All that the service has written, log and files. */
    written: async () => {
      const names = await readdir(folder);
      const files = await Promise.all(names.map((name) => readFile(path.join(folder, name), "latin1")));
      return [service.said, ...files].join("\n");
    },
    stop: async () => {
      await stop(service);
      await stop(emulator);
      await rm(folder, { recursive: true });
    },
  };
}

async function control(azure, method, place, body) {
  const answer = await fetch(azure.ENTRAKEY_EMULATOR_URL + place, { method, body: body && JSON.stringify(body), headers: body && { "Content-Type": "application/json" } });
  if (!answer.ok) throw new Error(`${place}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/** A leased secret at Entra: an access token for Redis, or the number of the refusal. */
async function signIn(azure, { tenant_id: tenant, client_id, client_secret }) {
  const ca = await readFile(azure.REDIS_CA_FILE);
  const form = new URLSearchParams({ grant_type: "client_credentials", scope: "https://redis.azure.com/.default", client_id, client_secret });
  const request = https.request(`${azure.AZURE_AUTHORITY_HOST}/${tenant}/oauth2/v2.0/token`, { method: "POST", ca, headers: { "Content-Type": "application/x-www-form-urlencoded" } });
  request.end(form.toString());
  const [answer] = await once(request, "response");
  let text = "";
  for await (const part of answer) text += part;
  const said = JSON.parse(text);
  return said.access_token ?? said.error_codes[0];
}

async function redis(azure, user, token, words) {
  const { stdout } = await run("redis-cli", ["-h", "localhost", "-p", azure.REDIS_PORT, "--tls", "--cacert", azure.REDIS_CA_FILE, "--user", user, "--no-auth-warning", ...words],
    { env: { PATH: process.env.PATH, REDISCLI_AUTH: token } });
  return stdout.trim();
}
