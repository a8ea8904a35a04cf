// Signing in: a bearer token is exchanged for a session.

import { field, h } from "./dom.js";
import * as api from "./api.js";

export function signInPage(view, { note, done }) {
  const token = h("input", { type: "password", name: "token", autocomplete: "off", spellcheck: "false", required: true });
  const error = h("p", { class: "notice bad", role: "alert", hidden: true });
  const button = h("button", { type: "submit", class: "primary" }, "Sign in");
  const submit = async (event) => {
    event.preventDefault();
    const value = token.value.trim();
    if (!value) return;
    error.hidden = true;
    button.disabled = true;
    try {
      const session = await api.signIn(value);
      token.value = "";
      done(session);
    } catch (reason) {
      error.textContent = reason.status === 401
        ? "This token is not known here. Was it revoked, or is it of another installation? Make a new one as shown below."
        : reason.message;
      error.hidden = false;
      button.disabled = false;
      token.select();
      token.focus();
    }
  };
  view.replaceChildren(h("div", { class: "sign-in" },
    h("p", { class: "brand" }, h("img", { src: "icon.svg", alt: "", width: 22, height: 22 }), h("span", null, "entrakey ", h("b", null, "leases"))),
    h("h1", null, "Sign in"),
    note && h("p", { class: "notice" }, note),
    h("form", { onsubmit: submit, novalidate: true }, field("Access token", token), error, button),
    h("p", { class: "help" }, "Somebody who runs the service makes a token: ",
      h("code", null, "entrakey leases token create"), ". It stays on this page only until you are signed in.")));
  token.focus();
}
