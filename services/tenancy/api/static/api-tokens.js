"use strict";

// relative: the app may stand below a path
const TOKENS = "../../ostro/v1/tenancy/me/tokens";
const EVENTS = "../../ostro/v1/telemetry/events";
const PAGE = 1000;
const byId = (id) => document.getElementById(id);

function say(text, isError = false) {
  byId("message").textContent = text;
  byId("message").className = isError ? "error" : "";
}

// a context token lives for 15 minutes, so each call takes a fresh one
function contextToken() {
  return new Promise((resolve) => { AP.context.getToken(resolve); });
}

async function call(method, path = "", body = undefined) {
  const headers = { Authorization: `JWT ${await contextToken()}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(TOKENS + path, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    cache: "no-store",
    credentials: "omit",
  });
  const content = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(content.message ?? content.error ?? `Status ${answer.status}`);
  return content;
}

// the page works without it; what leaves the house is anonymous and needs consent
async function report(name) {
  try {
    await fetch(EVENTS, {
      method: "POST",
      headers: {
        Authorization: `JWT ${await contextToken()}`,
        "Content-Type": "application/json",
      },
      body: JSON.stringify({ events: [{ name, urlPath: location.pathname }] }),
      credentials: "omit",
    });
  } catch {
    // nobody waits for it
  }
}

function state(token) {
  if (token.revokedAt !== null) return "revoked";
  return new Date(token.expiresAt) < new Date() ? "expired" : "valid";
}

function row(token) {
  const line = document.createElement("tr");
  const day = (time) => time.slice(0, 10);
  const texts = [
    token.name,
    token.scopes.join(", "),
    token.projects === null ? "all" : token.projects.join(", "),
    day(token.createdAt),
    day(token.expiresAt),
    state(token),
  ];
  for (const text of texts) {
    const cell = document.createElement("td");
    cell.textContent = text;
    line.append(cell);
  }
  const last = document.createElement("td");
  if (state(token) === "valid") {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Revoke";
    button.addEventListener("click", () => attempt(async () => {
      button.disabled = true;
      await call("DELETE", `/${encodeURIComponent(token.id)}`);
      await list();
      say(`“${token.name}” is revoked.`);
    }));
    last.append(button);
  }
  line.append(last);
  return line;
}

async function list() {
  const { values } = await call("GET", `?maxResults=${PAGE}`);
  byId("rows").replaceChildren(...values.map(row));
  byId("none").hidden = values.length > 0;
  byId("list").hidden = false;
  byId("new").hidden = false;
}

async function create(form) {
  const fields = new FormData(form);
  const projects = fields.get("projects").split(",").map((key) => key.trim()).filter(Boolean);
  const minted = await call("POST", "", {
    name: fields.get("name"),
    scopes: fields.getAll("scope"),
    projects: projects.length ? projects : null,
    expiresInDays: Number(fields.get("days")),
  });
  byId("token").value = minted.token;
  byId("minted").hidden = false;
  form.reset();
  await list();
  say(`“${minted.name}” is created.`);
}

async function attempt(action) {
  try {
    await action();
  } catch (error) {
    say(error.message, true);
  }
}

byId("new").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(() => create(event.target));
});

byId("copy").addEventListener("click", () => {
  byId("token").select();
  document.execCommand("copy");
});

if (typeof AP === "undefined") {
  say("This page works inside Jira only: Atlassian's script, which says who you are, did not load.", true);
} else {
  attempt(async () => {
    await list();
    say("");
    report("Opened settings");
  });
}
