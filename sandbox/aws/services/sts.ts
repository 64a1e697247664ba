import { queryDialect } from '../dialects/query.ts'
import type { AwsService } from '../service.ts'

/** STS: who is calling. No policy can forbid asking that. */
export function createSts(): AwsService {
  return {
    name: 'sts',
    dialect: queryDialect('2011-06-15', 'https://sts.amazonaws.com/doc/2011-06-15/'),
    alwaysAllowed: ['GetCallerIdentity'],
    operations: {
      GetCallerIdentity: {
        resources: () => [],
        run: (_input, { caller }) => ({ Arn: caller.arn, UserId: caller.userId, Account: caller.account }),
      },
    },
  }
}
