// The script of `cargo xtask test --only openid`: testers are verified by the certified provider in each of its rarer modes, all at once, and
// nothing of them is found anywhere afterwards.
//
// Environment: the PROGRAM under test, and an empty FOLDER.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { orderProductionTest, outcomes } from './api.mjs';
import { claimsOf, pairwise, startCertified } from './certified.mjs';
import { admin, freePort, serve } from './deployment.mjs';
import { Leaks, ofPerson, ofProvider } from './leaks.mjs';
import { Person, comeBackLater, takeBy } from './person.mjs';

const { PROGRAM: program, FOLDER: folder } = process.env;
const APP = 'FK5b0KSM';
const CLIENT = 'field test:+';
const AWKWARD = 'colon:plus+percent%space and more';

setTimeout(() => {
  console.error('not done after 120 s');
  process.exit(1);
}, 120_000).unref();

const port = await freePort();
const origin = `http://127.0.0.1:${port}`;
const data = join(folder, 'data');

const file = (name, text) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const pem = (pair, type) => pair.privateKey.export({ type, format: 'pem' });
const ec = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsaKey = file('rsa.pem', pem(generateKeyPairSync('rsa', { modulusLength: 2048 }), 'pkcs1'));
const ecKey = file('ec.pem', pem(ec(), 'sec1'));
// A key of its own for each provider: they read all of them in one key set, and choose.
const decryptionKeys = ['direct', 'wrapped', 'all'].map((name) => file(`decryption-${name}.pem`, pem(ec(), 'pkcs8')));
const secretFile = file('client-secret', `${AWKWARD}\n`);

const basic = { client_secret: AWKWARD, token_endpoint_auth_method: 'client_secret_basic' };
const ownKeys = { jwks_uri: `${origin}/tpas/v1/verifications/keys` };
const byKey = (alg) => ({ ...ownKeys, token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: alg });
const encrypted = (alg, enc) => ({ ...ownKeys, id_token_encrypted_response_alg: alg, id_token_encrypted_response_enc: enc });
const withSecret = { client_auth: 'client_secret_basic', client_secret_file: secretFile };
const withKey = (path) => ({ client_auth: 'private_key_jwt', private_key_file: [path] });
const fromUserinfo = { scopes: ['openid', 'person'], userinfo: true, subject_claim: 'national_number' };
const parRequired = { features: { pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true } } };
const parOff = { features: { pushedAuthorizationRequests: { enabled: false } } };

/** How a tester is verified, by provider: what the provider does, what our table says, and what must have happened at the provider. */
const MODES = {
  bankidse: { name: 'private_key_jwt with an RSA key', algorithms: ['RS256'], client: byKey('RS256'), table: withKey(rsaKey), proof: hasAssertion('') },
  'no-bankid': { name: 'private_key_jwt with a P-256 key', algorithms: ['ES256'], client: byKey('ES256'), table: { ...withKey(ecKey), client_assertion_audience: 'token_endpoint' }, proof: hasAssertion('/token') },
  mitid: { name: 'ID tokens encrypted with ECDH-ES', algorithms: ['ES256'], client: { ...basic, ...encrypted('ECDH-ES', 'A128GCM') }, table: { ...withSecret, decryption_key_file: [decryptionKeys[0]] }, proof: isEncrypted('ECDH-ES') },
  ftn: { name: 'ID tokens encrypted with ECDH-ES+A256KW', algorithms: ['RS256'], client: { ...basic, ...encrypted('ECDH-ES+A256KW', 'A256GCM') }, table: { ...withSecret, decryption_key_file: [decryptionKeys[1]] }, proof: isEncrypted('ECDH-ES+A256KW') },
  frejaid: { name: 'signed userinfo names the person', algorithms: ['ES256'], client: { ...basic, userinfo_signed_response_alg: 'ES256' }, table: { ...withSecret, ...fromUserinfo }, proof: hasUserinfo('string') },
  smartid: { name: 'plain userinfo names the person', algorithms: ['ES256'], client: basic, table: { ...withSecret, ...fromUserinfo }, proof: hasUserinfo('object') },
  skmobileid: { name: 'pushed authorization requests demanded', algorithms: ['ES256'], client: basic, configuration: parRequired, table: { ...withSecret, par: 'off' }, proof: isPushed(true) },
  audkenni: { name: 'no pushed authorization requests', algorithms: ['PS256'], client: basic, configuration: parOff, table: withSecret, proof: isPushed(false) },
  diia: { name: 'a public client', algorithms: ['ES256'], client: { token_endpoint_auth_method: 'none' }, table: {}, proof: isPushed(true) },
  evrotrust: { name: 'EdDSA and a secret in the form', algorithms: ['EdDSA'], client: { client_secret: AWKWARD, token_endpoint_auth_method: 'client_secret_post' }, table: { client_auth: 'client_secret_post', client_secret_file: secretFile }, proof: () => {} },
  idin: { name: 'keys rotate between two testers', algorithms: ['RS256'], client: basic, table: withSecret, act: rotate },
  'id-austria': { name: 'levels of assurance, cancelling and errors', algorithms: ['ES256'], client: basic, table: { ...withSecret, acr_values: ['high'], accepted_acr: ['high'] }, act: refusals },
  singpass: { name: 'attacks on the way back', algorithms: ['ES256'], client: basic, table: withSecret, act: attacks },
  'spid-ig': { name: 'all of them together', algorithms: ['ES256'], client: { ...byKey('ES256'), ...encrypted('ECDH-ES+A256KW', 'A128GCM'), userinfo_signed_response_alg: 'ES256' }, configuration: parRequired, table: { ...withKey(ecKey), ...fromUserinfo, decryption_key_file: [decryptionKeys[2]], par: 'required' }, proof: all(hasAssertion(''), isEncrypted('ECDH-ES+A256KW'), hasUserinfo('string'), isPushed(true)) },
};

