import type { Ms } from '#core/clock.ts'
import type { WorldState } from '#sandbox/world-state.ts'
import type { World } from '#sandbox/worlds/installation.ts'
import { AwsError } from '../aws-error.ts'
import { jsonDialect } from '../dialects/json.ts'
import type { AwsService, Call, Input } from '../service.ts'

const MINUTE: Ms = 60_000
const DAY: Ms = 24 * 60 * MINUTE

/** CloudTrail with the trail of the installation, which writes to its bucket of logs. */
export function createCloudTrail(state: WorldState): AwsService {
  const trailOf = ({ world }: Call): World | undefined =>
    world === undefined || state.knobsOf(world).trail === 'missing' ? undefined : world
  return {
    name: 'cloudtrail',
    dialect: jsonDialect('CloudTrail_20131101'),
    operations: {
      DescribeTrails: {
        resources: () => [],
        run(input, call) {
          const wanted = (input['trailNameList'] ?? []) as readonly string[]
          const world = trailOf(call)
          const trails = world === undefined ? [] : [world]
          // A name that is none is passed over, as the service does.
          return {
            trailList: trails
              .filter((one) => wanted.length === 0 || wanted.some((name) => isNameOf(name, one)))
              .map(describe),
          }
        },
      },
      GetTrailStatus: {
        resources: (input, call) => [arnOfName(String(input['Name']), call)],
        run: (input, call) => statusOf(input, call, trailOf(call), state),
      },
    },
  }
}

function describe(world: World): object {
  return {
    Name: nameOf(world),
    TrailARN: arnOf(world),
    HomeRegion: world.region,
    S3BucketName: `${world.workspace}-logs`,
    S3KeyPrefix: 'cloudtrail',
    IncludeGlobalServiceEvents: true,
    IsMultiRegionTrail: false,
    IsOrganizationTrail: false,
    LogFileValidationEnabled: true,
    HasCustomEventSelectors: false,
    HasInsightSelectors: false,
  }
}

function statusOf(input: Input, call: Call, world: World | undefined, state: WorldState): object {
  const name = String(input['Name'])
  const { wall } = call.now
  if (world === undefined || !isNameOf(name, world))
    throw new AwsError('TrailNotFoundException', `Unknown trail: ${arnOfName(name, call)}`)
  const isOn = state.knobsOf(world).trail === 'logging'
  const last = isOn ? wall : state.began - DAY
  return {
    IsLogging: isOn,
    LatestDeliveryTime: (last - 4 * MINUTE) / 1000,
    LatestDigestDeliveryTime: (last - 31 * MINUTE) / 1000,
    StartLoggingTime: Date.parse('2026-03-02T10:25:19Z') / 1000,
    ...(isOn ? {} : { StopLoggingTime: last / 1000 }),
  }
}

function nameOf({ workspace }: World): string {
  return `${workspace}-cloudtrail`
}

function isNameOf(name: string, world: World): boolean {
  return name === nameOf(world) || name === arnOf(world)
}

function arnOf(world: World): string {
  return `arn:aws:cloudtrail:${world.region}:${world.account}:trail/${nameOf(world)}`
}

function arnOfName(name: string, { region, caller }: Call): string {
  return name.startsWith('arn:') ? name : `arn:aws:cloudtrail:${region}:${caller.account}:trail/${name}`
}
