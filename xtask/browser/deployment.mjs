// A deployment of the program under test, in a folder of its own, and everything that it says.

import { execFile, spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

const LISTENS = /^fieldtest listens on (\S+)$/m;

/** The environment without the options of whoever runs the test. */
const ENVIRONMENT = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('FIELDTEST_')));

/** A port that is free now. Provider and deployment must know each other's before they start. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Runs `fieldtest serve` and waits until it listens. */
export async function serve(program, data, port, options) {
  const address = ['--listen', `127.0.0.1:${port}`, '--data-dir', data];
  const child = spawn(program, ['serve', ...address, ...options], { env: ENVIRONMENT, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { text: '' };
  const ended = new Promise((resolve) => child.once('close', resolve));
  await new Promise((resolve, reject) => {
    const listen = (part) => {
      said.text += part;
      if (LISTENS.test(said.text)) resolve();
    };
    child.stdout.setEncoding('utf8').on('data', listen);
    child.stderr.setEncoding('utf8').on('data', listen);
    ended.then((code) => reject(new Error(`fieldtest ended with ${code}: ${said.text.slice(-2000)}`)));
  });
  return {
    origin: `http://127.0.0.1:${port}`,
    /** Standard output and standard error until now. */
    output: () => said.text,
    /** Stops the server. */
    stop: async () => {
      child.kill('SIGTERM');
      const code = await ended;
      if (code !== 0) throw new Error(`fieldtest ended with ${code}: ${said.text.slice(-2000)}`);
    },
    kill: () => child.kill('SIGKILL'),
  };
}

/** Runs `fieldtest admin …` on this data directory, and returns the first thing that it prints as JSON. */
export async function admin(program, data, ...words) {
  const { stdout } = await promisify(execFile)(program, ['admin', ...words, '--data-dir', data, '--json'], { env: ENVIRONMENT });
  return JSON.parse(stdout)[0];
}

/** The bytes of the database files in a data directory, SQLite's write-ahead logs among them. */
export function databaseFiles(data) {
  const names = readdirSync(data, { recursive: true }).filter((name) => /\.(db|sqlite3?)(-wal|-shm)?$/.test(name));
  return names.map((name) => ({ name, bytes: readFileSync(join(data, name)) }));
}
