// What things are called.

export const KINDS = {
  application_password: "Application secret",
  redis_access: "Redis access",
  user_password: "User password",
};

/** What ending a lease does, and what it does not. */
export const AFTERWARDS = {
  application_password:
    "The secret is removed from the application. Tokens that were got with it stay valid until they expire, an hour or so; open connections stay open as long.",
  redis_access:
    "The access policy assignment is deleted: new connections are refused. What becomes of open ones is not documented.",
  user_password:
    "The user gets another random password that nobody knows. Tokens that were got with the old one stay valid until they expire, an hour or so.",
};

/** Who or what a lease or a secret is for: a short text, and the whole. Of a cache's resource id the name says enough. */
export function target(text, kind) {
  if (!text || kind !== "redis_access") return [text ?? "", undefined];
  const [cache, objectId] = text.split("|");
  const name = cache.split("/").pop();
  return [objectId ? `${objectId} on ${name}` : name, text.replace("|", " for ")];
}

/** Who or what a lease is for, likewise. */
export const whom = (lease) => (lease.user_name ? [lease.user_name, lease.target] : target(lease.target, lease.kind));

/** What the audit trail calls the steps, and what people do. */
export const EVENTS = {
  intent: "Asked for",
  created: "Made at Azure",
  active: "Handed out",
  renewed: "Renewed",
  revoking: "Revocation begun",
  revoked: "Revoked",
  failed: "Failed",
  unanswered: "No answer from Azure",
  step_failed: "A step failed",
  revoke_failed: "Revocation failed",
  reaped: "Reaped",
  reap_failed: "Reaping failed",
  forgotten: "Old rows forgotten",
  signed_in: "Signed in",
  signed_out: "Signed out",
  token_created: "Token made",
  token_revoked: "Token revoked",
};

export const STATES = {
  intent: ["being made", "busy"],
  created: ["being made", "busy"],
  active: ["active", "good"],
  revoking: ["being revoked", "busy"],
  revoked: ["ended", ""],
  failed: ["failed", "bad"],
};
