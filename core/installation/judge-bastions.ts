import type { BastionChoice } from '#core/installation/bastion-choice.ts'
import type { Finding } from '#core/installation/findings.ts'
import type { Bastion, Inventory } from '#core/installation/inventory.ts'
import {
  type InboundRule,
  isEverywhere,
  type ScalingGroup,
  type SecurityGroup,
} from '#core/installation/network.ts'

/** The first agent without CVE-2026-89049, by which a forward reaches link-local addresses in other spellings. */
const FIRST_SAFE_AGENT = '3.3.4851.0'

/** What there is to say of the bastion that sessions go to, and of the others. */
export function judgeBastions({ bastion, others }: BastionChoice): Finding[] {
  const all = [bastion, ...others]
  const findings = all.flatMap((each) => [...judgeAgent(each), ...judgeAddress(each)])
  if (others.length > 0)
    findings.push({
      code: 'several-bastions',
      severity: 'warning',
      message: `${others.length + 1} bastions answer to the name; sessions go to ${bastion.id}, the newest that is online`,
      why: `the others are ${others.map(({ id, state }) => `${id} (${state})`).join(', ')}`,
      next: 'wait for the refresh to end, or name one: "bastion: i-…" in the installation\'s entry',
    })
  return findings
}

/** What lets connections in to bastions, and what keeps them running. */
export function judgeSurroundings({ securityGroups, bastionGroups, region }: Inventory): Finding[] {
  return [
    ...securityGroups.flatMap((group) => judgeRules(group, region)),
    ...bastionGroups.flatMap((group) => judgeScaling(group, region)),
  ]
}

/** One that was told to start nothing leaves no way in once its machine fails. */
function judgeScaling({ name, maximum, suspended }: ScalingGroup, region: string): Finding[] {
  const halted = suspended.filter((process) => process === 'Launch' || process === 'ReplaceUnhealthy')
  if (maximum === 0 || halted.length === 0) return []
  return [
    {
      code: 'bastion-not-replaced',
      severity: 'warning',
      message: `the group ${name} would not replace a bastion that fails`,
      why: `it has been told not to: ${halted.join(', ')}`,
      next: `let it again: aws autoscaling resume-processes --region ${region} --auto-scaling-group-name ${name}`,
    },
  ]
}

function judgeAgent({ id, agent }: Bastion): Finding[] {
  if (agent.kind !== 'registered' || agent.version === undefined) return []
  if (compareVersions(agent.version, FIRST_SAFE_AGENT) >= 0) return []
  return [
    {
      code: 'agent-vulnerable',
      severity: 'failed',
      message: `the agent ${agent.version} of ${id} has CVE-2026-89049: forwards reach link-local addresses through it`,
      why: `the first agent without it is ${FIRST_SAFE_AGENT}`,
      next: `update it: aws ssm send-command --document-name AWS-UpdateSSMAgent --instance-ids ${id}`,
    },
  ]
}

function judgeAddress({ id, publicAddress }: Bastion): Finding[] {
  if (publicAddress === undefined) return []
  return [
    {
      code: 'bastion-public',
      severity: 'warning',
      message: `the bastion ${id} has a public address, ${publicAddress}, and needs none`,
      next: 'move it to a private subnet, or take the address away',
    },
  ]
}

/** Sessions come from inside, by a connection that the agent opens: a bastion needs nothing to be let in. */
function judgeRules({ id, name, inbound }: SecurityGroup, region: string): Finding[] {
  const label = name === undefined ? id : `${id} (${name})`
  return inbound.map((rule): Finding => {
    const open = rule.sources.some(isEverywhere)
    return {
      code: open ? 'bastion-open' : 'bastion-inbound',
      severity: open ? 'failed' : 'warning',
      message: open
        ? `the security group ${label} of the bastion lets the whole internet in to ${describePorts(rule)}`
        : `the security group ${label} of the bastion lets connections in to ${describePorts(rule)}, and sessions need none`,
      why: `from ${rule.sources.join(', ')}`,
      next: `take the rule away: aws ec2 describe-security-group-rules --region ${region} --filters Name=group-id,Values=${id}`,
    }
  })
}

/** `tcp 22`, `udp 1000-2000`, `every port`. */
export function describePorts({ protocol, ports }: InboundRule): string {
  if (ports === undefined) return protocol === 'all' ? 'every port' : protocol
  const [first, last] = ports
  if (first === 0 && last === 65_535) return `every ${protocol} port`
  return first === last ? `${protocol} ${first}` : `${protocol} ${first}-${last}`
}

/** Below, at or above zero, as `a` is older than, the same as or newer than `b`; numbers between dots. */
function compareVersions(a: string, b: string): number {
  const left = numbersOf(a)
  const right = numbersOf(b)
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function numbersOf(version: string): number[] {
  return version.split('.').map((part) => Number.parseInt(part, 10) || 0)
}
