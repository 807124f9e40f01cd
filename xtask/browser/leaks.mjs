// Searches everything that a deployment says and keeps for what it must not.

import { databaseFiles } from './deployment.mjs';

/** The secrets that a person's browser saw: they were in the addresses that it visited. */
export function ofPerson({ visited }) {
  const names = ['code', 'state', 'nonce', 'code_challenge', 'request_uri'];
  const parameters = visited.map((address) => new URL(address).searchParams);
  return Object.fromEntries(names.flatMap((name) => parameters.map((all, index) => [`${name} ${index}`, all.get(name)])));
}

/** The secrets that went to the provider and came from it. */
export function ofProvider({ exchanges }) {
  const found = {};
  exchanges.forEach(({ path, sent, answer }, index) => {
    const add = (name, value) => { found[`${name} of ${path} ${index}`] = value; };
    for (const name of ['code', 'code_verifier', 'client_assertion', 'client_secret', 'authorization', 'state', 'nonce']) add(name, sent[name]);
    for (const name of ['access_token', 'id_token', 'request_uri']) add(name, answer?.[name]);
    if (path === '/me') add('userinfo', answer);
    for (const token of [answer?.id_token, sent.client_assertion, path === '/me' ? answer : undefined]) {
      // The header of a token is the same for all, and no secret.
      if (typeof token === 'string') token.split('.').slice(1).forEach((part, place) => add(`part ${place} of a token`, part));
    }
  });
  return found;
}

/** Secrets, and the search for them. */
export class Leaks {
  #secrets = new Map();

  get size() { return this.#secrets.size; }

  /** Adds a secret as it is, and as it is written in an address or a form. */
  add(name, secret) {
    if (typeof secret !== 'string' || secret.length < 8) return;
    for (const text of [secret, encodeURIComponent(secret), new URLSearchParams({ a: secret }).toString().slice(2)]) {
      if (!this.#secrets.has(text)) this.#secrets.set(text, name);
    }
  }

  addAll(secrets) {
    for (const [name, secret] of Object.entries(secrets)) this.add(name, secret);
  }

  /** Fails if one of the secrets is in `bytes`. The error names the secret and does not show it. */
  search(place, bytes) {
    const found = [...this.#secrets].filter(([secret]) => bytes.includes(secret)).map(([, name]) => name);
    if (found.length > 0) throw new Error(`in ${place}: ${[...new Set(found)].slice(0, 10).join(', ')}`);
  }

  /** Fails unless there are secrets of all kinds. */
  assertComplete() {
    const names = [...this.#secrets.values()].join('\n');
    for (const kind of ['code ', 'state ', 'nonce ', 'code_verifier ', 'access_token ', 'id_token ', 'part 1 of a token', 'client_assertion ', 'authorization ', 'userinfo ', 'client secret', 'subject', 'pairwise', 'name', 'national_number']) {
      if (!names.includes(kind)) throw new Error(`no secret of the kind ${kind} was recorded, so that the search proves nothing`);
    }
  }

  /** Searches the log at its most verbose, the metrics, answers, errors and the database files, while the server runs and after its end. */
  async searchDeployment({ origin, server, data, key, app, refusingProvider }) {
    this.assertComplete();
    const headers = { Authorization: `Bearer ${key}` };
    const [code, state] = ['code ', 'state '].map((kind) => [...this.#secrets].find(([, name]) => name.startsWith(kind))[0]);
    const callback = `/tpas/v1/verifications/callback?code=${code}&state=`;
    const paths = ['/metrics', '/health/ready', `/connect/v1/apps/${app}/production-tests?limit=100`, `${callback}${state}`, `${callback}x${state}`, `${callback}${state}&state=${state}`, `/nowhere?code=${code}&state=${state}`];
    const answers = {};
    for (const path of paths) {
      const response = await fetch(origin + path, { headers, redirect: 'manual' });
      const text = await response.text();
      answers[path] = text;
      const told = [...response.headers].map(([name, value]) => `${name}: ${value}\n`).join('');
      this.search(`the answer to ${path.split('?')[0]}`, told + text);
    }
    const searchFiles = () => databaseFiles(data).forEach(({ name, bytes }) => this.search(name, bytes));
    searchFiles();
    const files = databaseFiles(data);
    await server.stop();
    searchFiles();
    this.search('the log', server.output());
    // The same search finds what may be there: it can fail.
    const control = (place, bytes, text) => {
      const one = new Leaks();
      one.add('the control', text);
      try {
        one.search(place, bytes);
      } catch {
        return;
      }
      throw new Error(`the search does not find ${text} in ${place}`);
    };
    control('the log', server.output(), '/tpas/v1/verifications/callback');
    control('the metrics', answers['/metrics'], 'fieldtest_');
    control('the database', Buffer.concat(files.map(({ bytes }) => bytes)), app);
    if (!files.some(({ name }) => name.endsWith('-wal'))) throw new Error('no write-ahead log was searched');
    control('the log', server.output(), refusingProvider);
  }
}
