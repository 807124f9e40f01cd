// A baseline: the create of a production test with Fastify and `pg`. Fastify validates the body; one prepared statement writes
// both rows over a pool of 16 connections. The API key and the app are looked up once at the start, which favours this program.

import { createHash, randomBytes } from "node:crypto";
import Fastify from "fastify";
import pg from "pg";

// The JavaScript client: the native one would need a build.
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 16 });

const secretHash = createHash("sha256").update(process.env.API_KEY).digest();
const { rows: apps } = await pool.query(
  `SELECT app.workspace_id, app.client_id, app.name FROM fieldtest_connect.apps AS app
   JOIN fieldtest_connect.api_keys AS key USING (workspace_id) WHERE key.secret_hash = $1`,
  [secretHash],
);
const appsById = new Map(apps.map((app) => [app.client_id, app]));

const CREATE = {
  name: "create",
  text: `WITH taken AS (
      INSERT INTO fieldtest_connect.idempotency_records
        (workspace_id, key, fingerprint, client_id, request_id, expires_at)
      VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (workspace_id, key) DO NOTHING RETURNING 1)
    INSERT INTO fieldtest_connect.challenge_requests (workspace_id, client_id, id, host_name, title, provider_ids,
      max_stamp_claims, status, attempts, next_attempt_at, give_up_at, created_at, updated_at)
    SELECT $1, $4, $5, $7, $8, $9, $10, 'pending', 0, $11, $6, $12, $12 FROM taken`,
};

const schema = {
  body: {
    type: "object",
    required: ["title"],
    properties: {
      title: { type: "string", minLength: 1, maxLength: 200 },
      providerIds: { type: "array", items: { type: "string" }, minItems: 1 },
      maxStamps: { type: "integer", minimum: 1, maximum: 2147483647, default: 3 },
    },
  },
};

/** A version 7 UUID. */
function uuid7(now) {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes;
}

const hyphenated = (bytes) => bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");

const server = Fastify();

server.post("/connect/v1/apps/:clientId/production-tests", { schema }, async (request, reply) => {
  if (request.headers.authorization !== `Bearer ${process.env.API_KEY}`) return reply.code(401).send();
  const app = appsById.get(request.params.clientId);
  if (!app) return reply.code(404).send();
  const now = Date.now();
  const id = uuid7(now);
  const { title, providerIds, maxStamps } = request.body;
  const fingerprint = createHash("sha256").update(request.url).update(JSON.stringify(request.body)).digest();
  const key = request.headers["idempotency-key"];
  const { rowCount } = await pool.query({
    ...CREATE,
    values: [
      app.workspace_id, key, fingerprint, app.client_id, id, now + 86400000, app.name, title,
      JSON.stringify(providerIds), maxStamps, now + 3600000, now,
    ],
  });
  if (rowCount === 0) return reply.code(409).send();
  const name = `req_${hyphenated(id)}`;
  return reply
    .code(201)
    .header("location", `/connect/v1/apps/${app.client_id}/production-tests/${name}`)
    .send({
      id: name,
      clientId: app.client_id,
      status: "pending",
      payload: { title, providerIds, maxStampClaims: maxStamps, targetPlatform: null },
      challengeId: null,
      createdAt: new Date(now).toISOString(),
    });
});

const address = await server.listen({ port: 0, host: "127.0.0.1" });
console.log(address.replace("http://", ""));
