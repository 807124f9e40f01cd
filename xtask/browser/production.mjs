// The script of `cargo xtask test --only production`: a production deployment on this machine, with an authority of its own. An engineer
// orders a test, a person takes it on a phone at a certified provider, and the report says so.
//
// A PROXY in front of the program ends TLS, whose address is `--public-url`: `node`, `nginx` or `caddy`. Through the real ones, what must
// hold through a proxy is checked as well.
//
// Environment: the PROGRAM under test, an empty FOLDER, the program CHROMIUM, a folder for PICTURES, the kind of PROXY, and the folder OPS with the recipes.

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { orderProductionTest, report } from './api.mjs';
import { keyHash, makeAuthority } from './authority.mjs';
import { startCertified } from './certified.mjs';
import { admin, freePort, serve } from './deployment.mjs';
import { begin, see } from './pages.mjs';
import { checkProxied } from './proxied.mjs';
import { startProxy } from './proxy.mjs';
import { SCREENS, openScreen } from './screen.mjs';

const { PROGRAM: program, FOLDER: folder, CHROMIUM: executablePath, PICTURES: pictures, PROXY: proxy } = process.env;
const APP = 'FK5b0KSM';

setTimeout(() => {
  console.error('not done after 120 s');
  process.exit(1);
}, 120_000).unref();

function assert(holds, problem) {
  if (!holds) throw new Error(problem);
}

/** What `fieldtest doctor` says about the verifiers of this file. */
function doctor(data, options) {
  return new Promise((resolve) => {
    execFile(program, ['doctor', '--data-dir', data, ...options], (error, stdout, stderr) => resolve({ code: error?.code ?? 0, text: stdout + stderr }));
  });
}

const [port, proxyPort, eidPort, wrongPort] = [await freePort(), await freePort(), await freePort(), await freePort()];
const authority = makeAuthority(folder);
const tls = authority.issue('here', 'IP:127.0.0.1');
const elsewhere = authority.issue('elsewhere', 'DNS:elsewhere.example');
const publicUrl = `https://127.0.0.1:${proxyPort}`;
const data = join(folder, 'data');
const secret = join(folder, 'client-secret');
writeFileSync(secret, 'the secret of the production\n', { mode: 0o600 });
const client = { client_id: 'fieldtest', client_secret: 'the secret of the production', redirect_uris: [`${publicUrl}/tpas/v1/verifications/callback`] };
const mode = { algorithms: ['ES256'], client };
const eid = await startCertified(eidPort, mode, tls);
const wrong = await startCertified(wrongPort, mode, elsewhere);

/** A verifiers' file that has this issuer for MitID. */
function verifiers(name, issuer, ca) {
  const path = join(folder, name);
  const lines = { kind: 'oidc', issuer, client_id: 'fieldtest', client_auth: 'client_secret_basic', client_secret_file: secret, ...ca };
  writeFileSync(path, `[mitid]\n${Object.entries(lines).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`).join('')}`);
  return ['--environment', 'production', '--public-url', publicUrl, '--verifiers', path];
}

const ca = { ca_file: authority.file };
const options = verifiers('verifiers.toml', eid.issuer, ca);

/** The operator makes a workspace, an app and a key. Returns the key. */
async function setUp() {
  const workspace = await admin(program, data, 'workspace', 'create', '--name', 'Acme');
  await admin(program, data, 'app', 'create', '--workspace', workspace.id, '--name', 'Acme Bank', '--client-id', APP);
  const made = await admin(program, data, 'key', 'create', '--workspace', workspace.id, '--name', 'production', '--environment', 'production');
  await admin(program, data, 'provider', 'enable', '--app', APP, '--provider', 'mitid');
  return made.secret;
}

/** Only the right authority and the right name are trusted, and the operator is told before a tester is. */
async function checkTrust() {
  const trusted = await doctor(data, options);
  assert(/discovery.*reached/.test(trusted.text), `the provider is not reached: ${trusted.text}`);
  for (const [name, issuer, authorities] of [['unknown.toml', eid.issuer, {}], ['other-name.toml', wrong.issuer, ca]]) {
    const { code, text } = await doctor(data, verifiers(name, issuer, authorities));
    assert(code !== 0 && /certificate is not trusted/.test(text), `${name} is trusted: ${text}`);
    assert(!text.includes('the secret of the production'), 'the client secret is shown');
  }
  assert(wrong.exchanges.length === 0, 'a provider with a wrong certificate was asked');
  console.log('ok      a provider whose certificate is not trusted is told by doctor');
}

/** A person takes the test on a phone. */
async function take(challengeId) {
  const trusted = `--ignore-certificate-errors-spki-list=${keyHash(tls)}`;
  const browser = await chromium.launch({ executablePath, chromiumSandbox: false, args: ['--disable-quic', trusted] });
  const opened = await openScreen(browser, SCREENS[0], [publicUrl, eid.issuer]);
  const { page } = opened;
  try {
    await begin(page, { origin: publicUrl, challengeId, provider: 'MitID' });
    await page.getByRole('link', { name: 'Continue to MitID' }).click();
    await page.getByLabel('Name').fill('Ada');
    await page.getByRole('button', { name: 'Log in' }).click();
    await see(page, 'Stamp granted');
    await opened.assertClean();
    const [cookie] = await page.context().cookies(publicUrl);
    assert(cookie.secure && cookie.httpOnly, 'the cookie is not secure');
  } finally {
    await page.screenshot({ path: `${pictures}/production-${proxy}.png` }).catch(() => {});
    await browser.close();
  }
}

let server;
let closeProxy;
try {
  const key = await setUp();
  server = await serve(program, data, port, [...options, '--trusted-proxies', '127.0.0.1', '--log-client-address']);
  closeProxy = await startProxy(proxy, { proxyPort, port }, tls, folder);
  if (proxy === 'node') await checkTrust();
  const challengeId = await orderProductionTest(server.origin, key, { title: 'The first production test', providerIds: ['mitid'], maxStamps: 1 });
  await take(challengeId);
  const { stats } = await report(server.origin, key, challengeId);
  assert(stats.totalClaims === 1 && stats.totalParticipations === 1, `the report says ${JSON.stringify(stats)}`);
  console.log('ok      a person takes a production test on a phone, and the report says so');
  if (proxy !== 'node') {
    const order = () => orderProductionTest(server.origin, key, { title: 'Another', providerIds: ['mitid'], maxStamps: 1 });
    await checkProxied({ publicUrl, ca: authority.certificate, port, app: APP, key, output: server.output }, order);
    console.log(`ok      addresses, streams and idle connections are right through ${proxy}`);
  }
  await server.stop();
} catch (error) {
  console.log(`FAILED  ${error.message}`);
  process.exitCode = 1;
  server?.kill();
} finally {
  await closeProxy?.();
  eid.close();
  wrong.close();
}
