/** The contract of the AWS adapters with the sandbox. `test/interop/aws-emulators.test.ts` has it with other people's. */

import { describe } from 'node:test'
import { startSandbox } from '#sandbox/sandbox.ts'
import { WORLD } from '#sandbox/world.ts'
import { describeAws } from '../support/describe-aws.ts'

describe('the AWS adapters and the sandbox', { timeout: 120_000 }, () =>
  describeAws(async () => {
    const sandbox = await startSandbox({ pace: 'none' })
    return {
      url: sandbox.plainEndpoint,
      account: WORLD.account,
      key: sandbox.operator,
      kmsKey: WORLD.kmsKeyArn,
      [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose](),
    }
  }),
)