function all(...proofs) {
  return (provider) => proofs.forEach((proof) => proof(provider));
}

/** Each request for a token has an assertion for this path of the provider: the issuer's, or the endpoint's. */
function hasAssertion(path) {
  return (provider) => {
    for (const { sent } of provider.requests('/token')) {
      assert(sent.client_assertion, 'no assertion was sent');
      const { aud } = JSON.parse(Buffer.from(sent.client_assertion.split('.')[1], 'base64url'));
      assert(aud === `${provider.issuer}${path}`, `the assertion is for ${aud}`);
    }
  };
}

function isEncrypted(alg) {
  return (provider) => {
    for (const { answer } of provider.requests('/token')) {
      const header = JSON.parse(Buffer.from(answer.id_token.split('.')[0], 'base64url'));
      assert(header.alg === alg, `the ID token has ${header.alg}`);
    }
  };
}

function hasUserinfo(type) {
  return (provider) => {
    const [answered] = provider.requests('/me');
    assert(answered && typeof answered.answer === type, `userinfo was ${typeof answered?.answer}`);
  };
}

function isPushed(expected) {
  return (provider) => assert((provider.requests('/request').length > 0) === expected, 'pushed requests');
}

function assert(holds, problem) {
  if (!holds) throw new Error(problem);
}

function says(end, text) {
  assert(end.text.includes(text), `the page (${end.status}) does not say ${text}: ${end.text.replaceAll(/<[^>]*>|\s+/g, ' ').slice(0, 600)}`);
}

/** The first tester gets a stamp, the same person again does not, another one does. */
async function takeThree(mode, take) {
  says(await take('ada'), 'Stamp granted');
  says(await take('ada'), 'You are counted already');
  says(await take('ben'), 'Stamp granted');
  assert(mode.provider.requests('/token').length === 3, 'a code was not redeemed once');
  mode.proof(mode.provider);
}

/** The provider has other keys for the second tester: one fetch, without a wait. */
async function rotate({ provider }, take) {
  const fetches = () => provider.requests('/jwks').length;
  says(await take('ada'), 'Stamp granted');
  assert(fetches() === 1, `keys were fetched ${fetches()} times`);
  provider.rotate();
  says(await take('ben'), 'Stamp granted');
  says(await take('cleo'), 'Stamp granted');
  assert(fetches() === 2, `keys were fetched ${fetches()} times`);
}

/** What goes wrong at the provider is told to the tester, and its reason is counted. */
async function refusals(mode, take) {
  says(await take('ada', { acr: 'low' }), 'Not verified');
  says(await take('ben', { error: 'access_denied' }), 'Cancelled');
  says(await take('cleo', { error: 'server_error' }), 'again');
  says(await take('dora', { acr: 'high' }), 'Stamp granted');
  const [{ failureReasons }] = (await outcomes(origin, key, mode.challengeId)).outcomes;
  const found = failureReasons.map(({ reason }) => reason).sort().join();
  assert(found === 'assurance_too_low,cancelled_by_tester,provider_unreachable', found);
}

