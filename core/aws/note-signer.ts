import type { KMSClient } from '@aws-sdk/client-kms'
import type { AwsConnection } from '#core/aws/clients.ts'
import { abortedBy, clientPerConnection } from '#core/aws/sdk-client.ts'
import type { NoteSigner } from '#core/checkpoint/sign.ts'
import { PgctlError } from '#core/errors.ts'

const clientOf = clientPerConnection<KMSClient>(async (settings) => {
  const { KMSClient } = await import('#core/aws/parts/signing.ts')
  return new KMSClient(settings)
})

/** What stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410). */
const KEY_INFO = Buffer.from('302a300506032b6570032100', 'hex')

/** A key of KMS (ECC_NIST_EDWARDS25519, for signing), by its id, ARN or `alias/…`; KMS gives away only its public half. */
export function createNoteSigner(connection: AwsConnection, key: string): NoteSigner {
  return {
    publicKey: (signal) =>
      connection.call(
        { action: 'kms:GetPublicKey', purpose: `get the public key of ${key}`, resource: key },
        signal,
        async () => {
          const { GetPublicKeyCommand } = await import('#core/aws/parts/signing.ts')
          const client = await clientOf(connection)
          const { PublicKey } = await client.send(new GetPublicKeyCommand({ KeyId: key }), abortedBy(signal))
          const der = Buffer.from(PublicKey ?? [])
          if (der.length === KEY_INFO.length + 32 && der.subarray(0, KEY_INFO.length).equals(KEY_INFO))
            return new Uint8Array(der.subarray(KEY_INFO.length))
          throw new PgctlError('encryption-failed', `the key ${key} is no key that signs checkpoints`, {
            why: 'its public half is no Ed25519 key',
            next: 'make one with KeySpec ECC_NIST_EDWARDS25519 and KeyUsage SIGN_VERIFY, as the stack of pgctl does',
          })
        },
      ),
    sign: (message, signal) =>
      connection.call(
        { action: 'kms:Sign', purpose: `sign with the key ${key}`, resource: key },
        signal,
        async () => {
          const { SignCommand } = await import('#core/aws/parts/signing.ts')
          const client = await clientOf(connection)
          const { Signature } = await client.send(
            new SignCommand({
              KeyId: key,
              Message: message,
              MessageType: 'RAW',
              SigningAlgorithm: 'ED25519_SHA_512',
            }),
            abortedBy(signal),
          )
          return new Uint8Array(Signature ?? [])
        },
      ),
  }
}
