// Starts the page: who is signed in, and which page is shown.

import * as api from "./api.js";
import { auditPage } from "./audit.js";
import { leasesPage } from "./leases.js";
import { secretsPage } from "./secrets.js";
import { signInPage } from "./sign-in.js";
import { mayPick, usersPage } from "./users.js";

const PAGES = { secrets: secretsPage, leases: leasesPage, audit: auditPage, users: usersPage };
const view = document.getElementById("view");
const bar = document.getElementById("bar");
let leave = () => {};
let isSignedIn = false;

function show(moves) {
  if (!isSignedIn) return;
  const [name, query] = location.hash.replace(/^#\/?/, "").split("?");
  const page = PAGES[name] ? name : "secrets";
  for (const link of bar.querySelectorAll("nav a")) {
    if (link.dataset.page === page) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  leave();
  leave = PAGES[page](view, new URLSearchParams(query));
  document.title = `${bar.querySelector("[aria-current]").textContent} – entrakey leases`;
  if (moves) view.focus();
}

function enter(session) {
  isSignedIn = true;
  document.getElementById("who").textContent = session.name.replace(/^token:/, "");
  document.getElementById("installation").textContent = session.installation;
  bar.hidden = false;
  show(true);
  const users = bar.querySelector("[data-page=users]");
  users.hidden = true;
  api.secrets().then((all) => { users.hidden = !all.some(mayPick); }, () => {}); // the page itself says what is wrong
}

function signIn(note) {
  isSignedIn = false;
  leave();
  leave = () => {};
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  bar.hidden = true;
  document.title = "Sign in – entrakey leases";
  signInPage(view, { note, done: enter });
}

api.whenSignedOut(() => signIn("Your session has ended. Sign in again to go on."));
document.getElementById("sign-out").addEventListener("click", async () => {
  await api.signOut().catch(() => {});
  signIn("You are signed out.");
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address says which page is shown
  view.focus();
});
addEventListener("hashchange", () => show(true));
api.session().then(
  (session) => (session.is_signed_in ? enter(session) : signIn()),
  (reason) => signIn(reason.message),
);
