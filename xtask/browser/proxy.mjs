// Proxies that end TLS in front of a server: one of Node.js, and the real nginx and Caddy with their recipes in `ops/`.

import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from './deployment.mjs';

const { OPS: ops } = process.env;

/** Starts the proxy of this kind at `proxyPort`, in front of the server at `port`, with a certificate for 127.0.0.1. Returns how to stop it. */
export function startProxy(kind, ports, tls, folder) {
  return { node: startNode, nginx: startNginx, caddy: startCaddy }[kind](ports, tls, folder);
}

async function startNode({ proxyPort, port }, tls) {
  const proxy = createServer(tls, (incoming, answer) => {
    const headers = { ...incoming.headers, 'x-forwarded-for': incoming.socket.remoteAddress, 'x-forwarded-proto': 'https' };
    const onward = request({ port, host: '127.0.0.1', method: incoming.method, path: incoming.url, headers }, (back) => {
      answer.writeHead(back.statusCode, back.headers);
      back.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    answer.on('close', () => onward.destroy());
    incoming.pipe(onward);
  });
  await new Promise((resolve) => proxy.listen(proxyPort, '127.0.0.1', resolve));
  return async () => { proxy.close(); proxy.closeAllConnections(); };
}

/** The recipe with this deployment's ports, name and certificate. Each text must occur in it. */
function recipe(name, replacements) {
  let text = readFileSync(join(ops, name), 'utf8');
  for (const [from, to] of replacements) {
    if (!text.includes(from)) throw new Error(`ops/${name} has no ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

async function startNginx({ proxyPort, port }, tls, folder) {
  const redirect = await freePort();
  const site = recipe('nginx.conf', [
    ['[::]:443', `[::1]:${proxyPort}`], ['listen 443', `listen 127.0.0.1:${proxyPort}`],
    ['[::]:80', `[::1]:${redirect}`], ['listen 80;', `listen 127.0.0.1:${redirect};`],
    ['127.0.0.1:8080', `127.0.0.1:${port}`], ['fieldtest.example', '127.0.0.1'],
    ['/etc/fieldtest/fullchain.pem', tls.certFile], ['/etc/fieldtest/privkey.pem', tls.keyFile],
  ]);
  const own = join(folder, 'nginx');
  mkdirSync(own);
  writeFileSync(join(own, 'site.conf'), site);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${own}/${kind};`).join(' ');
  const account = process.getuid() === 0 ? 'user root;' : '';
  writeFileSync(join(own, 'main.conf'), `${account} daemon off; pid ${own}/pid; events {} http { access_log off; ${temporary} include ${own}/site.conf; }`);
  return run('nginx', ['-e', 'stderr', '-p', own, '-c', join(own, 'main.conf')], {}, proxyPort);
}

async function startCaddy({ proxyPort, port }, tls, folder) {
  const site = recipe('Caddyfile', [
    ['fieldtest.example {', `https://127.0.0.1:${proxyPort} {`], ['127.0.0.1:8080', `127.0.0.1:${port}`],
    ['/etc/fieldtest/fullchain.pem', tls.certFile], ['/etc/fieldtest/privkey.pem', tls.keyFile],
  ]);
  const own = join(folder, 'caddy');
  mkdirSync(own);
  // No administration and no redirect from port 80, which tests must not take.
  writeFileSync(join(own, 'Caddyfile'), `{\n\tadmin off\n\tauto_https disable_redirects\n}\n${site}`);
  const environment = { HOME: own, XDG_DATA_HOME: own, XDG_CONFIG_HOME: own };
  return run('caddy', ['run', '--adapter', 'caddyfile', '--config', join(own, 'Caddyfile')], environment, proxyPort);
}

/** Runs a proxy until it is stopped, and waits until it listens. */
async function run(program, words, environment, port) {
  const child = spawn(program, words, { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const output of [child.stdout, child.stderr]) output.setEncoding('utf8').on('data', (part) => { said += part; });
  let hasEnded = false;
  const ended = new Promise((resolve) => child.once('close', resolve).once('error', resolve)).then(() => { hasEnded = true; });
  for (let attempt = 0; !(await listens(port)); attempt += 1) {
    if (hasEnded || attempt === 100) {
      child.kill('SIGKILL');
      throw new Error(`${program} does not listen: ${said.slice(-2000)}`);
    }
    await wait(100);
  }
  return async () => { child.kill('SIGTERM'); await ended; };
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
    socket.once('error', () => resolve(false));
  });
}
