// A tester: joins a challenge, is verified by the simulator, and gets a stamp or does not.

/** The status of the participation after each button of the simulator. */
const STATUS_AFTER = { completed: 'claimed', failed: 'failed' };

/** Joins, opens the simulator's page, presses the button for `outcome`, and checks the page and the API. */
export async function play(page, { origin, challengeId, providerId, platform, outcome }) {
  const joined = await join(page, origin, challengeId, { providerId, platform });
  await page.goto(joined.verificationUrl);
  // Each tester is a different person.
  const subject = page.locator('input[name="subject"]:visible');
  if (await subject.count() > 0) await subject.first().fill(`person of ${joined.id}`);
  await press(page, buttonFor(page, outcome));

  const status = await readStatus(page, origin, joined);
  if (status !== STATUS_AFTER[outcome]) throw new Error(`the participation is ${status}, not ${STATUS_AFTER[outcome]}`);
  if (await buttonFor(page, outcome).count() > 0) throw new Error('the page still has the button after the outcome');
  if (outcome === 'completed') await page.getByText(/stamp/i).first().waitFor();
}

/** Joins as the tester's app would, with the cookies of the tester's browser. */
async function join(page, origin, challengeId, choice) {
  const response = await page.context().request.post(`${origin}/tpas/v1/challenges/${challengeId}/participations`, { data: choice });
  if (response.status() !== 201) throw new Error(`joining returned ${response.status()}: ${await response.text()}`);
  const joined = await response.json();
  if (!joined.verificationUrl.startsWith(`${origin}/`)) throw new Error(`${joined.verificationUrl} is on another host`);
  return joined;
}

/** The button for this outcome: the outcome is in the button or in its form. */
function buttonFor(page, outcome) {
  const own = page.locator(`button[name="outcome"][value="${outcome}"]`);
  return own.or(page.locator(`form:has(input[type="hidden"][name="outcome"][value="${outcome}"]) button`));
}

async function press(page, button) {
  const pending = page.waitForResponse((response) => response.request().method() === 'POST');
  await button.first().click();
  const response = await pending;
  if (response.status() >= 400) throw new Error(`the button returned ${response.status()}`);
  await page.waitForLoadState();
}

async function readStatus(page, origin, { id, token }) {
  const headers = { Authorization: `Bearer ${token}` };
  const response = await page.context().request.get(`${origin}/tpas/v1/participations/${id}`, { headers });
  if (!response.ok()) throw new Error(`reading the participation returned ${response.status()}: ${await response.text()}`);
  return (await response.json()).status;
}
