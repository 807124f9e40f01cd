// The engineer's part: orders a production test and waits until it is scheduled.

import { setTimeout as wait } from 'node:timers/promises';

/** The app of the demo workspace. */
const APP = 'FK5b0KSM';

/** Orders a production test, waits for its challenge and returns the challenge's id. */
export async function orderProductionTest(origin, key, body) {
  const ordered = await call(origin, key, `/connect/v1/apps/${APP}/production-tests`, { method: 'POST', body: JSON.stringify(body) });
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const { challengeId } = await call(origin, key, `/connect/v1/apps/${APP}/production-tests/${ordered.id}`);
    if (challengeId !== null) return challengeId;
    await wait(100);
  }
  throw new Error(`${ordered.id} is not scheduled after 10 s`);
}

/** Reads the report of a challenge. */
export function report(origin, key, challengeId) {
  return call(origin, key, `/connect/v1/apps/${APP}/production-tests/${challengeId}/report`);
}

/** Reads why people got no stamp in a challenge. */
export function outcomes(origin, key, challengeId) {
  return call(origin, key, `/connect/v1/apps/${APP}/production-tests/${challengeId}/outcomes`);
}

async function call(origin, key, path, options = {}) {
  const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
  const response = await fetch(origin + path, { ...options, headers, signal: AbortSignal.timeout(10_000) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${options.method ?? 'GET'} ${path} returned ${response.status}: ${text}`);
  return JSON.parse(text);
}
