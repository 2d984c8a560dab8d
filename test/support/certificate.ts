/** A certificate for 127.0.0.1 that nobody vouches for but itself, made anew for the test by the `openssl` of the machine. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Scope } from './child-handle.js';

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
}

export async function makeCertificate(scope: Scope): Promise<Certificate> {
  const folder = await mkdtemp(join(tmpdir(), 'warren-tls-'));
  scope.teardown(() => rm(folder, { recursive: true, force: true }));
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const whom = ['-days', '2', '-subj', '/CN=warren test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  await promisify(execFile)('openssl', [...kind, ...whom, '-keyout', keyFile, '-out', certFile]);
  return { certFile, keyFile };
}
