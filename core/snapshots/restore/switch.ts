import { retiredName } from '#core/snapshots/restore/names.ts'
import type { RestorePlan, RestoreStep } from '#core/snapshots/restore/plan.ts'

/**
 * How a person goes over to what was restored, and back: said, and never done. A database takes the original's name,
 * and with it the address that the product knows; a cache cannot be renamed, so its new address goes to the product.
 */
export interface Instruction {
  readonly what: string
  /** Commands, in order. */
  readonly commands: readonly string[]
}

export interface SwitchInput {
  readonly plan: RestorePlan
  /** The product's namespace in the cluster. */
  readonly namespace: string
  /** Whether the original of a datastore is still there, by `kind/id`. */
  exists(sourceId: string): boolean
  /** Where a restored one answers, by its name, as far as that is known. */
  endpoint(name: string): string | undefined
}

export function switchOver(input: SwitchInput): Instruction[] {
  const { plan, namespace } = input
  const databases = plan.steps.filter(isDatabase)
  return [
    {
      what: 'stop what writes, and note how many of each there are',
      commands: [
        `kubectl -n ${namespace} get deployments -o custom-columns=NAME:.metadata.name,REPLICAS:.spec.replicas > replicas.txt`,
        `kubectl -n ${namespace} scale deployments --all --replicas=0`,
      ],
    },
    ...databases.flatMap((step) => [
      ...(input.exists(step.sourceId)
        ? [rename(step, idOf(step), retiredName(plan.point, kindOf(step), idOf(step)))]
        : []),
      rename(step, step.name, idOf(step)),
    ]),
    ...plan.steps.filter(isCache).map((step) => ({
      what: `give the product the address of ${step.name} in place of ${idOf(step)}`,
      commands: [
        `# in the Helm values: ${input.endpoint(step.name) ?? 'its address is known once it is available'}`,
      ],
    })),
    ...plan.steps
      .filter(({ gated }) => gated)
      .map((step) => ({
        what: `the gate of ${step.name}: its jobs are of the time of the point, and may have run since; take out those that must not run again before anything connects`,
        commands: [],
      })),
    {
      what: 'start what was stopped, as replicas.txt says',
      commands: [
        `tail -n +2 replicas.txt | while read -r name count; do kubectl -n ${namespace} scale deployment "$name" --replicas="$count"; done`,
      ],
    },
    ...(databases.length === 0
      ? []
      : [
          {
            what: "before the next `terraform apply`: Terraform's state means the original by its resource id; take that out of the state, and import what bears the name now",
            commands: [],
          },
        ]),
  ]
}

export function switchBack(input: SwitchInput): Instruction[] {
  const { plan, namespace } = input
  return [
    {
      what: 'stop what writes; what was written since the switch stays in the restored ones',
      commands: [`kubectl -n ${namespace} scale deployments --all --replicas=0`],
    },
    ...plan.steps
      .filter((step) => isDatabase(step) && input.exists(step.sourceId))
      .flatMap((step) => [
        rename(step, idOf(step), step.name),
        rename(step, retiredName(plan.point, kindOf(step), idOf(step)), idOf(step)),
      ]),
    ...plan.steps
      .filter((step) => isCache(step) && input.exists(step.sourceId))
      .map((step) => ({ what: `give the product the address of ${idOf(step)} again`, commands: [] })),
    { what: 'start what was stopped, as replicas.txt says', commands: [] },
  ]
}

/** How what a restore made is removed again: by hand, as pgctl removes no datastore. */
export function removal({ steps }: RestorePlan): string[] {
  return steps.toReversed().map(({ kind, name, region }) => {
    const [service, command, flag, ...more] = REMOVAL[kind]
    return ['aws', service, command, '--region', region, flag, name, ...more].join(' ')
  })
}

const REMOVAL: Readonly<Record<RestoreStep['kind'], readonly string[]>> = {
  'rds-instance': ['rds', 'delete-db-instance', '--db-instance-identifier', '--skip-final-snapshot'],
  'rds-member': ['rds', 'delete-db-instance', '--db-instance-identifier', '--skip-final-snapshot'],
  'rds-cluster': ['rds', 'delete-db-cluster', '--db-cluster-identifier', '--skip-final-snapshot'],
  'rds-instance-copy': ['rds', 'delete-db-snapshot', '--db-snapshot-identifier'],
  'rds-cluster-copy': ['rds', 'delete-db-cluster-snapshot', '--db-cluster-snapshot-identifier'],
  'cache-cluster': ['elasticache', 'delete-cache-cluster', '--cache-cluster-id'],
  'cache-group': ['elasticache', 'delete-replication-group', '--replication-group-id'],
}

function rename({ kind, region }: RestoreStep, from: string, to: string): Instruction {
  const what = kind === 'rds-cluster' ? 'cluster' : 'instance'
  const flag = `db-${what}-identifier`
  return {
    what: `rename ${from} to ${to}`,
    commands: [
      `aws rds modify-db-${what} --region ${region} --${flag} ${from} --new-${flag} ${to} --apply-immediately`,
      `until aws rds wait db-${what}-available --region ${region} --${flag} ${to}; do sleep 10; done`,
    ],
  }
}

function isDatabase({ kind }: RestoreStep): boolean {
  return kind === 'rds-instance' || kind === 'rds-cluster'
}

function isCache({ kind }: RestoreStep): boolean {
  return kind === 'cache-cluster' || kind === 'cache-group'
}

function kindOf({ kind }: RestoreStep): 'rds-instance' | 'rds-cluster' {
  return kind === 'rds-cluster' ? 'rds-cluster' : 'rds-instance'
}

function idOf({ sourceId }: RestoreStep): string {
  return sourceId.slice(sourceId.indexOf('/') + 1)
}
