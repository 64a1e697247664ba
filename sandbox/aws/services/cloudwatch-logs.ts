import type { Ms } from '#core/clock.ts'
import { AwsError } from '../aws-error.ts'
import { jsonDialect } from '../dialects/json.ts'
import { page } from '../pages.ts'
import { type AwsService, type Call, type Input, textIn } from '../service.ts'
import { acceptedEvents, type InputEvent } from './log-batch.ts'

interface StoredEvent extends InputEvent {
  readonly logStreamName: string
  readonly ingestionTime: Ms
}

interface LogGroup {
  readonly streams: Set<string>
  /** Of all streams, by time. */
  readonly events: StoredEvent[]
}

/** CloudWatch Logs: groups and streams that somebody makes, their events by time. */
export function createCloudWatchLogs(): AwsService {
  const groups = new Map<string, LogGroup>()
  const nameOf = (input: Input) => textIn(input, 'logGroupName', invalid) ?? ''
  const streamOf = (input: Input) => {
    const name = textIn(input, 'logStreamName', invalid) ?? ''
    if (!/^[^:*]{1,512}$/.test(name)) throw invalid(`logStreamName ${name} does not fit`)
    return name
  }
  const arn = (input: Input, call: Pick<Call, 'region' | 'caller'>) =>
    `arn:aws:logs:${call.region}:${call.caller.account}:log-group:${nameOf(input)}`
  const resources = (input: Input, call: Call) => [`${arn(input, call)}:*`]
  const resourcesOfStream = (input: Input, call: Call) => [
    `${arn(input, call)}:log-stream:${textIn(input, 'logStreamName', invalid) ?? ''}`,
  ]
  const groupOf = (input: Input): LogGroup => {
    const found = groups.get(nameOf(input))
    if (found === undefined) throw missing('group')
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
          if (groups.has(name)) throw taken('group')
          groups.set(name, { streams: new Set(), events: [] })
          return {}
        },
      },
      CreateLogStream: {
        resources: resourcesOfStream,
        run(input) {
          const { streams } = groupOf(input)
          const name = streamOf(input)
          if (streams.has(name)) throw taken('stream')
          streams.add(name)
          return {}
        },
      },
      PutLogEvents: {
        resources: resourcesOfStream,
        run(input, call) {
          const { streams, events } = groupOf(input)
          const logStreamName = streamOf(input)
          if (!streams.has(logStreamName)) throw missing('stream')
          const now = call.now.wall
          const { accepted, rejected } = acceptedEvents(input['logEvents'], now)
          for (const each of accepted) events.push({ ...each, logStreamName, ingestionTime: now })
          events.sort((one, other) => one.timestamp - other.timestamp)
          return {
            nextSequenceToken: '1',
            ...(rejected === undefined ? {} : { rejectedLogEventsInfo: rejected }),
          }
        },
      },
      FilterLogEvents: {
        resources,
        run(input, call) {
          const { startTime = 0, endTime = Number.MAX_SAFE_INTEGER, limit, nextToken, logStreamNames } = input
          const found = groupOf(input).events.filter(
            ({ timestamp, logStreamName }) =>
              timestamp >= Number(startTime) &&
              timestamp <= Number(endTime) &&
              (!Array.isArray(logStreamNames) || logStreamNames.includes(logStreamName)),
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
            events: items.map((event, at) => ({ ...event, eventId: String(at) })),
            searchedLogStreams: [],
            ...(next === undefined ? {} : { nextToken: next }),
          }
        },
      },
    },
  }
}

function missing(what: 'group' | 'stream'): AwsError {
  return new AwsError('ResourceNotFoundException', `The specified log ${what} does not exist.`)
}

function taken(what: 'group' | 'stream'): AwsError {
  return new AwsError('ResourceAlreadyExistsException', `The specified log ${what} already exists`)
}

function invalid(why: string): AwsError {
  return new AwsError('InvalidParameterException', why)
}
