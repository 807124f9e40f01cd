// The engineer's console: orders a test in one window, while testers take it in others.

import * as pages from './pages.mjs';

const APP = 'FK5b0KSM';

/** Signs in with a key, and ends on the list of apps. */
export async function signIn(page, { origin, key, see = pages.see }) {
  await page.goto(`${origin}/console`);
  await see(page, 'Sign in');
  await page.getByLabel('API key').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await see(page, 'Apps');
}

/** Orders a test with the form, and ends on its page. */
export async function order(page, { origin, title, stamps, see = pages.see }) {
  await page.goto(`${origin}/console/apps/${APP}`);
  await see(page, 'Acme Bank');
  await page.getByRole('link', { name: 'Order a test' }).click();
  await see(page, 'Order a test');
  await page.getByLabel('Title').fill(title);
  await page.getByLabel(/Stamps/).fill(String(stamps));
  await page.getByRole('button', { name: 'Order test' }).click();
  await see(page, title);
}

/** The test that the page shows, for a tester's browser. Waits until it is open. */
async function testOnPage(page, origin) {
  const link = page.getByRole('link', { name: 'Take the test yourself' });
  await link.waitFor();
  await pages.assertAccessible(page);
  const challengeId = (await link.getAttribute('href')).split('/t/')[1];
  return { origin, challengeId, provider: 'BankID SE' };
}

/** Waits until the page says by itself how many stamps were granted. */
export async function stamps(page, text) {
  await page.locator('#stamps', { hasText: text }).waitFor();
}

/** Three people take the test, the fourth is too late, and gets a stamp once there is more room. */
export async function followTest(page, { origin, key, openTester }) {
  await signIn(page, { origin, key });
  await order(page, { origin, title: 'Watched test', stamps: 3 });
  const test = await testOnPage(page, origin);
  for (const claimed of [1, 2, 3]) {
    const tester = await openTester();
    await pages.take(tester.page, test);
    await tester.close();
    await stamps(page, `${claimed} of 3`);
  }
  await page.getByText('complete', { exact: true }).first().waitFor();
  const fourth = await openTester();
  await pages.comeTooLate(fourth.page, test);
  await page.getByLabel('Stamps', { exact: true }).fill('4');
  await page.getByRole('button', { name: 'Change' }).click();
  await stamps(page, '3 of 4');
  await pages.take(fourth.page, test);
  await fourth.close();
  await stamps(page, '4 of 4');
  await pages.assertAccessible(page);
  const [report] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Report (JSON)' }).click()]);
  const { stats } = JSON.parse(await streamText(await report.createReadStream()));
  if (stats.totalClaims !== 4) throw new Error(`the report counts ${stats.totalClaims} stamps`);
}

/** Signs in, orders and cancels. Works without scripts. */
export async function orderAndCancel(page, { origin, key }) {
  // The rules for accessibility are checked by a script.
  const see = (shown, heading) => shown.getByRole('heading', { level: 1, name: heading }).waitFor();
  await signIn(page, { origin, key, see });
  await order(page, { origin, title: 'Cancelled test', stamps: 1, see });
  await page.reload();
  await page.getByRole('button', { name: 'Cancel test' }).click();
  await see(page, 'Cancelled test');
  await page.getByText(/^(closed|cancelled)$/).first().waitFor();
  await page.goto(`${origin}/console/apps/${APP}?order=desc&status=failed`);
  await page.getByText('No production test has this status.').waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await see(page, 'Sign in');
}

/** Makes a read-only key and a link, and looks with both; looks at the webhook. */
export async function lookWithout(page, { origin, key, openTester }) {
  await signIn(page, { origin, key });
  await order(page, { origin, title: 'Shared test', stamps: 1 });
  await page.getByRole('button', { name: 'Make link' }).click();
  await page.getByText('The link is made.').waitFor();
  await pages.assertAccessible(page);
  const shared = await page.locator('.link code').first().innerText();
  const colleague = await openTester();
  await colleague.page.goto(shared);
  await pages.see(colleague.page, 'Shared test');
  if (await colleague.page.getByRole('button', { name: 'Cancel test' }).count() > 0) throw new Error('the link can cancel');
  await page.goto(`${origin}/console/apps/${APP}/webhooks`);
  await pages.see(page, 'Webhook');
  await page.goto(`${origin}/console/apps/${APP}/providers`);
  await page.getByRole('link', { name: 'SPID' }).click();
  await pages.see(page, 'Activation of SPID');
  const activate = page.getByRole('button', { name: 'Activate SPID' });
  if (await activate.count() > 0) await activate.click();
  await page.getByText('Status: activated').waitFor();
  await pages.assertAccessible(page);
  await page.getByRole('link', { name: 'Keys' }).click();
  await pages.see(page, 'Keys');
  await page.getByLabel('What it is for').fill('Looks only');
  await page.getByLabel('Access').selectOption('read_only');
  await page.getByRole('button', { name: 'Make key' }).click();
  await page.getByText('Copy it now').waitFor();
  await pages.assertAccessible(page);
  const readOnly = await page.locator('.link code').first().innerText();
  await signIn(colleague.page, { origin, key: readOnly });
  await colleague.page.goto(`${origin}/console/apps/${APP}/providers`);
  await pages.see(colleague.page, 'Providers');
  if (await colleague.page.getByRole('button', { name: /able BankID/ }).count() > 0) throw new Error('a read-only key has buttons');
  // Revoking the key ends its session.
  page.once('dialog', (dialog) => dialog.accept());
  await page.getByRole('button', { name: 'Revoke the key Looks only' }).first().click();
  await pages.see(page, 'Keys');
  await colleague.page.reload();
  await pages.see(colleague.page, 'Sign in');
  await colleague.close();
}

async function streamText(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
