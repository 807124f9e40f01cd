// A certificate authority of the test's own, made with openssl.

import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const openssl = (folder, ...words) => execFileSync('openssl', words, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** Makes an authority in this folder. */
export function makeAuthority(folder) {
  openssl(folder, 'req', '-x509', ...KEY, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=The authority of the test', '-addext', 'basicConstraints=critical,CA:TRUE');
  return {
    /** The file with its certificate. */
    file: join(folder, 'ca.pem'),
    certificate: readFileSync(join(folder, 'ca.pem')),
    /** Issues a certificate for a name of the certificate `subjectAltName`, such as `IP:127.0.0.1`. */
    issue: (file, subjectAltName) => {
      const [key, request, extensions, certificate] = ['key', 'csr', 'ext', 'pem'].map((end) => `${file}.${end}`);
      openssl(folder, 'req', ...KEY, '-keyout', key, '-out', request, '-subj', `/CN=${file}`);
      writeFileSync(join(folder, extensions), `subjectAltName=${subjectAltName}\nextendedKeyUsage=serverAuth\n`);
      openssl(folder, 'x509', '-req', '-in', request, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '1', '-extfile', extensions, '-out', certificate);
      const [keyFile, certFile] = [join(folder, key), join(folder, certificate)];
      return { key: readFileSync(keyFile), cert: readFileSync(certFile), keyFile, certFile };
    },
  };
}

/** The hash of a certificate's public key, by which Chromium is told to trust this one and no other. */
export function keyHash({ cert }) {
  const key = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(key).digest('base64');
}
