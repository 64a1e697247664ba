import type { Bastion } from '#core/installation/inventory.ts'
import { inventoryDocument } from './inventory-document.ts'
import type { StatusReport } from './status.ts'

/** The report for a program; its fields are listed in `docs/json-output.md`. */
export function statusDocument({
  installation,
  identity,
  inventory,
  assessment,
  limits,
}: StatusReport): object {
  const chosen = assessment.choice?.bastion
  return {
    installation: installation.name,
    workspace: inventory.workspace,
    cloud: installation.cloud,
    region: inventory.region,
    account: installation.account,
    caller: identity.arn,
    healthy: assessment.healthy,
    bastion: chosen === undefined ? null : bastionDocument(chosen),
    otherBastions: inventory.bastions.filter((each) => each !== chosen).map(bastionDocument),
    sessionLimits:
      limits === undefined
        ? null
        : {
            idleMinutes: minutes(limits.idle),
            maximumMinutes: limits.maximum === undefined ? null : minutes(limits.maximum),
          },
    cluster:
      inventory.cluster === undefined
        ? null
        : {
            name: inventory.cluster.name,
            status: inventory.cluster.status,
            version: inventory.cluster.version ?? null,
            host: inventory.cluster.host,
            publicAccess: inventory.cluster.publicAccess ?? null,
          },
    ...inventoryDocument(inventory),
    findings: assessment.findings.map(({ code, severity, message, why, next }) => ({
      code,
      severity,
      message,
      why: why ?? null,
      next: next ?? null,
    })),
  }
}

function bastionDocument({
  id,
  name,
  state,
  launchedAt,
  privateAddress,
  publicAddress,
  role,
  zone,
  subnetId,
  securityGroups,
  group,
  agent,
}: Bastion): object {
  return {
    id,
    name: name ?? null,
    state,
    launchedAt: time(launchedAt),
    privateAddress: privateAddress ?? null,
    publicAddress: publicAddress ?? null,
    role: role ?? null,
    zone: zone ?? null,
    subnet: subnetId ?? null,
    securityGroups,
    group: group ?? null,
    agent:
      agent.kind === 'registered'
        ? { state: agent.ping, lastPing: time(agent.lastPing), version: agent.version ?? null }
        : { state: agent.kind, lastPing: null, version: null },
  }
}

function time(moment: number | undefined): string | null {
  return moment === undefined ? null : new Date(moment).toISOString()
}

function minutes(duration: number): number {
  return duration / 60_000
}
