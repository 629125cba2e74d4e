// A Connect and Forge Remote app on Atlassian's own library. All checks of tokens are the library's.
// Environment: PORT, AC_LOCAL_BASE_URL, CONNECT_KEYS_CDN_URL, AC_APP_ID, FORGE_JWKS_URL.
"use strict";

// The library knows Atlassian's key sets only: their address is all that is replaced.
const jose = require("jose");
const josePath = require.resolve("jose");
require.cache[josePath].exports = {
  ...jose,
  createRemoteJWKSet: () => jose.createRemoteJWKSet(new URL(process.env.FORGE_JWKS_URL)),
};

const ace = require("atlassian-connect-express");
const express = require("express");

const stored = new Map();
const kept = (owner) => ({
  get: async (key) => stored.get(`${key}/${owner}`),
  set: async (key, value) => void stored.set(`${key}/${owner}`, value),
  del: async (key) => void stored.delete(`${key}/${owner}`),
});
ace.store.register("process-memory", () => ({
  get: (key, clientKey) => kept(clientKey).get(key),
  set: (key, value, clientKey) => kept(clientKey).set(key, value),
  del: (key, clientKey) => kept(clientKey).del(key),
  saveInstallation: async (value, clientKey) => {
    await kept(clientKey).set("clientInfo", value);
    return { clientKey };
  },
  forForgeInstallation: kept,
  isMemoryStore: () => true,
}));

const seen = [];
const app = express();
const addon = ace(app, {
  config: {
    development: { store: { adapter: "process-memory" }, watch: false, whitelist: "127.0.0.1" },
  },
});

const call = (context, method, options) =>
  new Promise((resolve, reject) =>
    addon.httpClient(context)[method](options, (error, answer, body) =>
      error ? reject(error) : resolve({ status: answer.statusCode, body }),
    ),
  );

async function askJira(clientKey) {
  const context = { clientKey };
  const url = "/rest/api/3/project/search?query=Nord%20Webshop&keys=DEMO&keys=OTHER";
  const check = { globalPermissions: ["ADMINISTER"] };
  return [
    await call(context, "get", { url, json: true }),
    await call(context, "post", { url: "/rest/api/3/permissions/check", json: check }),
  ];
}

app.use(express.json({ limit: "30mb" }));
app.use(addon.middleware());

for (const hook of ["enabled", "disabled"]) {
  app.post(`/${hook}`, addon.authenticate(), (req, res) => {
    seen.push({ hook, clientKey: req.context.clientKey });
    res.sendStatus(204);
  });
}
app.post("/uninstalled", addon.authenticateInstall(), (req, res) => {
  seen.push({ hook: "uninstalled", clientKey: req.body.clientKey });
  res.sendStatus(204);
});
app.post("/forge/:endpoint", addon.authenticateForge(), async (req, res) => {
  const { apiBaseUrl, tokens, principal } = req.context.forge;
  const headers = { authorization: `Bearer ${tokens.user || tokens.app}` };
  const answer = await fetch(`${apiBaseUrl}/rest/api/3/myself`, { headers });
  const answers = [{ status: answer.status, body: await answer.json() }];
  seen.push({ hook: `forge ${req.params.endpoint}`, principal, answers });
  res.sendStatus(204);
});
addon.on("host_settings_saved", (clientKey) => seen.push({ hook: "installed", clientKey }));
addon.on("jira:issue_updated", async (event, body, req) => {
  const { clientKey, userAccountId } = req.context;
  const entry = { hook: event, clientKey, userAccountId, issue: body.issue.id };
  try {
    entry.answers = await askJira(clientKey);
  } catch (error) {
    entry.error = String(error);
  }
  seen.push(entry);
});
app.get("/seen", (_req, res) => res.json(seen));
app.listen(Number(process.env.PORT), "127.0.0.1", () => console.log("ready"));
