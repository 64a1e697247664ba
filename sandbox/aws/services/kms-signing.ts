import { generateKeyPairSync, sign } from 'node:crypto'
import { digits } from '#sandbox/worlds/ids.ts'
import type { World } from '#sandbox/worlds/installation.ts'
import { AwsError } from '../aws-error.ts'
import { type Call, type Input, type Operation, textIn } from '../service.ts'

const ALGORITHM = 'ED25519_SHA_512'
const MOST_BYTES = 4_096

/** The name of the key that signs how far an installation's ledger has come. */
export function signingAlias({ workspace }: Pick<World, 'workspace'>): string {
  return `alias/${workspace}-pgctl-ledger`
}

/** What KMS does with an installation's second key, which signs (ECC_NIST_EDWARDS25519); it lives as long as the service. */
export function kmsSigningOperations(): Record<string, Operation> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const resources = (input: Input, call: Call) => [keyArnOf(input, call)]
  const common = { SigningAlgorithms: [ALGORITHM], KeyUsage: 'SIGN_VERIFY' } as const
  return {
    GetPublicKey: {
      resources,
      context: (input): Record<string, string> => {
        const key = String(input['KeyId'])
        return key.startsWith('alias/') ? { 'kms:RequestAlias': key } : {}
      },
      run: (input, call) => ({
        KeyId: signingKey(input, call, 'UnsupportedOperationException'),
        PublicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
        CustomerMasterKeySpec: 'ECC_NIST_EDWARDS25519',
        KeySpec: 'ECC_NIST_EDWARDS25519',
        ...common,
      }),
    },
    Sign: {
      resources,
      run(input, call) {
        const key = signingKey(input, call, 'InvalidKeyUsageException')
        const message = Buffer.from(textIn(input, 'Message', validation) ?? '', 'base64')
        if (message.length < 1 || message.length > MOST_BYTES)
          throw validation(`Message must have between 1 and ${MOST_BYTES} bytes`)
        const algorithm = textIn(input, 'SigningAlgorithm', validation)
        if (algorithm !== ALGORITHM)
          throw new AwsError(
            'InvalidKeyUsageException',
            `Algorithm ${algorithm} is incompatible with key spec`,
          )
        if ((input['MessageType'] ?? 'RAW') !== 'RAW')
          throw validation(`${ALGORITHM} signs a message and no digest: MessageType must be RAW`)
        return {
          KeyId: key,
          Signature: sign(null, message, privateKey).toString('base64'),
          SigningAlgorithm: algorithm,
        }
      },
    },
  }
}

function arnOf({ region, account, workspace }: World): string {
  const hex = digits(`${workspace} ledger`, 32)
  const id = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join(
    '-',
  )
  return `arn:aws:kms:${region}:${account}:key/${id}`
}

function keyArnOf(input: Input, { world }: Call): string {
  const wanted = textIn(input, 'KeyId', validation)
  if (wanted === undefined || wanted === '') throw validation('KeyId must not be null')
  if (world !== undefined) {
    const arn = arnOf(world)
    const alias = signingAlias(world)
    if ([arn, arn.split('/')[1], alias, arn.replace(/key\/.*/, alias)].includes(wanted)) return arn
    if (wanted === world.kmsKeyArn || wanted === world.kmsKeyArn.split('/')[1]) return world.kmsKeyArn
  }
  throw new AwsError(
    'NotFoundException',
    wanted.includes('alias/') ? `Alias ${wanted} is not found.` : `Key '${wanted}' does not exist`,
  )
}

/** The key, which must be the one that signs: the other one encrypts. */
function signingKey(input: Input, call: Call, refusal: string): string {
  const arn = keyArnOf(input, call)
  if (arn === call.world?.kmsKeyArn)
    throw new AwsError(refusal, `${arn} key usage is ENCRYPT_DECRYPT which is not valid for this operation.`)
  return arn
}

function validation(why: string): AwsError {
  return new AwsError('ValidationException', why)
}
