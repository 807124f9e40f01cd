// A tester: joins a challenge, is verified by the simulator, and gets a stamp or does not.

/** What the simulator's buttons make of a participation. */
const STATUS_AFTER = { completed: 'claimed', failed: 'failed' };

/** Joins, opens the simulator's page, presses the button for `outcome`, and checks what page and API say then. */
export async function play(page, { origin, challengeId, providerId, platform, outcome }) {
  const joined = await join(page, origin, challengeId, { providerId, platform });
  await page.goto(joined.verificationUrl);
  // Each tester is another person.
  const subject = page.locator('input[name="subject"]:visible');
  if (await subject.count() > 0) await subject.first().fill(`person of ${joined.id}`);
  await press(page, buttonFor(page, outcome));

  const status = await readStatus(page, origin, joined);
  if (status !== STATUS_AFTER[outcome]) throw new Error(`the participation is ${status}, not ${STATUS_AFTER[outcome]}`);
  if (await buttonFor(page, outcome).count() > 0) throw new Error('the page still asks for what is decided');
  if (outcome === 'completed') await page.getByText(/stamp/i).first().waitFor();
}

/** Joins as the tester's app would, with the cookies of the tester's browser. */
async function join(page, origin, challengeId, choice) {
  const answer = await page.context().request.post(`${origin}/tpas/v1/challenges/${challengeId}/participations`, { data: choice });
  if (answer.status() !== 201) throw new Error(`joining was answered ${answer.status()}: ${await answer.text()}`);
  const joined = await answer.json();
  if (!joined.verificationUrl.startsWith(`${origin}/`)) throw new Error(`${joined.verificationUrl} is elsewhere`);
  return joined;
}

/** The button of the form that reports this outcome: it carries the outcome itself, or its form does. */
function buttonFor(page, outcome) {
  const own = page.locator(`button[name="outcome"][value="${outcome}"]`);
  return own.or(page.locator(`form:has(input[type="hidden"][name="outcome"][value="${outcome}"]) button`));
}

async function press(page, button) {
  const answered = page.waitForResponse((response) => response.request().method() === 'POST');
  await button.first().click();
  const answer = await answered;
  if (!answer.ok()) throw new Error(`the button was answered ${answer.status()}`);
  await page.waitForLoadState();
}

async function readStatus(page, origin, { id, token }) {
  const headers = { Authorization: `Bearer ${token}` };
  const answer = await page.context().request.get(`${origin}/tpas/v1/participations/${id}`, { headers });
  if (!answer.ok()) throw new Error(`reading the participation was answered ${answer.status()}: ${await answer.text()}`);
  return (await answer.json()).status;
}
