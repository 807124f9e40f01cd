// The first minute with the types of openapi-typescript and with openapi-fetch: part of `cargo xtask test --only clients`.
//
// Environment: the ORIGIN of a sandbox server and the API_KEY of its demo workspace.

import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import createClient from 'openapi-fetch';
import type { components, paths } from './fieldtest.js';

const app = { client_id: 'FK5b0KSM' };
const { ORIGIN: baseUrl = '', API_KEY: key = '' } = process.env;
const engineer = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${key}` } });
const tester = createClient<paths>({ baseUrl });

const order = await engineer.POST('/connect/v1/apps/{client_id}/production-tests', {
  params: { path: app, header: { 'Idempotency-Key': 'ordered with openapi-fetch' } },
  // What has a default can be left out.
  body: { title: 'BankID SE Test', providerIds: ['bankidse'] },
});
assert.equal(order.data?.payload.maxStampClaims, 3);

const { id } = await listUntilItIsAChallenge();
const one = { params: { path: { ...app, id } } };
const test = await engineer.GET('/connect/v1/apps/{client_id}/production-tests/{id}', one);
assert.deepEqual([test.data?.id, test.data?.status], [order.data?.id, 'scheduled']);

const wish = { providerId: 'bankidse', platform: 'ios' } as const;
const joined = await tester.POST('/tpas/v1/challenges/{id}/participations', { params: { path: { id } }, body: wish });
assert.ok(joined.data);
const code = new URL(joined.data.verificationUrl).searchParams.get('code') ?? '';
const played = await tester.POST('/tpas/v1/simulator/{participation_id}', {
  params: { path: { participation_id: joined.data.id }, query: { code } },
  body: { outcome: 'completed', subject: 'Ada' },
});
assert.equal(played.data?.status, 'claimed');

const report = await engineer.GET('/connect/v1/apps/{client_id}/production-tests/{id}/report', one);
assert.equal(report.data?.stats.totalClaims, 1);
console.log('ok      the first minute: ordered, listed, read, joined, verified, reported');

const path = { client_id: 'nobody00' };
const unknown = await engineer.GET('/connect/v1/apps/{client_id}/production-tests', { params: { path } });
assert.deepEqual([unknown.response.status, unknown.error?.error.code], [404, 'RESOURCE_NOT_FOUND']);
console.log('ok      errors are typed');

/** The challenge of the newest production test. */
async function listUntilItIsAChallenge(): Promise<components['schemas']['Challenge']> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const params = { path: app, query: { order: 'desc', limit: 1 } } as const;
    const { data: items } = await engineer.GET('/connect/v1/apps/{client_id}/production-tests', { params });
    if (items?.[0]?.challenge) return items[0].challenge;
    await wait(100);
  }
  throw new Error('the test is not scheduled after 10 s');
}
