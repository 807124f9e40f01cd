// The first minute with the client of openapi-generator: part of `cargo xtask test --only clients`.
//
// Environment: the ORIGIN of a sandbox server and the API_KEY of its demo workspace.

import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import {
  Configuration, ErrorEnvelopeFromJSON, ProductionTestsApi, ResponseError, SandboxSimulatorApi, TestersApi, WorkspaceApi,
  type Challenge,
} from './fieldtest/index.js';

const APP = 'FK5b0KSM';
const { ORIGIN: basePath = '', API_KEY: accessToken = '' } = process.env;
const engineer = new Configuration({ basePath, accessToken });
const tests = new ProductionTestsApi(engineer);
const tester = new Configuration({ basePath });

const workspace = await new WorkspaceApi(engineer).readWorkspace();
assert.ok(workspace.createdAt instanceof Date);

const createProductionTest = { title: 'BankID SE Test', providerIds: ['bankidse'], maxStamps: 3 };
const request = await tests.createProductionTest({ clientId: APP, createProductionTest, idempotencyKey: 'ordered with fetch' });
assert.equal(request.payload.maxStampClaims, 3);

const challenge = await listUntilItIsAChallenge();
const test = await tests.readProductionTest({ clientId: APP, id: request.id });
assert.deepEqual([test.status, test.challenge?.id], ['scheduled', challenge.id]);

const joinChallenge = { providerId: 'bankidse', platform: 'ios' } as const;
const joined = await new TestersApi(tester).joinChallenge({ id: challenge.id, joinChallenge });
const code = new URL(joined.verificationUrl).searchParams.get('code') ?? '';
const simulateVerification = { outcome: 'completed', subject: 'Ada' } as const;
const played = await new SandboxSimulatorApi(tester).simulateVerification({ participationId: joined.id, code, simulateVerification });
assert.equal(played.status, 'claimed');

const report = await tests.readReport({ clientId: APP, id: challenge.id });
assert.equal(report.stats.totalClaims, 1);
console.log('ok      the first minute: ordered, listed, read, joined, verified, reported');

const failure = await tests.listProductionTests({ clientId: 'nobody00' }).catch((error: unknown) => error);
assert.ok(failure instanceof ResponseError);
const envelope = ErrorEnvelopeFromJSON(await failure.response.json());
assert.deepEqual([failure.response.status, envelope.error.code], [404, 'RESOURCE_NOT_FOUND']);
console.log('ok      errors are typed');

/** The challenge of the newest production test. */
async function listUntilItIsAChallenge(): Promise<Challenge> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const [item] = await tests.listProductionTests({ clientId: APP, order: 'desc', limit: 1 });
    if (item?.challenge) return item.challenge;
    await wait(100);
  }
  throw new Error('the test is not scheduled after 10 s');
}