/** Codes that are swapped, replayed, from elsewhere, or brought by somebody else are worth nothing. */
async function attacks({ provider }, take, later) {
  const redeemed = () => provider.requests('/token').filter(({ status }) => status === 200).length;
  // An attacker puts the victim's code into an attempt of the attacker's own, and the other way round.
  const [attacker, victim] = [await later('mallory'), await later('victim')];
  const swapped = new URL(attacker.back);
  swapped.searchParams.set('code', new URL(victim.back).searchParams.get('code'));
  says(await attacker.person.open(swapped.href), 'Not verified');
  assert(provider.problems.some((problem) => problem.includes('code_verifier does not match')), 'the provider did not look at the verifier');
  assert(redeemed() === 0, 'a swapped code was redeemed');
  // Another provider's answer.
  const mixed = await later('mixed');
  const elsewhere = new URL(mixed.back);
  assert(elsewhere.searchParams.get('iss') === provider.issuer, 'the provider does not name itself');
  const asked = provider.requests('/token').length;
  elsewhere.searchParams.set('iss', 'https://evil.example');
  says(await mixed.person.open(elsewhere.href), 'not accepted');
  const unnamed = await later('unnamed');
  const nobody = new URL(unnamed.back);
  nobody.searchParams.delete('iss');
  says(await unnamed.person.open(nobody.href), 'not accepted');
  assert(provider.requests('/token').length === asked, 'a code of another provider was sent');
  // A stolen address leads another browser to a question, not to a stamp.
  const stolen = await later('robbed');
  says(await new Person('198.51.100.7').open(stolen.back), 'Was that you?');
  assert(redeemed() === 1, 'the code was not redeemed at once');
  // Twice at once, and once more.
  const ada = await later('ada');
  await Promise.all([ada.person.open(ada.back), ada.person.open(ada.back)]);
  says(await ada.person.open(ada.back), 'Stamp granted');
  assert(redeemed() === 2, 'a code was redeemed twice');
}

/** The key set has each of our keys once, and no private half. */
async function checkKeySet() {
  const { keys } = await (await fetch(ownKeys.jwks_uri)).json();
  const found = keys.map(({ use, kty }) => `${use} ${kty}`).sort().join();
  assert(found === 'enc EC,enc EC,enc EC,sig EC,sig RSA', `the key set has ${found}`);
  assert(keys.every((one) => !('d' in one)), 'a private key is published');
}

const table = (id, { issuer }, mode) => {
  const lines = Object.entries({ kind: 'oidc', issuer, client_id: CLIENT, ...mode.table });
  return `[${id}]\n${lines.map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`).join('')}\n`;
};

for (const mode of Object.values(MODES)) {
  const client = { client_id: CLIENT, redirect_uris: [`${origin}/tpas/v1/verifications/callback`], ...mode.client };
  mode.provider = await startCertified(await freePort(), { ...mode, client });
}
const verifiers = file('verifiers.toml', Object.entries(MODES).map(([id, mode]) => table(id, mode.provider, mode)).join(''));
const options = ['--verifiers', verifiers, '--trusted-proxies', '127.0.0.1', '--log-level', 'trace', '--rate-limit', 'off'];
const server = await serve(program, data, port, options);
const key = readFileSync(join(data, 'demo-api-key'), 'utf8').trim();
const leaks = new Leaks();
leaks.add('the client secret', AWKWARD);
let failures = 0;

/** Runs one mode: orders a test, and lets people take it. */
async function run([providerId, mode], index) {
  try {
    await admin(program, data, 'provider', 'enable', '--app', APP, '--provider', providerId).catch(() => {});
    mode.challengeId = await orderProductionTest(origin, key, { title: mode.name, providerIds: [providerId], maxStamps: 5 });
    let count = 0;
    const by = (how) => async (name, answer = {}) => {
      const person = `${name}-${providerId}-${suffix}`;
      const address = `203.0.113.${16 * index + (count += 1)}`;
      leaks.addAll({ subject: person, pairwise: pairwise(person), ...claimsOf(person) });
      const end = await how({ origin, challengeId: mode.challengeId, providerId, address }, { person, ...answer });
      leaks.addAll(ofPerson(end.person));
      if (end.text) leaks.search('the page of a tester', end.text);
      return end;
    };
    await (mode.act ?? takeThree)(mode, by(takeBy), by(comeBackLater));
    console.log(`ok      ${mode.name}`);
  } catch (error) {
    failures += 1;
    console.log(`FAILED  ${mode.name}: ${error.message}\n        ${mode.provider.problems.join('\n        ')}`);
  }
}

const suffix = randomBytes(4).toString('hex');
try {
  await Promise.all(Object.entries(MODES).map(run));
  await checkKeySet();
  for (const { provider } of Object.values(MODES)) leaks.addAll(ofProvider(provider));
  await leaks.searchDeployment({ origin, server, data, key, app: APP, refusingProvider: 'id-austria' });
  console.log(`ok      none of ${leaks.size} secrets is in the log, the metrics, the answers or the database`);
} catch (error) {
  failures += 1;
  console.log(`FAILED  ${error.message}`);
  server.kill();
} finally {
  Object.values(MODES).forEach(({ provider }) => provider.close());
}
process.exitCode = failures === 0 ? 0 : 1;
