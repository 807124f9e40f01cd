// A person with a browser of their own, without a browser: keeps cookies, follows redirects, fills in forms.

/** Begins a test with a provider there, and does at the provider what `answer` says. Returns the page at the end and the way to it. */
export async function takeBy(test, answer) {
  const person = new Person(test.address);
  const form = new URLSearchParams({ provider: test.providerId, platform: 'ios' });
  const begun = await person.open(`${test.origin}/t/${test.challengeId}/participations`, form);
  const link = begun.text.match(/href="([^"]*\/verifications\/[^"]*)"/)?.[1];
  if (!link) throw new Error(`no link to the provider on the page (${begun.status}): ${begun.text.slice(0, 500)}`);
  const start = new URL(link.replaceAll('&amp;', '&'), test.origin);
  const end = await person.open(start.href, undefined, (url) => {
    if (!url.pathname.startsWith('/person/')) return url;
    url.search = new URLSearchParams(answer);
    return url;
  });
  return { ...end, person, participation: begun.url };
}

class Person {
  #cookies = new Map();

  #address;

  /** `address` is the one from which a proxy says that the person comes. */
  constructor(address) {
    this.#address = address;
    this.visited = [];
  }

  /** Opens a page, or sends a form, and follows where it leads. `change` may change an address before it is opened. */
  async open(address, form, change = (url) => url) {
    let url = new URL(address);
    let body = form;
    for (let step = 0; step < 15; step += 1) {
      url = change(url);
      this.visited.push(url.href);
      const response = await fetch(url, { method: body ? 'POST' : 'GET', body, redirect: 'manual', headers: this.#headers(url), signal: AbortSignal.timeout(20_000) });
      this.#keep(url, response);
      const location = response.headers.get('location');
      if (location === null) return { url: url.href, status: response.status, text: await response.text() };
      url = new URL(location, url);
      body = undefined;
    }
    throw new Error('too many redirects');
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
