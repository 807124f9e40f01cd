// The program of `cargo xtask test --only clients` for the generated TypeScript client.
//
// Environment: the ORIGIN of a sandbox server, the API_KEY of its demo workspace, and the DOCUMENT that the client is
// generated from.

import { readFile } from 'node:fs/promises';
import { seeErrors } from './errors.js';
import { client } from './fieldtest/client.gen.js';
import { spendFirstMinute } from './first-minute.js';
import { expectOperations } from './operations.js';

// The timeout of the whole program.
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
