import type { Fetched } from '#core/image/io/fetch.ts'
import type { LockRenewal } from '#core/image/io/renew-lock.ts'
import type { LockFinding } from '#core/image/judge-lock.ts'
import { ARCHITECTURES, type Lock } from '#core/image/lock.ts'
import type { LockChange } from '#core/image/lock-changes.ts'
import { neutralise } from '#core/text/neutralise.ts'
import { columns } from './columns.ts'
import type { Paint } from './error.ts'

/** What a lock holds, and what keeps an image from being built by it. */
export function renderLock(lock: Lock, findings: readonly LockFinding[], paint: Paint): string {
  const rows = lock.tools.map(({ name, version, licence, sha256, signature }) => [
    `  ${name}`,
    version,
    licence,
    signature.kind,
    ARCHITECTURES.map((each) => (sha256[each] === null ? `${each} unpinned` : each)).join(', '),
  ])
  const { suite, packages } = lock.distribution
  const counts = ARCHITECTURES.map((each) => `${packages[each].length} for ${each}`).join(', ')
  return [...columns(rows), `  packages of ${suite}: ${counts}`, ...findingLines(findings, paint)].join('\n')
}

function findingLines(findings: readonly LockFinding[], paint: Paint): string[] {
  if (findings.length === 0) return [paint('green', 'an image can be built by it')]
  return findings.map(
    ({ name, what, why }) => `${paint('red', `${what}:`)} ${neutralise(name)}: ${neutralise(why)}`,
  )
}

export function lockDocument(lock: Lock, findings: readonly LockFinding[]): object {
  return {
    tools: lock.tools.map(({ name, version, licence, from, sha256 }) => ({
      name,
      version,
      licence,
      from,
      sha256,
    })),
    packages: {
      amd64: lock.distribution.packages.amd64.length,
      arm64: lock.distribution.packages.arm64.length,
    },
    findings,
  }
}

/** What an update changed, or would change. */
export function renderLockUpdate(renewal: LockRenewal, paint: Paint): string {
  const { changes, leftOut, findings, written } = renewal
  return [
    ...changes.map((change) => renderChange(change, paint)),
    ...leftOut.map(
      ({ name, architecture, why }) =>
        `${paint('yellow', 'not looked at:')} ${name} for ${architecture}: ${neutralise(why)}`,
    ),
    ...findingLines(findings, paint),
    changes.length === 0 ? 'nothing changes' : written ? paint('green', 'written') : 'not written',
  ].join('\n')
}

const SIGNS: Readonly<Record<LockChange['kind'], string>> = {
  added: '+',
  removed: '-',
  version: '~',
  pinned: '+',
  swapped: '!',
}

function renderChange({ name, kind, before, after, architecture }: LockChange, paint: Paint): string {
  const where = architecture === null ? '' : ` (${architecture})`
  const values = [before, after].filter((value) => value !== null).map(neutralise)
  const text = `${SIGNS[kind]} ${neutralise(name)}${where} ${values.join(' → ')}`
  return kind === 'swapped' ? paint('red', `${text}: the same version, other content`) : text
}

export function updateDocument({ changes, leftOut, findings, written }: LockRenewal): object {
  return { changes, leftOut, findings, written }
}

export function renderFetched({ tools, packages, kept }: Fetched): string {
  const total = tools.length + packages.length
  return `${tools.length} tools and ${packages.length} packages are as the lock has them (${kept} of ${total} were there)`
}

export function fetchedDocument({ tools, packages, kept }: Fetched): object {
  return {
    tools: tools.map(({ name, version }) => ({ name, version })),
    packages: packages.length,
    kept,
  }
}
