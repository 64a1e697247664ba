import { connectAws } from '#core/aws/clients.ts'
import { createDocumentTable } from '#core/aws/document-table.ts'
import { createNoteSigner } from '#core/aws/note-signer.ts'
import { putNewObject } from '#core/aws/objects.ts'
import { createShelf } from '#core/checkpoint/shelf.ts'
import { createOutboundAgents } from '#core/io/outbound.ts'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import { openLedger } from '#core/vendor/ledger.ts'
import type { CheckpointFunctionDeps } from './ledger-checkpoint.ts'
import { VARIABLES } from './names.ts'
import { variableOf, versionOf } from './variables.ts'

/** Wires what signs the ledger, from the function's variables; it sends nothing to anybody but the account's services. */
export function wireCheckpointFunction(environment: NodeJS.ProcessEnv): CheckpointFunctionDeps {
  const connection = connectAws({
    region: variableOf(environment, 'AWS_REGION'),
    environment,
    agents: createOutboundAgents(environment),
    clock: systemClock,
    version: versionOf(),
  })
  const installation = variableOf(environment, VARIABLES.installation)
  const store = createDocumentTable(connection, variableOf(environment, VARIABLES.table))
  const bucket = variableOf(environment, VARIABLES.checkpointBucket)
  return {
    installation,
    ledger: openLedger({ store, installation, clock: systemClock, random: systemRandom }),
    signer: createNoteSigner(connection, variableOf(environment, VARIABLES.signingKey)),
    shelf: createShelf(store, installation, ({ note }, { head }, signal) =>
      putNewObject(
        connection,
        { bucket, key: `${installation}/${String(head.seq).padStart(10, '0')}.note` },
        note,
        signal,
      ),
    ),
  }
}
