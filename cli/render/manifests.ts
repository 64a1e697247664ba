import { stringify } from 'yaml'
import { CLUSTER_RIGHTS, roleGiving } from '#core/kube/rights.ts'

/** Objects of the API as YAML documents, as `kubectl apply` takes them. */
export function renderManifests(manifests: readonly object[]): string {
  return manifests
    .map((manifest) => `---\n${stringify(manifest, { aliasDuplicateObjects: false })}`.trimEnd())
    .join('\n')
}

/** Which rights each command needs, and the role that has them. */
export function rightsDocument(): object {
  return Object.fromEntries(
    Object.entries(CLUSTER_RIGHTS).map(([command, rights]) => [
      command,
      rights.map((right) => ({ ...right, role: roleGiving(right) ?? null })),
    ]),
  )
}
