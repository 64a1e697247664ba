import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type AwsDeviations, describeAws, NAMES } from '../support/describe-aws.ts'
import { type Emulator, startEmulator } from '../support/emulator.ts'
import { listenersOf } from '../support/listeners-of.ts'
import { describeWith } from '../support/peers.ts'
import { seedInstallation } from '../support/seed-installation.ts'

/** The contract of the AWS adapters with emulators that other people have made after the same services. */

const EMULATORS: readonly { name: 'moto' | 'ministack'; account: string; deviations: AwsDeviations }[] = [
  {
    name: 'moto',
    account: '123456789012',
    deviations: {
      unreadable: ['ssm:DescribeInstanceInformation'],
      // Its end is the last event that is too old, and not the one behind it.
      refusedEvents: { tooOld: 0, tooNew: 1 },
    },
  },
  {
    name: 'ministack',
    account: '000000000000',
    deviations: {
      unreadable: ['eks:DescribeCluster'],
      clusterWithoutCertificate: true,
      refusedEvents: { tooOld: 0, tooNew: 0 },
    },
  },
]

for (const { name, account, deviations } of EMULATORS)
  describeWith([name], `the AWS adapters and ${name}`, { timeout: 300_000 }, () => {
    let emulator: Emulator
    describeAws(async () => {
      emulator = await startEmulator(name)
      return {
        url: emulator.url,
        account,
        key: { accessKeyId: 'AKIAEMULATOR00000000', secretAccessKey: 'not checked here' },
        kmsKey: await seedInstallation(emulator.url, NAMES),
        [Symbol.asyncDispose]: () => emulator[Symbol.asyncDispose](),
      }
    }, deviations)

    it('listens on the loopback only', { timeout: 60_000 }, async () => {
      const addresses = (await listenersOf(emulator.pid)).map(({ address }) => address)
      assert.deepEqual([...new Set(addresses)], ['127.0.0.1'])
    })
  })
