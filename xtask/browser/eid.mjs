// People take a test at a real OpenID Connect provider, each in a browser of their own.

import { begin, see } from './pages.mjs';
import { cancel, logIn } from './provider.mjs';

/** Begins the test and goes to the provider. */
async function goThere(page, test) {
  await begin(page, test);
  await page.getByRole('link', { name: `Continue to ${test.provider}` }).click();
}

/** A person logs in and gets a stamp. */
export async function takeAtProvider(page, test) {
  await goThere(page, test);
  await logIn(page, test.person);
  await see(page, 'Stamp granted');
}

/** Cancels at the provider, and tries again. */
export async function cancelAtProvider(page, test) {
  await goThere(page, test);
  await cancel(page);
  await see(page, 'Cancelled');
  await page.getByRole('link', { name: 'Try again' }).click();
  await page.getByRole('button', { name: `Start with ${test.provider}` }).waitFor();
  await takeAtProvider(page, test);
}

/**
 * Begins in one browser and comes back from the provider in another one, as phones do that open the provider's app. That one is asked; the
 * first one follows by itself.
 */
export async function comeBackElsewhere(page, test, openOther) {
  await begin(page, test);
  const start = await page.getByRole('link', { name: `Continue to ${test.provider}` }).getAttribute('href');
  const other = await openOther();
  await other.goto(start);
  await logIn(other, test.person);
  await see(other, 'Was that you?');
  await other.getByRole('button', { name: 'Yes, that was me' }).click();
  await see(other, 'Stamp granted');
  await other.context().close();
  await see(page, 'Stamp granted');
}

/** Goes back from the provider, begins with it again, and looks back and reloads after the stamp. */
export async function wanderAtProvider(page, test) {
  await goThere(page, test);
  await page.locator('input[name="login"]').waitFor();
  await page.goBack();
  await see(page, 'Confirm who you are');
  await page.reload();
  await see(page, 'Confirm who you are');
  await page.getByRole('link', { name: `Continue to ${test.provider}` }).click();
  await logIn(page, test.person);
  await see(page, 'Stamp granted');
  await page.reload();
  await see(page, 'Stamp granted');
  await page.goBack();
  await page.goForward();
  await see(page, 'Stamp granted');
}

/** Loses the connection while another browser finishes. The page stays as it is, and follows when the connection is back. */
export async function loseConnection(page, test, openOther) {
  await begin(page, test);
  const start = await page.getByRole('link', { name: `Continue to ${test.provider}` }).getAttribute('href');
  await page.context().setOffline(true);
  const other = await openOther();
  await other.goto(start);
  await logIn(other, test.person);
  await other.getByRole('button', { name: 'Yes, that was me' }).click();
  await see(other, 'Stamp granted');
  await other.context().close();
  await page.waitForEvent('requestfailed');
  await see(page, 'Confirm who you are');
  await page.context().setOffline(false);
  await see(page, 'Stamp granted');
}
