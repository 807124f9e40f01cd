// The script of `cargo xtask screenshots`: a picture of the testers' pages in each state, on a phone.
//
// Environment: the ORIGIN of a sandbox server, the API_KEY of its demo workspace, the program CHROMIUM, and a folder for PICTURES.

import { chromium } from 'playwright-core';
import { orderProductionTest } from './api.mjs';
import * as engineer from './console.mjs';
import { begin, see, take, verify } from './pages.mjs';
import { SCREENS, openScreen } from './screen.mjs';

const { ORIGIN: origin, API_KEY: key, CHROMIUM: executablePath, PICTURES: pictures } = process.env;
const [phone, laptop] = SCREENS.map((screen) => ({ ...screen, options: { ...screen.options, deviceScaleFactor: 1 } }));

const browser = await chromium.launch({ executablePath, chromiumSandbox: false, args: ['--disable-quic'] });

const order = async (maxStamps) => {
  const body = { title: 'BankID SE Test', description: 'Log in with your own BankID.', providerIds: ['bankidse'], maxStamps };
  return { origin, challengeId: await orderProductionTest(origin, key, body), provider: 'BankID SE' };
};

/** Opens a new profile, lets `act` lead to a state, and takes its picture. */
async function picture(name, screen, act) {
  const { page, close } = await openScreen(browser, screen, [origin]);
  await act(page);
  await page.screenshot({ path: `${pictures}/${name}.png` });
  await close();
  console.log(`docs/screenshots/${name}.png`);
}

const test = await order(3);
const link = `${origin}/t/${test.challengeId}`;
await picture('open', phone, (page) => page.goto(link));
await picture('open-on-a-laptop', laptop, (page) => page.goto(link));
await picture('welcome', phone, (page) => page.goto(origin));
await picture('waiting', phone, (page) => begin(page, test));
await picture('simulator', phone, async (page) => {
  await begin(page, test);
  await page.getByRole('link', { name: 'Continue to BankID SE' }).click();
  await see(page, 'BankID SE');
});
await picture('cancelled', phone, async (page) => {
  await begin(page, test);
  await verify(page, { ...test, button: 'Cancel' });
  await see(page, 'Cancelled');
});
const one = await order(1);
await picture('stamp', phone, async (page) => {
  await begin(page, one);
  await verify(page, one);
  await see(page, 'Stamp granted');
});
for (const [name, screen] of [['console', laptop], ['console-on-a-phone', phone]]) {
  await picture(name, screen, async (page) => {
    await engineer.signIn(page, { origin, key });
    await engineer.order(page, { origin, title: 'BankID SE Test', stamps: 3 });
    const link = page.getByRole('link', { name: 'Take the test yourself' });
    const challengeId = (await link.getAttribute('href')).split('/t/')[1];
    const tester = await openScreen(browser, phone, [origin]);
    await take(tester.page, { origin, challengeId, provider: 'BankID SE' });
    await tester.close();
    await page.locator('#stamps', { hasText: '1 of 3' }).waitFor();
  });
}
await picture('console-list', laptop, async (page) => {
  await engineer.signIn(page, { origin, key });
  await page.goto(`${origin}/console/apps/FK5b0KSM`);
  await see(page, 'Acme Bank');
});
await picture('over', phone, (page) => page.goto(`${origin}/t/${one.challengeId}`));
await browser.close();
