// Checks that the client has every operation of the document.

import assert from 'node:assert/strict';
import * as fieldtest from './fieldtest/index.js';

interface Document {
  paths: Record<string, Record<string, { operationId: string }>>;
}

/** Checks that each operation has a function with its name, and that there are no others. */
export function expectOperations({ paths }: Document) {
  const documented = Object.values(paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
  const functions = Object.entries(fieldtest).filter(([, member]) => typeof member === 'function').map(([name]) => name);
  assert.deepEqual(functions.sort(), documented.sort());
}
