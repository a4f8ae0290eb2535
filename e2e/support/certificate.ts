import { execFileSync } from 'node:child_process';
import path from 'node:path';

/** Makes a certificate for localhost, signed by itself, and the settings that serve by it. */
export function tlsFor(folder: string): Record<string, string> {
  const cert = path.join(folder, 'cert.pem');
  const key = path.join(folder, 'key.pem');
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
      ...['-keyout', key, '-out', cert],
    ],
    { stdio: 'ignore' },
  );
  return { MEANWHILE_TLS: 'files', MEANWHILE_TLS_CERT: cert, MEANWHILE_TLS_KEY: key };
}
