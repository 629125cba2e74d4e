// Run with mongosh against the node: initiates the replica set and keeps one user per service, with
// rights on that service's database alone. May run again at any time; a changed password is taken over.
const fs = require("fs");

const secrets = "/run/secrets";
const read = (name) => fs.readFileSync(`${secrets}/${name}`, "utf8").trim();

const admin = new Mongo("mongodb://mongo:27017/?directConnection=true").getDB("admin");
admin.auth("root", read("mongo-root-password"));

try {
  admin.runCommand({ replSetGetStatus: 1 });
} catch (error) {
  if (error.codeName !== "NotYetInitialized") throw error;
  admin.runCommand({
    replSetInitiate: { _id: "rs0", members: [{ _id: 0, host: "mongo:27017" }] },
  });
}

const deadline = Date.now() + 60_000;
while (!admin.hello().isWritablePrimary) {
  if (Date.now() > deadline) throw new Error("the replica set has no primary after 60 s");
  sleep(200);
}

for (const file of fs.readdirSync(secrets)) {
  const service = /^mongo-(.+)-password$/.exec(file)?.[1];
  if (!service || service === "root") continue;
  const account = {
    pwd: read(file),
    roles: [{ role: "readWrite", db: `ostro_${service}` }],
  };
  if (admin.getUser(service)) admin.updateUser(service, account);
  else admin.createUser({ user: service, ...account });
  print(`user ${service}: ostro_${service}`);
}
