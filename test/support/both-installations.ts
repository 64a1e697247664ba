import { WORLD } from '#sandbox/world.ts'
import { GLOBEX } from '#sandbox/worlds/globex.ts'

/** A configuration with both installations of a sandbox, of which commands act on the first. */
export const BOTH_INSTALLATIONS = `installation: acme
installations:
  acme:
    workspace: ${WORLD.workspace}
    account: "${WORLD.account}"
    region: ${WORLD.region}
  globex:
    workspace: ${GLOBEX.workspace}
    account: "${GLOBEX.account}"
    region: ${GLOBEX.region}
    role: ${GLOBEX.role.arn}
    externalId: ${GLOBEX.role.externalId}
`
