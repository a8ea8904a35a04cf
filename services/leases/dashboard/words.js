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

export const STATES = {
  intent: ["being made", "busy"],
  created: ["being made", "busy"],
  active: ["active", "good"],
  revoking: ["being revoked", "busy"],
  revoked: ["ended", ""],
  failed: ["failed", "bad"],
};
