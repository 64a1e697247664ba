import { AwsError } from '../aws-error.ts'
import type { Operation } from '../service.ts'
import type { SnapshotWorlds } from '../snapshots/snapshot-worlds.ts'

/** What KMS tells of an installation's key, beside what it does with it in `kms.ts`. */
export function kmsKeyOperations(worlds: SnapshotWorlds): Record<string, Operation> {
  return {
    DescribeKey: {
      resources: (input) => [String(input['KeyId'] ?? '*')],
      run(input, call) {
        const wanted = String(input['KeyId'] ?? '')
        const arn = call.world?.kmsKeyArn
        if (arn === undefined || (wanted !== arn && wanted !== arn.split('/')[1]))
          throw new AwsError('NotFoundException', `Key '${wanted}' does not exist`)
        const disabled = worlds.of(call).disabledKeys.has(arn)
        return {
          KeyMetadata: {
            ...{ AWSAccountId: call.caller.account, KeyId: arn.split('/')[1], Arn: arn },
            ...{ KeyState: disabled ? 'Disabled' : 'Enabled', Enabled: !disabled, KeyManager: 'CUSTOMER' },
          },
        }
      },
    },
  }
}
