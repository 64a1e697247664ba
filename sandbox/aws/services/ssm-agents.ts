import type { Ms } from '#core/clock.ts'
import { AwsError } from '../aws-error.ts'
import { jsonDialect } from '../dialects/json.ts'
import { type AwsService, type Call, type Input, type Operation, textIn } from '../service.ts'

/** What an agent has told of its machine, and when (wall time); what it has not told is not known. */
export interface AgentReport {
  readonly at: Ms
  readonly agentVersion?: string | undefined
  readonly platformName?: string | undefined
  readonly platformVersion?: string | undefined
  readonly address?: string | undefined
  readonly computerName?: string | undefined
}

/** The last report of each machine's agent. */
export class AgentReports {
  readonly #reports = new Map<string, AgentReport>()

  of(instanceId: string): AgentReport | undefined {
    return this.#reports.get(instanceId)
  }

  /** The first report of a start tells little; what an earlier one has told stays. */
  add(instanceId: string, report: AgentReport): void {
    const told = Object.entries(report).filter(([, value]) => value !== undefined)
    this.#reports.set(instanceId, {
      ...this.#reports.get(instanceId),
      ...Object.fromEntries(told),
      at: report.at,
    })
  }
}

/**
 * What agents ask of the service, each for its own machine: no public client has these.
 *
 *     RegisterManagedInstance     once, with a public key; signed with the identity of the machine, not its role
 *     UpdateInstanceInformation   at the start and every five minutes: the ping
 *     ListInstanceAssociations    what State Manager wants done; who may not ask it asks ListAssociations, as everybody may
 */
export function agentOperations(reports: AgentReports): Record<string, Operation> {
  return {
    RegisterManagedInstance: ofAgents({
      run: (input, call) => ({ InstanceId: ownInstance(input, 'Fingerprint', call) }),
    }),
    UpdateInstanceInformation: ofAgents({
      run(input, call) {
        const told = (name: string) => textIn(input, name, validation)
        reports.add(ownInstance(input, 'InstanceId', call), {
          at: call.now.wall,
          agentVersion: told('AgentVersion'),
          platformName: told('PlatformName'),
          platformVersion: told('PlatformVersion'),
          address: told('IPAddress'),
          computerName: told('ComputerName'),
        })
        return {}
      },
    }),
    ListInstanceAssociations: ofAgents({
      run(input, call) {
        ownInstance(input, 'InstanceId', call)
        return { Associations: [] }
      },
    }),
  }
}

/**
 * The older way of messages to agents, which the vendor's asks until its control channel is open. Nothing comes that
 * way here.
 */
export function createMessageDelivery(): AwsService {
  return {
    name: 'ec2messages',
    dialect: jsonDialect('EC2WindowsMessageDeliveryService'),
    operations: {
      GetMessages: ofAgents({
        run: (input, call) => ({
          Destination: ownInstance(input, 'Destination', call),
          Messages: [],
          MessagesRequestId: textIn(input, 'MessagesRequestId', validation) ?? '',
        }),
      }),
    },
  }
}

const ofAgents = (operation: Pick<Operation, 'run'>): Operation => ({
  ofAgents: true,
  resources: () => [],
  ...operation,
})

/** The machine that a request names, which must be the one whose credentials have signed it. */
function ownInstance(input: Input, name: string, { principal, caller }: Call): string {
  const instanceId = textIn(input, name, validation)
  if (principal.kind === 'instance' && instanceId === principal.instanceId) return instanceId
  throw new AwsError('AccessDeniedException', `${caller.arn} is not ${instanceId ?? 'a machine'}`)
}

function validation(message: string): AwsError {
  return new AwsError('ValidationException', message)
}
