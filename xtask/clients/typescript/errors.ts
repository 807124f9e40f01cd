// Errors are typed: a program need not parse a message.

import assert from 'node:assert/strict';
import { createClient, createConfig } from './fieldtest/client/index.js';
import { createProductionTest, listProductionTests, readWorkspace } from './fieldtest/index.js';
import { APP } from './first-minute.js';

/** Sends invalid requests, and checks the errors. */
export async function seeErrors(origin: string) {
  const wrong = await createProductionTest({ path: { client_id: APP }, body: { title: 'x', maxStamps: 0, providerIds: [] } });
  assert.equal(wrong.response?.status, 400);
  assert.equal(wrong.error?.error.code, 'VALIDATION_INVALID_PARAMETER');
  const [field] = wrong.error.error.details?.errors ?? [];
  assert.deepEqual([field?.parameter, field?.code, field?.value], ['maxStamps', 'VALIDATION_INVALID_PARAMETER', 0]);

  const refused = await createProductionTest({ path: { client_id: APP }, body: { title: 'x', providerIds: ['passport'] } });
  assert.deepEqual(refused.error?.error.details?.providers, [{ providerId: 'passport', reason: 'chip_based' }]);

  const unknown = await listProductionTests({ path: { client_id: 'nobody00' } });
  assert.deepEqual([unknown.response?.status, unknown.error?.error.code], [404, 'RESOURCE_NOT_FOUND']);

  const stranger = createClient(createConfig({ baseUrl: origin, auth: 'sk_workspace_test_wrong' }));
  const locked = await readWorkspace({ client: stranger });
  assert.deepEqual([locked.response?.status, locked.error?.error.code], [401, 'AUTH_INVALID_CREDENTIALS']);
  assert.equal(locked.error?.request_id, locked.response?.headers.get('X-Request-Id'));
}
