// A person with a browser of their own, without a browser: keeps cookies, follows redirects, fills in forms.

/** Begins a test with a provider there, and does at the provider what `answer` says. Returns the page at the end and the way to it. */
export async function takeBy(test, answer) {
  const { person, back, ...begun } = await comeBackLater(test, answer);
  return { ...begun, ...await person.open(back), person };
}

/** Like `takeBy`, but does not open the address that leads back. Returns it as `back`. */
export async function comeBackLater(test, answer) {
  const person = new Person(test.address);
  const form = new URLSearchParams({ provider: test.providerId, platform: 'ios' });
  const begun = await person.open(`${test.origin}/t/${test.challengeId}/participations`, form);
  const link = begun.text.match(/href="([^"]*\/verifications\/[^"]*)"/)?.[1];
  if (!link) throw new Error(`no link to the provider on the page (${begun.status}): ${begun.text.slice(0, 500)}`);
  const start = new URL(link.replaceAll('&amp;', '&'), test.origin);
  const back = await person.goTo(start.href, (url) => {
    if (url.pathname.startsWith('/person/')) url.search = new URLSearchParams(answer);
    return url.origin === test.origin && url.pathname.endsWith('/callback');
  });
  return { person, back, participation: begun.url };
}

/** A person. */
export class Person {
  #cookies = new Map();

  #address;

  /** `address` is the one from which a proxy says that the person comes. */
  constructor(address) {
    this.#address = address;
    this.visited = [];
  }

  /** Opens a page, or sends a form, and follows where it leads. */
  async open(address, form) {
    let response = await this.#send(new URL(address), form);
    for (let step = 0; step < 15 && response.leadsTo; step += 1) response = await this.#send(response.leadsTo);
    return { url: response.url.href, status: response.status, text: response.text };
  }

  /** Follows redirects until `isEnd`, which may change an address before it is opened, says that the next one is the end. Returns that one. */
  async goTo(address, isEnd) {
    let url = new URL(address);
    for (let step = 0; step < 15; step += 1) {
      if (isEnd(url)) {
        this.visited.push(url.href);
        return url.href;
      }
      const response = await this.#send(url);
      if (!response.leadsTo) throw new Error(`stopped at ${url.pathname} with ${response.status}: ${response.text.slice(0, 500)}`);
      url = response.leadsTo;
    }
    throw new Error('too many redirects');
  }

  async #send(url, body) {
    this.visited.push(url.href);
    const options = { method: body ? 'POST' : 'GET', body, redirect: 'manual', headers: this.#headers(url) };
    const response = await fetch(url, { ...options, signal: AbortSignal.timeout(20_000) });
    this.#keep(url, response);
    const location = response.headers.get('location');
    return { url, status: response.status, text: await response.text(), leadsTo: location === null ? undefined : new URL(location, url) };
  }

  #headers(url) {
    const cookies = [...this.#cookies.get(url.origin) ?? []].map(([name, value]) => `${name}=${value}`);
    return { Accept: 'text/html', Cookie: cookies.join('; '), 'X-Forwarded-For': this.#address, 'User-Agent': 'Mozilla/5.0 (iPhone) Safari' };
  }

  #keep(url, response) {
    const kept = this.#cookies.get(url.origin) ?? new Map();
    for (const text of response.headers.getSetCookie()) {
      const [pair, ...attributes] = text.split(';');
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      const isGone = value === '' || attributes.some((one) => /^\s*max-age=0/i.test(one));
      if (isGone) kept.delete(name); else kept.set(name, value);
    }
    this.#cookies.set(url.origin, kept);
  }
}
