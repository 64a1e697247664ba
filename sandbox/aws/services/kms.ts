import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { Bytes } from '#core/clock.ts'
import { AwsError } from '../aws-error.ts'
import { jsonDialect } from '../dialects/json.ts'
import { type AwsService, type Call, type Input, textIn } from '../service.ts'

const NONCE: Bytes = 12
const TAG: Bytes = 16
const MOST_BYTES = 1024
const KEY_SPECS: Readonly<Record<string, Bytes>> = { AES_256: 32, AES_128: 16 }

type Context = Readonly<Record<string, string>>

/** KMS with a key an installation, whose material lives as long as the service. */
export function createKms(): AwsService {
  const material = randomBytes(32)
  return {
    name: 'kms',
    dialect: jsonDialect('TrentService'),
    operations: {
      GenerateDataKey: {
        resources: (input, call) => [keyArnOf(input, call)],
        run(input, call) {
          const length = lengthOf(input)
          if (input['DryRun'] === true)
            throw new AwsError(
              'DryRunOperationException',
              'The request would have succeeded, but the DryRun option is set.',
            )
          const plaintext = randomBytes(length)
          const blob = seal(material, plaintext, contextOf(input))
          return {
            CiphertextBlob: blob.toString('base64'),
            Plaintext: plaintext.toString('base64'),
            KeyId: keyArnOf(input, call),
          }
        },
      },
      Decrypt: {
        resources: (input, call) => [decryptingKey(input, call)],
        run(input, call) {
          const blob = Buffer.from(textIn(input, 'CiphertextBlob', validation) ?? '', 'base64')
          const plaintext = open(material, blob, contextOf(input))
          return {
            Plaintext: plaintext.toString('base64'),
            KeyId: decryptingKey(input, call),
            EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
          }
        },
      },
    },
  }
}

function keyArnOf(input: Input, { world }: Call): string {
  const key = textIn(input, 'KeyId', validation)
  if (key === undefined || key === '') throw validation('KeyId must not be null')
  const known = world?.kmsKeyArn
  if (known === undefined || (key !== known && key !== known.split('/')[1]))
    throw new AwsError('NotFoundException', `Key '${key}' does not exist`)
  return known
}

/** A blob says itself which key it needs, so that none has to be named. */
function decryptingKey(input: Input, call: Call): string {
  return keyArnOf(input['KeyId'] === undefined ? { KeyId: call.world?.kmsKeyArn } : input, call)
}

function lengthOf(input: Input): Bytes {
  const { KeySpec: spec, NumberOfBytes: count } = input
  if ((spec === undefined) === (count === undefined))
    throw validation('Please specify either number of bytes or key spec.')
  if (spec !== undefined) {
    const length = KEY_SPECS[String(spec)]
    if (length === undefined)
      throw validation(`KeySpec ${String(spec)} is not one of ${Object.keys(KEY_SPECS)}`)
    return length
  }
  if (!Number.isInteger(count) || (count as number) < 1 || (count as number) > MOST_BYTES)
    throw validation(`NumberOfBytes must be between 1 and ${MOST_BYTES}`)
  return count as number
}

function contextOf(input: Input): Context {
  const context = input['EncryptionContext'] ?? {}
  if (typeof context !== 'object' || Object.values(context).some((value) => typeof value !== 'string'))
    throw validation('EncryptionContext must be a map of strings')
  return context as Context
}

/** The context is bound to the ciphertext as additional data: order plays no part, every byte does. */
function boundTo(context: Context): Buffer {
  const pairs = Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1))
  return Buffer.from(JSON.stringify(pairs))
}

function seal(material: Buffer, plaintext: Buffer, context: Context): Buffer {
  const nonce = randomBytes(NONCE)
  const cipher = createCipheriv('aes-256-gcm', material, nonce).setAAD(boundTo(context))
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

function open(material: Buffer, blob: Buffer, context: Context): Buffer {
  if (blob.length <= NONCE + TAG) throw new AwsError('InvalidCiphertextException', '')
  const decipher = createDecipheriv('aes-256-gcm', material, blob.subarray(0, NONCE), { authTagLength: TAG })
    .setAAD(boundTo(context))
    .setAuthTag(blob.subarray(blob.length - TAG))
  const plaintext = decipher.update(blob.subarray(NONCE, blob.length - TAG))
  try {
    return Buffer.concat([plaintext, decipher.final()])
  } catch {
    throw new AwsError('InvalidCiphertextException', '')
  }
}

function validation(why: string): AwsError {
  return new AwsError('ValidationException', why)
}
