// The script of `cargo xtask test --only browser`: opens the pages and acts as a tester, on a phone and on a laptop.
//
// Environment: the ORIGIN of a sandbox server, the PROVIDER_PORT at which it expects the OpenID Connect provider of MitID, the API_KEY of its demo workspace, the program CHROMIUM, and a folder for
// PICTURES (screenshots).

import { chromium } from 'playwright-core';
import { orderProductionTest, report } from './api.mjs';
import * as engineer from './console.mjs';
import * as docs from './docs.mjs';
import * as eid from './eid.mjs';
import * as pages from './pages.mjs';
import { startProvider } from './provider.mjs';
import { SCREENS, openScreen } from './screen.mjs';
import { play } from './tester.mjs';

const { ORIGIN: origin, PROVIDER_PORT: providerPort, API_KEY: key, CHROMIUM: executablePath, PICTURES: pictures } = process.env;

// The timeout of the whole script.
const LIMIT_MILLISECONDS = 300_000;
setTimeout(() => {
  console.error(`not done after ${LIMIT_MILLISECONDS / 1000} s`);
  process.exit(1);
}, LIMIT_MILLISECONDS).unref();

let failures = 0;

/**
 * Runs a check in a new browser profile. It fails if `act` throws or if the page breaks a rule of `screen.mjs`. `others` are further
 * origins that the page may lead to.
 */
async function check(browser, name, screen, act, others = []) {
  const opened = await openScreen(browser, screen, [origin, ...others]);
  const picture = `${pictures}/${name.replaceAll(/[^a-z0-9]+/gi, '-')}.png`;
  try {
    await act(opened.page);
    await opened.assertClean();
    console.log(`ok      ${name}`);
  } catch (error) {
    failures += 1;
    console.log(`FAILED  ${name}: ${error.message}\n        see ${picture}`);
  } finally {
    // A page that is too broken for a screenshot has failed above.
    await opened.page.screenshot({ path: picture }).catch(() => {});
    await opened.close();
  }
}

function assertEqual(name, found, expected) {
  if (found !== expected) throw new Error(`${name} is ${found}, not ${expected}`);
}

/** People take a test on its pages, each with a browser of their own. */
async function takeTest(browser, screen) {
  const order = async (maxStamps) => {
    const challengeId = await orderProductionTest(origin, key, { title: 'BankID SE Test', providerIds: ['bankidse'], maxStamps });
    return { origin, challengeId, provider: 'BankID SE' };
  };
  const three = await order(3);
  for (const person of ['first', 'second', 'third']) {
    await check(browser, `the ${person} of three gets a stamp on a ${screen.name}`, screen, (page) => pages.take(page, three));
  }
  await check(browser, `the fourth is told that it is over on a ${screen.name}`, screen, (page) => pages.comeTooLate(page, three));
  const withoutScript = { ...screen, options: { ...screen.options, javaScriptEnabled: false } };
  const quiet = await order(1);
  await check(browser, `takeWithoutScript on a ${screen.name}`, withoutScript, (page) => pages.takeWithoutScript(page, quiet));
  for (const act of [pages.cancelAndTryAgain, pages.wander, pages.followAnotherTab]) {
    const test = await order(1);
    await check(browser, `${act.name} on a ${screen.name}`, screen, (page) => act(page, test));
  }
}

/** An engineer orders, watches and shares tests in the console. */
async function useConsole(browser, screen) {
  const openTester = () => openScreen(browser, SCREENS[0], [origin]);
  const without = { ...screen, options: { ...screen.options, javaScriptEnabled: false } };
  for (const act of [engineer.followTest, engineer.lookWithout]) {
    await check(browser, `${act.name} on a ${screen.name}`, screen, (page) => act(page, { origin, key, openTester }));
  }
  await check(browser, `orderAndCancel on a ${screen.name} without script`, without, (page) => engineer.orderAndCancel(page, { origin, key }));
}

/** People take a test at a real OpenID Connect provider. */
async function takeTestAtProvider(browser, screen, issuer) {
  const order = async (maxStamps) => {
    const challengeId = await orderProductionTest(origin, key, { title: 'MitID Test', providerIds: ['mitid'], maxStamps });
    return { origin, challengeId, provider: 'MitID' };
  };
  const three = await order(3);
  for (const person of ['Ada', 'Ben', 'Cleo']) {
    await check(browser, `${person} is verified by a provider on a ${screen.name}`, screen, (page) => eid.takeAtProvider(page, { ...three, person }), [issuer]);
  }
  await check(browser, `the fourth at a provider is told that it is over on a ${screen.name}`, screen, (page) => pages.comeTooLate(page, three));
  const one = { ...await order(1), person: 'Ada' };
  await check(browser, `cancelAtProvider on a ${screen.name}`, screen, (page) => eid.cancelAtProvider(page, one), [issuer]);
  const openOther = async () => (await openScreen(browser, screen, [origin, issuer])).page;
  for (const act of [eid.wanderAtProvider, eid.comeBackElsewhere, eid.loseConnection]) {
    const another = { ...await order(1), person: 'Ada' };
    await check(browser, `${act.name} on a ${screen.name}`, screen, (page) => act(page, another, openOther), [issuer]);
  }
}

const provider = await startProvider(Number(providerPort), origin);
const browser = await chromium.launch({
  executablePath,
  // The sandbox does not work for root. The script opens pages of this server only.
  chromiumSandbox: false,
  args: ['--disable-quic'],
});
try {
  const challengeId = await orderProductionTest(origin, key, { title: 'Browser test', providerIds: ['bankidse'], maxStamps: 10 });
  const tester = (outcome) => (page) => play(page, { origin, challengeId, providerId: 'bankidse', platform: 'ios', outcome });

  for (const screen of SCREENS) {
    for (const act of [docs.readReference, docs.readDocuments]) {
      await check(browser, `${act.name} on a ${screen.name}`, screen, (page) => act(page, { origin }));
    }
    await check(browser, `stamp on a ${screen.name}`, screen, tester('completed'));
    await check(browser, `no stamp on a ${screen.name}`, screen, tester('failed'));
    const withoutScript = { ...screen, options: { ...screen.options, javaScriptEnabled: false } };
    await check(browser, `stamp on a ${screen.name} without script`, withoutScript, tester('completed'));
    await useConsole(browser, screen);
    await takeTest(browser, screen);
    await takeTestAtProvider(browser, screen, provider.issuer);
  }

  const laptop = SCREENS.at(-1);
  await check(browser, `tryTwice on a ${laptop.name}`, laptop, (page) => docs.tryTwice(page, { origin }));

  const { stats } = await report(origin, key, challengeId);
  assertEqual('totalParticipations', stats.totalParticipations, 3 * SCREENS.length);
  assertEqual('totalClaims', stats.totalClaims, 2 * SCREENS.length);
  console.log('ok      the report counts them all');
} finally {
  await browser.close();
  provider.close();
}
process.exitCode = failures === 0 ? 0 : 1;
