// Talks to the service. The session is a cookie that no script can read; what changes something carries the session's
// CSRF token besides, which lives in this page's memory only.

let csrf;
let ended = () => {};
/** How far the service's clock is ahead of this machine's, in seconds. */
let skew = 0;
/** An answer's date is in whole seconds, and some time under way. */
const COARSE = 2;

export const whenSignedOut = (call) => { ended = call; };
export const now = () => Date.now() / 1000 + skew;

/** Why something was not done. The message says what to do. */
export class Refusal extends Error {
  constructor(status, error) {
    super(error?.message ?? `The service answered ${status}.`);
    this.status = status;
    this.code = error?.code;
  }
}

async function ask(method, path, body, headers = {}) {
  if (method !== "GET" && csrf) headers["X-CSRF-Token"] = csrf;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, {
      method, headers, credentials: "same-origin", cache: "no-store", redirect: "error",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Refusal(0, { message: "The service does not answer. Is it running, and is this machine online? Try again." });
  }
  const text = await answer.text();
  let said;
  try { said = text ? JSON.parse(text) : undefined; } catch { said = undefined; }
  const date = Date.parse(answer.headers.get("Date")) / 1000;
  if (Math.abs(date - now()) > COARSE) skew = date - Date.now() / 1000;
  if (answer.ok) return said;
  if (answer.status === 401 && csrf) {
    csrf = undefined;
    ended();
  }
  throw new Refusal(answer.status, said?.error);
}

const query = (parameters) => {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== "");
  return given.length ? `?${new URLSearchParams(given)}` : "";
};

function opened(session) {
  csrf = session.csrf_token;
  return session;
}

/** Who is signed in; `is_signed_in` says whether anybody is. */
export const session = () => ask("GET", "session").then(opened);
export const signIn = (token) => ask("POST", "session", { token }).then(opened);
export const signOut = () => ask("DELETE", "session").finally(() => { csrf = undefined; });

export const secrets = () => ask("GET", "/v1/dynamic-secrets").then((said) => said.dynamic_secrets);
const usersOf = (kind) => (secret, filter) => ask("GET", `/v1/dynamic-secrets/${encodeURIComponent(secret)}/${kind}${query(filter)}`);
export const secretUsers = usersOf("users");
export const tenantUsers = usersOf("tenant-users");
/** Rows of a page; and how many one answer has at most. */
export const PAGE = 50, MOST = 500;
export const leases = (filter) => ask("GET", `/v1/leases${query(filter)}`);
export const audit = (filter) => ask("GET", `/v1/audit${query({ ...filter, limit: PAGE })}`);
export const issue = (wanted, key) => ask("POST", "/v1/leases", wanted, { "Idempotency-Key": key });
export const renew = (id, ttl) => ask("POST", `/v1/leases/${encodeURIComponent(id)}/renew`, { ttl });
export const revoke = (id) => ask("POST", `/v1/leases/${encodeURIComponent(id)}/revoke`);
