// The script of `cargo xtask test --only replicas`: an engineer watches a test, the replica that serves the page is killed, and the page
// goes on with the other one.
//
// Environment: the PROGRAM under test, an empty FOLDER, the DATABASE_URL of an empty PostgreSQL database, the program CHROMIUM, and a
// folder for PICTURES.

import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { order, signIn, stamps } from './console.mjs';
import { freePort, serve } from './deployment.mjs';
import { SCREENS, openScreen } from './screen.mjs';

const { PROGRAM: program, FOLDER: folder, DATABASE_URL: database, CHROMIUM: executablePath, PICTURES: pictures } = process.env;

setTimeout(() => {
  console.error('not done after 120 s');
  process.exit(1);
}, 120_000).unref();

/** A load balancer: each new connection goes to the first of these ports where somebody listens. */
async function startBalancer(port, replicas) {
  const balancer = createServer((client) => {
    const attempt = ([first, ...others]) => {
      const replica = connect(first, '127.0.0.1');
      let isOpen = false;
      replica.once('connect', () => {
        isOpen = true;
        client.pipe(replica).pipe(client);
      });
      replica.on('error', () => (isOpen || others.length === 0 ? client.destroy() : attempt(others)));
      client.on('error', () => replica.destroy());
    };
    attempt(replicas);
  });
  await new Promise((resolve) => balancer.listen(port, '127.0.0.1', resolve));
  return () => balancer.close();
}

/** A tester who is verified by the simulator of this replica. */
async function takeTest(origin, challengeId) {
  const send = async (url, body) => {
    const response = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`POST ${url} returned ${response.status}`);
    return response.json();
  };
  const joined = await send(`${origin}/tpas/v1/challenges/${challengeId}/participations`, { providerId: 'bankidse', platform: 'ios' });
  const ended = await send(joined.verificationUrl, { outcome: 'completed', subject: joined.id });
  if (ended.status !== 'claimed') throw new Error(`the tester's participation is ${ended.status}`);
}

const [port, first, second] = [await freePort(), await freePort(), await freePort()];
const options = ['--database-url', database];
const killed = await serve(program, folder, first, options);
const other = await serve(program, folder, second, options);
const closeBalancer = await startBalancer(port, [first, second]);
const origin = `http://127.0.0.1:${port}`;
const key = readFileSync(join(folder, 'demo-api-key'), 'utf8').trim();
const browser = await chromium.launch({ executablePath, chromiumSandbox: false, args: ['--disable-quic'] });
const { page, close } = await openScreen(browser, SCREENS[1], [origin]);
try {
  await signIn(page, { origin, key });
  await order(page, { origin, title: 'Watched test', stamps: 2 });
  const link = page.getByRole('link', { name: 'Take the test yourself' });
  await link.waitFor();
  const challengeId = (await link.getAttribute('href')).split('/t/')[1];
  // A page that is loaded again loses this.
  await page.evaluate(() => { globalThis.isTheSame = true; });
  await takeTest(other.origin, challengeId);
  await stamps(page, '1 of 2');
  killed.kill();
  await takeTest(other.origin, challengeId);
  await stamps(page, '2 of 2');
  if (!(await page.evaluate(() => globalThis.isTheSame === true))) throw new Error('the page was loaded again');
  console.log('ok      a page goes on when its replica is killed');
} catch (error) {
  process.exitCode = 1;
  console.log(`FAILED  a page goes on when its replica is killed: ${error.message}`);
  await page.screenshot({ path: join(pictures, 'replicas.png') }).catch(() => {});
} finally {
  await close();
  await browser.close();
  closeBalancer();
  await other.stop();
}
