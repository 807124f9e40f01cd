// The API reference and the documents beside it.

import { assertAccessible } from './pages.mjs';

/** Opens the API reference and waits for the document's title. */
export async function readReference(page, { origin }) {
  const openapi = await (await fetch(`${origin}/openapi.json`)).json();
  await page.goto(`${origin}/docs`, { waitUntil: 'networkidle' });
  await page.locator('h1', { hasText: openapi.info.title }).first().waitFor();
}

/** Sends the same order twice from the reference. Each has a key of its own, so each would be carried out. */
export async function tryTwice(page, { origin }) {
  const keys = [];
  await page.route('**/connect/v1/**', (route) => {
    keys.push(route.request().headers()['idempotency-key']);
    return route.fulfill({ status: 201, json: {} });
  });
  const operation = 'connect/v1/apps/{client_id}/production-tests';
  await page.goto(`${origin}/docs#tag/production-tests/POST/${operation}`, { waitUntil: 'networkidle' });
  await page.getByRole('button', { name: `Test Request (post /${operation})` }).click();
  for (const times of [1, 2]) {
    const answered = page.waitForResponse((response) => response.url().includes('/connect/v1/'));
    await page.getByRole('button', { name: /^Send/ }).first().click();
    await answered;
    if (keys.length !== times) throw new Error(`${keys.length} requests were sent, not ${times}`);
  }
  const isUuid = (key) => /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(key);
  if (keys[0] === keys[1] || !keys.every(isUuid)) throw new Error(`the keys are ${keys}`);
}

/** Opens the documents, and an error at its anchor. */
export async function readDocuments(page, { origin }) {
  for (const path of ['/docs/errors#resource_conflict', '/docs/api-design']) {
    await page.goto(origin + path);
    await assertAccessible(page);
  }
}
