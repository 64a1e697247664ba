import { AwsError } from '../aws-error.ts'
import { page } from '../pages.ts'
import { type Call, type Input, type Operation, textIn } from '../service.ts'
import type { LogGroup } from './cloudwatch-logs.ts'

/** How many a page holds at most, and unless told otherwise. */
const MOST = 50

/** Which log groups and streams there are: agents ask it before they write a session down. */
export function logListings(groups: ReadonlyMap<string, LogGroup>): Record<string, Operation> {
  const arnOf = (name: string, { region, caller }: Call) =>
    `arn:aws:logs:${region}:${caller.account}:log-group:${name}`
  return {
    DescribeLogGroups: {
      resources: () => [],
      run(input, call) {
        const prefix = textIn(input, 'logGroupNamePrefix', invalid) ?? ''
        const found = [...groups].filter(([name]) => name.startsWith(prefix)).sort(byName)
        const { items, next } = cut(found, input, call)
        const logGroups = items.map(([logGroupName, { kmsKeyId }]) => ({
          logGroupName,
          arn: `${arnOf(logGroupName, call)}:*`,
          ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
        }))
        return { logGroups, ...next }
      },
    },
    DescribeLogStreams: {
      resources: (input, call) => [`${arnOf(textIn(input, 'logGroupName', invalid) ?? '', call)}:*`],
      run(input, call) {
        const name = textIn(input, 'logGroupName', invalid) ?? ''
        const group = groups.get(name)
        if (group === undefined)
          throw new AwsError('ResourceNotFoundException', 'The specified log group does not exist.')
        const prefix = textIn(input, 'logStreamNamePrefix', invalid) ?? ''
        const found = [...group.streams].filter((stream) => stream.startsWith(prefix)).sort()
        const { items, next } = cut(found, input, call)
        const logStreams = items.map((logStreamName) => ({
          logStreamName,
          arn: `${arnOf(name, call)}:log-stream:${logStreamName}`,
        }))
        return { logStreams, ...next }
      },
    },
  }
}

const byName = ([one]: readonly [string, unknown], [other]: readonly [string, unknown]) =>
  one < other ? -1 : 1

function cut<Item>(
  found: readonly Item[],
  input: Input,
  call: Call,
): { readonly items: readonly Item[]; readonly next: object } {
  const refuse = (): never => {
    throw invalid('The specified nextToken is invalid.')
  }
  const limit = Number(input['limit'] ?? MOST)
  const { items, next } = page(found, limit, textIn(input, 'nextToken', invalid), refuse, call.paging)
  return { items, next: next === undefined ? {} : { nextToken: next } }
}

function invalid(why: string): AwsError {
  return new AwsError('InvalidParameterException', why)
}
