// What `cargo xtask test --only clients` does with the client that was generated for TypeScript.
//
// Environment: ORIGIN of a running sandbox server, its demo workspace's API_KEY, and the DOCUMENT that the client was
// generated from.

import { readFile } from 'node:fs/promises';
import { seeErrors } from './errors.js';
import { client } from './fieldtest/client.gen.js';
import { spendFirstMinute } from './first-minute.js';
import { expectOperations } from './operations.js';

// Whatever hangs, this ends.
const LIMIT_MILLISECONDS = 60_000;
setTimeout(() => {
  console.error(`not done after ${LIMIT_MILLISECONDS / 1000} s`);
  process.exit(1);
}, LIMIT_MILLISECONDS).unref();

const { ORIGIN: origin = '', API_KEY: key = '', DOCUMENT: document = '' } = process.env;

client.setConfig({ baseUrl: origin, auth: key });

expectOperations(JSON.parse(await readFile(document, 'utf8')));
console.log('ok      every operation of the document is a function');
await spendFirstMinute();
console.log('ok      the first minute: ordered, listed, read, joined, verified, reported');
await seeErrors(origin);
console.log('ok      errors are typed');
