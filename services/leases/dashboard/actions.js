// What is done with leases: generate, renew, revoke.

import { h, toast } from "./dom.js";
import * as api from "./api.js";
import { form } from "./dialog.js";
import { showCredential } from "./credential.js";
import { endsAt, ttlChoice } from "./ttl.js";
import { clock, duration } from "./time.js";
import { userChoice } from "./whom.js";
import { AFTERWARDS, KINDS, target, whom } from "./words.js";

export function generate(secret, done) {
  const ttl = ttlChoice({
    standard: secret.default_ttl,
    most: secret.max_ttl,
    outcome: (seconds) => `It ends in ${duration(seconds)} (${endsAt(seconds)})` +
      (seconds < secret.max_ttl ? ` and can be renewed until ${endsAt(secret.max_ttl)}.` : " and cannot be renewed."),
  });
  const user = secret.users > 1 && userChoice(secret);
  const warning = secret.kind === "user_password" &&
    h("p", { class: "hint" }, "The password that this user has now stops working.");
  // One key for one wish: if the answer is lost, asking again makes no second credential.
  let key = crypto.randomUUID();
  form(`Generate from ${secret.name}`, [
    h("p", { class: "muted" }, `${KINDS[secret.kind] ?? secret.kind}${secret.target ? ` of ${target(secret.target, secret.kind)[0]}` : ""}`),
    user && user.fields, ttl.fields, warning,
  ], {
    action: "Generate",
    busy: secret.kind === "redis_access" ? "Waiting for the cache…" : "Waiting until Entra takes it…",
    submit: async (dialog) => {
      const wanted = { secret: secret.name, ttl: ttl.value(), ...(user && { user: user.value() }) };
      const lease = await api.issue(wanted, key).catch((reason) => {
        if (reason.code) key = crypto.randomUUID(); // it was answered: the next one is another wish
        throw reason;
      });
      dialog.addEventListener("close", () => {
        done();
        showCredential(lease);
      }, { once: true });
      dialog.close();
    },
  });
}

export function renew(lease, done) {
  const most = Math.floor(lease.max_expires_at - api.now());
  // As long as when it was made, without the seconds that making it took.
  const life = Math.min(most, Math.max(60, Math.round((lease.expires_at - lease.created_at) / 60) * 60));
  const ttl = ttlChoice({
    standard: life,
    most,
    outcome: (seconds) => `It then ends in ${duration(seconds)} (${endsAt(seconds)}).`,
  });
  form(`Renew ${lease.secret}`, [
    h("p", { class: "muted" }, `Until ${clock(lease.max_expires_at, api.now())} at most. The credential stays the same.`),
    ttl.fields,
  ], {
    action: "Renew",
    busy: "Renewing…",
    submit: async (dialog) => {
      const renewed = await api.renew(lease.lease_id, ttl.value());
      dialog.close();
      toast(`Renewed: it ends in ${duration(renewed.expires_at - api.now())}.`);
      done();
    },
  });
}

export function revoke(lease, done) {
  form(`Revoke ${lease.secret}?`, [
    h("p", null, AFTERWARDS[lease.kind] ?? "It is taken back."),
    h("dl", { class: "facts" },
      h("dt", null, "Lease"), h("dd", { class: "mono" }, lease.lease_id),
      h("dt", null, "For"), h("dd", null, whom(lease)[0]),
      h("dt", null, "Made by"), h("dd", null, lease.holder)),
  ], {
    action: "Revoke",
    kind: "danger",
    busy: "Revoking…",
    submit: async (dialog) => {
      const { state } = await api.revoke(lease.lease_id);
      dialog.close();
      toast(state === "revoked" ? "Revoked: Azure has taken it back." : "Azure has not taken it back yet. That is tried until it has.");
      done();
    },
  });
}
