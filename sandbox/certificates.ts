import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'

/** A certificate and its private key, both PEM. */
export interface IssuedCertificate {
  readonly certificate: string
  readonly key: string
}

export interface CertificateSubject {
  /** DNS names; the first is the common name too. */
  readonly names: readonly string[]
  /** Addresses beside 127.0.0.1 and ::1, which every certificate of the sandbox carries. */
  readonly addresses?: readonly string[]
}

/** The certificate authority of one sandbox. Its key never leaves the process, so nobody else can issue by it. */
export interface Authority {
  /** The authority's own certificate, PEM: what clients are told to trust. */
  readonly certificate: string
  issue(subject: CertificateSubject): Promise<IssuedCertificate>
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY = 24 * 60 * 60 * 1000
/** A sandbox is made for an afternoon; one left running over a long weekend still works. */
const LIFETIME = 30 * DAY
const LOOPBACK = ['127.0.0.1', '::1'] as const

/** Makes a fresh authority (EC P-256, valid for 30 days). `name` is what its certificate calls it. */
export async function createAuthority(
  name = `pgctl sandbox ${randomBytes(4).toString('hex')}`,
): Promise<Authority> {
  // The certificate library takes a while to load and patches Reflect: only a sandbox that starts pays for it.
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  const { subtle } = globalThis.crypto
  const period = () => ({ notBefore: new Date(Date.now() - DAY), notAfter: new Date(Date.now() + LIFETIME) })
  const makeKeys = () => subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])

  const keys = await makeKeys()
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [name] }],
    keys,
    signingAlgorithm: ALGORITHM,
    ...period(),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })

  return {
    certificate: `${root.toString('pem')}\n`,
    async issue({ names, addresses = [] }) {
      const own = await makeKeys()
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: serialNumber(),
        subject: [{ CN: [names[0] ?? 'localhost'] }],
        issuer: root.subject,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        ...period(),
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
          new x509.SubjectAlternativeNameExtension(alternativeNames(names, addresses)),
          await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
          await x509.SubjectKeyIdentifierExtension.create(own.publicKey),
        ],
      })
      const pkcs8 = Buffer.from(await subtle.exportKey('pkcs8', own.privateKey)).toString('base64')
      return {
        certificate: `${certificate.toString('pem')}\n`,
        key: `-----BEGIN PRIVATE KEY-----\n${pkcs8.replace(/.{64}(?=.)/g, '$&\n')}\n-----END PRIVATE KEY-----\n`,
      }
    },
  }
}

function alternativeNames(names: readonly string[], addresses: readonly string[]) {
  const dns = names.filter((name) => isIP(name) === 0)
  const ip = new Set([...LOOPBACK, ...addresses, ...names.filter((name) => isIP(name) !== 0)])
  return [
    ...dns.map((value) => ({ type: 'dns' as const, value })),
    ...[...ip].map((value) => ({ type: 'ip' as const, value })),
  ]
}

/** Positive, as the format wants it: the first bit stays clear. */
function serialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40
  return bytes.toString('hex')
}
