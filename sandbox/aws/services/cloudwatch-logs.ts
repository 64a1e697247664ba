import { AwsError } from '../aws-error.ts'
import { jsonDialect } from '../dialects/json.ts'
import { page } from '../pages.ts'
import { type AwsService, type Input, textIn } from '../service.ts'

interface StoredEvent {
  readonly timestamp: number
  readonly message: string
  readonly logStreamName: string
}

/** CloudWatch Logs: groups that somebody makes, their events by time. */
export function createCloudWatchLogs(): AwsService {
  const groups = new Map<string, StoredEvent[]>()
  const nameOf = (input: Input) => textIn(input, 'logGroupName', invalid) ?? ''
  const resources = (input: Input, call: { region: string; caller: { account: string } }) => [
    `arn:aws:logs:${call.region}:${call.caller.account}:log-group:${nameOf(input)}:*`,
  ]
  const groupOf = (input: Input): StoredEvent[] => {
    const found = groups.get(nameOf(input))
    if (found === undefined)
      throw new AwsError('ResourceNotFoundException', 'The specified log group does not exist.')
    return found
  }
  return {
    name: 'logs',
    dialect: jsonDialect('Logs_20140328'),
    operations: {
      CreateLogGroup: {
        resources,
        run(input) {
          const name = nameOf(input)
          if (!/^[\w./#-]{1,512}$/.test(name)) throw invalid(`logGroupName ${name} does not fit`)
          if (groups.has(name))
            throw new AwsError('ResourceAlreadyExistsException', 'The specified log group already exists')
          groups.set(name, [])
          return {}
        },
      },
      CreateLogStream: {
        resources,
        run(input) {
          groupOf(input)
          return {}
        },
      },
      PutLogEvents: {
        resources,
        run(input) {
          const group = groupOf(input)
          const logStreamName = textIn(input, 'logStreamName', invalid) ?? ''
          for (const each of (input['logEvents'] ?? []) as { timestamp: number; message: string }[])
            group.push({ timestamp: each.timestamp, message: each.message, logStreamName })
          group.sort((one, other) => one.timestamp - other.timestamp)
          return { nextSequenceToken: '1' }
        },
      },
      FilterLogEvents: {
        resources,
        run(input, call) {
          const { startTime = 0, endTime = Number.MAX_SAFE_INTEGER, limit, nextToken } = input
          const found = groupOf(input).filter(
            ({ timestamp }) => timestamp >= Number(startTime) && timestamp <= Number(endTime),
          )
          const refuse = (): never => {
            throw invalid('The specified nextToken is invalid.')
          }
          const token = nextToken === undefined ? undefined : String(nextToken)
          const { items, next } = page(
            found,
            limit === undefined ? 10_000 : Number(limit),
            token,
            refuse,
            call.paging,
          )
          return {
            events: items.map((event, at) => ({
              ...event,
              ingestionTime: event.timestamp,
              eventId: String(at),
            })),
            searchedLogStreams: [],
            ...(next === undefined ? {} : { nextToken: next }),
          }
        },
      },
    },
  }
}

function invalid(why: string): AwsError {
  return new AwsError('InvalidParameterException', why)
}
