// The testers' pages: people take a test, each with a browser of their own.

import axe from 'axe-core';

/** Fails if a rule for accessibility is broken on this page. WCAG 2.2 AA is among the rules. */
export async function assertAccessible(page) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 100)).join(' ')}`);
  if (told.length > 0) throw new Error(`not accessible: ${told.join('\n        ')}`);
}

/** Waits for a page with this heading, and checks it. */
export async function see(page, heading) {
  await page.getByRole('heading', { level: 1, name: heading }).waitFor();
  await assertAccessible(page);
}

/** Opens the link of a test and begins with a provider. Ends on the page that waits. */
export async function begin(page, { origin, challengeId, provider }) {
  await page.goto(`${origin}/t/${challengeId}`);
  await assertAccessible(page);
  const phone = page.getByLabel('iPhone');
  if (await phone.count() > 0) await phone.check();
  await page.getByRole('button', { name: `Start with ${provider}` }).click();
  await see(page, 'Confirm who you are');
}

/** Goes on to the simulator and presses a button there. */
export async function verify(page, { provider, button = 'Confirm my identity' }) {
  await page.getByRole('link', { name: `Continue to ${provider}` }).click();
  await see(page, provider);
  await page.getByRole('button', { name: button }).click();
}

/** A whole test that ends with a stamp. */
export async function take(page, test) {
  await begin(page, test);
  await verify(page, test);
  await see(page, 'Stamp granted');
}

/** Cancels at the eID, and tries again. */
export async function cancelAndTryAgain(page, test) {
  await begin(page, test);
  await verify(page, { ...test, button: 'Cancel' });
  await see(page, 'Cancelled');
  await page.getByRole('link', { name: 'Try again' }).click();
  await page.getByRole('button', { name: `Start with ${test.provider}` }).waitFor();
  await take(page, test);
}

/** Goes back and reloads in the middle, and still gets a stamp. */
export async function wander(page, test) {
  await begin(page, test);
  await page.getByRole('link', { name: `Continue to ${test.provider}` }).click();
  await page.goBack();
  await see(page, 'Confirm who you are');
  await page.reload();
  await see(page, 'Confirm who you are');
  await page.goto(`${test.origin}/t/${test.challengeId}`);
  await page.getByRole('link', { name: `Go on with ${test.provider}` }).click();
  await see(page, 'Confirm who you are');
  await verify(page, test);
  await see(page, 'Stamp granted');
  await page.reload();
  await see(page, 'Stamp granted');
}

/** The page that waits follows by itself when the verification ends in another tab. */
export async function followAnotherTab(page, test) {
  await begin(page, test);
  const other = await page.context().newPage();
  await other.goto(page.url());
  await verify(other, test);
  await see(other, 'Stamp granted');
  await other.close();
  await see(page, 'Stamp granted');
}

/** With scripts off, the page that waits loads itself again and shows what happened in another tab. */
export async function takeWithoutScript(page, { origin, challengeId, provider }) {
  const heading = (of, name) => of.getByRole('heading', { level: 1, name }).waitFor();
  await page.goto(`${origin}/t/${challengeId}`);
  const phone = page.getByLabel('iPhone');
  if (await phone.count() > 0) await phone.check();
  await page.getByRole('button', { name: `Start with ${provider}` }).click();
  await heading(page, 'Confirm who you are');
  const other = await page.context().newPage();
  await other.goto(page.url());
  await other.getByRole('link', { name: `Continue to ${provider}` }).click();
  await other.getByRole('button', { name: 'Confirm my identity' }).click();
  await heading(other, 'Stamp granted');
  await other.close();
  await heading(page, 'Stamp granted');
}

/** The test is over: the link says so kindly. */
export async function comeTooLate(page, { origin, challengeId }) {
  await page.goto(`${origin}/t/${challengeId}`);
  await see(page, 'All stamps are granted');
  await page.getByText('Thank you for wanting to help!').waitFor();
}
