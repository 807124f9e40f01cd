// What an engineer does before testers come: orders a production test and waits until it is scheduled.

import { setTimeout as wait } from 'node:timers/promises';

/** The app of the demo workspace. */
const APP = 'FK5b0KSM';

/** Orders a production test and answers its challenge's id, as soon as it has one. */
export async function orderProductionTest(origin, key, body) {
  const ordered = await call(origin, key, `/connect/v1/apps/${APP}/production-tests`, { method: 'POST', body: JSON.stringify(body) });
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const { challengeId } = await call(origin, key, `/connect/v1/apps/${APP}/production-tests/${ordered.id}`);
    if (challengeId !== null) return challengeId;
    await wait(100);
  }
  throw new Error(`${ordered.id} is not scheduled after 10 s`);
}

/** The report on a challenge. */
export function report(origin, key, challengeId) {
  return call(origin, key, `/connect/v1/apps/${APP}/production-tests/${challengeId}/report`);
}

async function call(origin, key, path, options = {}) {
  const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
  const answer = await fetch(origin + path, { ...options, headers, signal: AbortSignal.timeout(10_000) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${options.method ?? 'GET'} ${path} was answered ${answer.status}: ${text}`);
  return JSON.parse(text);
}
