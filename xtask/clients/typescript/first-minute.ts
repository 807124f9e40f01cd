// The README's first minute: orders a production test, gets a stamp as a tester, and reads the report.

import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import {
  createProductionTest, joinChallenge, listProductionTests, readParticipation, readProductionTest, readReport, simulateVerification,
  type Challenge, type CreateProductionTestData, type Options, type StartedParticipation,
} from './fieldtest/index.js';

/** The app of the demo workspace. */
export const APP = 'FK5b0KSM';

/** Orders, lists, reads, joins, is verified and reads the report. */
export async function spendFirstMinute() {
  const requestId = await order();
  const challenge = await listUntilItIsAChallenge();
  const { data: test } = await readProductionTest({ path: { client_id: APP, id: requestId }, throwOnError: true });
  assert.deepEqual([test.status, test.challengeId, test.challenge], ['scheduled', challenge.id, challenge]);

  const joined = await join(challenge);
  await verify(joined);
  // Each participation has its own token, which is not the workspace's key.
  const { data: participation } = await readParticipation({ path: { id: joined.id }, auth: joined.token, throwOnError: true });
  assert.equal(participation.status, 'claimed');

  const { data: report } = await readReport({ path: { client_id: APP, id: challenge.id }, throwOnError: true });
  assert.deepEqual([report.stats.totalParticipations, report.stats.totalClaims], [1, 1]);
  const [row] = report.stats.providerBreakdown;
  assert.deepEqual([row?.providerId, row?.providerName, row?.claimCount], ['bankidse', 'BankID SE', 1]);
}

/** Orders a production test twice with one idempotency key, and returns the request's id. */
async function order(): Promise<string> {
  const options: Options<CreateProductionTestData, true> = {
    path: { client_id: APP },
    headers: { 'Idempotency-Key': 'ordered from TypeScript' },
    body: { title: 'BankID SE Test', providerIds: ['bankidse'], maxStamps: 3 },
    throwOnError: true,
  };
  const { data: request, response } = await createProductionTest(options);
  assert.deepEqual([response.status, request.status, request.payload.maxStampClaims], [201, 'pending', 3]);
  assert.equal(response.headers.get('Location'), `/connect/v1/apps/${APP}/production-tests/${request.id}`);

  const again = await createProductionTest(options);
  assert.equal(again.response.headers.get('Idempotency-Replayed'), 'true');
  assert.deepEqual(again.data, request);
  return request.id;
}

/** The challenge of the newest production test. */
async function listUntilItIsAChallenge(): Promise<Challenge> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const query = { order: 'desc', limit: 1 } as const;
    const { data: [item] } = await listProductionTests({ path: { client_id: APP }, query, throwOnError: true });
    if (item?.challenge) return item.challenge;
    await wait(100);
  }
  throw new Error('the test is not scheduled after 10 s');
}

async function join({ id }: Challenge): Promise<StartedParticipation> {
  const body = { providerId: 'bankidse', platform: 'ios' } as const;
  const { data: joined } = await joinChallenge({ path: { id }, body, throwOnError: true });
  assert.equal(joined.status, 'started');
  return joined;
}

/** Sends the request of the simulator's page. */
async function verify({ id, verificationUrl }: StartedParticipation) {
  const code = new URL(verificationUrl).searchParams.get('code') ?? '';
  const body = { outcome: 'completed', subject: 'Ada' } as const;
  const path = { participation_id: id };
  const { data: result } = await simulateVerification({ path, query: { code }, body, throwOnError: true });
  assert.deepEqual(result, { id, status: 'claimed' });
}
