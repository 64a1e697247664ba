/** Network interfaces of an installation's network: what every address in its flow logs belongs to. */

export interface NetworkInterface {
  readonly id: string
  readonly kind: 'instance' | 'pod' | 'function' | 'nat' | 'endpoint' | 'other'
  /** The instance's id, the function's or gateway's name, or the provider's own description. */
  readonly owner: string
}

/** Which part each plays, for whoever asks what a flow is of. */
export interface InterfaceRoles {
  /** Of the cluster: its nodes, and pods with interfaces of their own. */
  readonly workloads: ReadonlySet<string>
  /** Of pgctl's own functions: the only ones whose requests the ledger announces. */
  readonly functions: ReadonlySet<string>
  /** Those that pass on what others send. */
  readonly relays: ReadonlySet<string>
  /** What each belongs to, in a few words. */
  readonly owners: ReadonlyMap<string, string>
}

/**
 * Sorts interfaces into roles. `nodes` are ids of the cluster's instances, `bastions` those of the bastions;
 * `functionPrefix` begins the name of every function of the installation's stack.
 */
export function interfaceRoles(
  interfaces: readonly NetworkInterface[],
  known: {
    readonly nodes: ReadonlySet<string>
    readonly bastions: ReadonlySet<string>
    readonly functionPrefix: string
  },
): InterfaceRoles {
  const workloads = new Set<string>()
  const functions = new Set<string>()
  const relays = new Set<string>()
  const owners = new Map<string, string>()
  for (const { id, kind, owner } of interfaces) {
    const isNode = kind === 'pod' || (kind === 'instance' && known.nodes.has(owner))
    const isBastion = kind === 'instance' && known.bastions.has(owner)
    if (isNode) workloads.add(id)
    if (kind === 'function' && owner.startsWith(known.functionPrefix)) functions.add(id)
    if (kind === 'nat') relays.add(id)
    owners.set(
      id,
      isNode ? `node ${owner}` : isBastion ? `bastion ${owner}` : `${kind} ${owner}`.replace(/^other /, ''),
    )
  }
  return { workloads, functions, relays, owners }
}
