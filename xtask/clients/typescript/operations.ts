// The client has all that the document has.

import assert from 'node:assert/strict';
import * as fieldtest from './fieldtest/index.js';

interface Document {
  paths: Record<string, Record<string, { operationId: string }>>;
}

/** Each operation is a function that has its name, and nothing else is one. */
export function expectOperations({ paths }: Document) {
  const documented = Object.values(paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
  const functions = Object.entries(fieldtest).filter(([, member]) => typeof member === 'function').map(([name]) => name);
  assert.deepEqual(functions.sort(), documented.sort());
}
