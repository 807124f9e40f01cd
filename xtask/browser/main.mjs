// What `cargo xtask test --only browser` does: looks at the pages and plays testers, on a phone and on a laptop.
//
// Environment: ORIGIN of a running sandbox server, its demo workspace's API_KEY, the program CHROMIUM, and a folder for
// PICTURES of what it saw.

import { chromium } from 'playwright-core';
import { orderProductionTest, report } from './api.mjs';
import { SCREENS, openScreen } from './screen.mjs';
import { play } from './tester.mjs';

const { ORIGIN: origin, API_KEY: key, CHROMIUM: executablePath, PICTURES: pictures } = process.env;

// Whatever hangs, this ends.
const LIMIT_MILLISECONDS = 180_000;
setTimeout(() => {
  console.error(`not done after ${LIMIT_MILLISECONDS / 1000} s`);
  process.exit(1);
}, LIMIT_MILLISECONDS).unref();

let failures = 0;

/** Does one thing on a screen of its own, and says whether it went well and whether the page kept to itself. */
async function check(browser, name, screen, act) {
  const opened = await openScreen(browser, screen, origin);
  const picture = `${pictures}/${name.replaceAll(/[^a-z0-9]+/gi, '-')}.png`;
  try {
    await act(opened.page);
    await opened.assertClean();
    console.log(`ok      ${name}`);
  } catch (error) {
    failures += 1;
    console.log(`FAILED  ${name}: ${error.message}\n        see ${picture}`);
  } finally {
    // A picture is for people; a page that is too broken for one has failed above.
    await opened.page.screenshot({ path: picture }).catch(() => {});
    await opened.close();
  }
}

/** The page of the API's document: it has drawn the document's title. */
async function readDocs(page) {
  const openapi = await (await fetch(`${origin}/openapi.json`)).json();
  await page.goto(`${origin}/docs`, { waitUntil: 'networkidle' });
  await page.locator('h1', { hasText: openapi.info.title }).first().waitFor();
}

function assertEqual(name, found, expected) {
  if (found !== expected) throw new Error(`${name} is ${found}, not ${expected}`);
}

const browser = await chromium.launch({
  executablePath,
  // The sandbox does not work for root, and the only pages opened are our own.
  chromiumSandbox: false,
  args: ['--disable-quic'],
});
try {
  const challengeId = await orderProductionTest(origin, key, { title: 'Browser test', providerIds: ['bankidse'], maxStamps: 10 });
  const tester = (outcome) => (page) => play(page, { origin, challengeId, providerId: 'bankidse', platform: 'ios', outcome });

  for (const screen of SCREENS) {
    await check(browser, `docs on a ${screen.name}`, screen, readDocs);
    await check(browser, `stamp on a ${screen.name}`, screen, tester('completed'));
    await check(browser, `no stamp on a ${screen.name}`, screen, tester('failed'));
    const withoutScript = { ...screen, options: { ...screen.options, javaScriptEnabled: false } };
    await check(browser, `stamp on a ${screen.name} without script`, withoutScript, tester('completed'));
  }

  const { stats } = await report(origin, key, challengeId);
  assertEqual('totalParticipations', stats.totalParticipations, 3 * SCREENS.length);
  assertEqual('totalClaims', stats.totalClaims, 2 * SCREENS.length);
  console.log('ok      the report counts them all');
} finally {
  await browser.close();
}
process.exitCode = failures === 0 ? 0 : 1;
