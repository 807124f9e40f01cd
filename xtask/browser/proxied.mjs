// What must hold through a proxy: client addresses, event streams, idle connections, and paths for the inside only.

import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';

/** Longer than the server keeps an idle connection of a stranger. */
const IDLE = 17_000;

const ESTABLISHED = '01';

function assert(holds, problem) {
  if (!holds) throw new Error(problem);
}

/** Sends a request through the proxy on a connection of its own. `answered` gets the response. */
function send({ publicUrl, ca }, path, { method = 'GET', headers = {}, body, from = '127.0.0.1' } = {}) {
  return new Promise((resolve, reject) => {
    const sent = request(publicUrl + path, { method, headers, ca, localAddress: from, agent: false, timeout: 10_000 }, resolve);
    sent.once('error', reject).once('timeout', () => sent.destroy(new Error(`${path} is not answered`)));
    sent.end(body);
  });
}

async function status(deployment, path, options) {
  const response = await send(deployment, path, options);
  response.resume();
  return response.statusCode;
}

/** The address of the sender reaches the server's log, and no address that a client makes up does. */
async function checkAddress(deployment) {
  const headers = { 'X-Forwarded-For': '203.0.113.9', 'X-Request-Id': 'x' };
  assert(await status(deployment, '/t/unknown', { headers, from: '127.0.0.2' }) === 404, 'a page is not served');
  for (let attempt = 0; !deployment.output().includes('127.0.0.2'); attempt += 1) {
    assert(attempt < 50, `the address of the sender is not in the log: ${deployment.output().slice(-1000)}`);
    await wait(100);
  }
  assert(!deployment.output().includes('203.0.113.9'), 'an address that the client made up is believed');
}

/** An event stream answers at once, and passes an event on when it happens. */
async function checkStream(deployment, order) {
  const path = `/connect/v1/apps/${deployment.app}/production-tests/events`;
  const stream = await send(deployment, path, { headers: { Authorization: `Bearer ${deployment.key}` } });
  assert(stream.statusCode === 200, `the stream answers ${stream.statusCode}`);
  let text = '';
  stream.setEncoding('utf8').on('data', (part) => { text += part; });
  const arrives = async (part) => {
    for (let attempt = 0; !text.includes(part); attempt += 1) {
      assert(attempt < 50, `${part} does not arrive within 5 s: ${text}`);
      await wait(100);
    }
  };
  await arrives('retry: ');
  await order();
  await arrives('event: production_test.');
  stream.destroy();
}

/** The ports of the proxy's open connections to the server. */
function upstream({ port }) {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n').map((line) => line.trim().split(/\s+/));
  return lines.filter(([, here, , state]) => here?.endsWith(local) && state === ESTABLISHED).map(([, , there]) => there);
}

/** The server keeps idle connections of the proxy, so that no request meets one that is being closed. */
async function checkIdle(deployment) {
  const paths = Array.from({ length: 8 }, () => '/healthz');
  await Promise.all(paths.map((path) => status(deployment, path)));
  const before = upstream(deployment);
  assert(before.length > 0, 'the proxy keeps no connection to the server');
  await wait(IDLE);
  const after = upstream(deployment);
  assert(before.some((port) => after.includes(port)), `the server closed the idle connections ${before} of the proxy`);
  const path = `/connect/v1/apps/${deployment.app}/production-tests`;
  const headers = { Authorization: `Bearer ${deployment.key}`, 'Content-Type': 'application/json' };
  const all = await Promise.all(paths.map(() => status(deployment, path, { method: 'POST', headers, body: '{}' })));
  assert(all.every((code) => code === 400), `orders without a title are answered with ${all}`);
}

/** Checks a deployment `{ publicUrl, ca, port, app, key, output }` behind a proxy. `order` orders a production test. */
export async function checkProxied(deployment, order) {
  await checkAddress(deployment);
  await checkStream(deployment, order);
  for (const path of ['/metrics', '/tpas/v1/challenge-requests/x', '/tpas/v1/verification-events']) {
    assert(await status(deployment, path) === 404, `${path} is reached from outside`);
  }
  await checkIdle(deployment);
}
